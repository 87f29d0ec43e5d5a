"""How a job goes on: by the answer to its command, by what the station reports, by its next boot, by a file that came.

Each change goes by a conditional update from the state that was read, so that of two that come at once one has an
effect. Firmware is proven by the version of the station's next boot, whatever the station said of it before.
"""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_noop

from charging.live import Event
from charging.models import Command, StationJob
from charging.queries import jobs as queries
from charging.queries.scope import iso

State = StationJob.State
Json = dict[str, Any]
MOST_STEPS = 80
#: the station's word -> (state, progress in percent); None leaves it as it is
FIRMWARE: dict[str, tuple[State, int | None]] = {
    "DownloadScheduled": (State.ACCEPTED, 10),
    "Downloading": (State.DOWNLOADING, 20),
    "DownloadPaused": (State.DOWNLOADING, None),
    "Downloaded": (State.DOWNLOADED, 50),
    "SignatureVerified": (State.DOWNLOADED, 60),
    "InstallScheduled": (State.DOWNLOADED, 65),
    "Installing": (State.INSTALLING, 75),
    "InstallRebooting": (State.CHECKING, 90),
}
FAILURES = {
    "DownloadFailed": gettext_noop("The station could not download the file."),
    "InstallationFailed": gettext_noop("The station could not install the firmware."),
    "InvalidSignature": gettext_noop("The station refused the firmware's signature."),
    "InvalidCertificate": gettext_noop("The station refused the signing certificate."),
    "RevokedCertificate": gettext_noop("The station refused the signing certificate: it is revoked."),
    "InstallVerificationFailed": gettext_noop("The station installed the firmware and found it broken."),
    "UploadFailed": gettext_noop("The station could not upload the file."),
    "UploadFailure": gettext_noop("The station could not upload the file."),
    "BadMessage": gettext_noop("The station could not read the request."),
    "NotSupportedOperation": gettext_noop("The station cannot upload to such an address."),
    "PermissionDenied": gettext_noop("The place of upload refused the station."),
}
OLD_VERSION = gettext_noop("It came back with the old version %(version)s.")
NOTHING_CAME = gettext_noop("The station says that it has uploaded the file, and nothing has arrived here.")
NO_FILE = gettext_noop("The station has no such log to upload.")
REPLACED = gettext_noop("The station gave it up for a newer request.")
SILENT = gettext_noop("The station has said nothing of it for %(minutes)s minutes.")
NEVER_BOOTED = gettext_noop("The station says that it is installed, and has not restarted since: nothing proves it.")
NEVER_THERE = gettext_noop("The station was not there in time.")
#: While the link to a firmware file works.
LINKED = (State.ASKED, State.ACCEPTED, State.DOWNLOADING)
#: Where the newest job of a station takes what names no request.
LISTENING = (*StationJob.ACTIVE, State.TIMED_OUT)


def silence() -> timedelta:
    return timedelta(seconds=settings.JOB_SILENCE_S)


def note(job: StationJob, now: datetime, code: str, **params: Any) -> None:
    """A line in the job's log, unless it is the last one already."""
    if job.steps and job.steps[-1]["code"] == code and job.steps[-1]["params"] == params:
        return
    job.steps = [*job.steps[-MOST_STEPS:], {"at": iso(now), "code": code, "params": params}]


def move(job: StationJob, state: State, now: datetime, *, progress: int | None = None, **more: Any) -> list[Event]:
    """Take a job from the state it was read in to another, with its log; -> the event, none where it moved already."""
    values: Json = {"state": state, "steps": job.steps, **more}
    if progress is not None:
        values["progress"] = progress
    if state in StationJob.ACTIVE:
        values.setdefault("due_at", max(now, job.retrieve_at or now, job.install_at or now) + silence())
        values |= {"ended_at": None, "error": ""}
    elif state not in StationJob.OPEN:
        values |= {"ended_at": now, "due_at": None}
    if job.kind == StationJob.Kind.FIRMWARE and state not in LINKED:
        # Whoever else has the link can no longer use it.
        values["token_hash"] = ""
    if not StationJob.objects.filter(pk=job.pk, state=job.state).update(**values):
        return []
    for name, value in values.items():
        setattr(job, name, value)
    return [queries.event(job)]


def fail(job: StationJob, now: datetime, error: str, state: State = State.FAILED) -> list[Event]:
    note(job, now, "failed" if state == State.FAILED else str(state), why=error)
    return move(job, state, now, error=error[:500])


# --- The command ----------------------------------------------------------------------------------------------------


def command_ended(command: Command, now: datetime) -> list[Event]:
    """The answer to UpdateFirmware, GetLog and their kin, which may come after we had given up waiting for it."""
    job = queries.rows().filter(command_id=command.pk).first()
    if job is None:
        return []
    if command.status == Command.Status.ACCEPTED:
        return accepted(job, command.response or {}, now)
    if job.state != State.ASKED:
        return []
    state = {Command.Status.CANCELLED: State.CANCELLED}.get(Command.Status(command.status), State.FAILED)
    if command.status in (Command.Status.TIMED_OUT, Command.Status.EXPIRED):
        state = State.TIMED_OUT
    return fail(job, now, command.error or "The station refused.", state)


