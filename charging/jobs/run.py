"""Beginning jobs, and ending those of which nothing is heard: what the schedule does, and the action for a single one.

Each step is one transaction: the command and what the job says of it are committed together, or neither. A job is
claimed by a conditional update, so that of two schedulers one begins it.
"""

import json
import logging
import secrets
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from accounts.actors import Actor
from accounts.locks import held
from accounts.sealing import seal, unseal
from charging import live
from charging.actions.commands import SEALED_FOR, Draft, queue_command
from charging.claims import claimed
from charging.commands import KINDS
from charging.jobs import links, progress
from charging.live import Event
from charging.models import Command, JobGroup, StationJob
from charging.queries import jobs as queries
from charging.queries.scope import iso

log = logging.getLogger("charging.jobs")

State = StationJob.State
LOCATION = "job location"
COMMANDS = {StationJob.Kind.FIRMWARE: "update_firmware", StationJob.Kind.LOG: "get_log"}
LEASE = timedelta(seconds=60)
#: A job of a group waits this long for its station.
WAITS_FOR = timedelta(days=1)
MOST_AT_ONCE = 200


def has_due() -> bool:
    """Whether any wants to begin, or has been silent for too long."""
    now = timezone.now()
    if StationJob.objects.filter(due_at__lte=now).exists():
        return True
    return StationJob.objects.filter(state=State.WAITING, begin_at__lte=now, station__online=True).exists()


def run_due(now: datetime) -> int:
    """Begin what may begin and end what is silent; -> how many jobs were touched."""
    touched = 0
    for (pk,) in claimed(StationJob.objects.all(), "due_at", now, lease=LEASE, most=MOST_AT_ONCE):
        touched += 1
        try:
            end_silent(pk, now)
        except Exception:
            log.exception("Job %s cannot be looked at", pk)
    ready = StationJob.objects.filter(state=State.WAITING, begin_at__lte=now, station__online=True, group__isnull=False)
    for group_id in list(ready.order_by().values_list("group_id", flat=True).distinct()[:MOST_AT_ONCE]):
        try:
            touched += begin_group(group_id, now)
        except Exception:
            log.exception("Jobs of group %s cannot be begun", group_id)
    return touched


def end_silent(pk: int, now: datetime) -> None:
    with transaction.atomic():
        job = queries.rows().filter(pk=pk).first()
        if job is not None and (events := progress.overdue(job, now)):
            live.publish(*events)


def begin_group(group_id: int, now: datetime) -> int:
    """Begin as many of a group's jobs as may run beside those that do; -> how many."""
    with transaction.atomic():
        group = held(JobGroup.objects.all()).get(pk=group_id)
        running = StationJob.objects.filter(group=group, state__in=StationJob.ACTIVE).count()
        free = group.parallel - running
        if free <= 0:
            return 0
        busy = StationJob.objects.filter(station=OuterRef("station"), kind=group.kind, state__in=StationJob.ACTIVE)
        waiting = queries.rows().filter(group=group, state=State.WAITING, begin_at__lte=now, station__online=True)
        chosen = list(waiting.exclude(Exists(busy)).order_by("begin_at", "pk")[:free])
        for job in chosen:
            live.publish(*begin(job, now))
        return len(chosen)


def begin(job: StationJob, now: datetime) -> list[Event]:
    """Ask the station; the command waits for one that is away."""
    location, token = place_of(job)
    job.attempts += 1
    job.request_id = secrets.randbelow(2**31 - 1) + 1
    command = command_of(job, location, now)
    progress.note(job, now, "begun", attempt=job.attempts)
    if not job.station.online:
        progress.note(job, now, "waits_offline")
    events = progress.move(
        job,
        State.ASKED,
        now,
        progress=0,
        attempts=job.attempts,
        request_id=job.request_id,
        started_at=now,
        version_before=job.station.firmware_version,
        version_after="",
        booted_at=None,
        token_hash=links.digest(token) if token else "",
        # The end of the command says what became of it; this is for one whose end was never told.
        due_at=command.expires_at + progress.silence(),
    )
    if not events:
        return []
    actor = Actor(user=job.actor, name=job.actor.email if job.actor else "system", is_system=job.actor is None)
    queue_command(actor, station=job.station, kind=command.kind, params=command.params, row=Draft(command))
    StationJob.objects.filter(pk=job.pk).update(command=command)
    job.command = command
    return [queries.event(job)]


def place_of(job: StationJob) -> tuple[str, str]:
    """(the address that the station is told, the token in it where it is one of ours)."""
    if job.location:
        opened = unseal(LOCATION, job.sealed) if job.sealed else job.location
        return opened or job.location, ""
    token = links.new_token()
    name = job.firmware.name if job.firmware else ""
    return links.link(token, name), token


def command_of(job: StationJob, location: str, now: datetime) -> Command:
    """The command of a job, its address sealed: what is shown of it carries no token and no password."""
    kind = KINDS[COMMANDS[StationJob.Kind(job.kind)]]
    params: dict[str, Any] = {
        "request_id": job.request_id,
        "location": location,
        "retries": job.retries,
        "retry_interval_s": job.retry_interval_s,
    }
    if job.kind == StationJob.Kind.FIRMWARE:
        params |= {
            "retrieve": iso(job.retrieve_at or now),
            "install": iso(job.install_at),
            "signing_certificate": job.signing_certificate,
            "signature": job.signature,
        }
    else:
        params |= {"log_type": job.log_type, "oldest": iso(job.oldest_at), "latest": iso(job.latest_at)}
    shown = {**params, "location": links.shown(location)}
    return Command(
        organization_id=job.organization_id,
        station=job.station,
        kind=kind.name,
        actor=job.actor,
        params=shown,
        sealed=seal(SEALED_FOR, json.dumps(params)) if shown != params else "",
        expires_at=now + timedelta(seconds=kind.lifetime_s),
    )
