"""Deciding when to charge, and keeping a schedule's planned runs in step with the decision."""

import hashlib
import json
import logging
import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from charging.claims import claimed
from charging.models import Schedule, ScheduleRun
from charging.planner import Options, Plan, plan
from charging.queries.scope import iso
from charging.scheduling import kept
from charging.scheduling.acts import WATCH_EVERY, tell, tell_schedule
from charging.scheduling.ends import hold
from charging.scheduling.scene import Scene, open_runs, scene_of

log = logging.getLogger("charging.scheduling")

State = ScheduleRun.State
Json = dict[str, Any]
LOOK_EVERY = timedelta(seconds=30)
#: A run that begins this soon after another's end goes on without a pause.
SAME = timedelta(seconds=60)
#: How long a session at once may last before it is looked at as over.
AT_ONCE = timedelta(days=1)
#: How long before its slot a session that began by itself is held back.
HOLD_BEFORE = timedelta(hours=24)
PLANNED_AHEAD = 2
MOST_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Wanted:
    """A run as the decision has it."""

    key: str
    begin: datetime
    end: datetime
    limit_w: int | None = None
    energy_wh: float | None = None
    cost: Decimal | None = None
    open_ended: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """The runs that are wanted, and what is shown of why: JSON with a `reason` for `words.py`."""

    wanted: tuple[Wanted, ...]
    shown: Json


def has_due_work() -> bool:
    """Whether a schedule is to be planned or a run looked at."""
    now = timezone.now()
    due = Schedule.objects.filter(plan_at__lte=now).exists() or ScheduleRun.objects.filter(due_at__lte=now).exists()
    return due or kept.orphans().exists()


def plan_due(now: datetime) -> int:
    """Look at every schedule whose time has come; -> how many. Of two schedulers one takes each."""
    taken = 0
    kept.clear_orphans(now)
    for (pk,) in claimed(Schedule.objects.all(), "plan_at", now, lease=LOOK_EVERY, most=MOST_AT_ONCE):
        taken += 1
        try:
            replan(pk, now)
        except Exception:
            log.exception("Schedule %s cannot be planned", pk)
    return taken


def replan(pk: int, now: datetime, *, force: bool = False) -> None:
    """Look at one schedule: what has been plugged in or out, and whether what was decided still fits."""
    with transaction.atomic():
        scene = scene_of(pk, now)
        if scene is None:
            return
        note_plug(scene)
        if not scene.schedule.enabled:
            reconcile(scene, Decision((), {"reason": "off"}))
            at = None if kept.sync(scene) else now + LOOK_EVERY
            Schedule.objects.filter(pk=pk).update(plan_at=at, plan={"reason": "off"}, plan_key="")
            return
        key = key_of(scene)
        if force or key != scene.schedule.plan_key:
            decision = decide(scene)
            reconcile(scene, decision)
            tell_short(scene, decision.shown)
            scene.schedule.plan, scene.schedule.plan_key = decision.shown, key
            scene.schedule.save(update_fields=["plan", "plan_key"])
            tell_schedule(scene.schedule)
        hold_back(scene)
        kept.sync(scene)


def tell_short(scene: Scene, shown: Json) -> None:
    """Say once for each deadline that the car will not be what it should be, and why."""
    told = scene.schedule.plan.get("told")
    if shown.get("missing_wh") and scene.plugged and told != shown["deadline"]:
        told = shown["deadline"]
        tell(scene, None, f"short_{shown['reason']}", missing_wh=shown["missing_wh"], deadline=told)
    if told:
        shown["told"] = told


def note_plug(scene: Scene) -> None:
    """Take over that a car came or left: what was for this plug-in alone ends, and what failed is tried anew."""
    schedule = scene.schedule
    if scene.plugged and schedule.plugged_since is None:
        schedule.plugged_since = scene.now
        schedule.save(update_fields=["plugged_since"])
    elif scene.plugged is False and (schedule.plugged_since is not None or schedule.charge_now):
        if schedule.plugged_since is None:
            return
        schedule.plugged_since, schedule.charge_now = None, False
        if schedule.pause_reason in ("failed", "full"):
            schedule.paused_until, schedule.pause_reason = None, ""
        schedule.save(update_fields=["plugged_since", "charge_now", "paused_until", "pause_reason"])
        for run in ScheduleRun.objects.filter(schedule=schedule, state__in=ScheduleRun.OVER, end_at__gt=scene.now):
            # The same window may be used by the next car.
            ScheduleRun.objects.filter(pk=run.pk).update(key=f"{run.key[:60]}~{run.pk}")


