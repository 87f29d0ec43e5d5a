"""The device model of a simulated 2.x station: components, variables and attributes (2.0.1 part 2, appendices)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mobility.simulator.v16_keys import MEASURANDS, READERS

if TYPE_CHECKING:
    from mobility.simulator.station import Station

Payload = dict[str, Any]
TYPES = {
    "boolean": "boolean",
    "number": "integer",
    "decimal": "decimal",
    "measurands": "MemberList",
    "secret": "string",
    "text": "string",
    "choice": "OptionList",
}


@dataclass
class Variable:
    """One variable with its Actual attribute. `value` may be a function: what is measured is never stored."""

    component: str
    name: str
    value: str | Callable[[], str]
    kind: str = "text"
    mutability: str = "ReadOnly"
    instance: str | None = None
    evse_id: int | None = None
    connector_id: int | None = None
    unit: str | None = None
    values: str | None = None
    limits: tuple[int, int] | None = None
    option: str | None = None
    reboot: bool = False

    @property
    def text(self) -> str:
        return self.value() if callable(self.value) else self.value

    def place(self) -> Payload:
        """`component` and `variable` as they stand in messages."""
        component: Payload = {"name": self.component}
        if self.evse_id is not None:
            component["evse"] = {"id": self.evse_id}
            if self.connector_id is not None:
                component["evse"]["connectorId"] = self.connector_id
        variable: Payload = {"name": self.name}
        if self.instance is not None:
            variable["instance"] = self.instance
        return {"component": component, "variable": variable}

    def report(self) -> Payload:
        """A ReportDataType."""
        attribute: Payload = {"type": "Actual", "mutability": self.mutability, "persistent": True, "constant": False}
        if self.mutability != "WriteOnly":
            attribute["value"] = self.text
        characteristics: Payload = {"dataType": TYPES[self.kind], "supportsMonitoring": False}
        if self.unit:
            characteristics["unit"] = self.unit
        if self.kind == "measurands":
            characteristics["valuesList"] = ",".join(MEASURANDS)
        elif self.values:
            characteristics["valuesList"] = self.values
        if self.limits:
            characteristics["minLimit"], characteristics["maxLimit"] = self.limits
        return {**self.place(), "variableAttribute": [attribute], "variableCharacteristics": characteristics}

    def read(self, text: str) -> object:
        """Check a new value. Raises ValueError."""
        if self.kind == "choice" and text not in (self.values or "").split(","):
            raise ValueError(text)
        value = READERS.get(self.kind, str)(text)
        if self.limits and isinstance(value, int) and not self.limits[0] <= value <= self.limits[1]:
            raise ValueError(text)
        return value


class DeviceModel:
    """Looked up without regard to case, as B05 and B06 do by identifier."""

    def __init__(self, variables: list[Variable]) -> None:
        self.variables = variables

    def __iter__(self) -> Iterator[Variable]:
        return iter(self.variables)

    def components(self, component: Payload) -> list[Variable]:
        """The variables of the component (an EVSE's own, if one is named)."""
        evse = component.get("evse") or {}
        return [
            v
            for v in self.variables
            if v.component.lower() == component["name"].lower()
            and v.evse_id == evse.get("id")
            and (evse.get("connectorId") is None or v.connector_id == evse["connectorId"])
        ]

    def find(self, component: Payload, variable: Payload) -> Variable | str:
        """The variable, or UnknownComponent or UnknownVariable."""
        candidates = self.components(component)
        if not candidates:
            return "UnknownComponent"
        for candidate in candidates:
            if candidate.name.lower() == variable["name"].lower() and candidate.instance == variable.get("instance"):
                return candidate
        return "UnknownVariable"


def device_model_of(station: "Station") -> DeviceModel:
    """A fresh device model for a station."""
    return DeviceModel([*_station(station), *_controllers(station), *_evses(station)])


def _station(station: "Station") -> Iterator[Variable]:
    settings = station.settings
    yield Variable("ChargingStation", "Available", "true", "boolean")
    yield Variable(
        "ChargingStation", "AvailabilityState", "Available", "choice", values="Available,Unavailable,Faulted"
    )
    yield Variable("ChargingStation", "Model", settings.model or f"{settings.rated_power_w / 1000:g} kW")
    yield Variable("ChargingStation", "VendorName", settings.vendor)
    yield Variable("ChargingStation", "SerialNumber", settings.identity[-25:])
    yield Variable("ChargingStation", "SupplyPhases", "1" if settings.dc else "3", "number")
    yield Variable("ChargingStation", "Problem", "false", "boolean")
    yield Variable("FirmwareCtrlr", "FirmwareVersion", lambda: station.firmware_version)


def _controllers(station: "Station") -> Iterator[Variable]:
    def setting(component: str, name: str, option: str, kind: str, **more: Any) -> Variable:
        value = getattr(station.options, option)
        text = str(value).lower() if isinstance(value, bool) else f"{value:g}" if not isinstance(value, list) else ""
        text = ",".join(value) if isinstance(value, list) else text
        return Variable(component, name, text, kind, "ReadWrite", option=option, **more)

    yield setting("OCPPCommCtrlr", "HeartbeatInterval", "heartbeat_s", "number", unit="s", limits=(1, 86400))
    yield setting("OCPPCommCtrlr", "OfflineThreshold", "offline_threshold_s", "number", unit="s")
    yield setting("OCPPCommCtrlr", "WebSocketPingInterval", "ping_interval_s", "number", unit="s", reboot=True)
    yield setting("OCPPCommCtrlr", "RetryBackOffWaitMinimum", "backoff_min_s", "number", unit="s")
    yield setting("OCPPCommCtrlr", "RetryBackOffRandomRange", "backoff_random_s", "number", unit="s")
    yield setting("OCPPCommCtrlr", "RetryBackOffRepeatTimes", "backoff_repeats", "number", limits=(0, 10))
    for name, option in (("MessageAttempts", "attempts"), ("MessageAttemptInterval", "retry_interval_s")):
        yield setting("OCPPCommCtrlr", name, option, "number", instance="TransactionEvent", limits=(1, 3600))
    yield setting(
        "OCPPCommCtrlr", "MessageTimeout", "message_timeout_s", "number", instance="Default", unit="s", limits=(1, 600)
    )
    yield Variable("OCPPCommCtrlr", "FileTransferProtocols", "HTTPS")
    yield Variable("OCPPCommCtrlr", "NetworkConfigurationPriority", "1", "text", "ReadWrite")
    yield Variable("OCPPCommCtrlr", "NetworkProfileConnectionAttempts", "3", "number", "ReadWrite")
    yield Variable("OCPPCommCtrlr", "UnlockOnEVSideDisconnect", "true", "boolean", "ReadWrite")
    yield setting("SampledDataCtrlr", "TxUpdatedInterval", "meter_interval_s", "number", unit="s", limits=(0, 86400))
    yield setting("SampledDataCtrlr", "TxUpdatedMeasurands", "measurands", "measurands")
    yield Variable(
        "SampledDataCtrlr", "TxStartedMeasurands", lambda: ",".join(station.options.measurands), "measurands"
    )
    yield setting("SampledDataCtrlr", "TxEndedMeasurands", "end_measurands", "measurands")
    yield Variable("SampledDataCtrlr", "TxEndedInterval", "0", "number", unit="s")
    yield setting("AlignedDataCtrlr", "Interval", "aligned_interval_s", "number", unit="s", limits=(0, 86400))
    yield Variable("AlignedDataCtrlr", "Measurands", lambda: ",".join(station.options.measurands), "measurands")
    yield setting("AuthCtrlr", "AuthorizeRemoteStart", "authorize_remote_start", "boolean")
    yield setting("AuthCtrlr", "LocalAuthorizeOffline", "local_authorize_offline", "boolean")
    yield setting("AuthCtrlr", "LocalPreAuthorize", "local_pre_authorize", "boolean")
    yield setting("AuthCtrlr", "OfflineTxForUnknownIdEnabled", "allow_offline_unknown", "boolean")
    yield Variable("AuthCtrlr", "Enabled", "true", "boolean")
    yield setting("AuthCacheCtrlr", "Enabled", "cache_enabled", "boolean")
    yield Variable("AuthCacheCtrlr", "Available", "true", "boolean")
    yield setting("LocalAuthListCtrlr", "Enabled", "local_list_enabled", "boolean")
    yield Variable("LocalAuthListCtrlr", "Available", "true", "boolean")
    yield Variable("LocalAuthListCtrlr", "Entries", lambda: str(len(station.local_list)), "number", limits=(0, 500))
    yield Variable("LocalAuthListCtrlr", "ItemsPerMessage", "100", "number")
    yield Variable("LocalAuthListCtrlr", "BytesPerMessage", "65536", "number")
    yield setting("TxCtrlr", "EVConnectionTimeOut", "connection_timeout_s", "number", unit="s", limits=(1, 3600))
    yield setting("TxCtrlr", "StopTxOnEVSideDisconnect", "stop_on_ev_disconnect", "boolean")
    yield setting("TxCtrlr", "StopTxOnInvalidId", "stop_on_invalid_id", "boolean")
    yield Variable("TxCtrlr", "TxStartPoint", "PowerPathClosed")
    yield Variable("TxCtrlr", "TxStopPoint", "PowerPathClosed")
    yield Variable("TxCtrlr", "MaxEnergyOnInvalidId", "0", "number", unit="Wh")
    yield Variable("SecurityCtrlr", "BasicAuthPassword", "", "secret", "WriteOnly")
    yield Variable("SecurityCtrlr", "Identity", station.settings.identity)
    yield Variable("SecurityCtrlr", "OrganizationName", "", "text", "ReadWrite")
    yield Variable("SecurityCtrlr", "CertificateEntries", "0", "number", limits=(0, 10))
    profile = "2" if station.settings.url.startswith("wss:") else "1"
    yield Variable("SecurityCtrlr", "SecurityProfile", profile, "number")
    yield Variable("ClockCtrlr", "DateTime", lambda: station.clock.utc().isoformat(timespec="seconds"))
    yield Variable("ClockCtrlr", "TimeSource", "Heartbeat", "text", "ReadWrite")
    yield Variable("DeviceDataCtrlr", "ItemsPerMessage", "50", "number", instance="GetVariables")
    yield Variable("DeviceDataCtrlr", "ItemsPerMessage", "50", "number", instance="SetVariables")
    yield Variable("DeviceDataCtrlr", "ItemsPerMessage", "50", "number", instance="GetReport")
    yield Variable("DeviceDataCtrlr", "BytesPerMessage", "65536", "number", instance="GetVariables")
    yield Variable("DeviceDataCtrlr", "BytesPerMessage", "65536", "number", instance="GetReport")
    yield Variable("ReservationCtrlr", "Available", "true", "boolean")
    yield Variable("ReservationCtrlr", "Enabled", "true", "boolean")
    yield Variable("SmartChargingCtrlr", "Available", "true", "boolean")
    yield Variable("SmartChargingCtrlr", "Enabled", "true", "boolean")
    yield Variable("SmartChargingCtrlr", "ProfileStackLevel", "10", "number")
    yield Variable("SmartChargingCtrlr", "PeriodsPerSchedule", "96", "number")
    yield Variable("SmartChargingCtrlr", "RateUnit", "A,W", "text")
    yield Variable("SmartChargingCtrlr", "Phases3to1", "true", "boolean")
    yield Variable(
        "SmartChargingCtrlr", "Entries", lambda: str(len(station.profiles)), "number", instance="ChargingProfiles"
    )
    yield Variable("DisplayMessageCtrlr", "Available", "false", "boolean")
    yield Variable("MonitoringCtrlr", "Available", "false", "boolean")
    yield Variable("TariffCostCtrlr", "Available", "true", "boolean", instance="Cost")
    yield Variable("TariffCostCtrlr", "Enabled", "true", "boolean", "ReadWrite", instance="Cost")


def _evses(station: "Station") -> Iterator[Variable]:
    for connector in station.connectors.values():
        n, evse = connector.connector_id, connector.evse

        def state(connector: Any = connector) -> str:
            told = connector.status
            return told if told in ("Available", "Reserved", "Unavailable", "Faulted") else "Occupied"

        def power(evse: Any = evse) -> str:
            return f"{evse.power_w():.0f}"

        yield Variable("EVSE", "Available", "true", "boolean", evse_id=n)
        yield Variable("EVSE", "AvailabilityState", state, evse_id=n)
        yield Variable("EVSE", "SupplyPhases", "1" if evse.dc else str(evse.phases), "number", evse_id=n)
        yield Variable(
            "EVSE", "Power", power, "decimal", evse_id=n, unit="W", limits=(0, round(station.settings.rated_power_w))
        )
        yield Variable("Connector", "Available", "true", "boolean", evse_id=n, connector_id=1)
        yield Variable("Connector", "AvailabilityState", state, evse_id=n, connector_id=1)
        yield Variable("Connector", "ConnectorType", "cCCS2" if evse.dc else "sType2", evse_id=n, connector_id=1)
        phases = "1" if evse.dc else str(evse.phases)
        yield Variable("Connector", "SupplyPhases", phases, "number", evse_id=n, connector_id=1)
