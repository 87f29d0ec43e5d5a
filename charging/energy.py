"""The energy of a session, from what its meter said: one pure fold, used while it runs and when it is settled.

Registers in the field restart at 0, dip for one sample, count per session, begin at a placeholder 0. The fold takes
register values in the order of time and keeps these rules:

- rising values add their difference;
- a value below the one before is held back: when the next value is at least the old level, it was a dip and is
  dropped; when the next one rises from the low value, the register has restarted and counting goes on from 0;
- a baseline of 0 that is followed by a register no car could have reached by then is no baseline: the first live
  value takes its place;
- a final value counts like any other, and a session without restart is exactly final minus baseline.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

#: What a connector could deliver when nothing better is known.
UNKNOWN_RATED_POWER_W = 400_000
TOLERANCE = 1.1
CENT = Decimal("0.01")
HOUR = timedelta(hours=1)
LAST = datetime.max.replace(tzinfo=UTC)


def most_wh(rated_power_w: float | None, seconds: float) -> float:
    """The energy that can have flowed in a time, with tolerance, and a watt-hour for registers that round."""
    return (rated_power_w or UNKNOWN_RATED_POWER_W) * max(seconds, 0.0) / 3600 * TOLERANCE + 1.0


@dataclass(slots=True)
class EnergyFold:
    """Register values in, session energy out; O(1) per value.

    Attributes:
        begin_wh, begin_at: the baseline and its time, where known.
        curve: (time, cumulative Wh) after each counted value, kept only when `keep_curve`.
    """

    begin_wh: float | None = None
    begin_at: datetime | None = None
    rated_power_w: float | None = None
    keep_curve: bool = False
    first_wh: float | None = None
    last_wh: float | None = None
    last_at: datetime | None = None
    counted_wh: float = 0.0
    restarts: int = 0
    dips: int = 0
    baseline_replaced: bool = False
    held_wh: float | None = None
    held_at: datetime | None = None
    curve: list[tuple[datetime, float]] = field(default_factory=list)

    def add(self, at: datetime, register_wh: float) -> None:
        """Take the next live value. Values must come in the order of `at`."""
        if self.first_wh is None:
            self._open(at, register_wh)
        elif self.held_wh is not None:
            self._resolve(at, register_wh)
        elif register_wh >= self.last_wh:  # type: ignore[operator]
            self.counted_wh += register_wh - self.last_wh  # type: ignore[operator]
            self.last_wh, self.last_at = register_wh, at
        else:
            self.held_wh, self.held_at = register_wh, at
            return
        if self.keep_curve:
            self.curve.append((at, self.energy_wh()))

    def _open(self, at: datetime, register_wh: float) -> None:
        self.first_wh = self.last_wh = register_wh
        self.last_at = at
        if self.begin_wh is not None and self.begin_wh <= 0 < register_wh:
            seconds = (at - self.begin_at).total_seconds() if self.begin_at else 0.0
            self.baseline_replaced = register_wh - self.begin_wh > max(most_wh(self.rated_power_w, seconds), 1000.0)

    def _resolve(self, at: datetime, register_wh: float) -> None:
        assert self.held_wh is not None and self.last_wh is not None
        if register_wh >= self.last_wh:
            self.dips += 1
            self.counted_wh += register_wh - self.last_wh
        elif register_wh >= self.held_wh:
            self.restarts += 1
            self.counted_wh += register_wh
        else:
            # Lower still: the held value was noise on the way down; judge the new one by what follows.
            self.held_wh, self.held_at = register_wh, at
            return
        self.held_wh = self.held_at = None
        self.last_wh, self.last_at = register_wh, at

    def energy_wh(self) -> float:
        """The session's energy so far."""
        return max(self._before_first() + self.counted_wh, 0.0)

    def _before_first(self) -> float:
        """What flowed between the baseline and the first live value."""
        if self.begin_wh is None or self.first_wh is None or self.baseline_replaced:
            return 0.0
        if self.first_wh >= self.begin_wh:
            return self.first_wh - self.begin_wh
        # The live register is another one than the baseline's (it counts per session), or it restarted in between.
        return self.first_wh

    def finish(self, at: datetime, end_wh: float | None) -> tuple[float, list[str]]:
        """The settled energy in Wh and the flags that explain it.

        Args:
            at: when the session ended.
            end_wh: the final register, where the station sent one.
        """
        flags: list[str] = []
        if self.first_wh is None:
            energy = self._without_values(end_wh, flags)
        else:
            energy = self._with_values(at, end_wh, flags)
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
        return end_wh - self.begin_wh

    def _with_values(self, at: datetime, end_wh: float | None, flags: list[str]) -> float:
        if end_wh is None:
            return self.energy_wh()
        begin = self.first_wh if self.baseline_replaced or self.begin_wh is None else self.begin_wh
        assert begin is not None and self.last_wh is not None
        other_register = self.begin_wh is not None and self.first_wh is not None and self.first_wh < self.begin_wh
        if not self.restarts and end_wh >= begin and (other_register or self._unbroken(end_wh)):
            if self.held_wh is not None:
                self.dips += 1
                self.held_wh = self.held_at = None
            return end_wh - begin
        held = self.held_wh is not None
        if end_wh >= self.last_wh or (held and end_wh >= (self.held_wh or 0.0)):
            self.add(at, end_wh)
        else:
            flags.append("stop_below_last_value" if end_wh >= begin else "stop_below_start")
        return self.energy_wh()

    def _unbroken(self, end_wh: float) -> bool:
        return self.last_wh is not None and end_wh >= self.last_wh


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
    """Energy times price, rounded half up to the cent, once; None while the price is unknown."""
    if price_per_kwh is None:
        return None
    energy_kwh = Decimal(str(round(energy_wh, 3))) / 1000
    return (energy_kwh * price_per_kwh).quantize(CENT, rounding=ROUND_HALF_UP)


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
