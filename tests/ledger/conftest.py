"""What the ledger's tests share."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.ledger import harness
from tests.ledger.harness import Bench

NewBench = Callable[..., Bench]


@pytest.fixture
def bench(db: None) -> Iterator[NewBench]:
    """`bench("1.6")` -> a fresh station and a ledger without its thread, inside the test's database transaction."""
    with harness.ledger() as ledger:

        def make(protocol: str = "1.6", **station: Any) -> Bench:
            return Bench(ledger, protocol, **station)

        yield make
