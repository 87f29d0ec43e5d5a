"""Firmware, logs and diagnostics: the status sequences a station goes through. Nothing is fetched or uploaded."""

import asyncio
import math
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mobility.simulator.outbox import CallFailed, NoAnswer, Offline, Payload

if TYPE_CHECKING:
    from mobility.simulator.station import Station

STEP_S = 0.5


async def _tell(station: "Station", action: str, payload: Payload) -> None:
    with suppress(CallFailed, NoAnswer, Offline):
        await station.call(action, payload)


async def tell_16(station: "Station", action: str) -> None:
    """A triggered status: Idle, since nothing is under way (OCPP 1.6 §5.17)."""
    await _tell(station, action, {"status": "Idle"})


async def diagnostics_16(station: "Station") -> None:
    """GetDiagnostics: Uploading, Uploaded (OCPP 1.6 §6.1)."""
    for status in ("Uploading", "Uploaded"):
        await _tell(station, "DiagnosticsStatusNotification", {"status": status})
        await asyncio.sleep(STEP_S)


async def upload_log(station: "Station", request_id: int) -> None:
    """GetLog: Uploading, Uploaded (2.0.1 N01; 1.6 security white paper §4.6)."""
    for status in ("Uploading", "Uploaded"):
        await _tell(station, "LogStatusNotification", {"status": status, "requestId": request_id})
        await asyncio.sleep(STEP_S)


async def update_firmware(station: "Station", location: str, begin: datetime, request_id: int | None) -> None:
    """Download at `begin`, install when no transaction runs, reboot (OCPP 1.6 §6.19, 2.0.1 L01).

    The new version is read from the file name of the location.
    """
    more: Payload = {} if request_id is None else {"requestId": request_id}
    await station.clock.sleep((begin - station.clock.utc()).total_seconds())
    for status in ("Downloading", "Downloaded"):
        await _tell(station, "FirmwareStatusNotification", {"status": status, **more})
        await asyncio.sleep(STEP_S)
    await station.wait_until(lambda s: not any(c.transaction for c in s.connectors.values()), timeout_s=math.inf)
    await _tell(station, "FirmwareStatusNotification", {"status": "Installing", **more})
    await asyncio.sleep(STEP_S)
    name = urlsplit(location).path.rsplit("/", 1)[-1]
    station.firmware_version = name.rsplit(".", 1)[0][-50:] or station.firmware_version
    await station.reboot("SoftReset", "FirmwareUpdate")
    await station.wait_until(lambda s: s.online, timeout_s=math.inf)
    await _tell(station, "FirmwareStatusNotification", {"status": "Installed", **more})
