"""The beginning of a run: it waits for what is missing, starts, and is watched until power flows."""

from typing import Any

from charging.models import Command, Schedule, ScheduleRun
from charging.models.schedules import ASLEEP
from charging.scheduling.acts import (
    SOON,
    WAIT_EVERY,
    WATCH_EVERY,
    again,
    fail,
    is_refused,
    limit,
    note,
    note_answer,
    over,
    send,
    tell,
    watch,
)
from charging.scheduling.ends import step_running
from charging.scheduling.scene import Scene, open_runs

State = ScheduleRun.State
#: How far the attempts have gone, beside `ASLEEP`.
STARTED, AWAKE = 1, 4


def step_planned(scene: Scene, run: ScheduleRun) -> None:
    """Its time has come: charge, or wait for what is missing until its end."""
    if scene.now >= run.end_at:
        miss(scene, run)
        return
    if is_taken(scene, run):
        again(scene, run, WAIT_EVERY)
        return
    missing = what_is_missing(scene)
    if missing:
        note(scene, run, missing)
        again(scene, run, WAIT_EVERY)
        return
    found = scene.transaction
    if found is None:
        begin(scene, run)
    elif not scene.is_own(found):
        note(scene, run, "someone_else")
        again(scene, run, WATCH_EVERY)
    elif scene.began_by_itself or ScheduleRun.objects.filter(transaction=found, schedule=scene.schedule).exists():
        run.transaction, run.held = found, True
        set_limit_of(scene, run)
        watch(scene, run, "runs_already")
    else:
        over(scene, run, State.DONE, "by_hand")


def is_taken(scene: Scene, run: ScheduleRun) -> bool:
    """Whether another run of the schedule is still at it; one that rests hands its session over."""
    for other in open_runs(scene.schedule):
        if other.pk == run.pk or other.state == State.PLANNED:
            continue
        if other.state == State.RESTING:
            run.transaction, run.held = other.transaction, True
            note(scene, other, "handed_over")
            other.state, other.due_at, other.ended_at = State.DONE, None, scene.now
            other.save()
            continue
        return True
    return False


def what_is_missing(scene: Scene) -> str:
    if not scene.station.online:
        return "waits_offline"
    if scene.plugged is False:
        return "waits_car"
    return "waits_broken" if scene.is_broken else ""


def miss(scene: Scene, run: ScheduleRun) -> None:
    """Its end has come before it could begin. That no car was there is nobody's worry."""
    waited = next((step["code"] for step in reversed(run.steps) if step["code"].startswith("waits_")), "")
    late = waited or what_is_missing(scene) or "too_late"
    if late == "waits_car" or (late == "too_late" and scene.plugged is False):
        over(scene, run, State.MISSED, "missed_no_car")
        return
    code = {"waits_offline": "missed_offline", "waits_broken": "missed_broken"}.get(late, "missed_late")
    over(scene, run, State.MISSED, code)
    tell(scene, run, code)


def begin(scene: Scene, run: ScheduleRun) -> None:
    """Start remotely; a station that begins by itself has only its limit taken away."""
    holds = scene.schedule.technique == Schedule.Technique.HOLD
    if holds and (scene.is_balanced or not scene.may_limit):
        # Its session begins by itself, and nothing is held that could be let go.
        run.attempts += 1
        watch(scene, run, "")
        return
    if holds:
        sent = send(scene, run, "set_limit", {"limit_w": run.limit_w})
    else:
        if scene.may_limit:
            set_limit_of(scene, run)
        tag, car = scene.schedule.id_tag, scene.schedule.car_id
        params: dict[str, Any] = {"car": car} if car else {}
        sent = send(scene, run, "start", {**params, "id_tag": tag.id_tag} if tag else params)
    if sent is None:
        refused = run.steps[-1]["params"]
        if refused.get("problem") in ("station_offline", "connector_busy"):
            again(scene, run, SOON)
        else:
            fail(scene, run, "cannot_start", why=refused.get("why", ""))
        return
    run.attempts += 1
    watch(scene, run, "")


