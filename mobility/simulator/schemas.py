"""The OCPP JSON schemas, compiled once per process, and who may send which action."""

import json
from functools import cache
from importlib.resources import files
from typing import Any

import jsonschema_rs

PACKAGES = {"1.6": "v16", "2.0.1": "v201", "2.1": "v21"}

SERVER_ACTIONS_16 = frozenset(
    (
        "CancelReservation",
        "CertificateSigned",
        "ChangeAvailability",
        "ChangeConfiguration",
        "ClearCache",
        "ClearChargingProfile",
        "DataTransfer",
        "DeleteCertificate",
        "ExtendedTriggerMessage",
        "GetCompositeSchedule",
        "GetConfiguration",
        "GetDiagnostics",
        "GetInstalledCertificateIds",
        "GetLocalListVersion",
        "GetLog",
        "InstallCertificate",
        "RemoteStartTransaction",
        "RemoteStopTransaction",
        "ReserveNow",
        "Reset",
        "SendLocalList",
        "SetChargingProfile",
        "SignedUpdateFirmware",
        "TriggerMessage",
        "UnlockConnector",
        "UpdateFirmware",
    )
)
STATION_ACTIONS_2 = frozenset(
    (
        "Authorize",
        "BatterySwap",
        "BootNotification",
        "ClearedChargingLimit",
        "FirmwareStatusNotification",
        "Get15118EVCertificate",
        "GetCertificateChainStatus",
        "GetCertificateStatus",
        "Heartbeat",
        "LogStatusNotification",
        "MeterValues",
        "NotifyChargingLimit",
        "NotifyCustomerInformation",
        "NotifyDERAlarm",
        "NotifyDERStartStop",
        "NotifyDisplayMessages",
        "NotifyEVChargingNeeds",
        "NotifyEVChargingSchedule",
        "NotifyEvent",
        "NotifyMonitoringReport",
        "NotifyPeriodicEventStream",
        "NotifyPriorityCharging",
        "NotifyReport",
        "NotifySettlement",
        "OpenPeriodicEventStream",
        "ClosePeriodicEventStream",
        "PublishFirmwareStatusNotification",
        "PullDynamicScheduleUpdate",
        "ReportChargingProfiles",
        "ReportDERControl",
        "ReservationStatusUpdate",
        "SecurityEventNotification",
        "SignCertificate",
        "StatusNotification",
        "TransactionEvent",
        "VatNumberValidation",
    )
)


@cache
def _validator(version: str, name: str) -> Any:
    path = files("ocpp").joinpath(PACKAGES[version], "schemas", f"{name}.json")
    if not path.is_file():
        return None
    schema = json.loads(path.read_text(encoding="utf-8-sig"))
    return jsonschema_rs.validator_for(schema, validate_formats=True)


def request_name(version: str, action: str) -> str:
    return action if version == "1.6" or action == "NotifyPeriodicEventStream" else f"{action}Request"


@cache
def known(version: str, action: str) -> bool:
    """Whether the version has this action at all."""
    return action.isalnum() and _validator(version, request_name(version, action)) is not None


@cache
def from_server(version: str, action: str) -> bool:
    """Whether the server may send this action."""
    if version == "1.6":
        return action in SERVER_ACTIONS_16
    return known(version, action) and action not in STATION_ACTIONS_2


def request_fault(version: str, action: str, payload: Any) -> str | None:
    """What is wrong with the payload of a CALL, in one line; None when it keeps the schema."""
    return _fault(_validator(version, request_name(version, action)), payload)


def answer_fault(version: str, action: str, payload: Any) -> str | None:
    """What is wrong with the payload of a CALLRESULT, in one line; None when it keeps the schema."""
    return _fault(_validator(version, f"{action}Response"), payload)


def _fault(validator: Any, payload: Any) -> str | None:
    if not isinstance(payload, dict):
        return f"the payload is {type(payload).__name__}, not an object"
    if validator is None or validator.is_valid(payload):
        return None
    error = next(iter(validator.iter_errors(payload)))
    where = "/".join(str(part) for part in error.instance_path)
    return f"{where}: {error.message}"[:300] if where else error.message[:300]
