"""Runs that are due: each is claimed by one scheduler, and looked at.

Each look is one transaction: what is sent to the station and what the run remembers of it are committed together, so
that a process that ends in between has done neither or both.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import transaction

from accounts.locks import held
from charging.claims import claimed
from charging.models import ScheduleRun
from charging.scheduling import ends, starts
from charging.scheduling.acts import tell_schedule
from charging.scheduling.scene import Scene, scene_of

log = logging.getLogger("charging.scheduling")

State = ScheduleRun.State
LEASE = timedelta(seconds=60)
MOST_AT_ONCE = 500

STEPS: dict[State, Callable[[Scene, ScheduleRun], None]] = {
    State.PLANNED: starts.step_planned,
    State.HOLDING: ends.step_holding,
    State.SENT: starts.step_sent,
    State.RUNNING: ends.step_running,
    State.ENDING: ends.step_ending,
    State.RESTING: ends.step_resting,
}


def run_due(now: datetime) -> int:
    """Look at every run that is due; -> how many. Of two schedulers one takes each."""
    taken = 0
    rows = ScheduleRun.objects.all()
    for pk, schedule_pk in claimed(rows, "due_at", now, lease=LEASE, most=MOST_AT_ONCE, also=("schedule",)):
        taken += 1
        try:
            look(pk, schedule_pk, now)
        except Exception:
            log.exception("Run %s of schedule %s cannot be looked at", pk, schedule_pk)
    return taken


def look(pk: int, schedule_pk: int, now: datetime) -> None:
    with transaction.atomic():
        scene = scene_of(schedule_pk, now)
        run = held(ScheduleRun.objects.all()).filter(pk=pk).first()
        if scene is None or run is None or run.due_at is None:
            return
        before = run.state
        STEPS[State(before)](scene, run)
        run.save()
        if run.state != before:
            tell_schedule(scene.schedule)
