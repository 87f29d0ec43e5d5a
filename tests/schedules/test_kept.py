"""What stations store of plans, and a driver's narrow right to limit the own session."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from django.utils.dateparse import parse_datetime

from charging import ways
from charging.models import (
    ChargingProfile,
    ChargingStation,
    Command,
    ConfigurationValue,
    Schedule,
    ScheduleRun,
    Transaction,
)
from charging.scheduling import kept
from tests.schedules.test_fortnight import NIGHT, local
from tests.schedules.world import Car, Outlet, World, utc

pytestmark = pytest.mark.django_db

EVENING = utc(2026, 6, 2, 18)
SMART: dict[str, Any] = {"mode": "smart", "ready_by": time(7), "target_wh": 20_000}


@pytest.fixture
def world() -> Iterator[World]:
    made = World(EVENING)
    with made.clock():
        yield made


def in_slots(schedule: Schedule, moment: datetime) -> bool:
    schedule.refresh_from_db()
    slots = [(parse_datetime(slot["begin"]), parse_datetime(slot["end"])) for slot in schedule.plan["slots"]]
    return any(first <= moment < last for first, last in slots if first and last)


def drivers(world: World, **more: Any) -> tuple[Outlet, Schedule]:
    """A driver's car at a station that lets everyone charge: its session began by itself, with his tag."""
    outlet = world.outlet("OWN", begins_itself=True, **more)
    schedule = world.schedule("OWN", world.driver, **SMART)
    outlet.plug(Car(45_000))
    Transaction.objects.update(user=world.driver)
    return outlet, schedule


def test_a_driver_holds_the_own_session_by_a_profile_for_it_alone(world: World) -> None:
    outlet, schedule = drivers(world)
    world.tick()
    world.tick()
    run = ScheduleRun.objects.get(state="holding")
    assert outlet.power_w() == 0
    sent = Command.objects.filter(kind="set_profile")
    assert {(row.params["purpose"], row.transaction_id, row.actor_id) for row in sent} == {
        ("transaction", run.transaction_id, world.driver.pk)
    }
    assert not Command.objects.filter(kind="set_limit").exists()
    row = ChargingProfile.objects.get(schedule=schedule)
    assert (row.kept, row.status, row.transaction_id) == (True, "accepted", run.transaction_id)
    # The same plan is not sent twice, and the station is asked once what it makes of it.
    count = Command.objects.filter(kind="set_profile").count()
    for _ in range(4):
        Schedule.objects.update(plan_at=world.now)
        world.tick()
    assert Command.objects.filter(kind="set_profile").count() == count
    assert Command.objects.filter(kind="get_composite_schedule").count() == 1
    # The station charges in its slots while the server stands still.
    world.dark.append((world.now + timedelta(minutes=1), local(world.now, 6) + timedelta(days=1)))
    wrong = []
    for _ in range(11 * 4):
        world.run_until(world.now + timedelta(minutes=15))
        if world.now >= local(EVENING, 6) + timedelta(days=1):
            break
        middle = world.now + timedelta(minutes=1)
        if in_slots(schedule, middle) != (outlet.power_w() > 0):
            wrong.append(middle)
    assert not wrong
    assert outlet.delivered_wh == pytest.approx(20_000, rel=0.03)
    world.run_until(local(EVENING, 7) + timedelta(days=1, minutes=5))
    assert not world.told(schedule)


def test_nobody_elses_session_is_ever_limited(world: World) -> None:
    outlet = world.outlet("FOREIGN", begins_itself=True)
    schedule = world.schedule("FOREIGN", world.driver, **SMART)
    outlet.plug(Car(45_000))
    for other in (world.owner, None):
        # A colleague's session, and one of nobody known: the driver's right is about the own one.
        Transaction.objects.update(user=other, id_tag=None)
        Schedule.objects.update(plan_at=world.now, plan_key="")
        world.tick()
        world.tick()
        assert not Command.objects.exclude(kind="start").exists() and outlet.power_w() > 0
    # Of one whose membership has ended not even the own.
    Transaction.objects.update(user=world.driver)
    world.driver.memberships.all().delete()
    Schedule.objects.filter(pk=schedule.pk).update(plan_at=world.now)
    world.tick()
    assert not Command.objects.exclude(kind="start").exists()


def test_a_session_that_begins_by_itself_is_waited_for_and_not_started(world: World) -> None:
    """A driver's schedule that holds sessions back, at a station where none has begun."""
    outlet = world.outlet("LATE")
    world.schedule("LATE", world.driver, mode="schedule", windows=NIGHT, technique="hold")
    outlet.plug(Car(45_000))
    world.run_until(local(EVENING, 22, 1))
    assert ScheduleRun.objects.filter(state="sent").count() == 1
    assert not Command.objects.exists()


