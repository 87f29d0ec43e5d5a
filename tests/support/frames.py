"""Payloads of OCPP 1.6 and 2.x messages, as small as the specification allows. Energy in Wh, power in W."""

from datetime import UTC, datetime, timedelta
from typing import Any

Payload = dict[str, Any]


def ts(minutes: float = 0) -> str:
    """Now, shifted by minutes, as stations write it."""
    return (datetime.now(UTC) + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


def boot(protocol: str = "ocpp1.6", vendor: str = "Test", model: str = "T1") -> Payload:
    if protocol == "ocpp1.6":
        return {"chargePointVendor": vendor, "chargePointModel": model}
    return {"reason": "PowerUp", "chargingStation": {"vendorName": vendor, "model": model}}


def status_16(connector_id: int, status: str, error_code: str = "NoError", **more: Any) -> Payload:
    return {"connectorId": connector_id, "status": status, "errorCode": error_code, **more}


def status_2x(evse_id: int, status: str, connector_id: int = 1, timestamp: str | None = None) -> Payload:
    return {
        "timestamp": timestamp or ts(),
        "connectorStatus": status,
        "evseId": evse_id,
        "connectorId": connector_id,
    }


def start_16(id_tag: str, meter_start_wh: int, timestamp: str | None = None, connector_id: int = 1) -> Payload:
    return {
        "connectorId": connector_id,
        "idTag": id_tag,
        "meterStart": meter_start_wh,
        "timestamp": timestamp or ts(),
    }


def meter_16(
    energy_wh: float,
    power_w: float | None = None,
    *,
    transaction_id: int | None = None,
    soc_percent: float | None = None,
    timestamp: str | None = None,
    connector_id: int = 1,
) -> Payload:
    samples = [{"value": f"{energy_wh:g}", "measurand": "Energy.Active.Import.Register", "unit": "Wh"}]
    if power_w is not None:
        samples.append({"value": f"{power_w:g}", "measurand": "Power.Active.Import", "unit": "W"})
    if soc_percent is not None:
        samples.append({"value": f"{soc_percent:g}", "measurand": "SoC", "unit": "Percent"})
    payload: Payload = {
        "connectorId": connector_id,
        "meterValue": [{"timestamp": timestamp or ts(), "sampledValue": samples}],
    }
    return payload if transaction_id is None else {**payload, "transactionId": transaction_id}


def stop_16(transaction_id: int, meter_stop_wh: int, timestamp: str | None = None, **more: Any) -> Payload:
    return {"transactionId": transaction_id, "meterStop": meter_stop_wh, "timestamp": timestamp or ts(), **more}


def event_2x(
    kind: str,
    sequence: int,
    transaction_id: str,
    *,
    energy_wh: float | None = None,
    power_w: float | None = None,
    id_token: str | None = None,
    trigger: str | None = None,
    timestamp: str | None = None,
    evse_id: int | None = 1,
    info: Payload | None = None,
    **more: Any,
) -> Payload:
    """A TransactionEvent: `kind` is Started, Updated or Ended."""
    moment = timestamp or ts()
    usual = {"Started": "Authorized", "Updated": "MeterValuePeriodic", "Ended": "StopAuthorized"}
    payload: Payload = {
        "eventType": kind,
        "timestamp": moment,
        "triggerReason": trigger or usual[kind],
        "seqNo": sequence,
        "transactionInfo": {"transactionId": transaction_id, **(info or {})},
        **more,
    }
    if evse_id is not None:
        payload["evse"] = {"id": evse_id, "connectorId": 1}
    if id_token is not None:
        payload["idToken"] = {"idToken": id_token, "type": "ISO14443"}
    samples: list[Payload] = []
    if energy_wh is not None:
        context = {"Started": "Transaction.Begin", "Ended": "Transaction.End"}.get(kind, "Sample.Periodic")
        samples.append({"value": energy_wh, "measurand": "Energy.Active.Import.Register", "context": context})
    if power_w is not None:
        samples.append({"value": power_w, "measurand": "Power.Active.Import"})
    if samples:
        payload["meterValue"] = [{"timestamp": moment, "sampledValue": samples}]
    return payload
