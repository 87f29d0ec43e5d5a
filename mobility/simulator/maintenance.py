"""Firmware, logs and diagnostics: the file is fetched, the log is sent, and the version changes with the restart."""

import asyncio
import http.client
import json
import math
import re
import urllib.request
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mobility.simulator.outbox import CallFailed, NoAnswer, Offline, Payload

if TYPE_CHECKING:
    from mobility.simulator.station import Station

STEP_S = 0.2
TRANSFER_S = 30.0
LARGEST_FIRMWARE = 1_000_000_000
FIRMWARE, DIAGNOSTICS, LOG = "FirmwareStatusNotification", "DiagnosticsStatusNotification", "LogStatusNotification"
#: What of a station's life belongs into its security log.
SECURITY = ("boot", "connected", "refused", "password_changed", "reboot", "firmware")


#: A station reaches what it is told directly, whatever proxy its host would use.
LINE = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class NotTransferred(Exception):
    """The file could not be fetched or sent."""


async def _tell(station: "Station", action: str, payload: Payload) -> None:
    station.under_way[action] = payload
    with suppress(CallFailed, NoAnswer, Offline):
        await station.call(action, payload)


async def tell_16(station: "Station", action: str) -> None:
    """A triggered status: what is under way, else Idle (OCPP 1.6 §5.17)."""
    payload = station.under_way.get(action, {"status": "Idle"})
    with suppress(CallFailed, NoAnswer, Offline):
        await station.call(action, payload)


# --- Transfers -------------------------------------------------------------------------------------------------------


def _checked(url: str) -> None:
    if urlsplit(url).scheme not in ("http", "https"):
        raise NotTransferred(f"this station speaks http and https, not {urlsplit(url).scheme}")


def fetch(url: str) -> bytes:
    """The file behind a URL. Raises NotTransferred."""
    _checked(url)
    try:
        with LINE.open(url, timeout=TRANSFER_S) as answer:
            return bytes(answer.read(LARGEST_FIRMWARE))
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise NotTransferred(str(error)) from error


def send(url: str, name: str, text: str) -> None:
    """PUT a text under a URL, which names the place as a folder. Raises NotTransferred."""
    _checked(url)
    place = f"{url.rstrip('/')}/{name}"
    request = urllib.request.Request(place, text.encode(), {"Content-Type": "text/plain"}, method="PUT")  # noqa: S310
    try:
        with LINE.open(request, timeout=TRANSFER_S) as answer:
            answer.read()
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise NotTransferred(str(error)) from error


# --- Logs ------------------------------------------------------------------------------------------------------------


def log_of(station: "Station", kind: str) -> str:
    """What has happened at the station lately, a line each."""
    chosen = [event for event in station.events if kind != "SecurityLog" or event["event"] in SECURITY]
    head = f"# {kind} of {station.settings.identity}, firmware {station.firmware_version}\n"
    return head + "".join(f"{json.dumps(event, default=str)}\n" for event in chosen)


async def diagnostics_16(station: "Station", location: str, name: str) -> None:
    """GetDiagnostics: Uploading, then Uploaded or UploadFailed (OCPP 1.6 §6.1)."""
    await _tell(station, DIAGNOSTICS, {"status": "Uploading"})
    try:
        await asyncio.to_thread(send, location, name, log_of(station, "DiagnosticsLog"))
        await _tell(station, DIAGNOSTICS, {"status": "Uploaded"})
    except NotTransferred as error:
        station.emit("upload_failed", text=str(error))
        await _tell(station, DIAGNOSTICS, {"status": "UploadFailed"})
    station.under_way.pop(DIAGNOSTICS, None)


async def upload_log(station: "Station", payload: Payload, name: str) -> None:
    """GetLog: Uploading, then Uploaded or UploadFailure (2.0.1 N01; 1.6 security white paper §4.6)."""
    more = {"requestId": payload["requestId"]}
    await _tell(station, LOG, {"status": "Uploading", **more})
    try:
        text = log_of(station, payload["logType"])
        await asyncio.to_thread(send, payload["log"]["remoteLocation"], name, text)
        await _tell(station, LOG, {"status": "Uploaded", **more})
    except NotTransferred as error:
        station.emit("upload_failed", text=str(error))
        await _tell(station, LOG, {"status": "UploadFailure", **more})
    station.under_way.pop(LOG, None)


# --- Firmware --------------------------------------------------------------------------------------------------------


def version_in(location: str) -> str:
    """The version that a file's name says: `firmware-1.4.2.bin` holds 1.4.2."""
    name = urlsplit(location).path.rsplit("/", 1)[-1]
    found = re.findall(r"\d+(?:\.\d+)+", name.removesuffix(".bin"))
    return str(found[-1]) if found else name.rsplit(".", 1)[0][-50:]


async def update_firmware(
    station: "Station",
    location: str,
    begin: datetime,
    request_id: int | None,
    retries: int = 0,
    interval_s: float = 1.0,
) -> None:
    """Download at `begin`, install when no transaction runs, reboot (OCPP 1.6 §6.19, 2.0.1 L01).

    What cannot be fetched ends with DownloadFailed, an empty file with InstallationFailed; the old version stays.
    """
    more: Payload = {} if request_id is None else {"requestId": request_id}

    async def tell(status: str) -> None:
        await _tell(station, FIRMWARE, {"status": status, **more})

    wait_s = (begin - station.clock.utc()).total_seconds()
    if wait_s > 1 and request_id is not None:
        await tell("DownloadScheduled")
    await station.clock.sleep(wait_s)
    await tell("Downloading")
    image = await _downloaded(station, location, retries, interval_s)
    if image is None:
        await tell("DownloadFailed")
    else:
        await asyncio.sleep(STEP_S)
        await tell("Downloaded")
        await station.wait_until(lambda s: not any(c.transaction for c in s.connectors.values()), timeout_s=math.inf)
        await tell("Installing")
        await asyncio.sleep(STEP_S)
        if image:
            station.firmware_version = version_in(location) or station.firmware_version
            station.emit("firmware", version=station.firmware_version, size=len(image))
            await station.reboot("SoftReset", "FirmwareUpdate")
            await station.wait_until(lambda s: s.online, timeout_s=math.inf)
        await tell("Installed" if image else "InstallationFailed")
    station.under_way.pop(FIRMWARE, None)


async def _downloaded(station: "Station", location: str, retries: int, interval_s: float) -> bytes | None:
    for attempt in range(max(0, retries) + 1):
        if attempt:
            await station.clock.sleep(interval_s)
        try:
            return await asyncio.to_thread(fetch, location)
        except NotTransferred as error:
            station.emit("download_failed", text=str(error))
    return None
