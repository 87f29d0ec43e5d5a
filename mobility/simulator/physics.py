"""Pure model of an EVSE with an electric vehicle: power, energy and state of charge over time.

Time is given in seconds, power in W, energy in Wh, state of charge as a fraction. Solved in closed form,
so that one step of an hour and 3,600 steps of a second give the same energy, and an idle station costs nothing.
"""

import math
from dataclasses import dataclass, field

KNEE_SOC = 0.8
TAPER_FLOOR = 0.1
EFFICIENCY = 0.92
MIN_CURRENT_A = 6.0


@dataclass
class Vehicle:
    """A car: `max_power_w` is what its on-board charger (AC) or battery (DC) takes below 80 % charge.

    A car that naps falls asleep when its offer ends, and sleeps through so many returns of the power before it wakes.
    """

    battery_wh: float = 60_000.0
    soc: float = 0.3
    max_power_w: float = 11_040.0
    phases: int = 3
    naps: int = 0
    asleep: bool = False
    in_the_dark: bool = False

    def offered(self, limit_w: float) -> None:
        """See that power is offered, or none."""
        if limit_w <= 0:
            self.in_the_dark = True
            self.asleep = self.asleep or self.naps > 0
        elif self.in_the_dark:
            self.in_the_dark = False
            if self.naps > 0:
                self.naps -= 1
            else:
                self.asleep = False

    @property
    def full(self) -> bool:
        return self.soc >= 1.0 - 1e-9

    def accepted_w(self) -> float:
        """Power the battery takes now: constant up to 80 %, then falling linearly to a tenth at 100 %."""
        if self.full or self.asleep:
            return 0.0
        over = max(0.0, self.soc - KNEE_SOC) / (1 - KNEE_SOC)
        return self.max_power_w * (1 - (1 - TAPER_FLOOR) * over)

    def charge(self, seconds: float, limit_w: float) -> float:
        """Charge for `seconds` with at most `limit_w`; returns the energy taken from the meter in Wh."""
        taken_wh = 0.0
        if limit_w <= 0 or self.full or self.asleep or seconds <= 0:
            return taken_wh
        flat_w = min(limit_w, self.max_power_w)
        until_soc = self._flat_until(flat_w)
        if self.soc < until_soc:
            needed_s = (until_soc - self.soc) * self.battery_wh / (EFFICIENCY * flat_w) * 3600
            step_s = min(seconds, needed_s)
            taken_wh += flat_w * step_s / 3600
            self.soc = (
                until_soc if step_s == needed_s else self.soc + EFFICIENCY * flat_w * step_s / 3600 / self.battery_wh
            )
            seconds -= step_s
        if seconds > 0 and not self.full:
            taken_wh += self._taper(seconds)
        return taken_wh

    def seconds_to_full(self, limit_w: float) -> float:
        """Seconds until the battery is full at this limit; infinite without power."""
        if self.full:
            return 0.0
        flat_w = min(limit_w, self.max_power_w)
        if flat_w <= 0 or self.asleep:
            return math.inf
        until_soc = self._flat_until(flat_w)
        seconds = max(0.0, until_soc - self.soc) * self.battery_wh / (EFFICIENCY * flat_w) * 3600
        start = max(self.soc, until_soc)
        if start < 1:
            asymptote, rate = self._taper_shape()
            seconds += math.log((asymptote - start) / (asymptote - 1)) / rate
        return seconds

    def _flat_until(self, flat_w: float) -> float:
        share = flat_w / self.max_power_w
        return min(1.0, KNEE_SOC + (1 - KNEE_SOC) * (1 - share) / (1 - TAPER_FLOOR))

    def _taper_shape(self) -> tuple[float, float]:
        slope = (1 - TAPER_FLOOR) / (1 - KNEE_SOC)
        asymptote = (1 + KNEE_SOC * slope) / slope
        return asymptote, slope * EFFICIENCY * self.max_power_w / self.battery_wh / 3600

    def _taper(self, seconds: float) -> float:
        asymptote, rate = self._taper_shape()
        before = self.soc
        self.soc = min(1.0, asymptote - (asymptote - before) * math.exp(-rate * seconds))
        return (self.soc - before) * self.battery_wh / EFFICIENCY


