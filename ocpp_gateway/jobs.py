"""Firmware updates and uploads of logs on the wire (1.6 §5.6, §5.19 and the security white paper; 2.0.1 L01, N01)."""

from typing import TYPE_CHECKING

from charging.models import Command
from ocpp_gateway.smart_charging import moment
from ocpp_gateway.translation import Payload

if TYPE_CHECKING:
    from ocpp_gateway.translation import Translator as Base
else:
    Base = object

LOG_TYPES = {"diagnostics": "DiagnosticsLog", "security": "SecurityLog"}


def tries(params: Payload) -> Payload:
    """How often the station tries, and how long it waits in between; left to the station where nothing is said."""
    found: Payload = {}
    if params.get("retries") is not None:
        found["retries"] = params["retries"]
    if params.get("retry_interval_s") is not None:
        found["retryInterval"] = params["retry_interval_s"]
    return found


def times(params: Payload, **names: str) -> Payload:
    """The times that are set, by the names that they have on the wire."""
    return {wire: moment(params[name]) for name, wire in names.items() if params.get(name)}


def signed_firmware(params: Payload) -> Payload:
    firmware = {
        "location": params["location"],
        **times(params, retrieve="retrieveDateTime", install="installDateTime"),
    }
    if params.get("signature"):
        firmware |= {"signingCertificate": params["signing_certificate"], "signature": params["signature"]}
    return {"requestId": params["request_id"], "firmware": firmware, **tries(params)}


def log_request(params: Payload) -> Payload:
    log = {
        "remoteLocation": params["location"],
        **times(params, oldest="oldestTimestamp", latest="latestTimestamp"),
    }
    return {
        "logType": LOG_TYPES[params["log_type"]],
        "requestId": params["request_id"],
        "log": log,
        **tries(params),
    }


class Jobs16(Base):
    job_commands = {
        "update_firmware": ("update_firmware", "UpdateFirmware", "SignedUpdateFirmware"),
        "get_log": ("get_log", "GetDiagnostics", "GetLog"),
    }

    def update_firmware(self, command: Command, params: Payload) -> tuple[str, Payload]:
        """§5.19; with a signature that of the security white paper (§5.9), which only some stations know."""
        if params.get("signature"):
            return "SignedUpdateFirmware", signed_firmware(params)
        payload = {"location": params["location"], **times(params, retrieve="retrieveDate"), **tries(params)}
        return "UpdateFirmware", payload

    def get_log(self, command: Command, params: Payload) -> tuple[str, Payload]:
        """§5.6; the security log is one of the white paper's (§5.4)."""
        if params["log_type"] == "security":
            return "GetLog", log_request(params)
        window = times(params, oldest="startTime", latest="stopTime")
        return "GetDiagnostics", {"location": params["location"], **window, **tries(params)}


class Jobs2(Base):
    job_commands = {
        "update_firmware": ("update_firmware", "UpdateFirmware"),
        "get_log": ("get_log", "GetLog"),
    }

    def update_firmware(self, command: Command, params: Payload) -> tuple[str, Payload]:
        """L01, L02"""
        return "UpdateFirmware", signed_firmware(params)

    def get_log(self, command: Command, params: Payload) -> tuple[str, Payload]:
        """N01"""
        return "GetLog", log_request(params)
