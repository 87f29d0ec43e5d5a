"""The neutral commands as data: what each is called, who may send it, what it takes, and whether it can wait.

A command that cannot wait is refused while the station is offline: nobody wants a car to start charging hours later.
One that can wait is kept until the station is back or a day is over.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actors import Role
from charging import profile_params
from mobility.errors import Invalid

Params = dict[str, Any]
DAY_S = 86_400
SOON_S = 120

#: What a station can be asked to send, and its name for people.
TRIGGERS = {
    "status": gettext_lazy("Status of the connectors"),
    "meter_values": gettext_lazy("Meter values"),
    "boot": gettext_lazy("Boot notification"),
    "heartbeat": gettext_lazy("Heartbeat"),
    "firmware_status": gettext_lazy("State of a firmware update"),
    "log_status": gettext_lazy("State of an upload of logs"),
}
REPORTS = ("full", "configuration", "summary")
#: Raw CALLs that may wait for the station: settings, local list, firmware, certificates, data transfer.
PATIENT_CALLS = frozenset(
    {
        "GetConfiguration",
        "ChangeConfiguration",
        "GetVariables",
        "SetVariables",
        "GetBaseReport",
        "GetReport",
        "SendLocalList",
        "GetLocalListVersion",
        "UpdateFirmware",
        "SignedUpdateFirmware",
        "PublishFirmware",
        "UnpublishFirmware",
        "InstallCertificate",
        "DeleteCertificate",
        "GetInstalledCertificateIds",
        "CertificateSigned",
        "DataTransfer",
        "SetNetworkProfile",
        "SetVariableMonitoring",
        "SetMonitoringBase",
        "SetMonitoringLevel",
        "ClearVariableMonitoring",
        "GetMonitoringReport",
    }
)
#: Settings whose value is a secret, as 1.6 key or 2.x variable, folded.
SECRET_SETTINGS = frozenset({"authorizationkey", "basicauthpassword"})


@dataclass(frozen=True, slots=True)
class Kind:
    """One neutral command.

    Attributes:
        target: what has to be resolved: "", "connector" (needed), "connector?" (may be named) or "transaction".
        check: raw parameters -> cleaned ones; raises Invalid with the fields.
        protocols: the versions that know it; empty means all.
    """

    name: str
    label: Any
    role: str
    check: Callable[[Mapping[str, Any]], Params]
    target: str = ""
    patient: bool = False
    protocols: tuple[str, ...] = ()

    @property
    def lifetime_s(self) -> int:
        """How long it may stay queued."""
        return DAY_S if self.patient else SOON_S


def bad(field: str, why: str) -> Invalid:
    return Invalid(why, fields={field: why})


def text(params: Mapping[str, Any], name: str, most: int, *, needed: bool = False) -> str | None:
    value = params.get(name)
    if value is None or value == "":
        if needed:
            raise bad(name, _("This field is required."))
        return None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or "\x00" in value:
        raise bad(name, _("This must be a text."))
    if len(value) > most:
        raise bad(name, _("This has at most %(most)s characters.") % {"most": most})
    return value


def choice(params: Mapping[str, Any], name: str, allowed: tuple[str, ...], default: str | None = None) -> str:
    value = params.get(name, default)
    wanted = value.strip().lower() if isinstance(value, str) else ""
    if wanted not in allowed:
        raise bad(name, _("Choose one of %(choices)s.") % {"choices": ", ".join(allowed)})
    return wanted


def nothing(params: Mapping[str, Any]) -> Params:
    return {}


def reset(params: Mapping[str, Any]) -> Params:
    return {"type": choice(params, "type", ("soft", "hard"), "soft")}


def availability(params: Mapping[str, Any]) -> Params:
    operative = params.get("operative")
    if not isinstance(operative, bool):
        raise bad("operative", _("This is true (in service) or false (out of service)."))
    return {"operative": operative}


def keys(params: Mapping[str, Any]) -> Params:
    wanted = params.get("keys") or []
    if not isinstance(wanted, list) or not all(isinstance(key, str) and 0 < len(key) <= 255 for key in wanted):
        raise bad("keys", _("This is a list of configuration keys; leave it out for all of them."))
    return {"keys": wanted}


def setting(params: Mapping[str, Any]) -> Params:
    value = params.get("value")
    if isinstance(value, bool):
        value = "true" if value else "false"
    if value == "":
        return {"key": text(params, "key", 255, needed=True), "value": ""}
    return {
        "key": text(params, "key", 255, needed=True),
        "value": text({"value": value}, "value", 2500, needed=True),
    }


def trigger(params: Mapping[str, Any]) -> Params:
    return {"message": choice(params, "message", tuple(TRIGGERS))}


def report(params: Mapping[str, Any]) -> Params:
    return {"report": choice(params, "report", REPORTS, "full")}


def limit(params: Mapping[str, Any]) -> Params:
    """`{"limit_w": n}` or `{"limit_a": n}`; null takes the limit away."""
    given = [name for name in ("limit_w", "limit_a") if name in params]
    if len(given) != 1:
        raise bad("limit_w", _("Give either limit_w (watts) or limit_a (amperes); null takes the limit away."))
    (name,) = given
    value = params[name]
    if value is None:
        return {name: None}
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 10_000_000:
        raise bad(name, _("This is a number, 0 or more."))
    return {name: value}


def data_transfer(params: Mapping[str, Any]) -> Params:
    data = params.get("data")
    if data is not None and not isinstance(data, (str, int, float, bool, dict, list)):
        raise bad("data", _("This is a text or a JSON value."))
    return {
        "vendor_id": text(params, "vendor_id", 255, needed=True),
        "message_id": text(params, "message_id", 50),
        "data": data,
    }


def raw_call(params: Mapping[str, Any]) -> Params:
    payload = params.get("payload", {})
    if not isinstance(payload, dict):
        raise bad("payload", _("This is a JSON object."))
    return {"action": text(params, "action", 64, needed=True), "payload": payload}


def start(params: Mapping[str, Any]) -> Params:
    return {"id_tag": text(params, "id_tag", 255)}


def cancel_reservation(params: Mapping[str, Any]) -> Params:
    number = params.get("number")
    if isinstance(number, bool) or not isinstance(number, int) or not 0 < number < 2**31:
        raise bad("number", _("This is the number of a reservation, as the station knows it."))
    return {"number": number}


TWO = ("2.0.1", "2.1")
PROFILE_WORDS = {
    "set_profile": gettext_lazy("Set a charging profile"),
    "clear_profiles": gettext_lazy("Clear charging profiles"),
    "get_composite_schedule": gettext_lazy("Ask for the composite schedule"),
    "get_profiles": gettext_lazy("Ask for the charging profiles"),
}


def profile_kinds() -> list["Kind"]:
    """The commands about charging profiles."""
    words = PROFILE_WORDS
    return [
        Kind("set_profile", words["set_profile"], Role.MANAGER, profile_params.profile, "connector?"),
        Kind("clear_profiles", words["clear_profiles"], Role.MANAGER, profile_params.criteria, "connector?"),
        Kind(
            "get_composite_schedule",
            words["get_composite_schedule"],
            Role.MANAGER,
            profile_params.composite,
            "connector?",
        ),
        Kind("get_profiles", words["get_profiles"], Role.MANAGER, profile_params.criteria, "connector?", protocols=TWO),
    ]


def kept_kinds() -> list["Kind"]:
    """The commands of which a row is kept beside the command: reservations and jobs. Their actions check what they
    take (`charging/actions/reservations.py`, `charging/actions/jobs.py`)."""
    return [
        Kind("reserve", gettext_lazy("Reserve a connector"), Role.DRIVER, nothing, "connector?"),
        Kind("cancel_reservation", gettext_lazy("Cancel a reservation"), Role.DRIVER, cancel_reservation),
        Kind("update_firmware", gettext_lazy("Update the firmware"), Role.MANAGER, nothing, patient=True),
        Kind("get_log", gettext_lazy("Ask for a log"), Role.MANAGER, nothing, patient=True),
    ]


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("start", gettext_lazy("Start charging"), Role.DRIVER, start, "connector?"),
        Kind("stop", gettext_lazy("Stop charging"), Role.DRIVER, nothing, "transaction"),
        Kind("unlock", gettext_lazy("Unlock the connector"), Role.DRIVER, nothing, "connector"),
        Kind("reset", gettext_lazy("Restart the station"), Role.MANAGER, reset),
        Kind("change_availability", gettext_lazy("Change availability"), Role.MANAGER, availability, "connector?"),
        Kind("get_configuration", gettext_lazy("Read the configuration"), Role.MANAGER, keys, patient=True),
        Kind("set_configuration", gettext_lazy("Change the configuration"), Role.MANAGER, setting, patient=True),
        Kind("trigger", gettext_lazy("Ask for a message"), Role.MANAGER, trigger, "connector?"),
        Kind("get_base_report", gettext_lazy("Ask for a report"), Role.MANAGER, report, patient=True, protocols=TWO),
        Kind("set_limit", gettext_lazy("Limit the power"), Role.MANAGER, limit, "connector?"),
        Kind("clear_cache", gettext_lazy("Clear the authorization cache"), Role.MANAGER, nothing),
        Kind("data_transfer", gettext_lazy("Send data"), Role.MANAGER, data_transfer, patient=True),
        Kind("call", gettext_lazy("Send a raw call"), Role.MANAGER, raw_call),
        *profile_kinds(),
        *kept_kinds(),
    )
}


def kind_of(name: object) -> Kind:
    """Raises Invalid for a command that does not exist."""
    found = KINDS.get(name) if isinstance(name, str) else None
    if found is None:
        raise bad("command", _("Choose one of %(choices)s.") % {"choices": ", ".join(KINDS)})
    return found


def may_wait(kind: Kind, params: Mapping[str, Any]) -> bool:
    """Whether it is kept for a station that is offline."""
    return kind.patient or (kind.name == "call" and params.get("action") in PATIENT_CALLS)


def is_secret_setting(key: str) -> bool:
    """`AuthorizationKey`, `BasicAuthPassword`, `SecurityCtrlr.BasicAuthPassword` in any case."""
    return key.rsplit(".", 1)[-1].rsplit("/", 1)[-1].strip().casefold() in SECRET_SETTINGS
