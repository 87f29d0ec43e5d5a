"""What may flow at a schedule's outlet, and when: circuits, other people's plans, and charging profiles.

A plan is a promise, so it counts on no more than there is: on each circuit above the outlet the fuse, less what flows
to others there, less what other plans have reserved, less the fair share of sessions that nobody has planned. Of two
plans for the same hours the one that was made first keeps them.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from django.db.models import Q
from django.utils.dateparse import parse_datetime

from charging import balancer
from charging.allocation import Circuit as Fuse
from charging.allocation import Demand, allocate
from charging.composite import composite
from charging.models import ChargingProfile, Circuit, Connector, Outlet, Schedule, ScheduleRun, SiteLoad
from charging.planner import Limit
from charging.queries import profiles

#: A session that nobody has planned is taken to go on for this long, looked at anew every hour.
UNPLANNED = timedelta(hours=4)
#: Measured loads of others are rounded up to such steps, so that a plan does not follow each lamp.
LOAD_STEP_A = 5.0
GRID = timedelta(minutes=5)
#: More changes than this within a night are joined: each costs an allocation.
MOST_EDGES = 400
VOLTS = 230.0


@dataclass(frozen=True, slots=True)
class Taken:
    """What another outlet draws from `begin` to `end`, in A per phase: reserved by a plan, or asked for without one."""

    outlet: int
    begin: datetime
    end: datetime
    amps: float
    reserved: bool


@dataclass(frozen=True, slots=True)
class Room:
    """All that the power at an outlet depends on beside its own rating; everything in it is plain."""

    outlet: Outlet | None
    load: SiteLoad | None
    fuses: tuple[Fuse, ...]
    others: tuple[Outlet, ...]
    taken: tuple[Taken, ...]
    profiles: tuple[Any, ...]
    volts: float = VOLTS
    phases: int = 3

    @property
    def key(self) -> str:
        """A digest: the limits change only where this does, and with time."""
        values: list[Any] = [(fuse.pk, fuse.parent, fuse.limit_a, fuse.load_a) for fuse in self.fuses]
        values += [(one.outlet, one.begin, one.end, one.amps, one.reserved) for one in self.taken if one.reserved]
        values += sorted({one.outlet for one in self.taken if not one.reserved})
        values += [repr(profile) for profile in self.profiles]
        if self.outlet is not None and self.load is not None:
            values += [self.outlet.circuit_id, self.outlet.lines, self.outlet.rated_a, self.load.minimum_a, self.volts]
            values += [self.phases]
        return hashlib.sha256(json.dumps(values, default=str).encode()).hexdigest() if values else ""

    def limits(self, begin: datetime, end: datetime) -> list[Limit]:
        """What may flow from `begin` to `end`, in W; nothing where nothing limits it."""
        return lowest(self.by_circuits(begin, end), self.by_profiles(begin, end))

    def by_circuits(self, begin: datetime, end: datetime) -> list[Limit]:
        outlet = self.outlet
        if outlet is None or self.load is None or not self.fuses:
            return []
        found: list[Limit] = []
        watts_per_amp = self.volts * self.phases
        for first, last in pairwise(edges(self.taken, begin, end)):
            power_w = self.share_a(outlet, first, last) * watts_per_amp
            if found and found[-1].power_w == power_w:
                found[-1] = replace(found[-1], end=last)
            else:
                found.append(Limit(first, last, power_w))
        return found

    def share_a(self, outlet: Outlet, begin: datetime, end: datetime) -> float:
        """What the outlet gets beside all others from `begin` to `end`, in A per phase."""
        assert self.load is not None
        minimum_a = self.load.minimum_a
        now = [one for one in self.taken if one.begin < end and one.end > begin]
        reserved: dict[int, float] = defaultdict(float)
        for one in now:
            if one.reserved:
                reserved[one.outlet] = max(reserved[one.outlet], one.amps)
        asking = {one.outlet for one in now if not one.reserved and one.outlet not in reserved}
        demands = [Demand(outlet.pk, outlet.circuit_id, outlet.lines, outlet.rated_a, minimum_a, outlet.weight)]
        for other in self.others:
            bound_a: float | None = reserved.get(other.pk)
            if bound_a is None and other.pk not in asking:
                # Without a car its fail-safe is kept free; that is 0 A where the site says no other.
                bound_a = self.load.failsafe_a
            weight = 1 if other.guest else other.weight
            demands.append(
                Demand(other.pk, other.circuit_id, other.lines, other.rated_a, minimum_a, weight, bound_a=bound_a)
            )
        share = allocate(self.fuses, demands).shares[outlet.pk]
        return share.amps

    def by_profiles(self, begin: datetime, end: datetime) -> list[Limit]:
        """What the station holds of profiles that people have sent."""
        if not self.profiles:
            return []
        evse = max(profile.evse for profile in self.profiles)
        steps = composite(
            self.profiles,
            evse,
            begin,
            int((end - begin).total_seconds()) + 1,
            unit="W",
            started=begin,
            volts=self.volts,
            phases=self.phases,
        )
        moments = [begin + timedelta(seconds=step.start_s) for step in steps] + [end]
        return [
            Limit(first, last, step.limit)
            for step, (first, last) in zip(steps, pairwise(moments), strict=True)
            if step.limit is not None and first < last
        ]


def edges(taken: Iterable[Taken], begin: datetime, end: datetime) -> list[datetime]:
    """Every moment at which something begins or ends, `begin` and `end` included."""
    inner = {edge for one in taken for edge in (one.begin, one.end) if begin < edge < end}
    return [begin, *sorted(inner)[:MOST_EDGES], end]


def lowest(some: Sequence[Limit], others: Sequence[Limit]) -> list[Limit]:
    """Both together: at each moment the lower of the two, or the one that there is."""
    if not some or not others:
        return list(some or others)
    marks = sorted({edge for limit in (*some, *others) for edge in (limit.begin, limit.end)})
    found: list[Limit] = []
    for begin, end in pairwise(marks):
        here = [limit.power_w for limit in (*some, *others) if limit.begin <= begin and limit.end >= end]
        if here:
            found.append(Limit(begin, end, min(here)))
    return found


def room_of(connector: Connector | None, now: datetime, car_phases: int | None = None) -> Room:
    """How things stand around an outlet: a few queries, however large its site is."""
    held: list[Any] = []
    if connector is not None:
        # What is bound to the session that runs, and what stores a plan, says nothing of other hours.
        rows = ChargingProfile.objects.filter(Q(connector=connector) | Q(connector=None), kept=False)
        rows = rows.filter(station_id=connector.station_id, transaction=None, status__in=profiles.HELD)
        held = [profiles.profile_of(row) for row in rows.select_related("connector", "transaction")]
    outlet = Outlet.objects.filter(connector=connector).select_related("circuit").first() if connector else None
    phases = min(outlet.phases if outlet else 3, car_phases or 3)
    if outlet is None:
        return Room(None, None, (), (), (), tuple(held), phases=phases)
    site_id = outlet.circuit.site_id
    load = SiteLoad.objects.filter(pk=site_id, enabled=True).first()
    if load is None:
        return Room(outlet, None, (), (), (), tuple(held), phases=phases)
    others = tuple(row for row in balancer.outlets_of(site_id) if row.pk != outlet.pk)
    fuses = tuple(planned_fuse(row, now) for row in Circuit.objects.filter(site_id=site_id).order_by("pk"))
    taken = tuple(taken_by(others, load, now))
    return Room(outlet, load, fuses, others, taken, tuple(held), load.voltage_v, phases)


def planned_fuse(row: Circuit, now: datetime) -> Fuse:
    """A circuit with what others may be expected to draw: the reserve, or what a meter says where that is more."""
    measured = balancer.load_of(row, now)
    loads = tuple(max(row.reserve_a, -(-amps // LOAD_STEP_A) * LOAD_STEP_A) for amps in measured)
    return Fuse(row.pk, row.parent_id, row.limit_a, loads if measured != (row.reserve_a,) * 3 else measured)  # type: ignore[arg-type]


def taken_by(others: Sequence[Outlet], load: SiteLoad, now: datetime) -> list[Taken]:
    """What other outlets draw: the powers of smart plans, and what windows and sessions without a plan ask for."""
    of_connector = {row.connector_id: row for row in others}
    stations: dict[int, list[Outlet]] = defaultdict(list)
    for row in others:
        stations[row.connector.station_id].append(row)
    found: list[Taken] = []
    planned: set[int] = set()
    hour = now.replace(minute=0, second=0, microsecond=0)
    rows = Schedule.objects.filter(station__in=stations, enabled=True, mode=Schedule.Mode.SMART, charge_now=False)
    for connector_id, station_id, car_phases, plan in rows.values_list(
        "connector_id", "station_id", "car__phases", "plan"
    ):
        alone = stations[station_id][0] if len(stations[station_id]) == 1 else None
        outlet = of_connector.get(connector_id) if connector_id else alone
        if outlet is None or plan.get("waits_for_car"):
            continue
        powers = powers_of(plan)
        planned |= {outlet.pk} if powers else set()
        watts_per_amp = load.voltage_v * min(outlet.phases, car_phases or 3)
        found += [
            Taken(
                outlet.pk, max(hour, on_grid(one.begin)), on_grid(one.end, up=True), one.power_w / watts_per_amp, True
            )
            for one in powers
            if one.end > now
        ]
    runs = ScheduleRun.objects.filter(schedule__station__in=stations, end_at__gt=now, key__startswith="window:")
    runs = runs.exclude(state__in=ScheduleRun.OVER)
    for connector_id, station_id, begin, end in runs.values_list(
        "schedule__connector_id", "schedule__station_id", "begin_at", "end_at"
    ):
        alone = stations[station_id][0] if len(stations[station_id]) == 1 else None
        outlet = of_connector.get(connector_id) if connector_id else alone
        if outlet is not None:
            planned.add(outlet.pk)
            found.append(Taken(outlet.pk, begin, end, outlet.rated_a, False))
    for row in others:
        tx = balancer.running(row)
        if tx is None or row.pk in planned or tx.charging_state == balancer.RESTING[0]:
            continue
        if row.connector.status not in balancer.RESTING:
            found.append(Taken(row.pk, hour, hour + UNPLANNED, row.rated_a, False))
    return found


def powers_of(shown: dict[str, Any]) -> list[Limit]:
    """The powers of a plan as it is kept with its schedule."""
    found = []
    for row in shown.get("powers") or []:
        begin, end = parse_datetime(row["begin"]), parse_datetime(row["end"])
        if begin is not None and end is not None:
            found.append(Limit(begin, end, float(row["power_w"])))
    return found


def on_grid(moment: datetime, *, up: bool = False) -> datetime:
    """The step of five minutes at or before a moment, or after it: plans made anew for the same time stay the same,
    and no other plan is cut into slivers by them."""
    below = moment.replace(minute=moment.minute // 5 * 5, second=0, microsecond=0)
    return below + GRID if up and below < moment else below