def key_of(scene: Scene) -> str:
    """A digest of what a decision depends on, apart from the passing of time within an hour."""
    schedule = scene.schedule
    values: list[Any] = [schedule.mode, schedule.charge_now, schedule.skipped, schedule.paused_until, scene.paused]
    values += [schedule.plugged_since, scene.plugged]
    if at_once(schedule):
        values += [scene.transaction is not None]
    elif schedule.mode == Schedule.Mode.SCHEDULE:
        values += [[span.begin, span.end, span.limit_w] for span in scene.spans[: PLANNED_AHEAD + 1]]
    else:
        finished = ScheduleRun.objects.filter(schedule=schedule, state__in=ScheduleRun.OVER).order_by("-pk")
        values += [schedule.continuous, schedule.buffer_minutes, schedule.min_run_minutes, schedule.price_limit]
        values += [scene.deadline, scene.power_w, scene.wanted_wh <= 0, finished.values_list("pk", flat=True).first()]
        values += [(slot.end, slot.price_per_kwh, slot.known) for slot in scene.prices]
        values += [scene.room.key]
        values += [scene.now.replace(minute=0, second=0, microsecond=0)]
    return hashlib.sha256(json.dumps(values, default=str).encode()).hexdigest()


def at_once(schedule: Schedule) -> bool:
    return schedule.charge_now or schedule.mode == Schedule.Mode.NOW


def decide(scene: Scene) -> Decision:
    """When to charge, and why."""
    schedule = scene.schedule
    if at_once(schedule):
        return decide_at_once(scene)
    if schedule.mode == Schedule.Mode.SCHEDULE:
        return decide_windows(scene)
    return decide_smart(scene)


def decide_at_once(scene: Scene) -> Decision:
    since = scene.schedule.plugged_since
    shown: Json = {"reason": "at_once" if scene.schedule.mode == Schedule.Mode.NOW else "this_once"}
    if scene.paused:
        return Decision((), paused(scene))
    if since is None or not scene.plugged:
        return Decision((), shown)
    return Decision((Wanted(f"plug:{iso(since)}", since, since + AT_ONCE, open_ended=True),), shown)


def paused(scene: Scene) -> Json:
    schedule = scene.schedule
    return {"reason": f"paused_{schedule.pause_reason or 'person'}", "until": iso(schedule.paused_until)}


def decide_windows(scene: Scene) -> Decision:
    wanted = []
    until = scene.schedule.paused_until
    for span in scene.spans:
        begin = max(span.begin, until) if until else span.begin
        if begin < span.end:
            wanted.append(Wanted(f"window:{iso(span.begin)}", begin, span.end, span.limit_w))
    ahead = tuple(wanted[:PLANNED_AHEAD])
    if not ahead:
        return Decision((), paused(scene) if scene.paused else {"reason": "no_window"})
    first = ahead[0]
    shown = {
        "reason": "in_window" if first.begin <= scene.now else "waits_window",
        "begin": iso(first.begin),
        "end": iso(first.end),
        "slots": [{"begin": iso(one.begin), "end": iso(one.end)} for one in ahead],
    }
    return Decision(ahead, {**paused(scene), "slots": shown["slots"]} if scene.paused else shown)


def options_of(schedule: Schedule) -> Options:
    return Options(
        continuous=schedule.continuous,
        buffer=timedelta(minutes=schedule.buffer_minutes),
        price_limit=schedule.price_limit,
        min_run=timedelta(minutes=schedule.min_run_minutes),
    )


def smart_plan(scene: Scene, begin: datetime | None = None) -> Plan:
    """The planner's answer for a smart schedule as things stand."""
    start = max(scene.now, begin) if begin else scene.now
    options = options_of(scene.schedule)
    limits = scene.room.limits(start, scene.deadline) if start < scene.deadline else []
    return plan(scene.prices, scene.power_w, scene.wanted_wh, scene.deadline, start, options, limits)


def shown_plan(scene: Scene, found: Plan) -> Json:
    """A plan as JSON: what is kept with the schedule, and what the preview gives."""
    return {
        "reason": found.reason,
        "deadline": iso(found.deadline),
        "wanted_wh": round(found.wanted_wh),
        "energy_wh": round(found.energy_wh),
        "missing_wh": round(found.missing_wh),
        "power_w": round(scene.power_w),
        "cost": f"{found.cost:.2f}",
        "prices_known": found.prices_known,
        "minutes": round(found.duration.total_seconds() / 60),
        "begin": iso(found.slots[0].begin) if found.slots else None,
        "ready_at": iso(found.slots[-1].end) if found.slots and not found.missing_wh else None,
        "limited": any(part.power_w < scene.power_w - 1 for part in found.powers),
        "powers": [
            {"begin": iso(part.begin), "end": iso(part.end), "power_w": round(part.power_w)} for part in found.powers
        ],
        "slots": [
            {
                "begin": iso(slot.begin),
                "end": iso(slot.end),
                "energy_wh": round(slot.energy_wh),
                "cost": f"{slot.cost:.2f}",
            }
            for slot in found.slots
        ],
    }


def decide_smart(scene: Scene) -> Decision:
    if scene.paused:
        return Decision((), paused(scene))
    found = smart_plan(scene, scene.schedule.paused_until)
    shown = shown_plan(scene, found)
    if scene.plugged is False:
        # Planned for good when a car comes: then it is known what is left of the night.
        return Decision((), {**shown, "waits_for_car": True})
    prefix = f"smart:{iso(found.deadline)}:"
    wanted = (
        Wanted(f"{prefix}{iso(slot.begin)}", slot.begin, slot.end, None, slot.energy_wh, slot.cost)
        for slot in found.slots
    )
    return Decision(tuple(wanted), shown)


