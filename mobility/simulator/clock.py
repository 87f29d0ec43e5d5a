"""The simulated station's clock: how speed, energy and timestamps relate."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime

DEFAULT_BACKLOG_S = 7 * 24 * 3600.0


class Clock:
    """Simulated time in seconds, and the UTC time the station believes it is.

    At speed 1 the station lives in real time. At speed X > 1 its clock starts `backlog_s` in the past
    and runs X times as fast as real time until it has caught up with the present; from then on it runs
    at speed 1. Power, energy, metering intervals and timestamps all follow this one clock, so
    energy_wh / duration is always what the connector can deliver, timestamps never run backwards and are
    never in the future. Network matters (heartbeats, retries, reconnects, time-outs) stay in real seconds.
    """

    def __init__(
        self,
        speed: float = 1.0,
        backlog_s: float | None = None,
        *,
        now: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        if speed <= 0:
            raise ValueError("speed must be positive")
        self.speed = speed
        self.backlog_s = (DEFAULT_BACKLOG_S if backlog_s is None else backlog_s) if speed > 1 else 0.0
        self._monotonic = monotonic
        self._started = monotonic()
        self._epoch = now() - self.backlog_s
        self._correction_s = 0.0

    def seconds(self) -> float:
        """Simulated seconds since the clock was made; never decreases."""
        elapsed = self._monotonic() - self._started
        return min(self.speed * elapsed, self.backlog_s + elapsed)

    def utc(self) -> datetime:
        """The station's own idea of the current time."""
        return datetime.fromtimestamp(self._epoch + self._correction_s + self.seconds(), UTC)

    def synchronise(self, current_time: datetime) -> None:
        """Take the server's currentTime (OCPP 1.6 §4.2, 2.0.1 G02). A station that replays the past keeps its own."""
        if self.speed != 1:
            return
        drift = (current_time - self.utc()).total_seconds()
        if abs(drift) > 2:
            self._correction_s += drift

    def real_delay(self, simulated_s: float) -> float:
        """Real seconds until `simulated_s` more simulated seconds have passed."""
        if simulated_s <= 0:
            return 0.0
        elapsed = self._monotonic() - self._started
        target = self.seconds() + simulated_s
        fast = target / self.speed
        caught_up = self.backlog_s / (self.speed - 1) if self.speed > 1 else float("inf")
        return max(0.0, (fast if fast <= caught_up else target - self.backlog_s) - elapsed)

    async def sleep(self, simulated_s: float) -> None:
        await asyncio.sleep(self.real_delay(simulated_s))


def timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds, as OCPP wants it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_time(text: str) -> datetime:
    """An RFC 3339 date-time; without a zone it means UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