def accepted(job: StationJob, answer: Json, now: datetime) -> list[Event]:
    if job.state not in (State.ASKED, State.TIMED_OUT, State.FAILED):
        return []
    name = answer.get("fileName") or answer.get("filename")
    command = job.command
    if command is not None and command.action == "GetDiagnostics" and not name:
        return fail(job, now, NO_FILE)
    note(job, now, "accepted")
    more: Json = {}
    if isinstance(name, str) and job.kind == StationJob.Kind.LOG and not job.file_at:
        more["file_name"] = queries.file_name(name)
    return move(job, State.ACCEPTED, now, progress=max(job.progress, 5), **more)


# --- What the station says ------------------------------------------------------------------------------------------


def firmware_said(station_id: int, word: str, request_id: int | None, now: datetime) -> list[Event]:
    """FirmwareStatusNotification and SignedFirmwareStatusNotification (1.6 §4.5, 2.0.1 L01)."""
    job = heard(station_id, StationJob.Kind.FIRMWARE, request_id)
    if job is None or word in ("", "Idle"):
        return []
    note(job, now, "said", word=word[:50])
    if word in FAILURES:
        return fail(job, now, FAILURES[word])
    if word == "Installed":
        return installed(job, now)
    state, progress = FIRMWARE.get(word, (State(job.state), None))
    if state not in StationJob.ACTIVE:
        return []
    if state == State.CHECKING and job.booted_at is not None:
        return verdict(job, now)
    # A word that comes late does not turn the bar back.
    kept = job.progress if progress is None else max(progress, job.progress)
    return move(job, state, now, progress=kept)


def installed(job: StationJob, now: datetime) -> list[Event]:
    """It says so; the version of its boot proves it, which may have come before the word or comes after it."""
    if job.booted_at is not None or is_wanted(job, job.station.firmware_version):
        return verdict(job, now)
    return move(job, State.CHECKING, now, progress=95)


def booted(station_id: int, version: str, now: datetime) -> list[Event]:
    """BootNotification while a firmware job is under way."""
    job = heard(station_id, StationJob.Kind.FIRMWARE, None)
    if job is None or (job.state in (State.ASKED, State.ACCEPTED) and version == job.version_before):
        return []
    job.station.firmware_version = version
    note(job, now, "booted", version=version)
    is_new = version != job.version_before or is_wanted(job, version)
    if is_new or job.state == State.CHECKING:
        return verdict(job, now)
    if job.state == State.INSTALLING:
        # Some restart before they install: the next word of the station decides.
        return move(job, State.INSTALLING, now, progress=90, booted_at=now)
    return move(job, State(job.state), now)


def is_wanted(job: StationJob, version: str) -> bool:
    """Whether it is the version that was asked for, as far as that is known: people write 1.4.2, stations v1.4.2-b3."""
    return bool(job.version) and job.version.casefold() in version.casefold() and bool(version)


def verdict(job: StationJob, now: datetime) -> list[Event]:
    """Compare what the station says it runs with what it ran before."""
    version = job.station.firmware_version
    if version == job.version_before and not is_wanted(job, version):
        note(job, now, "old_version", version=version)
        return move(job, State.FAILED, now, error=(OLD_VERSION % {"version": version})[:500], version_after=version)
    if job.version and not is_wanted(job, version):
        note(job, now, "other_version", version=version, wanted=job.version)
    else:
        note(job, now, "new_version", version=version)
    return move(job, State.DONE, now, progress=100, error="", version_after=version)


def log_said(station_id: int, word: str, request_id: int | None, now: datetime) -> list[Event]:
    """DiagnosticsStatusNotification and LogStatusNotification (1.6 §4.4, 2.0.1 N01)."""
    job = heard(station_id, StationJob.Kind.LOG, request_id)
    if job is None or word in ("", "Idle"):
        return []
    note(job, now, "said", word=word[:50])
    if word in FAILURES:
        return fail(job, now, FAILURES[word])
    if word == "AcceptedCanceled":
        return fail(job, now, REPLACED, State.CANCELLED)
    if word == "Uploading":
        return move(job, State.UPLOADING, now, progress=max(50, job.progress))
    if word != "Uploaded":
        return move(job, State(job.state), now) if job.state in StationJob.ACTIVE else []
    if job.is_own_place and job.file_at is None:
        return fail(job, now, NOTHING_CAME)
    note(job, now, "uploaded")
    return move(job, State.DONE, now, progress=100, error="")


def heard(station_id: int, kind: str, request_id: int | None) -> StationJob | None:
    """The job that a message is about: by its request id, else the newest that is under way."""
    rows = queries.rows().filter(station_id=station_id, kind=kind)
    if request_id is not None:
        found = rows.filter(request_id=request_id).first()
        return found if found is not None and found.state in (*LISTENING, State.FAILED) else None
    return rows.filter(state__in=StationJob.ACTIVE).order_by("-pk").first()


# --- By the clock ---------------------------------------------------------------------------------------------------


def overdue(job: StationJob, now: datetime) -> list[Event]:
    """Nothing has been heard of it for too long."""
    if job.state == State.WAITING:
        return fail(job, now, NEVER_THERE, State.TIMED_OUT)
    if job.kind == StationJob.Kind.LOG and job.file_at is not None:
        note(job, now, "uploaded")
        return move(job, State.DONE, now, progress=100, error="")
    minutes = max(1, round(silence().total_seconds() / 60))
    error = NEVER_BOOTED if job.state == State.CHECKING else SILENT % {"minutes": minutes}
    return fail(job, now, error, State.TIMED_OUT)
