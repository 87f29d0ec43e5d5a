"""OCPP 2.0.1: wire messages to facts, commands to wire messages. References are use cases and requirements."""

from datetime import datetime
from typing import Any

from ocpp.routing import on
from ocpp.v201 import call, datatypes
from ocpp.v201.enums import Action, IdTokenEnumType

from charging.facts import (
    Authorization,
    Authorized,
    BootAnswer,
    Booted,
    Configured,
    DataTransferred,
    EventsNotified,
    Fact,
    FirmwareProgressed,
    Heartbeat,
    IdToken,
    LogProgressed,
    MeterRead,
    ReportedValue,
    SecurityEventRaised,
    StationEvent,
    StatusChanged,
    TransactionAnswer,
    TransactionEnded,
    TransactionStarted,
    TransactionUpdated,
)
from charging.models import Command
from ocpp_gateway import clock, samples
from ocpp_gateway.jobs import Jobs2
from ocpp_gateway.reservations import Reservations2
from ocpp_gateway.smart_charging import SmartCharging2
from ocpp_gateway.translation import Context, Handled, NotSupported, Payload, Translator, nothing, small, text
from ocpp_gateway.v16 import REGISTRATION, wire_payload

TOKEN_STATUS = {
    "accepted": "Accepted",
    "blocked": "Blocked",
    "expired": "Expired",
    "concurrent": "ConcurrentTx",
    "unknown": "Unknown",
}
TRIGGERS = {
    "status": "StatusNotification",
    "meter_values": "MeterValues",
    "boot": "BootNotification",
    "heartbeat": "Heartbeat",
    "firmware_status": "FirmwareStatusNotification",
    "log_status": "LogStatusNotification",
}
REPORTS = {"full": "FullInventory", "configuration": "ConfigurationInventory", "summary": "SummaryInventory"}
#: Tokens that name nobody: the station charges without asking who it is.
NOBODY = {"NoAuthorization"}


def token_info(authorization: Authorization) -> Payload:
    info: Payload = {"status": TOKEN_STATUS[authorization.status]}
    if authorization.expires is not None:
        info["cacheExpiryDateTime"] = clock.wire(authorization.expires)
    if authorization.group:
        info["groupIdToken"] = {"idToken": authorization.group[:36], "type": "Central"}
    return info


def token_of(payload: Payload) -> IdToken | None:
    """The idToken; None where there is none, or one that names nobody."""
    raw = payload.get("idToken")
    if not isinstance(raw, dict) or raw.get("type") in NOBODY or not text(raw, "idToken"):
        return None
    return IdToken(text(raw, "idToken"), text(raw, "type"))


def evse_of(payload: Payload) -> tuple[int, int]:
    evse = payload.get("evse")
    if not isinstance(evse, dict):
        return 0, 0
    return small(evse.get("id") or 0, "evse.id"), small(evse.get("connectorId") or 0, "evse.connectorId")


def optional(value: Any) -> int | None:
    return int(value) if isinstance(value, (int, float)) and abs(value) < 2**63 else None


