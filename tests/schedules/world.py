"""Stations and cars on paper: they answer the commands of the database and charge by a clock that a test sets."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from unittest.mock import patch

from accounts.models import Membership, Organization, User
from charging.models import (
    EVSE,
    Change,
    ChargingProfile,
    ChargingStation,
    Command,
    Connector,
    IdTag,
    Schedule,
    ScheduleRun,
    Site,
    Transaction,
)
from charging.queries.prices import Slot
from charging.scheduling import ends, plans, runs, starts

QUARTER = timedelta(minutes=15)
CALM = timedelta(hours=2)
POWER_W = 7_400


@dataclass
class Car:
    """`asleep` takes no power until the limit goes away and comes again; `dead` not even then."""

    room_wh: float
    asleep: bool = False
    dead: bool = False


@dataclass
class Outlet:
    """A station with one connector. `takes_limits` and `begins_itself` are how stations differ."""

    world: "World"
    station: ChargingStation
    connector: Connector
    takes_limits: bool = True
    begins_itself: bool = False
    units: str = "AW"
    car: Car | None = None
    limited: bool = False
    starts: list[datetime] = field(default_factory=list)
    delivered_wh: float = 0.0
    open: Transaction | None = None
    stored: dict[str, Any] | None = None
    said: tuple[str, float] = ("Available", 0.0)

    def online(self, yes: bool) -> None:
        ChargingStation.objects.filter(pk=self.station.pk).update(online=yes)
        self.station.online = yes

    def plug(self, car: Car) -> None:
        self.car, self.delivered_wh = car, 0.0
        self.say("Preparing")
        if self.begins_itself:
            self.begin(None)

    def unplug(self) -> None:
        if self.open is not None:
            self.end("EVDisconnected")
        self.car = None
        self.say("Available")

    def begin(self, command: Command | None) -> None:
        assert self.open is None, f"{self.station} is started twice"
        now = self.world.now
        self.starts.append(now)
        row = Transaction.objects.create(
            organization=self.station.organization,
            station=self.station,
            connector=self.connector,
            evse_number=1,
            connector_number=1,
            transaction_id=str(len(self.starts)),
            user=command.actor if command else None,
            state=Transaction.State.CHARGING,
            started=now,
        )
        if command is not None:
            Command.objects.filter(pk=command.pk).update(transaction=row)
        self.open = row
        Connector.objects.filter(pk=self.connector.pk).update(transaction=row)
        self.flow()

    def end(self, reason: str) -> None:
        row = self.open
        assert row is not None
        Transaction.objects.filter(pk=row.pk).update(
            state=Transaction.State.ENDED, ended=self.world.now, stop_reason=reason
        )
        self.open = None
        Connector.objects.filter(pk=self.connector.pk).update(transaction=None)
        if self.stored and self.stored["purpose"] == "transaction":
            self.stored = None
        self.say("Finishing" if self.car else "Available", power_w=0)

    def power_w(self) -> float:
        car = self.car
        if (
            self.open is None
            or car is None
            or self.limited
            or self.blocked
            or car.asleep
            or car.dead
            or car.room_wh <= 0
        ):
            return 0.0
        return POWER_W

    @property
    def blocked(self) -> bool:
        """Whether the profile that it stores lets nothing flow now."""
        if self.stored is None:
            return False
        begin = datetime.fromisoformat(self.stored["starts_at"])
        at = (self.world.now - begin).total_seconds()
        if self.stored["recurrency"]:
            at %= 7 * 86_400
        elif at >= (self.stored["duration_s"] or 1e9):
            return False
        return next(part["limit"] for part in reversed(self.stored["periods"]) if part["start_s"] <= at) == 0

    def edges(self) -> list[datetime]:
        """When what it stores says another thing."""
        if self.stored is None:
            return []
        begin = datetime.fromisoformat(self.stored["starts_at"])
        offsets = [part["start_s"] for part in self.stored["periods"]] + [self.stored["duration_s"] or 0]
        return [begin + timedelta(seconds=offset) for offset in offsets]

    def flow(self) -> None:
        """Say what flows now."""
        if self.open is not None:
            power_w = self.power_w()
            self.say(
                "Charging" if power_w else "SuspendedEVSE" if self.limited or self.blocked else "SuspendedEV", power_w
            )

    def say(self, status: str, power_w: float = 0.0) -> None:
        if (status, power_w) == self.said:
            return
        self.said, now = (status, power_w), self.world.now
        Connector.objects.filter(pk=self.connector.pk).update(
            status=status, power_w=power_w, measured_at=now, status_at=now, status_received_at=now
        )

    def pass_time(self, span: timedelta) -> None:
        power_w = self.power_w()
        if power_w and self.car is not None:
            energy_wh = min(self.car.room_wh, power_w * span.total_seconds() / 3600)
            self.car.room_wh -= energy_wh
            self.delivered_wh += energy_wh
            row = self.open
            assert row is not None
            row.energy_wh += energy_wh
            Transaction.objects.filter(pk=row.pk).update(energy_wh=row.energy_wh)

    def answer(self, command: Command) -> None:
        status = Command.Status.ACCEPTED
        if command.kind == "start":
            if self.car is None or self.open is not None:
                status = Command.Status.REJECTED
            else:
                self.begin(command)
        elif command.kind == "stop":
            self.end("Remote")
        elif command.kind == "set_limit":
            if not self.takes_limits:
                status = Command.Status.REJECTED
            else:
                was, self.limited = self.limited, command.params.get("limit_a") == 0
                if was and not self.limited and self.car is not None:
                    self.car.asleep = False
        elif command.kind in ("set_profile", "clear_profiles") and "amps" not in command.params:
            status = self.answer_profile(command)
        Command.objects.filter(pk=command.pk).update(status=status, answered_at=self.world.now)

    def answer_profile(self, command: Command) -> Command.Status:
        if not self.takes_limits or (command.kind == "set_profile" and command.params["unit"] not in self.units):
            ChargingProfile.objects.filter(command=command).update(status="refused", answered_at=self.world.now)
            return Command.Status.REJECTED
        was = self.blocked
        self.stored = command.params if command.kind == "set_profile" else None
        if was and not self.blocked and self.car is not None:
            self.car.asleep = False
        rows = ChargingProfile.objects.filter(station=self.station, number=command.params["number"])
        rows.update(status="accepted" if self.stored else "cleared", answered_at=self.world.now)
        return Command.Status.ACCEPTED


class World:
    """A site in Berlin with a clock. `at(moment, deed)` plans what happens to it."""

    def __init__(self, begin: datetime) -> None:
        self.now = begin
        self.organization = Organization.objects.create(name="World")
        self.site = Site.objects.create(organization=self.organization, name="Home", time_zone="Europe/Berlin")
        self.owner = self.person("owner@example.com", "owner")
        self.driver = self.person("driver@example.com", "driver")
        self.outlets: dict[str, Outlet] = {}
        self.deeds: list[tuple[datetime, Callable[[], Any]]] = []
        self.dark: list[tuple[datetime, datetime]] = []
        self.gaps: list[tuple[datetime, datetime]] = []

    def person(self, email: str, role: str) -> User:
        user = User.objects.create_user(email, "x")
        Membership.objects.create(organization=self.organization, user=user, role=role)
        return user

    def outlet(self, identity: str, **more: Any) -> Outlet:
        station = ChargingStation.objects.create(
            organization=self.organization, site=self.site, identity=identity, protocol="1.6", online=True
        )
        evse = EVSE.objects.create(station=station, number=1)
        connector = Connector.objects.create(
            station=station, evse=evse, evse_number=1, number=1, status="Available", rated_power_w=POWER_W
        )
        IdTag.objects.create(organization=self.organization, id_tag=f"T-{identity}", user=self.owner)
        made = self.outlets[identity] = Outlet(self, station, connector, **more)
        return made

    def schedule(self, identity: str, user: User | None = None, **values: Any) -> Schedule:
        user = user or self.owner
        tag = IdTag.objects.get(id_tag=f"T-{identity}")
        if tag.user_id != user.pk:
            IdTag.objects.filter(pk=tag.pk).update(user=user)
        return Schedule.objects.create(
            organization=self.organization,
            station=self.outlets[identity].station,
            user=user,
            id_tag=tag,
            plan_at=self.now,
            **values,
        )

    def at(self, moment: datetime, deed: Callable[[], Any]) -> None:
        self.deeds.append((moment, deed))

    def price_slots(self, station: ChargingStation, begin: datetime, end: datetime) -> list[Slot]:
        """Quarter hours: dear in the evening, cheapest in two dips of the night; unknown in the gaps."""
        at = begin.replace(minute=begin.minute // 15 * 15, second=0, microsecond=0)
        found = []
        while at < end:
            cents = {0: 14, 1: 12, 2: 13, 3: 19, 4: 11, 5: 16, 22: 21, 23: 18}.get((at.hour + 1) % 24, 34)
            known = not any(first <= at < last for first, last in self.gaps)
            price = Decimal(cents) / 100 if known else Decimal(0)
            found.append(Slot(max(at, begin), min(at + QUARTER, end), price, known))
            at += QUARTER
        return found

    # --- Time -----------------------------------------------------------------------------------------------------

    @contextmanager
    def clock(self) -> Iterator[None]:
        """The world's clock is everyone's, and a run that charges is looked at less often."""
        with (
            patch("django.utils.timezone.now", lambda: self.now),
            patch("charging.scheduling.scene.price_slots", self.price_slots),
            patch.object(ends, "WATCH_EVERY", CALM),
            patch.object(starts, "WATCH_EVERY", CALM),
            patch.object(starts, "WAIT_EVERY", CALM),
            patch.object(plans, "WATCH_EVERY", CALM),
            patch.object(plans, "LOOK_EVERY", CALM),
        ):
            yield

    def tick(self) -> None:
        """What beat does, what stations answer, and what they say then."""
        if any(first <= self.now < last for first, last in self.dark):
            for outlet in self.outlets.values():
                outlet.flow()
            return
        plans.plan_due(self.now)
        runs.run_due(self.now)
        for command in Command.objects.filter(status=Command.Status.QUEUED).select_related("station", "actor"):
            outlet = self.outlets[command.station.identity]
            if outlet.station.online:
                outlet.answer(command)
        for outlet in self.outlets.values():
            outlet.flow()

    def run_until(self, end: datetime) -> None:
        self.deeds.sort(key=lambda deed: deed[0])
        while self.now < end:
            self.step(min(end, self.next_moment()))

    def next_moment(self) -> datetime:
        soon = self.now + timedelta(seconds=1)
        due = ScheduleRun.objects.filter(due_at__isnull=False).order_by("due_at").values_list("due_at", flat=True)
        plan = Schedule.objects.filter(plan_at__isnull=False).order_by("plan_at").values_list("plan_at", flat=True)
        found = [moment for moment in (due.first(), plan.first()) if moment is not None]
        found += [deed[0] for deed in self.deeds[:1]]
        edges = [edge for outlet in self.outlets.values() for edge in outlet.edges() if edge > self.now]
        found += edges
        dark = next((last for first, last in self.dark if first <= self.now < last), None)
        if dark is not None:
            found = [dark, *edges, *(deed[0] for deed in self.deeds[:1])]
        return max(soon, min(found))

    def step(self, moment: datetime) -> None:
        for outlet in self.outlets.values():
            outlet.pass_time(moment - self.now)
        self.now = moment
        while self.deeds and self.deeds[0][0] <= moment:
            self.deeds.pop(0)[1]()
            Schedule.objects.filter(plan_at__isnull=False).update(plan_at=moment)
            ScheduleRun.objects.filter(due_at__isnull=False, begin_at__lte=moment).update(due_at=moment)
        self.tick()

    def told(self, schedule: Schedule) -> list[str]:
        """The codes of the messages to its owner, in order."""
        rows = Change.objects.filter(event="schedule.failed").order_by("cursor")
        return [row.data["code"] for row in rows if row.data["schedule"] == schedule.pk]


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]
