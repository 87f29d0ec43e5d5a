"""What looks at runs do: remember, look again, send commands, end, and tell the owner."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from charging import live
from charging.actions.commands import send_command
from charging.models import Command, Schedule, ScheduleRun
from charging.queries import schedules
from charging.queries.scope import iso
from charging.scheduling import kept, words
from charging.scheduling.scene import Scene
from mobility.errors import Conflict, Problem

State = ScheduleRun.State
SOON = timedelta(seconds=3)
WATCH_EVERY = timedelta(seconds=30)
#: How often a run looks whether what it waits for has come.
WAIT_EVERY = timedelta(seconds=15)
#: A transaction and power have to come within this time.
PATIENCE = timedelta(minutes=3)
MOST_STEPS = 60
FAILED = (Command.Status.REJECTED, Command.Status.FAILED, Command.Status.EXPIRED, Command.Status.CANCELLED)


def note(scene: Scene, run: ScheduleRun, code: str, **params: Any) -> None:
    """Write a line into the run's log, unless it is the last one already."""
    if run.steps and run.steps[-1]["code"] == code and run.steps[-1]["params"] == params:
        return
    run.steps = [*run.steps[-MOST_STEPS:], {"at": iso(scene.now), "code": code, "params": params}]


def again(scene: Scene, run: ScheduleRun, after: timedelta, *, by: datetime | None = None) -> None:
    """Look again after some time, at the latest when the run ends."""
    run.due_at = min(scene.now + after, max(by or run.end_at, scene.now + timedelta(seconds=1)))


def over(scene: Scene, run: ScheduleRun, state: State, code: str, **params: Any) -> None:
    note(scene, run, code, **params)
    run.state, run.due_at, run.ended_at = state, None, scene.now
    Schedule.objects.filter(pk=run.schedule_id).update(plan_at=scene.now, plan_key="")


def fail(scene: Scene, run: ScheduleRun, code: str, **params: Any) -> None:
    """The run is over and did not do what it should: its owner is told, and nothing is tried for this time again."""
    over(scene, run, State.FAILED, code, **params)
    pause(scene, run, "failed")
    tell(scene, run, code, **params)


def pause(scene: Scene, run: ScheduleRun, why: str) -> None:
    """Nothing more until the end of the window, or the time by which the car should be ready."""
    until = scene.deadline if run.key.startswith("smart:") else run.end_at
    if not run.open_ended and until > scene.now:
        Schedule.objects.filter(pk=run.schedule_id).update(paused_until=until, pause_reason=why)


def tell(scene: Scene, run: ScheduleRun | None, code: str, **params: Any) -> None:
    """Publish `schedule.failed`: what its owner has to know."""
    schedule, station = scene.schedule, scene.station
    text = words.for_owner(schedule, station, code, params)
    live.publish(
        live.Event(
            "schedule.failed",
            schedule.organization_id,
            station.pk,
            station.identity,
            {
                "schedule": schedule.pk,
                "run": run.pk if run else None,
                "code": code,
                "user": schedule.user_id,
                "text": text,
            },
            user_id=schedule.user_id,
        )
    )


def tell_schedule(schedule: Schedule) -> None:
    """Publish `schedule.updated`: what it does now, and why."""
    station = schedule.station
    event = live.Event("schedule.updated", schedule.organization_id, station.pk, station.identity)
    event.data, event.user_id = schedules.as_json(schedule), schedule.user_id
    live.publish(event)


def send(scene: Scene, run: ScheduleRun, command: str, params: Mapping[str, Any]) -> Command | None:
    """Send a command on the owner's behalf; None where it is refused here, with the reason in the log."""
    where: dict[str, Any] = {}
    if scene.connector is not None and command != "stop":
        where = {"evse_id": scene.connector.evse_number, "connector_id": scene.connector.number}
    try:
        if not scene.schedule.user.is_active:
            raise Conflict(_("The account of the schedule's owner is no longer active."), code="owner_inactive")
        sent = send_command(scene.actor, station=scene.station, command=command, params={**where, **params})
    except Problem as problem:
        note(scene, run, "refused_here", command=command, why=problem.message, problem=problem.code)
        return None
    run.command, run.sent_at = sent, scene.now
    note(scene, run, f"sent_{command}", command=sent.pk)
    return sent


def limit(scene: Scene, run: ScheduleRun, limit_w: float | None) -> bool:
    """Limit the session that runs: 0 holds it back, None lifts the limit; False where that cannot be sent.

    Where the load of the site is balanced nothing is sent: the balancing looks at the runs, and its limits are lower
    still where they have to be. A manager's schedule limits the outlet. A driver's has the narrow right to limit the
    own session and no other: by a profile for that transaction, which ends with it.
    """
    if scene.is_balanced:
        run.command, run.sent_at = None, scene.now
        note(scene, run, "left_to_balancing")
        return True
    if scene.may_limit:
        name, value = ("limit_a", 0) if limit_w == 0 else ("limit_w", limit_w)
        return send(scene, run, "set_limit", {name: value}) is not None
    if limit_w != 0 and not scene.owns_session:
        # The session is over, and its limit with it.
        run.command = None
        return True
    if not scene.owns_session or not scene.station.online:
        return False
    sent = kept.limit_own(scene, limit_w)
    if sent is False:
        note(scene, run, "no_way_to_limit")
        return False
    run.command, run.sent_at = (None if sent is True else sent), scene.now
    note(scene, run, "station_by_itself" if sent is True else f"sent_{sent.kind}")
    return True


def is_refused(run: ScheduleRun) -> bool:
    """Whether the last command came to nothing; that there is no limit to take away is fine."""
    command = run.command
    if command is None or command.status not in FAILED or command.kind == "clear_profiles":
        return False
    return command.kind != "set_limit" or any(value is not None for value in command.params.values())


def note_answer(scene: Scene, run: ScheduleRun) -> None:
    """Take the station's answer to the last command into the log."""
    command = run.command
    if command is None or command.answered_at is None or command.status in Command.WAITING:
        return
    if run.answered_at is None or run.answered_at < command.answered_at:
        run.answered_at = command.answered_at
        note(scene, run, f"answered_{command.status}", command=command.pk, why=command.error)


def watch(scene: Scene, run: ScheduleRun, code: str) -> None:
    if code:
        note(scene, run, code)
    run.state, run.watch_until = State.SENT, scene.now + PATIENCE
    run.sent_at = run.sent_at or scene.now
    again(scene, run, SOON, by=run.watch_until)
