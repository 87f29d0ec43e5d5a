"""The middle and the end of a run: it charges, is stopped, or is held back by a limit until the next."""

from datetime import datetime, timedelta

from charging.models import Schedule, ScheduleRun, Transaction
from charging.queries.scope import iso
from charging.scheduling import kept
from charging.scheduling.acts import (
    PATIENCE,
    SOON,
    WATCH_EVERY,
    again,
    fail,
    is_refused,
    limit,
    note,
    note_answer,
    over,
    pause,
    send,
    tell,
    watch,
)
from charging.scheduling.scene import Scene, open_runs

State = ScheduleRun.State
#: Ends of a session that nobody wished for: it goes on when it can.
ACCIDENTS = {"PowerLoss", "Reboot", "HardReset", "SoftReset", "ImmediateReset", "Other", "GroundFault", "PowerQuality"}
ACCIDENTS |= {"EmergencyStop", "OvercurrentFault", "Timeout"}
#: Ends by the car, which has what it wants.
FULL = {"StoppedByEV", "SOCLimitReached", "EnergyLimitReached", "ReqEnergyTransferRejected"}


def fresh(run: ScheduleRun) -> Transaction | None:
    """The run's session as it is now."""
    return Transaction.objects.filter(pk=run.transaction_id).first() if run.transaction_id else None


def step_running(scene: Scene, run: ScheduleRun) -> None:
    found = run.transaction
    if found is not None:
        found = run.transaction = Transaction.objects.get(pk=found.pk)
    if found is not None and not found.is_open:
        ended_early(scene, run, found)
        return
    if scene.now < run.end_at:
        again(scene, run, WATCH_EVERY)
    elif run.open_ended:
        over(scene, run, State.DONE, "done")
    elif run.key.startswith("smart:") and run.watch_until != run.end_at:
        # What is still needed is counted once more before it ends.
        run.watch_until, run.due_at = run.end_at, scene.now + timedelta(seconds=1)
        Schedule.objects.filter(pk=run.schedule_id).update(plan_at=scene.now, plan_key="")
    else:
        finish(scene, run)


def ended_early(scene: Scene, run: ScheduleRun, found: Transaction) -> None:
    """Whose doing it was decides: a car that left, an accident, or a person whose word stands until the next window."""
    if scene.now >= run.end_at and not run.open_ended:
        over(scene, run, State.DONE, "done", energy_wh=round(found.energy_wh))
        not_ready(scene, run)
        return
    if found.stop_reason == "EVDisconnected" or scene.plugged is False:
        over(scene, run, State.DONE, "car_left", energy_wh=round(found.energy_wh))
        return
    if found.stop_reason in ACCIDENTS or found.state == Transaction.State.LOST:
        run.state, run.transaction, run.attempts, run.held = State.PLANNED, None, 0, False
        note(scene, run, "cut_off", why=found.stop_reason)
        again(scene, run, SOON)
        return
    if found.stop_reason == "DeAuthorized":
        fail(scene, run, "deauthorized")
        return
    by_car = found.stop_reason in FULL
    over(scene, run, State.DONE, "car_ended" if by_car else "stopped_by_hand", energy_wh=round(found.energy_wh))
    pause(scene, run, "full" if by_car else "stopped")


def finish(scene: Scene, run: ScheduleRun) -> None:
    """The end of its time: go on if more is needed, hold the session back for the next slot, or stop it."""
    found = run.transaction or scene.transaction
    if found is None or not scene.is_own(found):
        over(scene, run, State.DONE, "done")
        return
    run.transaction = found
    if not scene.station.online:
        note(scene, run, "waits_offline")
        run.due_at = scene.now + WATCH_EVERY
        return
    following = next((other for other in open_runs(scene.schedule) if other.state == State.PLANNED), None)
    pauses = following is not None and following.key.startswith("smart:") and following.begin_at > scene.now
    if pauses and following is not None and scene.may_hold and hold(scene, following):
        over(scene, run, State.DONE, "pauses", until=iso(following.begin_at))
        return
    if run.held and scene.may_hold and limit(scene, run, 0):
        # What began by itself would begin again after a stop.
        run.state = State.RESTING
        note(scene, run, "rests")
        run.due_at = scene.now + WATCH_EVERY
        not_ready(scene, run)
        return
    stop(scene, run)


