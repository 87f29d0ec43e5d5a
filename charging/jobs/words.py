"""Jobs in sentences: what their states and their log are called, and what came of them."""

from collections.abc import Mapping
from typing import Any

from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from charging.cards import Chip, chip_of
from charging.said import said

Json = Mapping[str, Any]

#: state -> (colour, icon, label)
STATES: dict[str, tuple[str, str, Any]] = {
    "waiting": ("off", "schedule", gettext_lazy("Waiting")),
    "asked": ("wait", "hourglass_top", gettext_lazy("Asked")),
    "accepted": ("wait", "task_alt", gettext_lazy("Accepted")),
    "downloading": ("busy", "download", gettext_lazy("Downloading")),
    "downloaded": ("busy", "download_done", gettext_lazy("Downloaded")),
    "installing": ("busy", "build", gettext_lazy("Installing")),
    "checking": ("busy", "restart_alt", gettext_lazy("Restart awaited")),
    "uploading": ("busy", "upload", gettext_lazy("Uploading")),
    "done": ("ok", "check_circle", gettext_lazy("Done")),
    "failed": ("bad", "error", gettext_lazy("Failed")),
    "timed_out": ("bad", "timer_off", gettext_lazy("Timed out")),
    "cancelled": ("off", "block", gettext_lazy("Cancelled")),
}
KINDS: dict[str, tuple[str, Any]] = {
    "firmware": ("system_update_alt", gettext_lazy("Firmware update")),
    "log": ("description", gettext_lazy("Log upload")),
}
LOG_TYPES: dict[str, Any] = {"diagnostics": gettext_lazy("Diagnostics"), "security": gettext_lazy("Security log")}
ACTIVE = ("asked", "accepted", "downloading", "downloaded", "installing", "checking", "uploading")
LOST = ("failed", "timed_out", "cancelled")

#: the station's word -> a sentence
SAID: dict[str, Any] = {
    "DownloadScheduled": gettext_lazy("The station downloads the file later."),
    "Downloading": gettext_lazy("The station downloads the file."),
    "DownloadPaused": gettext_lazy("The download pauses."),
    "Downloaded": gettext_lazy("The station has the file."),
    "SignatureVerified": gettext_lazy("The signature is good."),
    "InstallScheduled": gettext_lazy("The station installs later."),
    "Installing": gettext_lazy("The station installs."),
    "InstallRebooting": gettext_lazy("The station restarts to install."),
    "Installed": gettext_lazy("The station says that it is installed."),
    "Uploading": gettext_lazy("The station uploads."),
    "Uploaded": gettext_lazy("The station says that it has uploaded the file."),
}
#: code of a step -> (icon, mood, line)
STEPS: dict[str, tuple[str, str, Any]] = {
    "begun": ("play_arrow", "", gettext_lazy("The station is asked.")),
    "waits_offline": ("cloud_off", "", gettext_lazy("The station is not connected; it is asked when it is back.")),
    "accepted": ("task_alt", "", gettext_lazy("The station accepted.")),
    "fetched": ("download", "", gettext_lazy("The file is being fetched from here.")),
    "came": ("upload_file", "", gettext_lazy("The file %(name)s has arrived, %(size)s.")),
    "uploaded": ("check_circle", "", gettext_lazy("The log is here.")),
    "booted": ("restart_alt", "", gettext_lazy("The station has restarted with version %(version)s.")),
    "new_version": ("check_circle", "", gettext_lazy("Installed: now %(version)s.")),
    "other_version": (
        "warning",
        "notable",
        gettext_lazy("Installed: now %(version)s, and %(wanted)s was to be expected."),
    ),
    "old_version": ("error", "alarm", gettext_lazy("It came back with the old version %(version)s.")),
    "failed": ("error", "alarm", gettext_lazy("It failed. %(why)s")),
    "timed_out": ("timer_off", "alarm", gettext_lazy("It is given up. %(why)s")),
    "cancelled": ("block", "", gettext_lazy("Cancelled.")),
    "again": ("replay", "", gettext_lazy("Once more.")),
}


def chip(state: str) -> Chip:
    return chip_of(state, STATES)


def name_of(job: Json) -> str:
    """What the job is: "Firmware update 1.4.2", "Security log"."""
    if job["kind"] == "log":
        return str(LOG_TYPES.get(job["log_type"] or "", KINDS["log"][1]))
    return " ".join(part for part in (str(KINDS["firmware"][1]), job["version"] or "") if part)


def outcome(job: Json) -> str:
    """What came of it, or where it stands, in a sentence; empty while nothing is to be said."""
    if job["error"]:
        return said(job["error"])
    steps = job["steps"]
    if job["state"] == "done" and job["kind"] == "firmware" and steps:
        return line(steps[-1])[2]
    if job["state"] == "done":
        return _("The log is here.") if job["file"] else _("The station has uploaded it.")
    if job["state"] in ACTIVE and steps:
        return line(steps[-1])[2]
    return ""


def line(step: Json) -> tuple[str, str, str]:
    """(icon, mood, sentence) of a step of the log."""
    code, params = str(step.get("code", "")), dict(step.get("params") or {})
    if code == "said":
        word = str(params.get("word", ""))
        known = SAID.get(word)
        return "campaign", "", str(known) if known else _("The station says: %(word)s.") % {"word": word}
    icon, mood, text = STEPS.get(code, ("info", "", code))
    if "why" in params:
        params["why"] = said(str(params["why"]))
    if "size" in params:
        params["size"] = filesizeformat(params["size"])
    return icon, mood, str(text) % params
