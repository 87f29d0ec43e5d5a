"""What the charging profiles of a connector come to over time: a pure function (OCPP 1.6 §3.13, 2.0.1 K01).

Of one purpose, the valid profile of the highest stack level leads, and one of the connector leads over one of the whole
station. A profile for the transaction overrules the default ones. The lowest of the leading ones of all purposes is the
limit. A profile whose schedule says nothing at a moment (not begun, over) leaves it to the next level.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

STATION_MAX, DEFAULT, TRANSACTION, EXTERNAL = "station_max", "default", "transaction", "external"
PURPOSES = (STATION_MAX, DEFAULT, TRANSACTION)
ABSOLUTE, RECURRING, RELATIVE = "absolute", "recurring", "relative"
KINDS = (ABSOLUTE, RECURRING, RELATIVE)
CYCLES = {"daily": timedelta(days=1), "weekly": timedelta(days=7)}
#: Changes of a composite schedule that are followed; a day of minutes.
MOST_PERIODS = 1500


@dataclass(frozen=True, slots=True)
class Period:
    """From `start_s` after the schedule's begin, `limit` in the profile's unit, on so many phases."""

    start_s: int
    limit: float
    phases: int | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """A charging profile as a station holds it. `evse` 0 is the whole station; `unit` is A (per phase) or W (in all).

    `starts_at` is when the schedule begins; a relative one begins with its transaction. `transaction_id` is None where
    it goes for whatever transaction runs.
    """

    purpose: str
    kind: str
    stack_level: int
    unit: str
    periods: tuple[Period, ...]
    evse: int = 0
    recurrency: str = ""
    starts_at: datetime | None = None
    duration_s: float = math.inf
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    transaction_id: str | None = None
    name: str = ""

    def begin(self, moment: datetime, transaction_start: datetime | None) -> datetime | None:
        """When the schedule that covers `moment` began; None when there is none."""
        if self.kind == RELATIVE or self.starts_at is None:
            return transaction_start if self.kind != RECURRING else None
        if self.kind == RECURRING:
            cycle = CYCLES.get(self.recurrency, CYCLES["daily"])
            return self.starts_at + (moment - self.starts_at) // cycle * cycle
        return self.starts_at

    def at(self, moment: datetime, transaction_start: datetime | None) -> Period | None:
        """The period that holds at a moment; None when the profile says nothing then."""
        if (self.valid_from and moment < self.valid_from) or (self.valid_to and moment >= self.valid_to):
            return None
        begin = self.begin(moment, transaction_start)
        offset = (moment - begin).total_seconds() if begin else -1.0
        if not 0 <= offset < self.duration_s:
            return None
        return next((period for period in reversed(self.periods) if period.start_s <= offset), None)

    def edges(self, begin: datetime, end: datetime, transaction_start: datetime | None) -> set[datetime]:
        """Every moment in (begin, end) at which it may say something else."""
        found = {moment for moment in (self.valid_from, self.valid_to) if moment}
        cycle = CYCLES.get(self.recurrency, CYCLES["daily"])
        first, last = self.begin(begin, transaction_start), self.begin(end, transaction_start)
        offsets: list[float] = [period.start_s for period in self.periods]
        offsets += [self.duration_s] if math.isfinite(self.duration_s) else []
        while first and last and first <= last:
            found |= {first + timedelta(seconds=offset) for offset in offsets}
            if self.kind != RECURRING:
                break
            first += cycle
        return {moment for moment in found if begin < moment < end}


@dataclass(frozen=True, slots=True)
class Step:
    """From `start_s` on, a limit, or None where no profile says any; `because` names the profile that sets it."""

    start_s: int
    limit: float | None
    because: str = ""


def leading(
    profiles: Sequence[Profile],
    purpose: str,
    evses: tuple[int, ...],
    moment: datetime,
    started: datetime | None,
    transaction_id: str | None,
) -> tuple[Profile, Period] | None:
    """The profile of a purpose that leads at a moment, with its period."""
    best: tuple[tuple[int, int], Profile, Period] | None = None
    for profile in profiles:
        if profile.purpose != purpose or profile.evse not in evses:
            continue
        if purpose == TRANSACTION and profile.transaction_id not in (None, transaction_id):
            continue
        period = profile.at(moment, started)
        rank = (profile.stack_level, profile.evse)
        if period is not None and (best is None or rank > best[0]):
            best = (rank, profile, period)
    return best[1:] if best else None


def in_unit(profile: Profile, period: Period, unit: str, volts: float, phases: int) -> float:
    """A period's limit in A per phase or W in all."""
    if profile.unit == unit:
        return period.limit
    count = min(phases, period.phases or phases)
    return period.limit * volts * count if unit == "W" else period.limit / (volts * count)


