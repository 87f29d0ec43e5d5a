"""What stations do wrong has words."""

import re
from pathlib import Path

import pytest

from charging.violations import WORDS, in_words
from tests.support.environment import ROOT

#: How the gateway and the ledger name what they have found.
NAMED = re.compile(
    r"""(?:\.note\(|\.append\(\(|Unreadable\(|violate\([\w.]+,\s|violations=\[\(|self\.wrong\.append\(\()"([a-z_]+)"|\[\("(repeated_message)\""""
)


def named(folder: str) -> set[str]:
    found: set[str] = set()
    for path in Path(ROOT, folder).glob("*.py"):
        for match in NAMED.finditer(path.read_text()):
            found.add(match[1] or match[2])
    return found


def test_every_kind_has_words() -> None:
    kinds = named("ocpp_gateway") | named("charging/ledger")
    assert len(kinds) > 25
    assert kinds - WORDS.keys() == set()


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("boot_loop", "Boots again and again"),
        ("refused_occurrence", "Sends messages whose content is refused"),
        ("something_new", "something new"),
    ],
)
def test_in_words(kind: str, words: str) -> None:
    assert in_words(kind) == words
