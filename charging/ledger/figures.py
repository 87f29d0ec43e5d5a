"""What a process counts of its work, for /metrics: plain numbers, added to once per batch."""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from threading import Lock

#: Upper bounds of the histograms; the last bucket has none.
SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 512)
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
#: Station-supplied names make keys: beyond this many, new ones are counted together.
MOST_KEYS = 2000

#: (sender, action, outcome) of a message; (kind, status) of a command that ended.
Outcome = tuple[str, str, str]
Ended = tuple[str, str]

#: How this process has seen commands end: by an answer in a gateway, a time-out in a worker, taken back in a portal.
ENDED: dict[Ended, int] = {}
_ended = Lock()


def count_ended(kind: str, status: str) -> None:
    with _ended:
        ENDED[kind, status] = ENDED.get((kind, status), 0) + 1


@dataclass(slots=True)
class Figures:
    """Counts since the start; written by the ledger's thread, read by whoever scrapes."""

    batches: int = 0
    works: int = 0
    retried: int = 0
    failed: int = 0
    seconds: float = 0.0
    largest: int = 0
    sizes: list[int] = field(default_factory=lambda: [0] * (len(SIZES) + 1))
    latencies: list[int] = field(default_factory=lambda: [0] * (len(SECONDS) + 1))
    messages: dict[Outcome, int] = field(default_factory=dict)

    def batch_done(self, size: int, seconds: float) -> None:
        self.batches += 1
        self.works += size
        self.seconds += seconds
        if size > self.largest:
            self.largest = size
        self.sizes[bisect_left(SIZES, size)] += 1
        self.latencies[bisect_left(SECONDS, seconds)] += 1

    def committed(self, outcomes: Iterable[Outcome], ended: Iterable[Ended]) -> None:
        messages = self.messages
        for key in outcomes:
            try:
                messages[key] += 1
            except KeyError:
                if len(messages) >= MOST_KEYS:
                    key = key[0], "", ""
                messages[key] = messages.get(key, 0) + 1
        for kind, status in ended:
            count_ended(kind, status)
