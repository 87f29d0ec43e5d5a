"""Rows that wait to be sent: claimed, sent a few at once, and recorded, for as long as any are due."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TypeVar

from django.utils import timezone

Row = TypeVar("Row")
Outcome = TypeVar("Outcome")

#: How many go out at once.
AT_ONCE = 8
#: How long one run goes on taking what is due; the next one continues.
RUN_S = 20


def send_due(
    turn: threading.Lock,
    claim: Callable[[datetime], list[Row]],
    attempts: Callable[[list[Row]], Sequence[Callable[[], Outcome]]],
    record: Callable[[Row, Outcome, datetime], None],
) -> None:
    """Send what is due. Any number of workers may do it at once; in one process one run is enough, and leaves its other
    threads to other tasks however slow the receivers are.

    Args:
        turn: held by the run of this process.
        claim: takes rows, so that of all workers that see one, one has it.
        attempts: for each row what to do; that asks nothing of the database, and runs in another thread.
        record: writes down how it went.
    """
    if not turn.acquire(blocking=False):
        return
    end = time.monotonic() + RUN_S
    try:
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="sending") as pool:
            while time.monotonic() < end and (rows := claim(timezone.now())):
                outcomes = [pool.submit(attempt) for attempt in attempts(rows)]
                for row, outcome in zip(rows, outcomes, strict=True):
                    record(row, outcome.result(), timezone.now())
    finally:
        turn.release()
