"""Plans count on no more power than there is, and no schedule draws more than its site allows."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from django.utils.dateparse import parse_datetime

from charging import balancer
from charging.models import ChargingProfile, Circuit, Command, Outlet, Schedule, ScheduleRun, SiteLoad
from charging.scheduling import plans
from charging.scheduling.room import powers_of
from tests.schedules.test_fortnight import local
from tests.schedules.world import Car, World, utc

pytestmark = pytest.mark.django_db

#: 32 A on one phase.
SMART: dict[str, Any] = {"mode": "smart", "ready_by": time(7), "target_wh": 20_000, "power_w": 7360}
EVENING = utc(2026, 6, 2, 18)


@pytest.fixture
def world() -> Iterator[World]:
    made = World(EVENING)
    with made.clock():
        yield made


def fuse(world: World, amps: float, **more: Any) -> Circuit:
    """The main fuse, with every outlet so far behind it on one phase, 32 A each."""
    SiteLoad.objects.create(site=world.site, organization=world.organization, enabled=True)
    limits = dict.fromkeys(("limit_l1_a", "limit_l2_a", "limit_l3_a"), amps)
    circuit = Circuit.objects.create(
        organization=world.organization, site=world.site, name="Main fuse", **limits, **more
    )
    for outlet in world.outlets.values():
        Outlet.objects.create(
            organization=world.organization, circuit=circuit, connector=outlet.connector, phases=1, rated_a=32
        )
    return circuit


def planned(schedule: Schedule) -> dict[str, Any]:
    schedule.refresh_from_db()
    return schedule.plan


def drawn_a(schedules: list[Schedule], moment: datetime) -> float:
    parts = [part for schedule in schedules for part in powers_of(planned(schedule))]
    return sum(part.power_w for part in parts if part.begin <= moment < part.end) / 230


def test_plans_share_what_the_main_fuse_leaves(world: World) -> None:
    schedules = []
    for name in ("ONE", "TWO", "THREE"):
        world.outlet(name).plug(Car(45_000))
        schedules.append(world.schedule(name, **SMART))
    fuse(world, 50, reserve_a=10)
    for _ in range(3):
        Schedule.objects.update(plan_at=world.now)
        plans.plan_due(world.now)
    moment, most = world.now, 0.0
    while moment < local(world.now, 7) + timedelta(days=1):
        most = max(most, drawn_a(schedules, moment))
        moment += timedelta(minutes=5)
    assert 32 < most <= 40.1, "the rest of the fuse is used, and no more"
    alone, *others = (planned(schedule) for schedule in schedules)
    assert not alone["limited"] and all(plan["missing_wh"] == 0 for plan in (alone, *others))
    # The promise: what is planned brings the energy by the time that it names.
    for plan in others:
        parts = powers_of(plan)
        energy_wh = sum(part.power_w * (part.end - part.begin).total_seconds() / 3600 for part in parts)
        assert energy_wh == pytest.approx(20_000, abs=20)
        assert parse_datetime(plan["ready_at"]) == parts[-1].end
    assert any(plan["slots"] != alone["slots"] for plan in others)
    # Nothing has changed: nobody plans anew, however often it is looked at.
    before = [planned(schedule) for schedule in schedules]
    Schedule.objects.update(plan_at=world.now)
    plans.plan_due(world.now)
    assert [planned(schedule) for schedule in schedules] == before


def test_a_lower_limit_is_planned_with_at_once_and_what_will_be_missing_is_told(world: World) -> None:
    world.outlet("ONE").plug(Car(45_000))
    schedule = world.schedule("ONE", **SMART)
    circuit = fuse(world, 40)
    plans.plan_due(world.now)
    assert planned(schedule)["missing_wh"] == 0 and not world.told(schedule)
    Circuit.objects.filter(pk=circuit.pk).update(limit_l1_a=7)
    Schedule.objects.update(plan_at=world.now)
    plans.plan_due(world.now)
    plan = planned(schedule)
    # 7 A on one phase from 18:00 UTC to 05:00 UTC.
    assert plan["energy_wh"] == pytest.approx(7 * 230 * 11, rel=0.01)
    assert plan["reason"] == "too_late" and world.told(schedule) == ["short_too_late"]
    # Less than a car can charge with is nothing.
    Circuit.objects.filter(pk=circuit.pk).update(limit_l1_a=5)
    Schedule.objects.update(plan_at=world.now)
    plans.plan_due(world.now)
    assert planned(schedule)["energy_wh"] == 0


def test_a_profile_that_a_person_sent_limits_the_plan_for_as_long_as_it_holds(world: World) -> None:
    outlet = world.outlet("ONE")
    outlet.plug(Car(45_000))
    schedule = world.schedule("ONE", **SMART)
    ChargingProfile.objects.create(
        organization=world.organization,
        station=outlet.station,
        number=1,
        purpose="station_max",
        kind="absolute",
        unit="W",
        starts_at=world.now,
        periods=[{"start_s": 0, "limit": 2000}, {"start_s": 6 * 3600, "limit": 3000}],
        status="accepted",
    )
    plans.plan_due(world.now)
    powers = {(part.begin < world.now + timedelta(hours=6), part.power_w) for part in powers_of(planned(schedule))}
    assert powers <= {(True, 2000), (False, 3000)} and (False, 3000) in powers
    assert planned(schedule)["limited"]


def test_a_site_limit_always_wins(world: World) -> None:
    """A run that charges gets what the balancing gives it; what it has reserved, no other takes; held is 0 A."""
    for name in ("ONE", "TWO"):
        world.outlet(name, begins_itself=True).plug(Car(45_000))
    schedules = [world.schedule(name, technique="hold", **SMART) for name in ("ONE", "TWO")]
    circuit = fuse(world, 40)
    load = SiteLoad.objects.get()

    def limits() -> dict[str, float]:
        sent = Outlet.objects.filter(command__isnull=False).values("command")
        Command.objects.filter(pk__in=sent).update(status="accepted", answered_at=world.now)
        balancer.balance(load, world.now)
        for command in Command.objects.filter(kind="set_profile", status="queued"):
            Command.objects.filter(pk=command.pk).update(status="accepted", answered_at=world.now)
        balancer.balance(load, world.now)
        rows = Outlet.objects.select_related("connector__station")
        found = {row.connector.station.identity: row.target_a or 0.0 for row in rows}
        for name, outlet in world.outlets.items():
            outlet.limited = found[name] == 0
            outlet.flow()
        return found

    world.tick()
    # Both cars began by themselves, long before their slots.
    assert set(ScheduleRun.objects.filter(held=True).values_list("state", flat=True)) == {"holding"}
    assert limits() == {"ONE": 0.0, "TWO": 0.0}
    assert not Command.objects.filter(kind="set_limit").exists(), "the fail-safe of the site stays what it is"
    begins = min(planned(schedule)["begin"] for schedule in schedules)
    world.run_until(datetime.fromisoformat(begins) + timedelta(minutes=1))
    world.tick()
    found = limits()
    assert max(found.values()) == 32 and sum(found.values()) <= 40
    Circuit.objects.filter(pk=circuit.pk).update(limit_l1_a=20)
    assert sum(limits().values()) <= 20
    assert not Command.objects.filter(kind="set_limit").exists()
