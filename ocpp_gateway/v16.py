"""OCPP 1.6J: wire messages to facts, commands to wire messages. Section numbers are those of the specification."""

from datetime import datetime
from typing import Any

from ocpp.charge_point import remove_nones, serialize_as_dict, snake_to_camel_case
from ocpp.routing import on
from ocpp.v16 import call
from ocpp.v16.enums import Action

from charging.facts import (
    Authorization,
    Authorized,
    BootAnswer,
    Booted,
    Configured,
    DataTransferred,
    Fact,
    FirmwareProgressed,
    Heartbeat,
    IdToken,
    LogProgressed,
    MeterRead,
    ReportedValue,
    SecurityEventRaised,
    StatusChanged,
    TransactionAnswer,
    TransactionEnded,
    TransactionStarted,
)
from charging.models import Command
from ocpp_gateway import clock, samples
from ocpp_gateway.jobs import Jobs16
from ocpp_gateway.reservations import Reservations16
from ocpp_gateway.smart_charging import SmartCharging16
from ocpp_gateway.translation import Context, Handled, NotSupported, Payload, Translator, nothing, small, text

MOST_TRANSACTION_ID = 2**31 - 1
TAG_STATUS = {
    "accepted": "Accepted",
    "blocked": "Blocked",
    "expired": "Expired",
    "concurrent": "ConcurrentTx",
    "unknown": "Invalid",
}
REGISTRATION = {"accepted": "Accepted", "pending": "Pending", "rejected": "Rejected"}
TRIGGERS = {
    "status": "StatusNotification",
    "meter_values": "MeterValues",
    "boot": "BootNotification",
    "heartbeat": "Heartbeat",
    "firmware_status": "FirmwareStatusNotification",
    "log_status": "DiagnosticsStatusNotification",
}


def evse_of(connector_id: int) -> tuple[int, int]:
    """1.6 connector n is EVSE n, connector 1; 0 is the station."""
    return (connector_id, 1) if connector_id else (0, 0)


def usable_transaction_id(raw: Any) -> str | None:
    """Our ids are positive and have 31 bits; 0, -1, an absent one and anything larger are none."""
    if isinstance(raw, bool) or not isinstance(raw, (int, float)) or raw != int(raw):
        return None
    return str(int(raw)) if 0 < raw <= MOST_TRANSACTION_ID else None


def tag_info(authorization: Authorization) -> Payload:
    info: Payload = {"status": TAG_STATUS[authorization.status]}
    if authorization.expires is not None:
        info["expiryDate"] = clock.wire(authorization.expires)
    if authorization.group:
        info["parentIdTag"] = authorization.group[:20]
    return info


def wire_payload(message: Any) -> Payload:
    """One of the library's call classes as JSON, without what is not set."""
    return dict(snake_to_camel_case(remove_nones(serialize_as_dict(message))))


