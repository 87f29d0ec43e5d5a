"""Who knocks too often: token buckets over failed handshakes, checked before any hash or database work.

Only failures count, by source and by (source, identity). The bucket of a source holds for identities that are not
known: guessing names gets dear, while a real station behind the same address still gets in.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable

MOST_KEYS = 50_000


class Buckets:
    """Token buckets by key, bounded in number; the longest unused one is forgotten first."""

    def __init__(self, size: float, refill_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.size, self.refill_s, self.clock = size, refill_s, clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def _now(self, key: str) -> float:
        left, at = self._left.get(key, (self.size, self.clock()))
        return min(self.size, left + (self.clock() - at) / self.refill_s)

    def take(self, key: str) -> None:
        self._left[key] = (max(self._now(key) - 1, 0.0), self.clock())
        self._left.move_to_end(key)
        if len(self._left) > MOST_KEYS:
            self._left.popitem(last=False)

    def wait_s(self, key: str) -> int:
        """Seconds until the key has a token again; 0 when it has one."""
        if key not in self._left:
            return 0
        left = self._now(key)
        return 0 if left >= 1 else math.ceil((1 - left) * self.refill_s)


class FailedHandshakes:
    def __init__(self, per_source: int, per_identity: int, refill_s: float) -> None:
        self.sources = Buckets(per_source, refill_s)
        self.pairs = Buckets(per_identity, refill_s)

    def wait_s(self, source: str, identity: str, *, known: bool) -> int:
        """How long this source has to wait before it may try this identity; 0: not at all."""
        wait = self.pairs.wait_s(f"{source} {identity}")
        return wait if known else max(wait, self.sources.wait_s(source))

    def failed(self, source: str, identity: str) -> None:
        self.sources.take(source)
        self.pairs.take(f"{source} {identity}")


class FrameRate:
    """Frames of one station: a burst that holds an offline backlog, then a steady rate, then the socket is slowed."""

    __slots__ = ("at", "left")
    BURST, PER_SECOND = 10_000.0, 200.0

    def __init__(self) -> None:
        self.left, self.at = self.BURST, time.monotonic()

    def delay_s(self, now: float) -> float:
        """Take one frame; how long to wait before the next is read."""
        self.left = min(self.BURST, self.left + (now - self.at) * self.PER_SECOND) - 1
        self.at = now
        return 0.0 if self.left > 0 else min(-self.left / self.PER_SECOND + 0.01, 1.0)


class Asked:
    """What a station that is not accepted was asked to send, and may for a while (2.0.1 B02.FR.09)."""

    def __init__(self, for_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.for_s, self.clock = for_s, clock
        self._until: dict[str, float] = {}

    def allow(self, action: str) -> None:
        self._until[action] = self.clock() + self.for_s

    def __contains__(self, action: str) -> bool:
        return self.clock() < self._until.get(action, 0.0)
