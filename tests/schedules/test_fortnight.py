"""A fortnight over both changes of the clock: every car is ready, or someone was told why it is not."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from functools import partial
from typing import Any
from unittest.mock import patch

import pytest
from django.db.models import Count

from accounts.models import Membership
from charging.models import Command, ScheduleRun, Transaction
from charging.scheduling import plans as plan
from charging.scheduling import runs
from tests.schedules.test_planner import BERLIN
from tests.schedules.world import Car, World, utc

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

TARGET_WH = 20_000
NIGHT = [{"weekday": day, "begin": "22:00", "end": "06:00", "limit_w": None} for day in range(7)]
SMART: dict[str, Any] = {"mode": "smart", "ready_by": time(7), "target_wh": TARGET_WH}


@pytest.fixture
def world() -> Iterator[World]:
    made = World(utc(2026, 6, 1, 12))
    with made.clock():
        yield made


def local(day: datetime, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=BERLIN).astimezone(utc(2026, 1, 1).tzinfo)


def a_week(world: World, monday: datetime, names: tuple[str, ...]) -> None:
    """Seven nights at some outlets; everything that goes wrong in a household goes wrong once."""
    world.now = local(monday, 12)
    kinds: dict[str, dict[str, Any]] = {"PLAIN": {"takes_limits": False}, "EAGER": {"begins_itself": True}}
    plans: dict[str, dict[str, Any]] = {
        "WINDOW": {"mode": "schedule", "windows": NIGHT},
        "SLEEPY": {**SMART, "continuous": True},
        "DRIVER": {**SMART, "user": world.driver},
    }
    outlets = {name: world.outlet(name, **kinds.get(name, {})) for name in names}
    made = {name: world.schedule(name, **plans.get(name, SMART)) for name in names}
    results: list[tuple[str, int, float, int]] = []
    for night in range(7):
        day = monday + timedelta(days=night)
        morning = local(day + timedelta(days=1), 7, 5)
        for name, outlet in outlets.items():
            late = name == "WINDOW" and night == 2
            arrives = local(day, 23, 40) if late else local(day, 18, 7)
            car = Car(45_000, asleep=name == "SLEEPY" and night in (1, 4), dead=name == "SLEEPY" and night == 4)
            world.at(arrives, partial(outlet.plug, car))

            def leave(name: str = name, outlet: Any = outlet, night: int = night) -> None:
                results.append((name, night, outlet.delivered_wh, len(world.told(made[name]))))
                outlet.unplug()

            world.at(morning, leave)
    # A station without connection for most of a night, our own standstill, and prices that are missing.
    wednesday, thursday = monday + timedelta(days=2), monday + timedelta(days=3)
    away = outlets[names[-1]]
    world.at(local(wednesday, 21), lambda: away.online(False))
    world.at(local(wednesday + timedelta(days=1), 1, 30), lambda: away.online(True))
    world.dark.append((local(thursday, 22, 30), local(thursday + timedelta(days=1), 1)))
    world.gaps.append((local(monday + timedelta(days=5), 18), local(monday + timedelta(days=6), 2)))
    # Someone stops the session of the sixth night by hand.
    stopped = local(monday + timedelta(days=5), 23, 30)
    world.at(stopped, lambda: outlets["WINDOW"].end("Local"))
    world.run_until(local(monday + timedelta(days=7), 12))

    assert len(results) == 7 * len(names)
    before: dict[str, int] = {}
    for name, night, delivered_wh, told in results:
        by_hand = name == "WINDOW" and night == 5
        ready = delivered_wh >= (TARGET_WH * 0.97 if name != "WINDOW" else 40_000)
        assert ready or by_hand or told > before.get(name, 0), f"{name}, night {night}: {delivered_wh:.0f} Wh, silent"
        before[name] = told
    messages = {name: world.told(schedule) for name, schedule in made.items()}
    assert messages.pop("SLEEPY", ["car_sleeps"]) == ["car_sleeps"]
    assert not any(messages[name] for name in names[:2]), messages
    # What was stopped by hand stays so until the next window.
    after = [at for at in outlets["WINDOW"].starts if at > stopped]
    assert after[0] >= local(monday + timedelta(days=6), 22)
    # No start was sent twice for the same session, and none beside a running one.
    linked = (
        Command.objects.filter(kind="start", transaction__isnull=False).values("transaction").annotate(n=Count("pk"))
    )
    assert all(row["n"] == 1 for row in linked)
    assert not Command.objects.filter(kind="start", status="rejected").exists()
    assert not ScheduleRun.objects.filter(state__in=ScheduleRun.ACTIVE).exists()
    assert not any(outlet.limited for outlet in outlets.values())
    assert not Transaction.objects.filter(state__in=Transaction.OPEN).exists()


def test_a_week_in_spring_in_which_everything_goes_wrong_once(world: World) -> None:
    a_week(world, datetime(2026, 3, 23), ("SMART", "WINDOW", "SLEEPY", "PLAIN", "EAGER", "DRIVER"))


def test_a_week_in_autumn(world: World) -> None:
    a_week(world, datetime(2026, 10, 19), ("SMART", "WINDOW", "EAGER"))


def test_two_schedulers_start_a_session_once(world: World) -> None:
    """Both find the same run due; the second finds it taken."""
    world.now = local(datetime(2026, 6, 2), 22, 30)
    outlet = world.outlet("TWICE")
    world.schedule("TWICE", mode="schedule", windows=NIGHT)
    outlet.plug(Car(40_000))
    plan.plan_due(world.now)
    due = ScheduleRun.objects.get(due_at__lte=world.now)
    assert runs.run_due(world.now) == 1
    # What the other one read before.
    assert not ScheduleRun.objects.filter(pk=due.pk, due_at=due.due_at).exists()
    assert runs.run_due(world.now) == 0
    assert Command.objects.filter(kind="start").count() == 1
    # A process that ends while it looks leaves the run as it was, and it is due again.
    ScheduleRun.objects.filter(pk=due.pk).update(due_at=world.now)
    with patch.dict(runs.STEPS, {ScheduleRun.State.SENT: lambda scene, run: 1 / 0}):
        assert runs.run_due(world.now) == 1
    assert ScheduleRun.objects.get(pk=due.pk).due_at == world.now + runs.LEASE


def test_a_driver_whose_membership_ends_charges_no_more_and_is_told(world: World) -> None:
    world.now = local(datetime(2026, 6, 2), 22, 30)
    outlet = world.outlet("LEFT")
    schedule = world.schedule("LEFT", world.driver, mode="schedule", windows=NIGHT)
    Membership.objects.filter(user=world.driver).delete()
    outlet.plug(Car(40_000))
    world.tick()
    assert not Command.objects.exists()
    assert world.told(schedule) == ["cannot_start"]