def stop(scene: Scene, run: ScheduleRun) -> None:
    """Stop the session; a refusal here is told at once, one of the station after a second try."""
    found = run.transaction
    assert found is not None
    sent = send(scene, run, "stop", {"transaction": found.pk})
    if sent is None:
        fail(scene, run, "cannot_stop", why=run.steps[-1]["params"].get("why", ""))
        return
    if run.state != State.ENDING:
        run.state, run.attempts = State.ENDING, 0
    run.attempts += 1
    run.watch_until = scene.now + PATIENCE
    run.due_at = scene.now + SOON


def step_ending(scene: Scene, run: ScheduleRun) -> None:
    note_answer(scene, run)
    found = fresh(run)
    if found is None or not found.is_open:
        over(scene, run, State.DONE, "done", energy_wh=round(found.energy_wh) if found else 0)
        not_ready(scene, run)
        return
    run.transaction = found
    run.due_at = scene.now + SOON
    if not scene.station.online or (run.watch_until and scene.now < run.watch_until and not is_refused(run)):
        return
    if run.attempts < 2:
        stop(scene, run)
        return
    fail(scene, run, "does_not_stop")


def not_ready(scene: Scene, run: ScheduleRun) -> None:
    """Say so when a car is not what it should be by its time, and nothing more is planned before it."""
    if not run.key.startswith("smart:") or scene.now < deadline_of(run) - timedelta(minutes=1):
        return
    if scene.wanted_wh > max(500.0, scene.power_w * 0.1):
        note(scene, run, "not_ready", missing_wh=round(scene.wanted_wh))
        tell(scene, run, "not_ready", missing_wh=round(scene.wanted_wh))


def deadline_of(run: ScheduleRun) -> datetime:
    """The deadline in the key `smart:<deadline>:<begin>` of a run; both are ISO 8601 in UTC and end in Z."""
    return datetime.fromisoformat(run.key.removeprefix("smart:").split("Z", 1)[0] + "+00:00")


def hold(scene: Scene, run: ScheduleRun) -> bool:
    """Keep the session that runs at 0 A until the run begins; False where the limit cannot be sent."""
    sent = limit(scene, run, 0)
    if sent:
        run.state, run.held, run.transaction = State.HOLDING, True, scene.transaction
        note(scene, run, "holds")
        again(scene, run, WATCH_EVERY, by=run.begin_at)
    run.save()
    return sent


def step_holding(scene: Scene, run: ScheduleRun) -> None:
    note_answer(scene, run)
    found = scene.transaction
    if found is None or found.pk != run.transaction_id:
        # The car is gone, or the session over: the next one must not find the limit.
        limit(scene, run, None)
        run.state, run.transaction, run.held = State.PLANNED, None, False
        run.due_at = max(scene.now + SOON, run.begin_at)
        return
    refused = is_refused(run) and run.effect_at is None
    by_profile = run.command is not None and run.command.kind == "set_profile"
    if refused and by_profile:
        resent, wanted_w = kept.sent_since(scene, run), 0 if scene.now < run.begin_at else run.limit_w
        if resent is not None:
            run.command = resent
        if resent is not None or (kept.another_way(scene) and limit(scene, run, wanted_w)):
            again(scene, run, SOON)
            return
    if refused:
        note(scene, run, "takes_no_limits")
        tell(scene, run, "takes_no_limits")
        run.state, run.effect_at = State.RUNNING, scene.now
        again(scene, run, WATCH_EVERY)
        return
    if scene.now >= run.end_at:
        release(scene, run)
        return
    if scene.now < run.begin_at:
        again(scene, run, WATCH_EVERY, by=run.begin_at)
        return
    if not scene.station.online:
        note(scene, run, "waits_offline")
        again(scene, run, SOON)
        return
    if not limit(scene, run, run.limit_w):
        fail(scene, run, "cannot_start", why=run.steps[-1]["params"].get("why", ""))
        return
    run.attempts = 2
    watch(scene, run, "releases")


def step_resting(scene: Scene, run: ScheduleRun) -> None:
    """After its end, until the car is gone."""
    note_answer(scene, run)
    found = fresh(run)
    if found is not None and found.is_open and scene.plugged is not False:
        run.due_at = scene.now + WATCH_EVERY
        return
    release(scene, run)


def release(scene: Scene, run: ScheduleRun) -> None:
    """Take a limit of ours away, as soon as the station can be told."""
    if not scene.station.online:
        note(scene, run, "waits_offline")
        run.due_at = scene.now + WATCH_EVERY
        return
    limit(scene, run, None)
    over(scene, run, State.DONE, "released")
