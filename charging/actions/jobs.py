"""Firmware updates and log uploads, at one station or at many; giving up what has not begun; once more what failed."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db.models import ProtectedError
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.actions import action, authorize
from accounts.actors import Actor, Role
from accounts.locks import held
from accounts.models import Organization
from accounts.sealing import seal
from charging import live
from charging.actions.commands import cancel_command
from charging.jobs import files, links, progress, run
from charging.models import ChargingStation, Command, FirmwareFile, JobGroup, StationJob
from charging.profile_params import Checks
from charging.queries import jobs as queries
from mobility.errors import Conflict, Invalid, NotFound

State = StationJob.State
Values = Mapping[str, Any]
MOST_STATIONS = 500
MOST_PARALLEL = 100
MOST_RETRIES, LONGEST_INTERVAL_S, LONGEST_SPREAD_S = 20, 86_400, 3600
KINDS = tuple(StationJob.Kind.values)


def fields_of(actor: Actor, kind: str, values: Values, organization_id: int) -> dict[str, Any]:
    """The columns of a job from what was typed or sent.

    Raises:
        Invalid: with every field that is wrong. NotFound: the firmware file is not the actor's.
    """
    if kind not in KINDS:
        why = _("Choose one of %(choices)s.") % {"choices": ", ".join(KINDS)}
        raise Invalid(why, fields={"kind": why})
    checks = Checks(values)
    found: dict[str, Any] = {
        "retries": checks.whole("retries", 0, MOST_RETRIES),
        "retry_interval_s": checks.whole("retry_interval_s", 0, LONGEST_INTERVAL_S),
    }
    if kind == StationJob.Kind.FIRMWARE:
        found |= {"retrieve_at": checks.moment("retrieve"), "install_at": checks.moment("install")}
        found |= firmware_of(actor, values, organization_id, checks)
    else:
        found["log_type"] = checks.choice("log_type", tuple(StationJob.LogType.values), "diagnostics")
        found |= {"oldest_at": checks.moment("oldest"), "latest_at": checks.moment("latest")}
        if found["oldest_at"] and found["latest_at"] and found["oldest_at"] >= found["latest_at"]:
            checks.wrong["latest"] = _("This is later than the beginning.")
    location = str(values.get("location") or "").strip()
    if location:
        try:
            location = links.check_location(location)
        except Invalid as problem:
            checks.wrong |= problem.fields
    elif kind == StationJob.Kind.FIRMWARE and not found.get("firmware"):
        checks.wrong.setdefault("location", _("Name an address, or choose a file that was uploaded."))
    checks.finish()
    shown = links.shown(location)
    return {**found, "location": shown, "sealed": seal(run.LOCATION, location) if shown != location else ""}


def firmware_of(actor: Actor, values: Values, organization_id: int, checks: Checks) -> dict[str, Any]:
    found: dict[str, Any] = {"version": text_of(values, "version", 100, checks)}
    if values.get("firmware_file"):
        row = queries.get_firmware_file(actor, values["firmware_file"])
        if row.organization_id != organization_id:
            raise NotFound(_("This firmware file belongs to another organization."))
        if str(values.get("location") or "").strip():
            checks.wrong["location"] = _("Name an address or choose a file, not both.")
        found |= {"firmware": row, "version": found["version"] or row.version}
    certificate, signature = (text_of(values, name, most, checks) for name, most in SIGNED)
    if bool(certificate) != bool(signature):
        missing = "signature" if certificate else "signing_certificate"
        checks.wrong[missing] = _("A signature and the certificate that proves it belong together.")
    return {**found, "signing_certificate": certificate, "signature": signature}


SIGNED = (("signing_certificate", 5500), ("signature", 800))


def text_of(values: Values, name: str, most: int, checks: Checks) -> str:
    value = values.get(name) or ""
    if not isinstance(value, str) or "\x00" in value or len(value) > most:
        checks.wrong[name] = _("This has at most %(most)s characters.") % {"most": most}
        return ""
    return value.strip()


def refuse_running(station: ChargingStation, kind: str) -> None:
    running = StationJob.objects.filter(station=station, kind=kind, state__in=StationJob.ACTIVE).first()
    if running is not None:
        words = {"number": running.pk, "station": station}
        raise Conflict(
            _("Job %(number)s does this at %(station)s already; wait for its end.") % words,
            code="job_running",
            fields={"job": str(running.pk)},
        )


@action("job.create", role=Role.MANAGER)
def create_job(actor: Actor, *, station: ChargingStation, kind: str, values: Values) -> StationJob:
    """Ask one station to update its firmware, or to upload a log.

    Args:
        kind: `firmware` or `log`.
        values: `location` or `firmware_file`, `version`, `retrieve`, `install`, `retries`, `retry_interval_s`,
            `signing_certificate`, `signature`; for a log `log_type`, `oldest`, `latest`, and a `location` unless the
            portal is to take the file.

    Raises:
        Invalid: with every field that is wrong.
        Conflict: `job_running` where the station is at such a job already.
    """
    fields = fields_of(actor, kind, values, station.organization_id)
    held(ChargingStation.objects.all()).get(pk=station.pk)
    refuse_running(station, kind)
    now = timezone.now()
    job = StationJob(
        organization_id=station.organization_id, station=station, kind=kind, actor=actor.user, created_at=now, **fields
    )
    job.save(force_insert=True)
    live.publish(*run.begin(job, now))
    return job


@action("job.create_many", role=None)
def create_jobs(
    actor: Actor,
    *,
    stations: Sequence[ChargingStation],
    kind: str,
    values: Values,
    parallel: int = 5,
    spread_s: int = 0,
) -> JobGroup:
    """The same at many stations of one organization: at most `parallel` at a time, each `spread_s` after the last.

    Raises:
        Invalid, NotFound (one station is not the actor's: nothing is done), Forbidden.
    """
    chosen = list(stations)
    if not 0 < len(chosen) <= MOST_STATIONS:
        why = _("Choose between 1 and %(most)s stations.") % {"most": MOST_STATIONS}
        raise Invalid(why, fields={"stations": why})
    organizations = {station.organization_id for station in chosen}
    for organization_id in organizations:
        authorize(actor, Role.MANAGER, organization_id, _("to begin a job"))
    if len(organizations) > 1:
        why = _("Choose stations of one organization.")
        raise Invalid(why, fields={"stations": why})
    checks = Checks({"parallel": parallel, "spread_s": spread_s})
    checks.whole("parallel", 1, MOST_PARALLEL)
    checks.whole("spread_s", 0, LONGEST_SPREAD_S)
    checks.finish()
    (organization_id,) = organizations
    fields = fields_of(actor, kind, values, organization_id)
    now = timezone.now()
    group = JobGroup.objects.create(
        organization_id=organization_id,
        kind=kind,
        parallel=parallel,
        spread_s=spread_s,
        actor=actor.user,
        created_at=now,
    )
    made = [
        StationJob(
            organization_id=organization_id,
            group=group,
            station=station,
            kind=kind,
            actor=actor.user,
            created_at=now,
            begin_at=now + timedelta(seconds=place * spread_s),
            due_at=now + timedelta(seconds=place * spread_s) + run.WAITS_FOR,
            **fields,
        )
        for place, station in enumerate(chosen)
    ]
    StationJob.objects.bulk_create(made)
    run.begin_group(group.pk, now)
    return group


@action("job.cancel", role=Role.MANAGER)
def cancel_job(actor: Actor, *, job: StationJob) -> StationJob:
    """Give up a job that has not begun at its station.

    Raises:
        Conflict: `job_begun`: OCPP knows no way to call it back.
    """
    if not give_up(actor, job):
        raise Conflict(_("This has begun at the station, and cannot be called back."), code="job_begun")
    return queries.get(actor, job.pk)


def give_up(actor: Actor, job: StationJob) -> bool:
    """Whether it was waiting, or its command was."""
    if job.state == State.ASKED and job.command is not None and job.command.status == Command.Status.QUEUED:
        try:
            cancel_command(actor, command=job.command)
        except Conflict:
            return False
        return True
    if job.state != State.WAITING:
        return False
    now = timezone.now()
    progress.note(job, now, "cancelled")
    events = progress.move(job, State.CANCELLED, now)
    if events:
        live.publish(*events)
    return bool(events)


@action("job.cancel_group", role=Role.MANAGER)
def cancel_group(actor: Actor, *, group: JobGroup) -> int:
    """Give up every job of a group that has not begun; -> how many."""
    return sum(give_up(actor, job) for job in queries.of_group(actor, group).filter(state__in=StationJob.OPEN))


@action("job.retry", role=Role.MANAGER)
def retry_job(actor: Actor, *, job: StationJob) -> StationJob:
    """Once more, what failed, timed out or was cancelled.

    Raises:
        Conflict: `job_not_over`, `job_running`.
    """
    if job.state not in StationJob.LOST:
        raise Conflict(_("Only what failed or was cancelled is tried once more."), code="job_not_over")
    refuse_running(job.station, job.kind)
    now = timezone.now()
    wait_again(job)
    live.publish(*run.begin(job, now))
    return queries.get(actor, job.pk)


def wait_again(job: StationJob) -> None:
    """Back to the beginning, with the log of what was tried."""
    now = timezone.now()
    files.remove(files.LOGS, job.file_path)
    progress.note(job, now, "again")
    events = progress.move(
        job,
        State.WAITING,
        now,
        progress=0,
        error="",
        ended_at=None,
        begin_at=now,
        due_at=now + run.WAITS_FOR,
        file_path="",
        file_at=None,
        file_size=None,
        file_sha256="",
    )
    live.publish(*events)


@action("job.retry_group", role=Role.MANAGER)
def retry_group(actor: Actor, *, group: JobGroup) -> int:
    """Once more, all of a group that failed, timed out or was cancelled; -> how many."""
    lost = list(queries.of_group(actor, group).filter(state__in=StationJob.LOST))
    for job in lost:
        wait_again(job)
    run.begin_group(group.pk, timezone.now())
    return len(lost)


# --- Firmware files --------------------------------------------------------------------------------------------------


def keep_firmware(
    actor: Actor, *, organization: Organization | None, file: UploadedFile | None, version: str = ""
) -> FirmwareFile:
    """Keep an uploaded firmware file (managers).

    Raises:
        Invalid: there is no file, or it is empty. TooLarge: over FIRMWARE_MAX_MB.
    """
    where = organization or actor.first_organization()
    authorize(actor, Role.MANAGER, where.pk if where else None, _("to upload firmware"))
    if file is None:
        why = _("Choose a file.")
        raise Invalid(why, fields={"file": why})
    checks = Checks({})
    text_of({"version": version}, "version", 100, checks)
    checks.finish()
    stored = files.store(files.FIRMWARE, file.chunks(files.CHUNK), settings.FIRMWARE_MAX_MB * 1_000_000)
    name = queries.file_name(file.name or "") or "firmware.bin"
    return note_firmware(actor, organization=where, name=name, version=version.strip(), stored=stored)


@action("firmware.upload", role=Role.MANAGER)
def note_firmware(
    actor: Actor, *, organization: Organization | None, name: str, version: str, stored: files.Stored
) -> FirmwareFile:
    assert organization is not None
    return FirmwareFile.objects.create(
        organization=organization,
        name=name,
        version=version,
        size=stored.size,
        sha256=stored.sha256,
        path=stored.path,
        actor=actor.user,
    )


@action("firmware.delete", role=Role.MANAGER)
def delete_firmware(actor: Actor, *, firmware: FirmwareFile) -> None:
    """Remove a firmware file. Raises Conflict where a job names it."""
    try:
        firmware.delete()
    except ProtectedError:
        raise Conflict(_("Jobs name this file, so it is kept."), code="in_use") from None
    files.remove(files.FIRMWARE, firmware.path)


def by_command(actor: Actor, station: ChargingStation, kind: str, params: Values) -> Command:
    """The neutral commands `update_firmware` and `get_log`."""
    made = create_job(actor, station=station, kind=kind, values=params)
    assert made.command is not None
    return made.command
