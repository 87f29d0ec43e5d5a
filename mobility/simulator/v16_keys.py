"""The configuration keys of a simulated 1.6 station (OCPP 1.6 §9, security white paper §3)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mobility.simulator.station import Station

MEASURANDS = (
    "Energy.Active.Import.Register",
    "Power.Active.Import",
    "Power.Offered",
    "Current.Import",
    "Current.Offered",
    "Voltage",
    "SoC",
)


@dataclass
class Key:
    """A configuration key. `option` is the name in Options that it sets; `kind` says how its text is checked."""

    name: str
    value: str
    kind: str = "text"
    readonly: bool = False
    reboot: bool = False
    writeonly: bool = False
    option: str | None = None


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"


def _number(text: str) -> int:
    if not text.isdigit() or len(text) > 9:
        raise ValueError(text)
    return int(text)


def _measurands(text: str) -> list[str]:
    names = [part.strip() for part in text.split(",") if part.strip()]
    if not set(names) <= set(MEASURANDS):
        raise ValueError(text)
    return names


def _secret(text: str) -> str:
    if not 16 <= len(text) <= 40:
        raise ValueError(text)
    return text


def _text(text: str) -> str:
    return text


READERS: dict[str, Callable[[str], object]] = {
    "boolean": _boolean,
    "number": _number,
    "measurands": _measurands,
    "secret": _secret,
    "text": _text,
}


def keys_of(station: "Station") -> dict[str, Key]:
    """A fresh table, by lower-case name: keys are matched without regard to case."""
    options, settings = station.options, station.settings
    everything = ",".join(options.measurands)
    keys = [
        Key("AllowOfflineTxForUnknownId", "true", "boolean", option="allow_offline_unknown"),
        Key("AuthorizationCacheEnabled", "true", "boolean", option="cache_enabled"),
        Key("AuthorizeRemoteTxRequests", "false", "boolean", option="authorize_remote_start"),
        Key("BlinkRepeat", "3", "number"),
        Key("ClockAlignedDataInterval", "0", "number", option="aligned_interval_s"),
        Key("ConnectionTimeOut", f"{options.connection_timeout_s:.0f}", "number", option="connection_timeout_s"),
        Key("ConnectorPhaseRotation", "NotApplicable"),
        Key("GetConfigurationMaxKeys", "50", "number", readonly=True),
        Key("HeartbeatInterval", f"{options.heartbeat_s:.0f}", "number", option="heartbeat_s"),
        Key("LightIntensity", "80", "number"),
        Key("LocalAuthorizeOffline", "true", "boolean", option="local_authorize_offline"),
        Key("LocalPreAuthorize", "false", "boolean", option="local_pre_authorize"),
        Key("MaxEnergyOnInvalidId", "0", "number"),
        Key("MeterValuesAlignedData", everything, "measurands"),
        Key("MeterValuesSampledData", everything, "measurands", option="measurands"),
        Key("MeterValuesSampledDataMaxLength", str(len(MEASURANDS)), "number", readonly=True),
        Key("MeterValueSampleInterval", str(options.meter_interval_s), "number", option="meter_interval_s"),
        Key("MinimumStatusDuration", "0", "number"),
        Key("NumberOfConnectors", str(settings.connectors), "number", readonly=True),
        Key("ResetRetries", "1", "number"),
        Key("StopTransactionOnEVSideDisconnect", "true", "boolean", option="stop_on_ev_disconnect"),
        Key("StopTransactionOnInvalidId", "true", "boolean", option="stop_on_invalid_id"),
        Key("StopTxnAlignedData", "", "measurands"),
        Key("StopTxnSampledData", ",".join(options.end_measurands), "measurands", option="end_measurands"),
        Key(
            "SupportedFeatureProfiles",
            "Core,FirmwareManagement,LocalAuthListManagement,Reservation,SmartCharging,RemoteTrigger",
            readonly=True,
        ),
        Key("TransactionMessageAttempts", str(options.attempts), "number", option="attempts"),
        Key("TransactionMessageRetryInterval", f"{options.retry_interval_s:.0f}", "number", option="retry_interval_s"),
        Key("UnlockConnectorOnEVSideDisconnect", "true", "boolean"),
        Key("WebSocketPingInterval", str(options.ping_interval_s), "number", reboot=True, option="ping_interval_s"),
        Key("LocalAuthListEnabled", "true", "boolean", option="local_list_enabled"),
        Key("LocalAuthListMaxLength", "500", "number", readonly=True),
        Key("SendLocalListMaxLength", "100", "number", readonly=True),
        Key("ReserveConnectorZeroSupported", "false", "boolean", readonly=True),
        Key("ChargeProfileMaxStackLevel", "10", "number", readonly=True),
        Key("ChargingScheduleAllowedChargingRateUnit", "Current,Power", readonly=True),
        Key("ChargingScheduleMaxPeriods", "96", "number", readonly=True),
        Key("MaxChargingProfilesInstalled", "20", "number", readonly=True),
        Key("ConnectorSwitch3to1PhaseSupported", "true", "boolean", readonly=True),
        Key("AuthorizationKey", "", "secret", writeonly=True),
        Key("CpoName", "", "text"),
        Key("SecurityProfile", "2" if settings.url.startswith("wss:") else "1", "number", readonly=True),
    ]
    return {key.name.lower(): key for key in keys}