def limit_at(
    profiles: Sequence[Profile],
    evse: int,
    moment: datetime,
    *,
    unit: str,
    started: datetime | None = None,
    transaction_id: str | None = None,
    volts: float = 230.0,
    phases: int = 3,
) -> tuple[float | None, str]:
    """(limit in `unit`, what sets it) of an EVSE at a moment; None where no profile limits it."""

    def lead(purpose: str, *evses: int) -> tuple[Profile, Period] | None:
        return leading(profiles, purpose, evses, moment, started, transaction_id)

    own = lead(TRANSACTION, 0, evse) if started else None
    whole = leading(profiles, STATION_MAX, (0,), moment, None, None)
    found = [own or lead(DEFAULT, 0, evse), whole, lead(EXTERNAL, 0, evse)]
    said = [(in_unit(*pair, unit, volts, phases), pair[0].name) for pair in found if pair]
    return min(said) if said else (None, "")


def composite(
    profiles: Sequence[Profile],
    evse: int,
    begin: datetime,
    duration_s: int,
    *,
    unit: str = "A",
    started: datetime | None = None,
    transaction_id: str | None = None,
    volts: float = 230.0,
    phases: int = 3,
) -> list[Step]:
    """The composite schedule of an EVSE, as steps from `begin`; each begins where the limit changes.

    Args:
        started: when the transaction that runs began; None where none runs.
        volts, phases: how A and W are compared: at this voltage, on so many phases.
    """
    end = begin + timedelta(seconds=duration_s)
    edges = set.union({begin}, *(profile.edges(begin, end, started) for profile in profiles))
    if started and begin < started < end:
        edges.add(started)
    steps: list[Step] = []
    for moment in sorted(edges)[:MOST_PERIODS]:
        running = started if started and started <= moment else None
        limit, because = limit_at(
            profiles,
            evse,
            moment,
            unit=unit,
            started=running,
            transaction_id=transaction_id,
            volts=volts,
            phases=phases,
        )
        if not steps or steps[-1].limit != limit:
            steps.append(Step(round((moment - begin).total_seconds()), limit, because))
    return steps


def differences(
    ours: Sequence[Step], theirs: Sequence[Step], duration_s: int, tolerance: float = 0.1
) -> list[tuple[int, int, float | None, float | None]]:
    """Where two schedules in the same unit differ: (from_s, to_s, ours, theirs), in order."""
    marks = sorted({0, *(step.start_s for step in (*ours, *theirs) if 0 <= step.start_s < duration_s)})
    found: list[tuple[int, int, float | None, float | None]] = []
    for start, end in zip(marks, [*marks[1:], duration_s], strict=True):
        one, other = value_at(ours, start), value_at(theirs, start)
        same = one == other or (one is not None and other is not None and abs(one - other) <= tolerance)
        if same:
            continue
        if found and found[-1][1] == start and found[-1][2:] == (one, other):
            found[-1] = (found[-1][0], end, one, other)
        else:
            found.append((start, end, one, other))
    return found


def value_at(steps: Sequence[Step], second: int) -> float | None:
    return next((step.limit for step in reversed(steps) if step.start_s <= second), None)
