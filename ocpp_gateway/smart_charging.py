"""Charging profiles on the wire: what the translators of all versions say and read of them (1.6 §5.5, §5.7, §5.16;
2.0.1 K01 to K10)."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from ocpp.routing import on
from ocpp.v201.enums import Action

from charging.facts import CompositeReported, Fact, ProfilesReported
from charging.models import Command
from ocpp_gateway import clock
from ocpp_gateway.translation import Context, Handled, NotSupported, Payload, nothing, small, text

if TYPE_CHECKING:
    from ocpp_gateway.translation import Translator as Base
else:
    Base = object

PURPOSES_16 = {"station_max": "ChargePointMaxProfile", "default": "TxDefaultProfile", "transaction": "TxProfile"}
PURPOSES_2 = {**PURPOSES_16, "station_max": "ChargingStationMaxProfile"}
MOST_PERIODS = 2000


def moment(value: str | None) -> str | None:
    """A stored time as it is sent."""
    found = clock.parse(value) if value else None
    return clock.wire(found[0]) if found else None


def schedule_of(params: Payload) -> Payload:
    """The schedule of a profile, which all versions write alike."""
    periods = [
        {"startPeriod": period["start_s"], "limit": round(float(period["limit"]), 1)}
        | ({"numberPhases": period["phases"]} if period.get("phases") else {})
        for period in params["periods"]
    ]
    found: Payload = {"chargingRateUnit": params["unit"], "chargingSchedulePeriod": periods}
    if params.get("starts_at"):
        found["startSchedule"] = moment(params["starts_at"])
    if params.get("duration_s"):
        found["duration"] = params["duration_s"]
    return found


def profile_of(params: Payload, purposes: dict[str, str], id_name: str, schedule: Any) -> Payload:
    found: Payload = {
        id_name: params["number"],
        "stackLevel": params["stack_level"],
        "chargingProfilePurpose": purposes[params["purpose"]],
        "chargingProfileKind": params["kind"].title(),
        "chargingSchedule": schedule,
    }
    if params.get("recurrency"):
        found["recurrencyKind"] = params["recurrency"].title()
    for name, key in (("valid_from", "validFrom"), ("valid_to", "validTo")):
        if params.get(name):
            found[key] = moment(params[name])
    return found


def steps_of(raw: Any) -> list[dict[str, Any]]:
    """The periods of a schedule that a station sent, as far as they can be read."""
    found = []
    for item in raw if isinstance(raw, list) else []:
        start, limit = (item.get("startPeriod"), item.get("limit")) if isinstance(item, dict) else (None, None)
        numbers = [value for value in (start, limit) if isinstance(value, (int, float)) and abs(value) < 1e9]
        if len(numbers) == 2:
            found.append({"start_s": int(numbers[0]), "limit": float(numbers[1])})
    return sorted(found[:MOST_PERIODS], key=lambda step: step["start_s"])


def composite_in(evse: int, begin: Any, schedule: Payload, asked: Payload, received: datetime) -> list[Fact]:
    """The fact in an accepted GetCompositeSchedule answer; none where it holds no schedule."""
    steps = steps_of(schedule.get("chargingSchedulePeriod"))
    if not steps:
        return []
    unit = schedule.get("chargingRateUnit")
    duration = schedule.get("duration")
    return [
        CompositeReported(
            evse=evse,
            unit=unit if unit in ("A", "W") else asked.get("unit", "A"),
            begins_at=clock.stamp(begin if isinstance(begin, str) else None, received).at,
            duration_s=duration if isinstance(duration, int) and 0 < duration < 1e8 else asked["duration_s"],
            periods=steps,
        )
    ]


class SmartCharging16(Base):
    """What 1.6 says of charging profiles."""

    profile_commands = {
        "set_profile": ("set_profile", "SetChargingProfile"),
        "clear_profiles": ("clear_profiles", "ClearChargingProfile"),
        "get_composite_schedule": ("get_composite_schedule", "GetCompositeSchedule"),
    }

    def set_profile(self, command: Command, params: Payload) -> tuple[str, Payload]:
        """§5.16. A profile for a transaction names it: its station refuses it for any other (§5.16.2)."""
        profile = profile_of(params, PURPOSES_16, "chargingProfileId", schedule_of(params))
        if params["purpose"] == "transaction" and command.transaction is not None:
            profile["transactionId"] = int(command.transaction.transaction_id)
        connector_id = command.connector.evse_number if command.connector else 0
        if params["purpose"] == "station_max":
            connector_id = 0
        elif params["purpose"] == "transaction" and not connector_id:
            raise NotSupported("A profile for a transaction names its connector.")
        return "SetChargingProfile", {"connectorId": connector_id, "csChargingProfiles": profile}

    def clear_profiles(self, command: Command, params: Payload) -> tuple[str, Payload]:
        """§5.5"""
        payload: Payload = {}
        if params.get("number"):
            return "ClearChargingProfile", {"id": params["number"]}
        if command.connector is not None:
            payload["connectorId"] = command.connector.evse_number
        if params.get("purpose"):
            payload["chargingProfilePurpose"] = PURPOSES_16[params["purpose"]]
        if params.get("stack_level") is not None:
            payload["stackLevel"] = params["stack_level"]
        return "ClearChargingProfile", payload

    def get_composite_schedule(self, command: Command, params: Payload) -> tuple[str, Payload]:
        """§5.7"""
        connector_id = command.connector.evse_number if command.connector else 0
        payload = {"connectorId": connector_id, "duration": params["duration_s"], "chargingRateUnit": params["unit"]}
        return "GetCompositeSchedule", payload

    def facts_in(self, command: Command, payload: Payload, received: datetime) -> list[Fact]:
        schedule = payload.get("chargingSchedule")
        if command.kind != "get_composite_schedule" or not isinstance(schedule, dict):
            return []
        begin = payload.get("scheduleStart") or schedule.get("startSchedule")
        evse = command.connector.evse_number if command.connector else 0
        return composite_in(evse, begin, schedule, command.params, received)


class SmartCharging2(Base):
    """What 2.0.1 and 2.1 say of charging profiles."""

    profile_commands = {
        **SmartCharging16.profile_commands,
        "get_profiles": ("get_profiles", "GetChargingProfiles"),
    }

    @on(Action.report_charging_profiles)
    def report_charging_profiles(self, payload: Payload, context: Context) -> Handled:
        """K09: the profiles that a station holds, in parts."""
        numbers = [
            item["id"]
            for item in payload.get("chargingProfile") or []
            if isinstance(item, dict) and isinstance(item.get("id"), int)
        ]
        evse = small(payload.get("evseId") or 0, "evseId")
        return ProfilesReported(evse, text(payload, "chargingLimitSource"), numbers), nothing

    def set_profile(self, command: Command, params: Payload) -> tuple[str, Payload]:
        """K01"""
        schedule = {"id": params["number"], **schedule_of(params)}
        profile = profile_of(params, PURPOSES_2, "id", [schedule])
        evse_id = command.connector.evse_number if command.connector else 0
        if params["purpose"] == "transaction":
            if command.transaction is None or not evse_id:
                raise NotSupported("A profile for a transaction names the transaction and its EVSE.")
            profile["transactionId"] = command.transaction.transaction_id
        elif params["purpose"] == "station_max":
            evse_id = 0
        return "SetChargingProfile", {"evseId": evse_id, "chargingProfile": profile}

    def clear_profiles(self, command: Command, params: Payload) -> tuple[str, Payload]:
        """K10"""
        if params.get("number"):
            return "ClearChargingProfile", {"chargingProfileId": params["number"]}
        criteria: Payload = {}
        if command.connector is not None:
            criteria["evseId"] = command.connector.evse_number
        if params.get("purpose"):
            criteria["chargingProfilePurpose"] = PURPOSES_2[params["purpose"]]
        if params.get("stack_level") is not None:
            criteria["stackLevel"] = params["stack_level"]
        return "ClearChargingProfile", {"chargingProfileCriteria": criteria} if criteria else {}

    def get_profiles(self, command: Command, params: Payload) -> tuple[str, Payload]:
        """K09"""
        criterion: Payload = {}
        if params.get("number"):
            criterion["chargingProfileId"] = [params["number"]]
        if params.get("purpose"):
            criterion["chargingProfilePurpose"] = PURPOSES_2[params["purpose"]]
        if params.get("stack_level") is not None:
            criterion["stackLevel"] = params["stack_level"]
        payload: Payload = {"requestId": command.pk % 2**31, "chargingProfile": criterion}
        if command.connector is not None:
            payload["evseId"] = command.connector.evse_number
        return "GetChargingProfiles", payload

    def get_composite_schedule(self, command: Command, params: Payload) -> tuple[str, Payload]:
        """K08"""
        evse_id = command.connector.evse_number if command.connector else 0
        payload = {"evseId": evse_id, "duration": params["duration_s"], "chargingRateUnit": params["unit"]}
        return "GetCompositeSchedule", payload

    def facts_in(self, command: Command, payload: Payload, received: datetime) -> list[Fact]:
        schedule = payload.get("schedule")
        if command.kind != "get_composite_schedule" or not isinstance(schedule, dict):
            return []
        evse = command.connector.evse_number if command.connector else 0
        return composite_in(evse, schedule.get("scheduleStart"), schedule, command.params, received)