class V16(SmartCharging16, Reservations16, Jobs16, Translator):
    protocol = "1.6"
    commands = {
        **SmartCharging16.profile_commands,
        **Reservations16.reservation_commands,
        **Jobs16.job_commands,
        "start": ("start", "RemoteStartTransaction"),
        "stop": ("stop", "RemoteStopTransaction"),
        "unlock": ("unlock", "UnlockConnector"),
        "reset": ("reset", "Reset"),
        "change_availability": ("change_availability", "ChangeAvailability"),
        "get_configuration": ("get_configuration", "GetConfiguration"),
        "set_configuration": ("set_configuration", "ChangeConfiguration"),
        "trigger": ("trigger", "TriggerMessage"),
        "set_limit": ("set_limit", "SetChargingProfile", "ClearChargingProfile"),
        "clear_cache": ("clear_cache", "ClearCache"),
        "data_transfer": ("data_transfer_to", "DataTransfer"),
    }

    # --- From the station -------------------------------------------------------------------------------------------

    @on(Action.boot_notification)
    def boot_notification(self, payload: Payload, context: Context) -> Handled:
        """§4.2"""
        fact = Booted(
            vendor=text(payload, "chargePointVendor"),
            model=text(payload, "chargePointModel"),
            serial_number=text(payload, "chargePointSerialNumber") or text(payload, "chargeBoxSerialNumber"),
            firmware_version=text(payload, "firmwareVersion"),
            iccid=text(payload, "iccid"),
            imsi=text(payload, "imsi"),
            meter_type=text(payload, "meterType"),
            meter_serial_number=text(payload, "meterSerialNumber"),
        )

        def answer(boot: BootAnswer) -> Payload:
            return {
                "currentTime": clock.wire(context.received),
                "interval": boot.interval_s,
                "status": REGISTRATION[boot.registration],
            }

        return fact, answer

    @on(Action.heartbeat)
    def heartbeat(self, payload: Payload, context: Context) -> Handled:
        """§4.6"""
        return Heartbeat(), lambda now: {"currentTime": clock.wire(now)}

    @on(Action.authorize)
    def authorize(self, payload: Payload, context: Context) -> Handled:
        """§4.1"""
        return Authorized(IdToken(text(payload, "idTag"))), lambda said: {"idTagInfo": tag_info(said)}

    @on(Action.status_notification)
    def status_notification(self, payload: Payload, context: Context) -> Handled:
        """§4.9"""
        evse, connector = evse_of(small(payload["connectorId"], "connectorId"))
        stamp = clock.stamp(payload.get("timestamp"), context.received, context.drift_s)
        fact = StatusChanged(
            evse=evse,
            connector=connector,
            status=text(payload, "status"),
            stamp=stamp,
            error_code=text(payload, "errorCode"),
            info=text(payload, "info"),
            vendor_error_code=text(payload, "vendorErrorCode"),
            drift_s=clock.drift(payload.get("timestamp"), context.received),
        )
        return fact, nothing

    @on(Action.start_transaction)
    def start_transaction(self, payload: Payload, context: Context) -> Handled:
        """§4.8"""
        connector_id = small(payload["connectorId"], "connectorId")
        evse, connector = evse_of(connector_id)
        tag = text(payload, "idTag")
        reservation = payload.get("reservationId")
        fact = TransactionStarted(
            key=("start", connector_id, tag, payload.get("timestamp"), payload["meterStart"], reservation or 0),
            transaction_id=None,
            evse=evse,
            connector=connector,
            stamp=clock.stamp(payload.get("timestamp"), context.received, context.drift_s),
            token=IdToken(tag),
            meter_wh=float(payload["meterStart"]),
            reservation=reservation if reservation and abs(reservation) < 2**63 else None,
        )

        def answer(said: TransactionAnswer) -> Payload:
            info = tag_info(said.authorization) if said.authorization else {"status": "Invalid"}
            return {"transactionId": int(said.transaction_id), "idTagInfo": info}

        return fact, answer

    @on(Action.stop_transaction)
    def stop_transaction(self, payload: Payload, context: Context) -> Handled:
        """§4.10. An `idTagInfo` only if a tag was sent."""
        transaction_id = usable_transaction_id(payload.get("transactionId"))
        if transaction_id is None:
            context.wrong.append(("unusable_transaction_id", str(payload.get("transactionId"))[:60]))
        tag = payload.get("idTag")
        readings = samples.readings(payload.get("transactionData"), context.received, context.drift_s)
        begin = next((reading.begin_wh for reading in readings if reading.begin_wh is not None), None)
        fact = TransactionEnded(
            key=("stop", transaction_id),
            transaction_id=transaction_id,
            stamp=clock.stamp(payload.get("timestamp"), context.received, context.drift_s),
            token=IdToken(tag) if isinstance(tag, str) and tag else None,
            meter_wh=float(payload["meterStop"]),
            reason=text(payload, "reason"),
            readings=readings,
            data={"begin_wh": begin} if begin is not None else {},
        )

        def answer(said: TransactionAnswer) -> Payload:
            return {"idTagInfo": tag_info(said.authorization)} if said.authorization else {}

        return fact, answer

    @on(Action.meter_values)
    def meter_values(self, payload: Payload, context: Context) -> Handled:
        """§4.7"""
        connector_id = payload["connectorId"]
        evse, connector = (connector_id, 1) if 0 < connector_id <= 9999 else evse_of(small(connector_id, "connectorId"))
        raw = payload.get("transactionId")
        transaction_id = usable_transaction_id(raw)
        if raw is not None and transaction_id is None:
            context.wrong.append(("unusable_transaction_id", str(raw)[:60]))
        found = samples.readings(payload.get("meterValue"), context.received, context.drift_s)
        return MeterRead(evse, connector, found, transaction_id or ""), nothing

    @on(Action.data_transfer)
    def data_transfer(self, payload: Payload, context: Context) -> Handled:
        """§4.3"""
        fact = DataTransferred(text(payload, "vendorId"), text(payload, "messageId"), str(payload.get("data") or ""))
        return fact, lambda known: {"status": "Accepted" if known else "UnknownVendorId"}

    @on(Action.firmware_status_notification)
    def firmware_status_notification(self, payload: Payload, context: Context) -> Handled:
        """§4.5"""
        return FirmwareProgressed(text(payload, "status")), nothing

    @on(Action.signed_firmware_status_notification)
    def signed_firmware_status_notification(self, payload: Payload, context: Context) -> Handled:
        """Security white paper §5.8"""
        return FirmwareProgressed(text(payload, "status"), payload.get("requestId")), nothing

    @on(Action.diagnostics_status_notification)
    def diagnostics_status_notification(self, payload: Payload, context: Context) -> Handled:
        """§4.4"""
        return LogProgressed(text(payload, "status")), nothing

    @on(Action.log_status_notification)
    def log_status_notification(self, payload: Payload, context: Context) -> Handled:
        """Security white paper §5.6"""
        return LogProgressed(text(payload, "status"), payload.get("requestId")), nothing

    @on(Action.security_event_notification)
    def security_event_notification(self, payload: Payload, context: Context) -> Handled:
        """Security white paper §5.7"""
        stamp = clock.stamp(payload.get("timestamp"), context.received, context.drift_s)
        return SecurityEventRaised(text(payload, "type"), stamp, text(payload, "techInfo")), nothing

    # --- To the station ---------------------------------------------------------------------------------------------

    def connector_id(self, command: Command, default: int = 0) -> int:
        return command.connector.evse_number if command.connector else default

    def start(self, command: Command, params: Payload) -> tuple[str, Payload]:
        if len(params["id_tag"]) > 20:
            raise NotSupported("This tag has more than the 20 characters that OCPP 1.6 can carry.")
        connector_id = self.connector_id(command) or None
        message = call.RemoteStartTransaction(id_tag=params["id_tag"], connector_id=connector_id)
        return "RemoteStartTransaction", wire_payload(message)

    def stop(self, command: Command, params: Payload) -> tuple[str, Payload]:
        assert command.transaction is not None
        message = call.RemoteStopTransaction(transaction_id=int(command.transaction.transaction_id))
        return "RemoteStopTransaction", wire_payload(message)

    def unlock(self, command: Command, params: Payload) -> tuple[str, Payload]:
        return "UnlockConnector", wire_payload(call.UnlockConnector(connector_id=self.connector_id(command, 1)))

    def reset(self, command: Command, params: Payload) -> tuple[str, Payload]:
        return "Reset", {"type": "Hard" if params.get("type") == "hard" else "Soft"}

    def change_availability(self, command: Command, params: Payload) -> tuple[str, Payload]:
        kind = "Operative" if params["operative"] else "Inoperative"
        return "ChangeAvailability", {"connectorId": self.connector_id(command), "type": kind}

    def get_configuration(self, command: Command, params: Payload) -> tuple[str, Payload]:
        keys = [key[:50] for key in params.get("keys") or []]
        return "GetConfiguration", {"key": keys} if keys else {}

    def set_configuration(self, command: Command, params: Payload) -> tuple[str, Payload]:
        key, value = params["key"], params["value"]
        if key.casefold() == "authorizationkey" and not is_hex(value):
            # Security white paper A.2: the key travels as hex of its bytes, up to 40 digits.
            value = value.encode().hex()
        return "ChangeConfiguration", {"key": key[:50], "value": value[:500]}

    def trigger(self, command: Command, params: Payload) -> tuple[str, Payload]:
        payload: Payload = {"requestedMessage": TRIGGERS[params["message"]]}
        if command.connector is not None and params["message"] in ("status", "meter_values"):
            payload["connectorId"] = command.connector.evse_number
        return "TriggerMessage", payload

    def set_limit(self, command: Command, params: Payload) -> tuple[str, Payload]:
        """§5.16: a default profile for the transactions of a connector, or of all of them; null clears it."""
        unit, limit = ("W", params.get("limit_w")) if "limit_w" in params else ("A", params.get("limit_a"))
        connector_id = self.connector_id(command)
        if limit is None:
            payload: Payload = {"chargingProfilePurpose": "TxDefaultProfile", "stackLevel": 0}
            return "ClearChargingProfile", {**payload, "connectorId": connector_id} if connector_id else payload
        profile = {
            "chargingProfileId": connector_id + 1,
            "stackLevel": 0,
            "chargingProfilePurpose": "TxDefaultProfile",
            "chargingProfileKind": "Relative",
            "chargingSchedule": {
                "chargingRateUnit": unit,
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": round(float(limit), 1)}],
            },
        }
        return "SetChargingProfile", {"connectorId": connector_id, "csChargingProfiles": profile}

    def clear_cache(self, command: Command, params: Payload) -> tuple[str, Payload]:
        return "ClearCache", {}

    def data_transfer_to(self, command: Command, params: Payload) -> tuple[str, Payload]:
        payload = {"vendorId": params["vendor_id"]}
        if params.get("message_id"):
            payload["messageId"] = params["message_id"]
        if params.get("data") is not None:
            payload["data"] = params["data"]
        return "DataTransfer", payload

    def facts_in(self, command: Command, payload: Payload, received: datetime) -> list[Fact]:
        """GetConfiguration's answer is the configuration; an accepted change is known without asking again."""
        if command.action == "GetConfiguration":
            values = [
                ReportedValue(
                    variable=text(item, "key"),
                    value=item["value"] if isinstance(item.get("value"), str) else None,
                    readonly=item.get("readonly") is True,
                )
                for item in payload.get("configurationKey") or []
                if isinstance(item, dict) and text(item, "key")
            ]
            return [Configured(values)] if values else []
        if command.kind == "set_configuration" and not command.sealed:
            return [Configured([ReportedValue(variable=command.params["key"], value=command.params["value"])])]
        return super().facts_in(command, payload, received)


def is_hex(value: str) -> bool:
    return len(value) in range(32, 41, 2) and all(ch in "0123456789abcdefABCDEF" for ch in value)