@dataclass(frozen=True)
class Reading:
    """One look at the meter."""

    energy_wh: int
    power_w: float
    current_a: float
    voltage_v: float
    phases: int
    soc_percent: float | None
    offered_w: float
    offered_a: float
    lines_a: tuple[float, ...] = ()

    def samples(self, measurand: str, value: float) -> list[tuple[float, dict[str, str]]]:
        """The value, and the current of each line beside their own: (value, what else a sample says)."""
        lines = self.lines_a if measurand == "Current.Import" else ()
        return [(value, {}), *((amps, {"phase": f"L{number}"}) for number, amps in enumerate(lines, start=1))]


@dataclass
class Evse:
    """An EVSE with its meter; `offered_*` is what the charging schedules leave of its rating (A per phase)."""

    rated_power_w: float = 11_040.0
    phases: int = 3
    dc: bool = False
    register_wh: float = 0.0
    vehicle: Vehicle | None = None
    closed: bool = False
    offered_w: float = math.inf
    offered_a: float = math.inf
    offered_phases: int = 3
    _at_s: float = field(default=0.0, repr=False)

    @property
    def voltage_v(self) -> float:
        return 400.0 if self.dc else 230.0

    def used_phases(self) -> int:
        """Phases that carry current: what EVSE, car and schedule have in common."""
        if self.dc:
            return 1
        return max(1, min(self.phases, self.vehicle.phases if self.vehicle else 3, self.offered_phases))

    def limit_w(self) -> float:
        """The offer to the car in W: 0 when it is below the 6 A per phase that IEC 61851 needs."""
        phases = self.used_phases()
        rated_w = self.rated_power_w * phases / (1 if self.dc else self.phases)
        limit = min(rated_w, self.offered_w, self.offered_a * self.voltage_v * phases)
        floor = 0.0 if self.dc else MIN_CURRENT_A * self.voltage_v * phases
        return limit if limit >= floor - 1e-6 else 0.0

    def power_w(self) -> float:
        if not self.closed or self.vehicle is None:
            return 0.0
        return min(self.limit_w(), self.vehicle.accepted_w())

    def advance(self, at_s: float) -> None:
        """Bring meter and battery to the simulated second `at_s`; call it before anything changes."""
        seconds, self._at_s = at_s - self._at_s, max(at_s, self._at_s)
        if seconds > 0 and self.closed and self.vehicle is not None:
            self.register_wh += self.vehicle.charge(seconds, self.limit_w())

    def seconds_to_full(self) -> float:
        return self.vehicle.seconds_to_full(self.limit_w()) if self.closed and self.vehicle else math.inf

    def read(self) -> Reading:
        phases, power_w, limit_w = self.used_phases(), self.power_w(), self.limit_w()
        return Reading(
            energy_wh=int(self.register_wh + 1e-6),
            power_w=round(power_w, 1),
            current_a=round(power_w / (self.voltage_v * phases), 2),
            voltage_v=self.voltage_v,
            phases=phases,
            soc_percent=round(self.vehicle.soc * 100, 1) if self.vehicle else None,
            offered_w=round(limit_w, 1),
            offered_a=round(limit_w / (self.voltage_v * phases), 2),
            lines_a=self.lines_a(power_w, phases),
        )

    def lines_a(self, power_w: float, used: int) -> tuple[float, ...]:
        """The current of each line of an outlet that has several."""
        if self.dc or self.phases == 1:
            return ()
        amps = round(power_w / (self.voltage_v * used), 2)
        return tuple(amps if line < used else 0.0 for line in range(self.phases))
