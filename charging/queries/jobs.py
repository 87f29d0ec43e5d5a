"""Reading jobs of stations, their groups, and firmware files."""

import re
from typing import Any

from django.db.models import Count, Q, QuerySet

from accounts.actors import Actor
from charging.live import Event
from charging.models import FirmwareFile, JobGroup, StationJob
from charging.queries.scope import iso, never_for_drivers, one

State = StationJob.State


def rows() -> QuerySet[StationJob]:
    """Jobs with all that their JSON needs."""
    return StationJob.objects.select_related("station", "command", "firmware", "actor", "group")


def visible(actor: Actor) -> QuerySet[StationJob]:
    """The organization's jobs; never to drivers."""
    return never_for_drivers(actor, rows())


def get(actor: Actor, pk: object) -> StationJob:
    """Raises NotFound."""
    return one(visible(actor), "job", pk=pk)


def groups(actor: Actor) -> QuerySet[JobGroup]:
    """The organization's groups of jobs; never to drivers."""
    return never_for_drivers(actor, JobGroup.objects.select_related("actor"))


def get_group(actor: Actor, pk: object) -> JobGroup:
    """Raises NotFound."""
    return one(groups(actor), "job", pk=pk)


def of_group(actor: Actor, group: JobGroup) -> QuerySet[StationJob]:
    return visible(actor).filter(group=group).order_by("pk")


def counts(found: QuerySet[StationJob]) -> dict[str, int]:
    """How many wait, run, are done, failed (timed out among them) or were cancelled."""
    return found.order_by().aggregate(
        all=Count("pk"),
        waiting=Count("pk", filter=Q(state=State.WAITING)),
        running=Count("pk", filter=Q(state__in=StationJob.ACTIVE)),
        done=Count("pk", filter=Q(state=State.DONE)),
        failed=Count("pk", filter=Q(state__in=(State.FAILED, State.TIMED_OUT))),
        cancelled=Count("pk", filter=Q(state=State.CANCELLED)),
    )


def firmware_files(actor: Actor) -> QuerySet[FirmwareFile]:
    """The firmware that was uploaded, the newest first; never to drivers."""
    return never_for_drivers(actor, FirmwareFile.objects.select_related("actor")).order_by("-pk")


def get_firmware_file(actor: Actor, pk: object) -> FirmwareFile:
    """Raises NotFound."""
    return one(firmware_files(actor), "firmware file", pk=pk)


def file_name(raw: str) -> str:
    """The last part of a name that somebody sent, without anything that a file system or a page could stumble over."""
    last = re.split(r"[/\\]", raw)[-1]
    return re.sub(r"[^A-Za-z0-9._-]+", "_", last).strip("._")[-100:]


def as_json(job: StationJob) -> dict[str, Any]:
    """A job as REST and live events give it. Costs no query for one of `rows`."""
    return {
        "id": job.pk,
        "organization": job.organization_id,
        "group": job.group_id,
        "station": job.station.identity,
        "station_name": str(job.station),
        "kind": str(job.kind),
        "log_type": str(job.log_type) or None,
        "state": str(job.state),
        "progress": job.progress,
        "error": job.error,
        "location": job.location or None,
        "own_place": job.is_own_place,
        "firmware_file": job.firmware_id,
        "version": job.version or None,
        "version_before": job.version_before or None,
        "version_after": job.version_after or None,
        "retrieve": iso(job.retrieve_at),
        "install": iso(job.install_at),
        "retries": job.retries,
        "retry_interval_s": job.retry_interval_s,
        "signed": bool(job.signature),
        "oldest": iso(job.oldest_at),
        "latest": iso(job.latest_at),
        "file": None
        if job.file_at is None or not job.file_path
        else {"name": job.file_name, "size": job.file_size, "sha256": job.file_sha256, "at": iso(job.file_at)},
        "attempts": job.attempts,
        "request_id": job.request_id,
        "user": job.actor_id,
        "user_name": job.actor.display_name if job.actor else None,
        "command": job.command_id,
        "created": iso(job.created_at),
        "started": iso(job.started_at),
        "ended": iso(job.ended_at),
        "steps": job.steps,
    }


def firmware_as_json(row: FirmwareFile) -> dict[str, Any]:
    return {
        "id": row.pk,
        "organization": row.organization_id,
        "name": row.name,
        "version": row.version or None,
        "size": row.size,
        "sha256": row.sha256,
        "user": row.actor_id,
        "created": iso(row.created_at),
    }


def group_as_json(group: JobGroup, counted: dict[str, int]) -> dict[str, Any]:
    return {
        "id": group.pk,
        "organization": group.organization_id,
        "kind": group.kind,
        "parallel": group.parallel,
        "spread_s": group.spread_s,
        "user": group.actor_id,
        "created": iso(group.created_at),
        "counts": counted,
    }


def event(job: StationJob) -> Event:
    station = job.station
    return Event("job.updated", job.organization_id, station.pk, station.identity, as_json(job))