def test_a_driver_who_charges_at_once_or_removes_the_schedule_is_let_go(world: World) -> None:
    outlet, schedule = drivers(world)
    world.tick()
    world.tick()
    assert outlet.stored and outlet.power_w() == 0
    Schedule.objects.filter(pk=schedule.pk).update(charge_now=True, plan_at=world.now)
    for _ in range(4):
        world.now += timedelta(seconds=6)
        ScheduleRun.objects.filter(due_at__isnull=False).update(due_at=world.now)
        world.tick()
    assert outlet.stored is None and outlet.power_w() > 0
    # Removed while its station is away: what that stores is cleared when it is back.
    Schedule.objects.filter(pk=schedule.pk).update(charge_now=False, plan_at=world.now)
    for _ in range(3):
        Schedule.objects.update(plan_at=world.now)
        world.tick()
    assert outlet.stored
    outlet.online(False)
    Schedule.objects.get(pk=schedule.pk).delete()
    world.tick()
    assert outlet.stored
    outlet.online(True)
    world.tick()
    assert outlet.stored is None
    assert ChargingProfile.objects.get(kept=True).status == "cleared"


def test_what_a_station_refuses_is_tried_in_another_way(world: World) -> None:
    outlet, schedule = drivers(world, units="W")
    for _ in range(6):
        Schedule.objects.update(plan_at=world.now)
        ScheduleRun.objects.filter(due_at__isnull=False).update(due_at=world.now)
        world.tick()
    assert outlet.stored and outlet.stored["unit"] == "W" and outlet.power_w() == 0
    assert ScheduleRun.objects.get(transaction__isnull=False).state == "holding"
    assert not world.told(schedule)


def test_a_station_that_takes_no_profile_charges_at_once_and_its_driver_is_told(world: World) -> None:
    outlet, schedule = drivers(world, takes_limits=False)
    for _ in range(8):
        Schedule.objects.update(plan_at=world.now)
        ScheduleRun.objects.filter(due_at__isnull=False).update(due_at=world.now)
        world.tick()
    assert outlet.power_w() > 0 and world.told(schedule) == ["takes_no_limits"]


def test_windows_of_a_managers_outlet_are_stored_for_every_week(world: World) -> None:
    outlet = world.outlet("WALL", begins_itself=True)
    schedule = world.schedule("WALL", mode="schedule", windows=NIGHT, technique="hold")
    world.tick()
    world.tick()
    assert outlet.stored
    assert (outlet.stored["purpose"], outlet.stored["recurrency"]) == ("default", "weekly")
    assert len(outlet.stored["periods"]) == 15
    # A car that comes while the server is away, five weeks later: only the windows.
    world.dark.append((world.now, world.now + timedelta(weeks=6)))
    monday = datetime(2026, 7, 6)
    for hour, expected in ((18, False), (21, False), (23, True)):
        world.now = local(monday, hour)
        assert outlet.blocked is not expected
    world.now = local(monday + timedelta(days=1), 5)
    assert not outlet.blocked
    world.dark.clear()
    # Switched off, it is forgotten.
    Schedule.objects.filter(pk=schedule.pk).update(enabled=False, plan_at=world.now)
    world.tick()
    assert outlet.stored is None
    world.tick()
    assert ChargingProfile.objects.get(kept=True).status == "cleared"


def test_what_is_known_of_a_make_leaves_ways_out(world: World) -> None:
    station = ChargingStation(vendor="ABB", model="TAC-W11-G5-R-0")
    assert [way.stack_level for way in ways.usable(ways.SESSION_PLANS, {}, 1, station.vendor, station.model)] == [0, 0]
    assert {way.unit for way in ways.usable(ways.LADDER, {}, 1, "Wall Box Chargers", "PLP1")} == {"A"}
    assert "station_max" not in {way.purpose for way in ways.usable(ways.LADDER, {}, 1, "EVBox", "G3-M5320E")}
    assert ways.usable(ways.LADDER, {}, 1, "Other", "X") == list(ways.LADDER)
    assert all(row.seen for row in ways.MODELS)
    outlet, schedule = drivers(world)
    ConfigurationValue.objects.create(
        station=outlet.station,
        key="ChargingScheduleMaxPeriods",
        variable="ChargingScheduleMaxPeriods",
        value="2",
        reported_at=world.now,
    )
    world.tick()
    world.tick()
    assert outlet.stored and len(outlet.stored["periods"]) == 2
    assert kept.row_of(schedule) is not None
