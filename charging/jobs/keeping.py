"""What goes over the links: firmware out, logs in, each for the one job whose token the link carries."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from charging import live
from charging.jobs import files, links, progress
from charging.models import FirmwareFile, StationJob
from charging.queries import jobs as queries
from mobility.errors import Conflict

State = StationJob.State
Kind = StationJob.Kind
SLICE = 500
#: While a log may come: a station may have been slow, and was given up.
TAKES_LOG = (*StationJob.ACTIVE, State.TIMED_OUT)


def job_of(token: str, kind: str) -> StationJob | None:
    """The job whose link carries the token; None for one that is unknown, used, or of the other kind."""
    if not token or len(token) > 64:
        return None
    return queries.rows().filter(token_hash=links.digest(token), kind=kind).first()


def firmware_for(token: str) -> FirmwareFile | None:
    """What the link leads to, until the station says that it has it."""
    job = job_of(token, Kind.FIRMWARE)
    if job is None or job.state not in progress.LINKED or job.firmware is None:
        return None
    now = timezone.now()
    if not any(step["code"] == "fetched" for step in job.steps):
        progress.note(job, now, "fetched")
        StationJob.objects.filter(pk=job.pk, state=job.state).update(steps=job.steps)
    return job.firmware


def take_log(job: StationJob, parts: Iterable[bytes], name: str) -> None:
    """Keep what the station uploads; the link is used up with it.

    Raises:
        TooLarge, Invalid (empty). Conflict: another upload of the same link was first.
    """
    stored = files.store(files.LOGS, parts, settings.STATION_LOG_MAX_MB * 1_000_000)
    now = timezone.now()
    with transaction.atomic():
        taken = StationJob.objects.filter(pk=job.pk, token_hash=job.token_hash, file_at=None).update(
            token_hash="",
            file_path=stored.path,
            file_size=stored.size,
            file_sha256=stored.sha256,
            file_at=now,
        )
        fresh = queries.rows().filter(pk=job.pk).first() if taken else None
        if fresh is not None:
            label = queries.file_name(name) or fresh.file_name or f"{fresh.station.identity}-{fresh.log_type}.log"
            progress.note(fresh, now, "came", name=label, size=stored.size)
            state = State.UPLOADING if fresh.state in TAKES_LOG else State(fresh.state)
            more = {"file_name": queries.file_name(label)}
            live.publish(*progress.move(fresh, state, now, progress=max(90, fresh.progress), **more))
    if fresh is None:
        files.remove(files.LOGS, stored.path)
        raise Conflict(_("This link has been used."), code="used")


def prune_logs(now: datetime) -> int:
    """Logs are kept for STATION_LOG_DAYS; their jobs stay."""
    limit = now - timedelta(days=settings.STATION_LOG_DAYS)
    # Also what no job names any more, since its station was deleted, and what broke off half-way.
    removed = files.sweep(files.LOGS, limit)
    files.sweep(files.FIRMWARE, now - timedelta(days=1), "*.part")
    old = StationJob.objects.filter(file_at__lt=limit).exclude(file_path="")
    for pk, path in list(old.order_by("pk").values_list("pk", "file_path")[:SLICE]):
        files.remove(files.LOGS, path)
        removed += StationJob.objects.filter(pk=pk).update(file_path="")
    return removed