# --- Keeping runs in step --------------------------------------------------------------------------------------------


def reconcile(scene: Scene, decision: Decision) -> None:
    """Let what runs end when it now should, drop what is planned otherwise, and plan what is wanted."""
    schedule, now = scene.schedule, scene.now
    left = list(decision.wanted)
    for run in open_runs(schedule):
        if run.state in (State.SENT, State.RUNNING):
            same = next((one for one in left if goes_on(run, one, now)), None)
            end = same.end if same else min(run.end_at, now)
            if same is not None:
                left.remove(same)
            changes: Json = {} if run.end_at == end else {"end_at": end}
            if run.open_ended and decision.wanted and (same is None or not same.open_ended):
                # Charging at once has become charging to a plan.
                changes["open_ended"] = False
            if changes:
                # Looked at at once: whoever watches it sets when to look next.
                ScheduleRun.objects.filter(pk=run.pk, state=run.state).update(**changes, due_at=now)
        elif run.state == State.HOLDING and left:
            first = left.pop(0)
            run.begin_at, run.end_at, run.limit_w = first.begin, first.end, first.limit_w
            due = max(now, min(first.begin, now + WATCH_EVERY))
            ScheduleRun.objects.filter(pk=run.pk, state=run.state).update(
                begin_at=first.begin, end_at=first.end, limit_w=first.limit_w, due_at=due
            )
        elif run.state == State.HOLDING:
            ScheduleRun.objects.filter(pk=run.pk, state=run.state).update(end_at=now, due_at=now)
    planned = ScheduleRun.objects.filter(schedule=schedule, state=State.PLANNED)
    keep = [one.key for one in left]
    planned.exclude(key__in=keep).delete()
    for wanted in left:
        put(scene, wanted)


def goes_on(run: ScheduleRun, wanted: Wanted, now: datetime) -> bool:
    """Whether a run that charges is what is wanted now."""
    if run.key == wanted.key:
        return True
    if run.key.startswith("smart:") and not wanted.key.startswith(run.key.split("Z", 1)[0]):
        # Another night, or another way of choosing: only what is at once goes on.
        return wanted.open_ended
    return not wanted.key.startswith("window:") and wanted.begin <= now + SAME


def put(scene: Scene, wanted: Wanted) -> None:
    """Plan a run, or move the planned one of the same key; one that is over is not planned again."""
    schedule = scene.schedule
    values = {
        "begin_at": wanted.begin,
        "end_at": wanted.end,
        "limit_w": wanted.limit_w,
        "energy_wh": wanted.energy_wh,
        "cost": wanted.cost,
    }
    found = ScheduleRun.objects.filter(schedule=schedule, key=wanted.key).first()
    if found is not None:
        if found.state == State.PLANNED and any(getattr(found, name) != value for name, value in values.items()):
            due = due_of(schedule, wanted)
            ScheduleRun.objects.filter(pk=found.pk, state=State.PLANNED).update(**values, due_at=due)
        return
    try:
        with transaction.atomic():
            ScheduleRun.objects.create(
                organization_id=schedule.organization_id,
                schedule=schedule,
                key=wanted.key,
                due_at=due_of(schedule, wanted),
                open_ended=wanted.open_ended,
                steps=[{"at": iso(scene.now), "code": "planned", "params": {}}],
                created_at=scene.now,
                **values,
            )
    except IntegrityError:
        log.info("Run %s of schedule %s was planned elsewhere at the same time", wanted.key, schedule.pk)


def due_of(schedule: Schedule, wanted: Wanted) -> datetime:
    """When the run begins: with the schedule's random delay, the same one however often it is planned."""
    most = schedule.random_delay_minutes * 60
    if not most or wanted.open_ended:
        return wanted.begin
    draw = random.Random(f"{schedule.pk} {wanted.end.date()}")  # noqa: S311
    delay = timedelta(seconds=draw.uniform(0, most))
    return min(wanted.begin + delay, max(wanted.begin, wanted.end - timedelta(minutes=1)))


def hold_back(scene: Scene) -> None:
    """Hold a session that the station began by itself until its slot, where a limit can do that."""
    schedule, now = scene.schedule, scene.now
    if schedule.technique == Schedule.Technique.START or at_once(schedule) or not scene.began_by_itself:
        return
    if not scene.may_hold or not scene.station.online:
        return
    if ScheduleRun.objects.filter(schedule=schedule, transaction=scene.transaction).exists():
        return
    first = next((run for run in open_runs(schedule) if run.state == State.PLANNED), None)
    if first is None or not now < first.begin_at <= now + HOLD_BEFORE or first.due_at is None:
        return
    hold(scene, first)


def preview(scene: Scene) -> Decision:
    """What would be decided for a car that is plugged in now, kept nowhere."""
    schedule = scene.schedule
    if at_once(schedule) or schedule.mode == Schedule.Mode.SCHEDULE:
        return decide(scene)
    found = smart_plan(replace(scene))
    return Decision((), shown_plan(scene, found))