def set_limit_of(scene: Scene, run: ScheduleRun) -> None:
    """The window's own limit, for a schedule whose owner may set one."""
    if run.limit_w is not None and scene.may_hold:
        limit(scene, run, run.limit_w)


def step_sent(scene: Scene, run: ScheduleRun) -> None:
    """Wait for a transaction and for power; then a retry, then a wake-up, then a word to the owner."""
    note_answer(scene, run)
    asleep = run.attempts == ASLEEP
    if asleep and run.watch_until is not None and scene.now >= run.watch_until:
        wake_up(scene, run)
        return
    if scene.now >= run.end_at and not run.open_ended and not asleep:
        run.state = State.RUNNING
        step_running(scene, run)
        return
    found = scene.transaction
    if found is not None and scene.is_own(found):
        run.transaction = found
        if scene.flows(run.sent_at):
            if not run.held and not scene.may_limit:
                # Only now is there a session that is the owner's to limit.
                set_limit_of(scene, run)
            run.state, run.effect_at = State.RUNNING, scene.now
            note(scene, run, "charges", transaction=found.pk)
            again(scene, run, WATCH_EVERY)
            return
    if (run.watch_until is None or scene.now < run.watch_until) and not (is_refused(run) and run.attempts <= 1):
        again(scene, run, SOON, by=run.watch_until)
        return
    next_attempt(scene, run)


def next_attempt(scene: Scene, run: ScheduleRun) -> None:
    """After the start a retry, then asleep and awake again. Afterwards there is nothing left to try."""
    why = what_is_missing(scene)
    found = scene.transaction
    if not why and found is not None and not scene.is_own(found):
        why = "someone_else"
    if why:
        # Nothing is known of what came of it, or it cannot be now: it is tried anew when it can.
        run.state, run.attempts = State.PLANNED, 0
        note(scene, run, why)
        again(scene, run, WAIT_EVERY)
    elif run.attempts <= STARTED and found is None:
        note(scene, run, "retries")
        run.attempts = STARTED
        begin(scene, run)
    elif run.attempts < ASLEEP and (scene.may_hold if found is not None else scene.may_limit):
        put_to_sleep(scene, run, found is not None)
    else:
        give_up(scene, run, found is not None)


def put_to_sleep(scene: Scene, run: ScheduleRun, sleeping: bool) -> None:
    """A car that sleeps sees the power go and come; one without a session sees its outlet go and come."""
    note(scene, run, "wakes")
    if sleeping:
        limit(scene, run, 0)
    else:
        send(scene, run, "change_availability", {"operative": False})
    run.attempts, run.watch_until = ASLEEP, scene.now + SOON
    run.due_at = run.watch_until


def wake_up(scene: Scene, run: ScheduleRun) -> None:
    """Undo what put the car to sleep, as soon as the station can be told."""
    if not scene.station.online:
        note(scene, run, "waits_offline")
        run.due_at = scene.now + SOON
        return
    if run.command is None or run.command.kind != "change_availability":
        limit(scene, run, run.limit_w)
    else:
        send(scene, run, "change_availability", {"operative": True})
        if scene.transaction is None and scene.now < run.end_at:
            begin(scene, run)
    if run.due_at is not None:
        run.attempts = AWAKE
        watch(scene, run, "")


def give_up(scene: Scene, run: ScheduleRun, sleeping: bool) -> None:
    command = run.command
    if sleeping:
        fail(scene, run, "car_sleeps")
    elif command is not None and command.status == Command.Status.REJECTED:
        fail(scene, run, "station_refuses")
    elif command is not None and command.status in (Command.Status.TIMED_OUT, Command.Status.EXPIRED):
        fail(scene, run, "station_silent")
    else:
        fail(scene, run, "never_started")
