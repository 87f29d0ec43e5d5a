"""Changing schedules: a driver's own, a manager any. A schedule acts with its owner's rights."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_time
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _

from accounts.actions import action
from accounts.actors import Actor, Role, actor_of
from accounts.models import User
from charging import live
from charging.actions.commands import send_command
from charging.actions.common import assign, member_or_invalid
from charging.models import Car, ChargingStation, Connector, IdTag, Schedule, ScheduleRun
from charging.queries import cars, id_tags, preferences, schedules
from charging.scheduling import plans
from charging.scheduling.scene import scene_of, windows_of
from charging.windows import overlapping
from mobility.errors import Conflict, Forbidden, Invalid, Problem

FIELDS: tuple[str, ...] = (
    "name",
    "mode",
    "technique",
    "enabled",
    "ready_by",
    "target_wh",
    "target_percent",
    "battery_wh",
)
FIELDS += ("soc_percent", "power_w", "continuous", "buffer_minutes", "min_run_minutes", "price_limit")
FIELDS += ("random_delay_minutes",)
#: field -> (least, most)
RANGES = {
    "target_wh": (1, 1_000_000),
    "target_percent": (1, 100),
    "battery_wh": (1_000, 10_000_000),
    "soc_percent": (0, 100),
    "power_w": (500, 10_000_000),
    "buffer_minutes": (0, 600),
    "min_run_minutes": (0, 600),
    "random_delay_minutes": (0, 10),
}
MOST_WINDOWS = 50
MOST_PAUSE = timedelta(days=366)
TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


# --- What a schedule may be ------------------------------------------------------------------------------------------


def clean_windows(value: Any) -> list[dict[str, Any]]:
    """Windows as they are kept. Raises Invalid: one is unusable, or two overlap."""

    def bad(why: str) -> Invalid:
        return Invalid(why, fields={"windows": why})

    if not isinstance(value, list) or len(value) > MOST_WINDOWS:
        raise bad(_("This is a list of at most %(most)s windows.") % {"most": MOST_WINDOWS})
    found: list[dict[str, Any]] = []
    for row in value:
        if not isinstance(row, Mapping):
            raise bad(_("A window is a weekday with a begin and an end."))
        weekday, begin, end, limit_w = (row.get(name) for name in ("weekday", "begin", "end", "limit_w"))
        if isinstance(weekday, bool) or not isinstance(weekday, int) or not 0 <= weekday <= 6:
            raise bad(_("A weekday is 0 (Monday) to 6 (Sunday)."))
        if not all(isinstance(text, str) and TIME.fullmatch(text) for text in (begin, end)):
            raise bad(_("A window begins and ends at a time such as 22:00."))
        if limit_w is not None and (isinstance(limit_w, bool) or not isinstance(limit_w, int)):
            raise bad(_("The limit of a window is in whole watts."))
        if limit_w is not None and not 500 <= limit_w <= 10_000_000:
            raise bad(_("The limit of a window is at least 500 W."))
        found.append({"weekday": weekday, "begin": begin, "end": end, "limit_w": limit_w})
    found.sort(key=lambda row: (row["weekday"], row["begin"]))
    both = overlapping(windows_of(found))
    if both is not None:
        first, second = (found[index] for index in both)
        raise bad(
            _("Two windows overlap: %(first)s and %(second)s.")
            % {
                "first": f"{WEEKDAYS[first['weekday']]} {first['begin']}–{first['end']}",
                "second": f"{WEEKDAYS[second['weekday']]} {second['begin']}–{second['end']}",
            }
        )
    return found


def apply(actor: Actor, schedule: Schedule, values: Mapping[str, Any]) -> None:
    """Set what is given and check the whole. Raises Invalid, Forbidden or Conflict."""
    ready_by = values.get("ready_by")
    if isinstance(ready_by, str) and ready_by:
        parsed = parse_time(ready_by) if TIME.fullmatch(ready_by[:5]) else None
        if parsed is None:
            raise Invalid(_("This is a time such as 07:00."), fields={"ready_by": _("This is a time such as 07:00.")})
        values = {**values, "ready_by": parsed.replace(second=0, microsecond=0)}
    elif ready_by == "":
        values = {**values, "ready_by": None}
    assign(schedule, values, FIELDS)
    if "windows" in values:
        schedule.windows = clean_windows(values["windows"])
    if "user" in values and values["user"] is not None:
        schedule.user = values["user"]
    owner = actor_of(schedule.user)
    choose_things(schedule, owner, values)
    check_owner(actor, schedule)
    check(schedule, owner)


def choose_things(schedule: Schedule, owner: Actor, values: Mapping[str, Any]) -> None:
    """The connector, the car and the tag that are named; each by its row or its id, the tag by its text."""
    if "connector" in values:
        schedule.connector = values["connector"]
    if "car" in values:
        schedule.car = named(cars.visible(owner), schedule, values["car"], "car", Car)
    if "id_tag" in values:
        schedule.id_tag = named(id_tags.visible(owner), schedule, values["id_tag"], "id_tag", IdTag)


def named(rows: Any, schedule: Schedule, value: Any, field: str, model: type[Any]) -> Any:
    if value is None or value == "":
        return None
    rows = rows.filter(organization_id=schedule.organization_id)
    if isinstance(value, model):
        found = rows.filter(pk=value.pk).first()
    elif field == "id_tag":
        found = rows.filter(id_tag=str(value)[:255].replace("\x00", "")).first()
    else:
        found = rows.filter(pk=value).first() if isinstance(value, int) else None
    if found is None:
        why = _("There is no such thing, or it is not the schedule owner's.")
        raise Invalid(why, fields={field: why})
    return found


def check_owner(actor: Actor, schedule: Schedule) -> None:
    member_or_invalid(schedule.user, schedule.organization_id)
    if not actor_of(schedule.user).can(Role.DRIVER, schedule.organization_id):
        why = _("Its owner's role may look, and not charge.")
        raise Invalid(why, fields={"user": why})
    own = actor.user is not None and schedule.user_id == actor.user.pk
    if not own and not actor.can(Role.MANAGER, schedule.organization_id):
        raise Forbidden(_("A driver changes own schedules only."))


def check(schedule: Schedule, owner: Actor) -> None:
    """What the fields have to be together."""
    wrong: dict[str, str] = {}
    for name, (least, most) in RANGES.items():
        value = getattr(schedule, name)
        if value is not None and not least <= value <= most:
            wrong[name] = _("This is between %(least)s and %(most)s.") % {"least": least, "most": most}
    if schedule.connector is not None and schedule.connector.station_id != schedule.station_id:
        wrong["connector_id"] = _("The station has no such connector.")
    elif schedule.connector is None and Connector.objects.filter(station=schedule.station).count() > 1:
        wrong["connector_id"] = _("Say which connector: the station has several.")
    if schedule.mode == Schedule.Mode.SCHEDULE and not schedule.windows:
        wrong["windows"] = _("Add at least one window.")
    if schedule.mode == Schedule.Mode.SMART:
        wrong.update(check_smart(schedule))
    default = preferences.get(owner).default_id_tag
    if schedule.technique != Schedule.Technique.HOLD and schedule.id_tag is None and default is None:
        wrong["id_tag"] = _("Choose an id tag to charge with, or a default one in your profile.")
    if wrong:
        raise Invalid(_("Some fields are not usable."), fields=wrong)
    if schedule.enabled:
        refuse_second(schedule)


def check_smart(schedule: Schedule) -> dict[str, str]:
    wrong = {}
    if schedule.ready_by is None:
        wrong["ready_by"] = _("Say by when the car has to be ready.")
    if schedule.target_wh is None and schedule.target_percent is None:
        wrong["target_wh"] = _("Say how much to charge: kWh, or percent of the battery.")
    elif schedule.target_wh is None and not (schedule.battery_wh or (schedule.car and schedule.car.battery_wh)):
        wrong["battery_wh"] = _("For percent the size of the battery has to be known: type it in, or choose a car.")
    return wrong


def refuse_second(schedule: Schedule) -> None:
    same = Schedule.objects.filter(
        station=schedule.station, connector=schedule.connector, user=schedule.user, enabled=True
    ).exclude(pk=schedule.pk)
    if same.exists():
        raise Conflict(
            _("There is a schedule for this connector already; change that one, or switch it off first."),
            code="already_exists",
        )


# --- Actions ---------------------------------------------------------------------------------------------------------


@action("schedule.create", role=Role.DRIVER)
def create_schedule(actor: Actor, *, station: ChargingStation, user: User | None = None, **values: Any) -> Schedule:
    """Add a schedule; without a `user` it is the actor's own.

    Args:
        values: `FIELDS`, `windows`, and `connector`, `car` (row or id), `id_tag` (row or text).
    """
    owner = user or actor.user
    if owner is None:
        why = _("Say whose schedule it is.")
        raise Invalid(why, fields={"user": why})
    schedule = Schedule(organization_id=station.organization_id, station=station, user=owner)
    apply(actor, schedule, values)
    schedule.plan_at = timezone.now()
    schedule.save()
    return planned(schedule)


@action("schedule.update", role=Role.DRIVER)
def update_schedule(actor: Actor, *, schedule: Schedule, changes: dict[str, Any]) -> Schedule:
    """Change a schedule. What runs and is no longer wanted ends."""
    check_owner(actor, schedule)
    apply(actor, schedule, changes)
    if schedule.skipped is not None and ("windows" in changes or "ready_by" in changes):
        schedule.skipped = None
    if schedule.pause_reason:
        # What was given up is tried anew with what was changed.
        schedule.paused_until, schedule.pause_reason = None, ""
    schedule.save()
    return planned(schedule)


def planned(schedule: Schedule) -> Schedule:
    """Decide at once, so that the answer says what will be."""
    plans.replan(schedule.pk, timezone.now(), force=True)
    Schedule.objects.filter(pk=schedule.pk, enabled=True, plan_at=None).update(plan_at=timezone.now())
    schedule.refresh_from_db()
    return schedule


@action("schedule.delete", role=Role.DRIVER)
def delete_schedule(actor: Actor, *, schedule: Schedule) -> None:
    """Remove a schedule with its log, and what its station stores of it. A session that runs goes on; one that is held
    back is let go.

    Raises:
        Conflict: it holds a car back, and the station cannot be told now.
    """
    check_owner(actor, schedule)
    holding = ScheduleRun.objects.filter(
        schedule=schedule, state__in=(ScheduleRun.State.HOLDING, ScheduleRun.State.RESTING)
    )
    scene = scene_of(schedule.pk, timezone.now())
    if holding.exists() and scene is not None and scene.may_limit and not scene.is_balanced:
        outlet = scene.connector
        params: dict[str, Any] = {"limit_w": None}
        if outlet is not None:
            params |= {"evse_id": outlet.evse_number, "connector_id": outlet.number}
        try:
            send_command(actor_of(schedule.user), station=schedule.station, command="set_limit", params=params)
        except Problem as problem:
            raise Conflict(
                _("The schedule holds a car back, and the station cannot be told to let it go: %(why)s")
                % {"why": problem.message},
                code="still_holding",
            ) from None
    told: dict[str, Any] = {"id": schedule.pk, "user": schedule.user_id, "deleted": True}
    where = schedule.connector
    told |= {"evse_id": where.evse_number if where else None, "connector_id": where.number if where else None}
    station = schedule.station
    event = live.Event("schedule.updated", schedule.organization_id, station.pk, station.identity, told)
    event.user_id = schedule.user_id
    live.publish(event)
    schedule.delete()


@action("schedule.charge_now", role=Role.DRIVER)
def charge_now(actor: Actor, *, schedule: Schedule, on: bool = True) -> Schedule:
    """Charge at once for this plug-in; the schedule counts again once the cable is unplugged."""
    check_owner(actor, schedule)
    schedule.charge_now = on
    schedule.paused_until, schedule.pause_reason = None, ""
    schedule.save(update_fields=["charge_now", "paused_until", "pause_reason"])
    return planned(schedule)


@action("schedule.skip", role=Role.DRIVER)
def skip_next(actor: Actor, *, schedule: Schedule, on: bool = True) -> Schedule:
    """Leave out the next window, or the next time by which the car should be ready.

    Raises:
        Conflict: there is none.
    """
    check_owner(actor, schedule)
    schedule.skipped = None
    scene = scene_of(schedule.pk, timezone.now())
    if on and scene is not None:
        scene.schedule.skipped = None
        if schedule.mode == Schedule.Mode.SMART:
            schedule.skipped = scene.deadline
        elif schedule.mode == Schedule.Mode.SCHEDULE:
            ahead = [span.begin for span in scene.spans if span.begin > scene.now or not runs_now(schedule)]
            schedule.skipped = ahead[0] if ahead else None
        if schedule.skipped is None:
            raise Conflict(_("There is no next run to skip."), code="nothing_to_skip")
    schedule.save(update_fields=["skipped"])
    return planned(schedule)


def runs_now(schedule: Schedule) -> bool:
    return ScheduleRun.objects.filter(schedule=schedule, state__in=ScheduleRun.ACTIVE).exists()


@action("schedule.pause", role=Role.DRIVER)
def pause_schedule(actor: Actor, *, schedule: Schedule, until: datetime | None) -> Schedule:
    """Do nothing until a moment; None ends a pause. Raises Invalid: it is in the past, or too far away."""
    check_owner(actor, schedule)
    now = timezone.now()
    if until is not None and not now < until <= now + MOST_PAUSE:
        why = _("This is a moment within the next year.")
        raise Invalid(why, fields={"until": why})
    schedule.paused_until, schedule.pause_reason = until, ""
    schedule.save(update_fields=["paused_until", "pause_reason"])
    return planned(schedule)


@action("schedule.choose", role=Role.DRIVER)
def choose_mode(actor: Actor, *, station: ChargingStation, mode: str, connector: Connector | None = None) -> Schedule:
    """The big choice at a station: at once, in windows, or at the best price, for the actor's own schedule there.

    A first one begins with windows every night from 22:00 to 6:00, or 20 kWh by 7:00.
    """
    assert actor.user is not None
    found = next((row for row in schedules.own_at(actor, station) if row.connector in (connector, None)), None)
    night = [{"weekday": day, "begin": "22:00", "end": "06:00", "limit_w": None} for day in range(7)]
    if found is None:
        default = preferences.get(actor).default_car
        car = default if default is not None and default.organization_id == station.organization_id else None
        values: dict[str, Any] = {"windows": night, "ready_by": "07:00", "target_wh": 20_000, "car": car}
        return create_schedule(actor, station=station, connector=connector, mode=mode, **values)
    changes: dict[str, Any] = {"mode": mode, "enabled": True}
    if mode == Schedule.Mode.SCHEDULE and not found.windows:
        changes["windows"] = night
    if mode == Schedule.Mode.SMART and found.ready_by is None:
        changes["ready_by"] = "07:00"
    if mode == Schedule.Mode.SMART and found.target_wh is None and found.target_percent is None:
        changes["target_wh"] = 20_000
    return update_schedule(actor, schedule=found, changes=changes)


def draft(actor: Actor, *, station: ChargingStation, user: User | None = None, **values: Any) -> Schedule:
    """A schedule that is checked and not kept: what the preview is made of. Raises as `create_schedule`."""
    owner = user or actor.user
    if owner is None:
        why = _("Say whose schedule it is.")
        raise Invalid(why, fields={"user": why})
    schedule = Schedule(organization_id=station.organization_id, station=station, user=owner, enabled=False)
    apply(actor, schedule, {**values, "enabled": False})
    return schedule
