"""Wait for a condition, never for a time."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(condition: Callable[[], T | None], what: str = "the condition", timeout: float = 15) -> T:
    """Ask `condition` again and again until it is truthy, and return what it then said.

    An AssertionError inside `condition` counts as "not yet"; after `timeout` seconds the last one is raised.
    """
    deadline = time.monotonic() + timeout
    pause = 0.005
    while True:
        failure: AssertionError | None = None
        seen: object = None
        try:
            seen = condition()
            if seen:
                return seen
        except AssertionError as error:
            failure = error
        if time.monotonic() > deadline:
            if failure:
                raise failure
            raise AssertionError(f"waited {timeout:g} s for {what}; last seen: {seen!r}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.2)
