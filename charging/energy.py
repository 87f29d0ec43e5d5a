"""The energy of a session, from what its meter said: one pure fold, used while it runs and when it is settled.

Registers in the field restart at 0, dip for one sample, count per session, begin at a placeholder 0. The fold takes
register values in the order of time, the baseline first, and keeps these rules:

- rising values add their difference;
- a value below the one before is held back: when a later one is at least the old level, it was a dip and is dropped;
  when a later one rises from less than half of the old level, the register has restarted, and counting goes on from 0;
  a smaller step back is noise, and nothing counts until the old level is reached again;
- a baseline of 0 that is followed by a register no car could have reached by then is no baseline: the first live
  value takes its place;
- a final value counts like any other, and a session without restart is exactly final minus baseline, also where the
  live values come from a register that counts per session.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

#: What a connector could deliver when nothing better is known.
UNKNOWN_RATED_POWER_W = 400_000
TOLERANCE = 1.1
#: A register that begins at 0 and is next seen above this did not begin at 0, however long that took.
MOST_FROM_ZERO_WH = 300_000.0
LAST = datetime.max.replace(tzinfo=UTC)
CENT = Decimal("0.01")
#: Beyond this no figure means anything: 1 PWh, and the largest amount that is stored.
MOST_WH = 1e15
MOST_COST = Decimal("9999999999.99")
HOUR = timedelta(hours=1)


def most_wh(rated_power_w: float | None, seconds: float) -> float:
    """The energy that can have flowed in a time, with tolerance, and a watt-hour for registers that round."""
    return (rated_power_w or UNKNOWN_RATED_POWER_W) * max(seconds, 0.0) / 3600 * TOLERANCE + 1.0


@dataclass(slots=True)
class EnergyFold:
    """Register values in, session energy out; O(1) per value.

    Attributes:
        begin_wh, begin_at: the baseline and its time, where known; else the first live value is the baseline.
        curve: (time, cumulative Wh) after each counted value, kept only when `keep_curve`.
    """

    begin_wh: float | None = None
    begin_at: datetime | None = None
    rated_power_w: float | None = None
    keep_curve: bool = False
    base_wh: float | None = None
    last_wh: float = 0.0
    last_at: datetime | None = None
    counted_wh: float = 0.0
    values: int = 0
    restarts: int = 0
    dips: int = 0
    baseline_replaced: bool = False
    held_wh: float | None = None
    curve: list[tuple[datetime, float]] = field(default_factory=list)

    def add(self, at: datetime, register_wh: float) -> None:
        """Take the next live value. Values must come in the order of `at`."""
        if self.base_wh is None:
            self._open(at, register_wh)
        self.values += 1
        if self.base_wh == self.last_wh <= 0 < register_wh and not self.restarts:
            self._check_baseline(at, register_wh)
        if register_wh >= self.last_wh:
            self.dips += self.held_wh is not None
            self._count(at, register_wh, self.last_wh)
        elif self.held_wh is None or register_wh <= self.held_wh:
            self.held_wh = register_wh
        elif self.held_wh < self.last_wh / 2:
            self.restarts += 1
            self._count(at, register_wh, 0.0 if register_wh <= self._most_since(at) else self.held_wh)

    def _open(self, at: datetime, register_wh: float) -> None:
        if self.begin_wh is None:
            self.base_wh, self.last_at = register_wh, at
        else:
            self.base_wh, self.last_at = self.begin_wh, self.begin_at
        self.last_wh = self.base_wh

    def _check_baseline(self, at: datetime, register_wh: float) -> None:
        possible = min(max(self._most_since(at), 1000.0), MOST_FROM_ZERO_WH)
        if register_wh - self.last_wh > possible:
            self.baseline_replaced = True
            self.base_wh = self.last_wh = register_wh

    def _most_since(self, at: datetime) -> float:
        """What can have flowed since the last counted value."""
        return most_wh(self.rated_power_w, (at - self.last_at).total_seconds()) if self.last_at else MOST_FROM_ZERO_WH

    def _count(self, at: datetime, register_wh: float, from_wh: float) -> None:
        self.counted_wh += register_wh - from_wh
        self.last_wh, self.last_at, self.held_wh = register_wh, at, None
        if self.keep_curve:
            self.curve.append((at, self.counted_wh))

    def energy_wh(self) -> float:
        """The session's energy so far."""
        return max(self.counted_wh, 0.0)

    def finish(self, at: datetime, end_wh: float | None) -> tuple[float, list[str]]:
        """The settled energy in Wh and the flags that explain it.

        Args:
            at: when the session ended.
            end_wh: the final register, where the station sent one.
        """
        flags: list[str] = []
        energy = self._without_values(end_wh, flags) if self.base_wh is None else self._with_values(at, end_wh, flags)
        if self.baseline_replaced:
            flags.append("baseline_replaced")
        if self.restarts:
            flags.append("meter_restarted")
        if self.dips:
            flags.append("dip_dropped")
        return energy, flags

    def _without_values(self, end_wh: float | None, flags: list[str]) -> float:
        if self.begin_wh is None or end_wh is None:
            flags.append("no_meter_values")
            return 0.0
        if end_wh < self.begin_wh:
            flags.append("stop_below_start")
            return 0.0
        if self.begin_wh <= 0 and end_wh > MOST_FROM_ZERO_WH:
            flags.append("implausible_energy")
        return end_wh - self.begin_wh

    def _with_values(self, at: datetime, end_wh: float | None, flags: list[str]) -> float:
        assert self.base_wh is not None
        if end_wh is None:
            return self.energy_wh()
        if self._is_whole(end_wh):
            self.dips += self.held_wh is not None
            self.restarts, self.held_wh = 0, None
            return end_wh - self.base_wh
        before = self.restarts
        if self.held_wh is not None and 0 < end_wh == self.held_wh < self.last_wh / 2:
            # The final value confirms the low one: the register had restarted and nothing flowed since.
            self.restarts += 1
            self._count(at, end_wh, 0.0 if end_wh <= self._most_since(at) else end_wh)
        elif end_wh >= self.last_wh or self.held_wh is not None:
            self.add(at, end_wh)
        if end_wh < self.last_wh or (self.held_wh is not None and self.restarts == before):
            flags.append("stop_below_last_value" if end_wh >= self.base_wh else "stop_below_start")
        return self.energy_wh()

    def _is_whole(self, end_wh: float) -> bool:
        """Whether the final value stands in one line with the baseline.

        After a drop it still may: then the live values are those of a register that counts per session. It does if
        what it says of the whole session is nearer to what was counted than what it would add as the next live value.
        """
        assert self.base_wh is not None
        if not self.restarts:
            return end_wh >= self.last_wh
        return end_wh >= self.base_wh and abs(end_wh - self.base_wh - self.counted_wh) < abs(end_wh - self.last_wh)