class V201(SmartCharging2, Reservations2, Jobs2, Translator):
    protocol = "2.0.1"
    commands = {
        **SmartCharging2.profile_commands,
        **Reservations2.reservation_commands,
        **Jobs2.job_commands,
        "start": ("start", "RequestStartTransaction"),
        "stop": ("stop", "RequestStopTransaction"),
        "unlock": ("unlock", "UnlockConnector"),
        "reset": ("reset", "Reset"),
        "change_availability": ("change_availability", "ChangeAvailability"),
        "get_configuration": ("get_variables", "GetVariables", "GetBaseReport"),
        "set_configuration": ("set_variables", "SetVariables"),
        "trigger": ("trigger", "TriggerMessage"),
        "get_base_report": ("get_base_report", "GetBaseReport"),
        "set_limit": ("set_limit", "SetChargingProfile", "ClearChargingProfile"),
        "clear_cache": ("clear_cache", "ClearCache"),
        "data_transfer": ("data_transfer_to", "DataTransfer"),
    }

    # --- From the station -------------------------------------------------------------------------------------------

    @on(Action.boot_notification)
    def boot_notification(self, payload: Payload, context: Context) -> Handled:
        """B01"""
        station = payload["chargingStation"]
        modem = station.get("modem") or {}
        fact = Booted(
            vendor=text(station, "vendorName"),
            model=text(station, "model"),
            serial_number=text(station, "serialNumber"),
            firmware_version=text(station, "firmwareVersion"),
            iccid=text(modem, "iccid"),
            imsi=text(modem, "imsi"),
            reason=text(payload, "reason"),
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
        """G02"""
        return Heartbeat(), lambda now: {"currentTime": clock.wire(now)}

    @on(Action.authorize)
    def authorize(self, payload: Payload, context: Context) -> Handled:
        """C01"""
        token = token_of(payload) or IdToken("")
        return Authorized(token), lambda said: {"idTokenInfo": token_info(said)}

    @on(Action.status_notification)
    def status_notification(self, payload: Payload, context: Context) -> Handled:
        """G01"""
        fact = StatusChanged(
            evse=small(payload["evseId"], "evseId"),
            connector=small(payload["connectorId"], "connectorId"),
            status=text(payload, "connectorStatus"),
            stamp=clock.stamp(payload.get("timestamp"), context.received, context.drift_s),
            drift_s=clock.drift(payload.get("timestamp"), context.received),
        )
        return fact, nothing

    @on(Action.transaction_event)
    def transaction_event(self, payload: Payload, context: Context) -> Handled:
        """E01-E08: keyed by (transactionId, seqNo), whatever the order."""
        info = payload["transactionInfo"]
        transaction_id = text(info, "transactionId")
        seq_no = optional(payload.get("seqNo"))
        event_type = text(payload, "eventType")
        key = ("event", transaction_id, seq_no if seq_no is not None else (event_type, payload.get("timestamp")))
        evse, connector = evse_of(payload)
        token = token_of(payload)
        common: dict[str, Any] = {
            "key": key,
            "transaction_id": transaction_id,
            "evse": evse,
            "connector": connector,
            "stamp": clock.stamp(payload.get("timestamp"), context.received, context.drift_s),
            "token": token,
            "remote_start_id": optional(info.get("remoteStartId")),
            "trigger": text(payload, "triggerReason"),
            "charging_state": text(info, "chargingState"),
            "seq_no": seq_no,
            "offline": payload.get("offline") is True,
            "readings": samples.readings(payload.get("meterValue"), context.received, context.drift_s),
            "reservation": optional(payload.get("reservationId")) or None,
        }
        fact: Fact
        if event_type == "Started":
            fact = TransactionStarted(**common)
        elif event_type == "Ended":
            fact = TransactionEnded(**common, reason=text(info, "stoppedReason"))
        else:
            fact = TransactionUpdated(**common)

        def answer(said: TransactionAnswer) -> Payload:
            reply: Payload = {}
            if said.authorization is not None and token is not None:
                reply["idTokenInfo"] = token_info(said.authorization)
            if event_type == "Ended" and said.cost is not None:
                reply["totalCost"] = float(said.cost)
            return reply

        return fact, answer

    @on(Action.meter_values)
    def meter_values(self, payload: Payload, context: Context) -> Handled:
        """J01: values outside of transactions; EVSE 0 is the main power meter."""
        found = samples.readings(payload.get("meterValue"), context.received, context.drift_s)
        evse = small(payload["evseId"], "evseId")
        return MeterRead(evse, 1 if evse else 0, found, attach=False), nothing

    @on(Action.data_transfer)
    def data_transfer(self, payload: Payload, context: Context) -> Handled:
        """P02"""
        fact = DataTransferred(text(payload, "vendorId"), text(payload, "messageId"), str(payload.get("data") or ""))
        return fact, lambda known: {"status": "Accepted" if known else "UnknownVendorId"}

    @on(Action.firmware_status_notification)
    def firmware_status_notification(self, payload: Payload, context: Context) -> Handled:
        """L01"""
        return FirmwareProgressed(text(payload, "status"), optional(payload.get("requestId"))), nothing

    @on(Action.log_status_notification)
    def log_status_notification(self, payload: Payload, context: Context) -> Handled:
        """N01"""
        return LogProgressed(text(payload, "status"), optional(payload.get("requestId"))), nothing

    @on(Action.security_event_notification)
    def security_event_notification(self, payload: Payload, context: Context) -> Handled:
        """A04"""
        stamp = clock.stamp(payload.get("timestamp"), context.received, context.drift_s)
        return SecurityEventRaised(text(payload, "type"), stamp, text(payload, "techInfo")), nothing

    @on(Action.notify_report)
    def notify_report(self, payload: Payload, context: Context) -> Handled:
        """B07, B08: the device model in parts; each is kept as it comes."""
        return Configured([value for item in payload.get("reportData") or [] for value in reported(item)]), nothing

    @on(Action.notify_event)
    def notify_event(self, payload: Payload, context: Context) -> Handled:
        """N07"""
        events = []
        for item in payload.get("eventData") or []:
            component = item.get("component") or {}
            evse, connector = evse_of(component)
            events.append(
                StationEvent(
                    component=text(component, "name"),
                    variable=text(item.get("variable") or {}, "name"),
                    value=text(item, "actualValue"),
                    stamp=clock.stamp(item.get("timestamp"), context.received, context.drift_s),
                    trigger=text(item, "trigger"),
                    cleared=item.get("cleared") is True,
                    evse=evse or None,
                    connector=connector or None,
                )
            )
        return EventsNotified(events), nothing

    # --- To the station ---------------------------------------------------------------------------------------------

    def start(self, command: Command, params: Payload) -> tuple[str, Payload]:
        """F01, F02"""
        token = datatypes.IdTokenType(id_token=params["id_tag"], type=IdTokenEnumType.central)
        message = call.RequestStartTransaction(
            id_token=token,
            remote_start_id=params["remote_start_id"],
            evse_id=command.connector.evse_number if command.connector else None,
        )
        return "RequestStartTransaction", wire_payload(message)

    def stop(self, command: Command, params: Payload) -> tuple[str, Payload]:
        """F03"""
        assert command.transaction is not None
        message = call.RequestStopTransaction(transaction_id=command.transaction.transaction_id)
        return "RequestStopTransaction", wire_payload(message)

    def unlock(self, command: Command, params: Payload) -> tuple[str, Payload]:
        """F05"""
        if command.connector is None:
            raise NotSupported("An unlock names its connector.")
        evse_id, connector_id = command.connector.evse_number, command.connector.number
        return "UnlockConnector", {"evseId": evse_id, "connectorId": connector_id}

    def reset(self, command: Command, params: Payload) -> tuple[str, Payload]:
        """B11, B12: a soft reset waits for transactions to end."""
        return "Reset", {"type": "Immediate" if params.get("type") == "hard" else "OnIdle"}

    def change_availability(self, command: Command, params: Payload) -> tuple[str, Payload]:
        """G03, G04"""
        payload: Payload = {"operationalStatus": "Operative" if params["operative"] else "Inoperative"}
        if command.connector is not None:
            payload["evse"] = {"id": command.connector.evse_number, "connectorId": command.connector.number}
        return "ChangeAvailability", payload

    def get_variables(self, command: Command, params: Payload) -> tuple[str, Payload]:
        """B06; without keys, a report of all that can be configured (B07)."""
        keys = params.get("keys") or []
        if not keys:
            return "GetBaseReport", {"requestId": command.pk % 2**31, "reportBase": "ConfigurationInventory"}
        return "GetVariables", {"getVariableData": [self.variable(key) for key in keys]}

    def set_variables(self, command: Command, params: Payload) -> tuple[str, Payload]:
        """B05"""
        data = {**self.variable(params["key"]), "attributeValue": params["value"][:1000]}
        return "SetVariables", {"setVariableData": [data]}

    def variable(self, path: str) -> Payload:
        """`Component.Variable` or `Component/Variable`, either with `[instance]`, the component with `@evse` or
        `@evse.connector` where a slash ends it."""
        component, _, variable = path.partition("/") if "/" in path else path.partition(".")
        if not variable:
            raise NotSupported(f"Name the variable as Component.Variable; {path} names no component.")
        component, _, place = component.partition("@")
        data = {"component": named(component), "variable": named(variable)}
        evse, _, connector = place.partition(".")
        if evse.isascii() and evse.isdecimal():
            data["component"]["evse"] = {"id": int(evse)}
            if connector.isascii() and connector.isdecimal():
                data["component"]["evse"]["connectorId"] = int(connector)
        return data

    def trigger(self, command: Command, params: Payload) -> tuple[str, Payload]:
        """F06"""
        payload: Payload = {"requestedMessage": TRIGGERS[params["message"]]}
        if command.connector is not None:
            payload["evse"] = {"id": command.connector.evse_number, "connectorId": command.connector.number}
        return "TriggerMessage", payload

    def get_base_report(self, command: Command, params: Payload) -> tuple[str, Payload]:
        """B07"""
        base = REPORTS.get(params.get("report") or "full", "FullInventory")
        return "GetBaseReport", {"requestId": command.pk % 2**31, "reportBase": base}

    def set_limit(self, command: Command, params: Payload) -> tuple[str, Payload]:
        """K01 with a TxDefaultProfile, K10 to clear it."""
        unit, limit = ("W", params.get("limit_w")) if "limit_w" in params else ("A", params.get("limit_a"))
        evse_id = command.connector.evse_number if command.connector else 0
        if limit is None:
            criteria: Payload = {"chargingProfilePurpose": "TxDefaultProfile", "stackLevel": 0}
            if evse_id:
                criteria["evseId"] = evse_id
            return "ClearChargingProfile", {"chargingProfileCriteria": criteria}
        schedule = {
            "id": evse_id + 1,
            "chargingRateUnit": unit,
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": round(float(limit), 1)}],
        }
        profile = {
            "id": evse_id + 1,
            "stackLevel": 0,
            "chargingProfilePurpose": "TxDefaultProfile",
            "chargingProfileKind": "Relative",
            "chargingSchedule": [schedule],
        }
        return "SetChargingProfile", {"evseId": evse_id, "chargingProfile": profile}

    def clear_cache(self, command: Command, params: Payload) -> tuple[str, Payload]:
        """C11"""
        return "ClearCache", {}

    def data_transfer_to(self, command: Command, params: Payload) -> tuple[str, Payload]:
        """P01"""
        payload = {"vendorId": params["vendor_id"]}
        if params.get("message_id"):
            payload["messageId"] = params["message_id"]
        if params.get("data") is not None:
            payload["data"] = params["data"]
        return "DataTransfer", payload

    def outcome_of(self, command: Command, payload: Payload, received: datetime) -> Any:
        """Set and GetVariables have a status per variable; one that is refused refuses the command."""
        if command.action == "SetVariables":
            results = payload.get("setVariableResult") or []
            words = [text(item, "attributeStatus") for item in results if isinstance(item, dict)]
            refused = next((word for word in words if word not in self.yes), "" if words else "Rejected")
            payload = {**payload, "status": refused or "Accepted"} if "status" not in payload else payload
        return super().outcome_of(command, payload, received)

    def facts_in(self, command: Command, payload: Payload, received: datetime) -> list[Fact]:
        if command.action == "GetVariables":
            values = [
                value
                for item in payload.get("getVariableResult") or []
                if isinstance(item, dict) and item.get("attributeStatus") == "Accepted"
                for value in reported({**item, "variableAttribute": [{**item, "value": item.get("attributeValue")}]})
            ]
            return [Configured(values)] if values else []
        if command.kind == "set_configuration" and not command.sealed:
            data = self.variable(command.params["key"])
            data["variableAttribute"] = [{"value": command.params["value"]}]
            return [Configured(list(reported(data)))]
        return super().facts_in(command, payload, received)


def named(path: str) -> Payload:
    """`Name[instance]` as a component or variable."""
    name, _, instance = path.partition("[")
    return {"name": name, "instance": instance.rstrip("]")} if instance else {"name": name}


def reported(item: Payload) -> list[ReportedValue]:
    """The attributes of one reported variable."""
    component, variable = item.get("component") or {}, item.get("variable") or {}
    evse = component.get("evse") or {}
    characteristics = item.get("variableCharacteristics") or {}
    return [
        ReportedValue(
            variable=text(variable, "name"),
            value=attribute["value"] if isinstance(attribute.get("value"), str) else None,
            component=text(component, "name"),
            component_instance=text(component, "instance"),
            evse=optional(evse.get("id")),
            connector=optional(evse.get("connectorId")),
            variable_instance=text(variable, "instance"),
            attribute=text(attribute, "type"),
            readonly=attribute.get("mutability") == "ReadOnly",
            mutability=text(attribute, "mutability"),
            data_type=text(characteristics, "dataType"),
            unit=text(characteristics, "unit"),
        )
        for attribute in item.get("variableAttribute") or []
        if isinstance(attribute, dict) and text(variable, "name")
    ]
