"""OCPP 2.0.1 and 2.1: variables, reports and customer information."""

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from mobility.simulator.clock import timestamp
from mobility.simulator.link import Reject, Reply
from mobility.simulator.outbox import CallFailed, NoAnswer, Offline, Payload
from mobility.simulator.v2_device_model import Variable, device_model_of
from mobility.simulator.wire import Wire

if TYPE_CHECKING:
    from mobility.simulator.station import Station

ITEMS_PER_REPORT = 25
SUMMARY = ("AvailabilityState", "Problem", "Available")
CRITERIA = ("Active", "Available", "Enabled", "Problem")


class DeviceCommands2(Wire):
    """GetVariables, SetVariables, GetBaseReport, GetReport, CustomerInformation (2.0.1 B05 to B08, N09)."""

    def __init__(self, station: "Station") -> None:
        super().__init__(station)
        self.device_model = device_model_of(station)

    # -- variables

    def on_GetVariables(self, payload: Payload) -> Reply | Reject:
        if len(payload["getVariableData"]) > 50:
            return Reject("OccurrenceConstraintViolation", "at most 50 items")
        return Reply({"getVariableResult": [self._get(item) for item in payload["getVariableData"]]})

    def _get(self, item: Payload) -> Payload:
        answer: Payload = {"component": item["component"], "variable": item["variable"]}
        if "attributeType" in item:
            answer["attributeType"] = item["attributeType"]
        found = self.device_model.find(item["component"], item["variable"])
        if isinstance(found, str):
            return {**answer, "attributeStatus": found}
        if item.get("attributeType", "Actual") != "Actual":
            return {**answer, "attributeStatus": "NotSupportedAttributeType"}
        if found.mutability == "WriteOnly":
            return {**answer, "attributeStatus": "Rejected"}
        return {**answer, "attributeStatus": "Accepted", "attributeValue": self._text(found)}

    def _text(self, variable: Variable) -> str:
        """The value; the heartbeat interval is also changed by BootNotification's answer."""
        return f"{self.station.options.heartbeat_s:.0f}" if variable.option == "heartbeat_s" else variable.text

    def on_SetVariables(self, payload: Payload) -> Reply | Reject:
        if len(payload["setVariableData"]) > 50:
            return Reject("OccurrenceConstraintViolation", "at most 50 items")
        results, password = [], None
        for item in payload["setVariableData"]:
            answer: Payload = {"component": item["component"], "variable": item["variable"]}
            if "attributeType" in item:
                answer["attributeType"] = item["attributeType"]
            status = self._set(item)
            results.append({**answer, "attributeStatus": status})
            if status == "Accepted" and item["variable"]["name"].lower() == "basicauthpassword":
                password = item["attributeValue"]
        then = partial(self.station.change_password, password) if password is not None else None
        return Reply({"setVariableResult": results}, then)

    def _set(self, item: Payload) -> str:
        found = self.device_model.find(item["component"], item["variable"])
        if isinstance(found, str):
            return found
        if item.get("attributeType", "Actual") != "Actual":
            return "NotSupportedAttributeType"
        if found.mutability == "ReadOnly":
            return "Rejected"
        try:
            value = found.read(item["attributeValue"])
        except ValueError:
            return "Rejected"
        found.value = item["attributeValue"]
        if found.option is not None:
            setattr(self.station.options, found.option, value)
            self.station.limits_changed()
            self.station.heartbeat_changed()
        return "RebootRequired" if found.reboot else "Accepted"

    # -- reports

    def on_GetBaseReport(self, payload: Payload) -> Reply:
        base = payload["reportBase"]
        chosen = [
            v
            for v in self.device_model
            if base == "FullInventory"
            or (base == "ConfigurationInventory" and v.mutability != "ReadOnly")
            or (base == "SummaryInventory" and v.name in SUMMARY)
        ]
        return self._reported(payload["requestId"], chosen)

    def on_GetReport(self, payload: Payload) -> Reply:
        chosen: list[Variable] = list(self.device_model)
        if "componentVariable" in payload:
            chosen = [v for v in chosen if any(self._named(v, wanted) for wanted in payload["componentVariable"])]
        if "componentCriteria" in payload:
            held = {
                (v.component, v.evse_id, v.connector_id)
                for v in self.device_model
                if v.name in payload["componentCriteria"] and v.text == "true"
            }
            chosen = [v for v in chosen if (v.component, v.evse_id, v.connector_id) in held]
        return self._reported(payload["requestId"], chosen)

    def _named(self, variable: Variable, wanted: Payload) -> bool:
        if variable not in self._all_evses(wanted["component"]):
            return False
        name = wanted.get("variable")
        return name is None or (
            variable.name.lower() == name["name"].lower()
            and ("instance" not in name or variable.instance == name["instance"])
        )

    def _all_evses(self, component: Payload) -> Iterable[Variable]:
        if "evse" in component:
            return self.device_model.components(component)
        return [v for v in self.device_model if v.component.lower() == component["name"].lower()]

    def _reported(self, request_id: int, chosen: list[Variable]) -> Reply:
        if not chosen:
            return Reply({"status": "EmptyResultSet"})
        return Reply({"status": "Accepted"}, partial(self._notify_report, request_id, [v.report() for v in chosen]))

    async def _notify_report(self, request_id: int, entries: list[Payload]) -> None:
        """NotifyReport in parts, seqNo from 0, tbc on all but the last (B07.FR.08)."""
        generated = timestamp(self.station.clock.utc())
        parts = [entries[i : i + ITEMS_PER_REPORT] for i in range(0, len(entries), ITEMS_PER_REPORT)]
        for seq_no, part in enumerate(parts):
            report = {
                "requestId": request_id,
                "generatedAt": generated,
                "seqNo": seq_no,
                "tbc": seq_no + 1 < len(parts),
                "reportData": part,
            }
            try:
                await self.station.call("NotifyReport", report)
            except (CallFailed, NoAnswer, Offline):
                return
        self.station.emit("reported", request_id=request_id, entries=len(entries))

    # -- customers

    def on_CustomerInformation(self, payload: Payload) -> Reply:
        token = payload.get("idToken", {}).get("idToken")
        known = token is not None and (token in self.station.cache or token in self.station.local_list)
        data = f"idToken {token}: in the cache or local list" if known else ""
        if payload["clear"] and token is not None:
            self.station.cache.pop(token, None)
        return Reply({"status": "Accepted"}, partial(self._notify_customer, payload["requestId"], data))

    async def _notify_customer(self, request_id: int, data: str) -> None:
        notice = {
            "data": data,
            "seqNo": 0,
            "generatedAt": timestamp(self.station.clock.utc()),
            "requestId": request_id,
        }
        await self.station.call("NotifyCustomerInformation", notice)