def session_energy(
    values: list[tuple[datetime, float]],
    *,
    begin_wh: float | None = None,
    begin_at: datetime | None = None,
    end_wh: float | None = None,
    end_at: datetime | None = None,
    rated_power_w: float | None = None,
) -> tuple[float, list[str]]:
    """Energy in Wh and flags of a whole session; `values` are (time, register Wh) in any order."""
    fold = EnergyFold(begin_wh=begin_wh, begin_at=begin_at, rated_power_w=rated_power_w)
    for at, register_wh in sorted(values):
        fold.add(at, register_wh)
    if end_at is None and end_wh is None:
        return fold.finish(fold.last_at or begin_at or LAST, None)
    return fold.finish(end_at or fold.last_at or LAST, end_wh)


def cost_of(energy_wh: float, price_per_kwh: Decimal | None) -> Decimal | None:
    """Energy times price, rounded half up to the cent, once; None while the price is unknown.

    A nonsensical register may not keep its session from being stored: what the column cannot hold is cut.
    """
    if price_per_kwh is None:
        return None
    milliwatthours = round(min(energy_wh, MOST_WH) * 1000)
    return min((price_per_kwh * milliwatthours / 1_000_000).quantize(CENT, rounding=ROUND_HALF_UP), MOST_COST)


def split_by_hour(begin: datetime, end: datetime, energy_wh: float) -> dict[datetime, float]:
    """Spread energy evenly over the time between two readings: {start of the hour: Wh}."""
    hour = end.replace(minute=0, second=0, microsecond=0)
    if begin >= hour or end <= begin:
        return {hour: energy_wh}
    seconds = (end - begin).total_seconds()
    parts: dict[datetime, float] = {}
    at = begin
    while at < end:
        hour = at.replace(minute=0, second=0, microsecond=0)
        until = min(hour + HOUR, end)
        parts[hour] = energy_wh * (until - at).total_seconds() / seconds
        at = until
    return parts


def energy_by_hour(begin: datetime, curve: list[tuple[datetime, float]], total_wh: float) -> dict[datetime, float]:
    """What of a session's energy falls in which hour: {start of the hour: Wh}.

    Args:
        begin: when the session began.
        curve: (time, cumulative Wh) in order; what goes beyond `total_wh`, or back, counts nothing.
    """
    found: dict[datetime, float] = {}
    at, reached = begin, 0.0
    hour = begin.replace(minute=0, second=0, microsecond=0)
    next_hour = hour + HOUR
    for until, cumulative in curve:
        until = max(until, at)
        cumulative = min(cumulative, total_wh)
        if cumulative > reached:
            if until < next_hour:
                # Nearly always: within the hour of the value before.
                found[hour] = found.get(hour, 0.0) + cumulative - reached
            else:
                for part, wh in split_by_hour(at, until, cumulative - reached).items():
                    found[part] = found.get(part, 0.0) + wh
            reached = cumulative
        at = until
        if at >= next_hour:
            hour = at.replace(minute=0, second=0, microsecond=0)
            next_hour = hour + HOUR
    return found
