"""How things stand for a schedule at a moment: the station, its outlet, the car, and the session that runs."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Q, Sum
from django.utils import timezone

from accounts.actors import Actor, Role
from charging.models import ChargingStation, Command, Connector, Outlet, Schedule, ScheduleRun, Transaction
from charging.queries.prices import Slot, price_slots
from charging.scheduling.room import Room, room_of
from charging.windows import Span, Window, next_deadline, spans

Status = Connector.Status
#: Without a car, as the station says; what it cannot say, such as `Unknown`, may be a car.
EMPTY = (Status.AVAILABLE, Status.RESERVED)
BROKEN = (Status.UNAVAILABLE, Status.FAULTED)
#: What is charged with when neither car nor outlet nor station says more: it is rather ready too early.
CAUTIOUS_POWER_W = 3_700
#: Below this a car does not charge: what a meter shows for its own supply.
FLOWING_W = 100
SOC_BELIEVED = timedelta(minutes=10)


def windows_of(rows: list[dict[str, Any]]) -> list[Window]:
    """The windows as kept in a schedule."""
    return [
        Window(row["weekday"], minutes_of(row["begin"]), minutes_of(row["end"]), row.get("limit_w")) for row in rows
    ]


def minutes_of(text: str) -> int:
    """ "06:30" -> 390."""
    hours, _, minutes = text.partition(":")
    return int(hours) * 60 + int(minutes)


def zone_of(station: ChargingStation) -> ZoneInfo:
    """The time zone of the station's site; the server's where it has none."""
    return ZoneInfo(station.site.time_zone if station.site else timezone.get_default_timezone_name())


@dataclass
class Scene:
    """A schedule with what is around it, read once at `now`."""

    schedule: Schedule
    now: datetime

    @cached_property
    def station(self) -> ChargingStation:
        return self.schedule.station

    @cached_property
    def actor(self) -> Actor:
        """The owner, as the audit shall name who did it."""
        user = self.schedule.user
        return Actor(user=user, name=f"{user.email} (schedule)")

    @cached_property
    def may_limit(self) -> bool:
        return self.schedule.user.is_active and self.actor.can(Role.MANAGER, self.schedule.organization_id)

    @property
    def may_hold(self) -> bool:
        """Whether the session that runs may be limited: a manager's whatever it is, a driver's where it is the own."""
        return self.may_limit or self.owns_session

    @cached_property
    def owns_session(self) -> bool:
        """Whether the session that runs is certainly the owner's, who may charge here: by person, or by the tag."""
        found, schedule = self.transaction, self.schedule
        if found is None or self.connector is None or not schedule.user.is_active:
            return False
        if not self.actor.can(Role.DRIVER, schedule.organization_id):
            return False
        by_tag = schedule.id_tag_id is not None and found.id_tag_id == schedule.id_tag_id
        return found.user_id == schedule.user_id or (by_tag and found.user_id is None)

    @cached_property
    def is_balanced(self) -> bool:
        """Whether the load of the site is balanced over this outlet: then that sends all limits, a schedule's, too."""
        return (
            self.connector is not None
            and Outlet.objects.filter(connector=self.connector, circuit__site__load__enabled=True).exists()
        )

    @cached_property
    def zone(self) -> ZoneInfo:
        return zone_of(self.station)

    # --- Outlet, car, session -------------------------------------------------------------------------------------

    @cached_property
    def connector(self) -> Connector | None:
        """The schedule's connector, else the station's only one."""
        if self.schedule.connector_id is not None:
            return self.schedule.connector
        outlets = list(Connector.objects.filter(station=self.station)[:2])
        return outlets[0] if len(outlets) == 1 else None

    @property
    def is_broken(self) -> bool:
        return self.connector is not None and self.connector.status in BROKEN

    @cached_property
    def plugged(self) -> bool | None:
        """Whether a car is there; None when nobody can know."""
        if self.transaction is not None:
            return True
        if self.connector is None or not self.station.online or self.connector.status == Status.UNKNOWN:
            return None
        if self.connector.status in BROKEN:
            return None
        return self.connector.status not in EMPTY

    @cached_property
    def transaction(self) -> Transaction | None:
        """The open session at the outlet, whoever's it is."""
        rows = Transaction.objects.filter(station=self.station, state__in=Transaction.OPEN).select_related("id_tag")
        if self.connector is not None:
            rows = rows.filter(evse_number=self.connector.evse_number)
        return rows.order_by("-pk").first()

    def is_own(self, transaction: Transaction) -> bool:
        """Whether a session is this schedule's to act on: its owner's or its tag's, or nobody's in particular."""
        schedule = self.schedule
        if schedule.id_tag_id is not None and transaction.id_tag_id == schedule.id_tag_id:
            return True
        return transaction.user_id in (None, schedule.user_id)

    @cached_property
    def began_by_itself(self) -> bool:
        """Whether the session that runs was neither started by a person from here nor by a run."""
        found = self.transaction
        if found is None or not self.is_own(found) or found.remote_start_id is not None:
            return False
        return not Command.objects.filter(transaction=found, kind="start").exists()

    def flows(self, since: datetime | None = None) -> bool:
        """Whether the session that runs takes power; by what was measured after `since`."""
        outlet, found = self.connector, self.transaction
        if found is None or outlet is None:
            return False
        if since is not None and (outlet.measured_at is None or outlet.measured_at < since):
            # No meter value yet: the station's word counts, once it is newer than what was asked.
            heard = outlet.status_received_at or outlet.status_at
            return outlet.status == Status.CHARGING and heard is not None and heard >= since
        if outlet.power_w is not None:
            return outlet.power_w > FLOWING_W
        return outlet.status == Status.CHARGING or found.charging_state == "Charging"

    # --- What is wanted -------------------------------------------------------------------------------------------

    @cached_property
    def power_w(self) -> float:
        """What car, outlet and station allow together, as far as they are known."""
        car, outlet = self.schedule.car, self.connector
        known = [
            self.schedule.power_w,
            car.max_power_w if car else None,
            outlet.rated_power_w if outlet else None,
            self.station.rated_power_w,
        ]
        return float(min((power for power in known if power), default=CAUTIOUS_POWER_W))

    @property
    def battery_wh(self) -> int | None:
        return self.schedule.battery_wh or (self.schedule.car.battery_wh if self.schedule.car else None)

    @cached_property
    def live_soc_percent(self) -> float | None:
        outlet = self.connector
        if outlet is None or outlet.soc_percent is None or outlet.measured_at is None or self.transaction is None:
            return None
        return outlet.soc_percent if self.now - outlet.measured_at <= SOC_BELIEVED else None

    @cached_property
    def delivered_wh(self) -> float:
        """What flowed into the car since it was plugged in."""
        since, outlet = self.schedule.plugged_since, self.connector
        if since is None or outlet is None:
            return 0.0
        rows = Transaction.objects.filter(station=self.station, evse_number=outlet.evse_number)
        seen = rows.filter(Q(started__gte=since - timedelta(minutes=5)) | Q(state__in=Transaction.OPEN))
        return float(seen.aggregate(total=Sum("energy_wh"))["total"] or 0.0)

    @cached_property
    def wanted_wh(self) -> float:
        """What is still to be charged."""
        schedule = self.schedule
        if schedule.target_wh is not None:
            return max(0.0, schedule.target_wh - self.delivered_wh)
        if schedule.target_percent is None or not self.battery_wh:
            return 0.0
        if self.live_soc_percent is not None:
            return max(0.0, (schedule.target_percent - self.live_soc_percent) / 100 * self.battery_wh)
        share = (schedule.target_percent - (schedule.soc_percent or 0)) / 100
        return max(0.0, share * self.battery_wh - self.delivered_wh)

    # --- Time -----------------------------------------------------------------------------------------------------

    @cached_property
    def spans(self) -> list[Span]:
        """The windows of the next eight days that count, without a skipped one, cut where a pause ends."""
        schedule = self.schedule
        found = []
        for span in spans(windows_of(schedule.windows), self.zone, self.now, self.now + timedelta(days=8)):
            if span.begin == schedule.skipped:
                continue
            found.append(span)
        return found

    @cached_property
    def deadline(self) -> datetime:
        """The next moment at which the car has to be ready, leaving out a skipped one."""
        ready_by = self.schedule.ready_by
        if ready_by is None:
            return self.now + timedelta(days=1)
        found = next_deadline(ready_by, self.zone, self.now)
        return next_deadline(ready_by, self.zone, found) if found == self.schedule.skipped else found

    @cached_property
    def room(self) -> Room:
        """What circuits, other plans and charging profiles leave for this outlet."""
        return room_of(self.connector, self.now, self.schedule.car.phases if self.schedule.car else None)

    @cached_property
    def prices(self) -> list[Slot]:
        return price_slots(self.station, self.now, self.deadline)

    @property
    def paused(self) -> bool:
        until = self.schedule.paused_until
        return until is not None and until > self.now


def price_per_kwh(cost: Decimal, energy_wh: float) -> Decimal | None:
    return cost / Decimal(str(energy_wh)) * 1000 if energy_wh else None


def scene_of(pk: int, now: datetime) -> Scene | None:
    """The scene of a schedule; None when it is gone."""
    rows = Schedule.objects.select_related("station__site", "connector", "user", "car", "id_tag", "organization")
    found = rows.filter(pk=pk).first()
    return Scene(found, now) if found else None


def open_runs(schedule: Schedule) -> list[ScheduleRun]:
    """Planned and active ones, in the order of time."""
    rows = ScheduleRun.objects.filter(schedule=schedule).exclude(state__in=ScheduleRun.OVER)
    return list(rows.select_related("command", "transaction").order_by("begin_at", "pk"))
