"""What a page shows of a station, computed from the JSON that REST and live events give: no query, no request.

One page load fills the cards from the database; after that every event changes them in place.
"""

from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from charging.said import said
from charging.scheduling import words

Json = dict[str, Any]

#: status -> (colour, icon, label). A colour never stands alone: icon and words say the same.
STATUSES: dict[str, tuple[str, str, Any]] = {
    "Available": ("ok", "check_circle", gettext_lazy("Available")),
    "Preparing": ("wait", "cable", gettext_lazy("Preparing")),
    "Occupied": ("wait", "cable", gettext_lazy("Occupied")),
    "Charging": ("busy charging", "bolt", gettext_lazy("Charging")),
    "SuspendedEV": ("held", "pause_circle", gettext_lazy("Paused by the car")),
    "SuspendedEVSE": ("held", "pause_circle", gettext_lazy("Paused by the station")),
    "Finishing": ("wait", "hourglass_bottom", gettext_lazy("Finishing")),
    "Reserved": ("held", "event", gettext_lazy("Reserved")),
    "Unavailable": ("off", "block", gettext_lazy("Unavailable")),
    "Faulted": ("bad", "error", gettext_lazy("Faulted")),
    "Unknown": ("off", "help", gettext_lazy("Unknown")),
}
STATES: dict[str, tuple[str, str, Any]] = {
    "pending": ("wait", "hourglass_top", gettext_lazy("Pending")),
    "charging": ("busy", "bolt", gettext_lazy("Charging")),
    "suspended": ("held", "pause_circle", gettext_lazy("Paused")),
    "ended": ("ok", "check_circle", gettext_lazy("Ended")),
    "superseded": ("off", "swap_horiz", gettext_lazy("Superseded")),
    "lost": ("bad", "link_off", gettext_lazy("Stop lost")),
}
#: The three ways of a schedule: (mode, icon, label).
MODES: list[tuple[str, str, Any]] = [
    ("now", "bolt", gettext_lazy("Now")),
    ("schedule", "calendar_clock", gettext_lazy("Schedule")),
    ("smart", "savings", gettext_lazy("Smart")),
]
OPEN = ("pending", "charging", "suspended")
NO_ERROR = ("", "NoError")


@dataclass(frozen=True, slots=True)
class Chip:
    colour: str
    icon: str
    label: Any


def chip_of(status: str, table: dict[str, tuple[str, str, Any]] = STATUSES) -> Chip:
    return Chip(*table.get(status, ("off", "help", status or _("Unknown"))))


@dataclass(frozen=True, slots=True)
class Button:
    """A command as a button; `why_not` says why it cannot be pressed now, and is empty when it can."""

    command: str
    label: Any
    icon: str
    style: str
    why_not: str = ""
    ask: str = ""
    params: tuple[tuple[str, Any], ...] = ()

    @property
    def key(self) -> str:
        return "-".join([self.command, *(value for name, value in self.params if name == "type")])


@dataclass(frozen=True, slots=True)
class Rights:
    """What the one who looks may do at a station."""

    user_id: int | None
    may_charge: bool
    may_manage: bool
    has_tags: bool


@dataclass
class Outlet:
    """A connector on a card: its JSON, its open session, and what came of the last command."""

    card: "StationCard"
    json: Json
    session: Json | None = None
    outcome: "Outcome | None" = None
    #: The schedule of whoever looks, as JSON; None where there is none.
    schedule: Json | None = None
    #: A reservation that the station holds, as JSON, where whoever looks may see it.
    reservation: Json | None = None

    @property
    def pk(self) -> int:
        return int(self.json["id"])

    @property
    def ref(self) -> str:
        """The key as a page writes it, without asking how a number is written here."""
        return str(self.pk)

    @property
    def modes(self) -> list[tuple[str, str, Any]]:
        return MODES

    @property
    def mode(self) -> str:
        """The choice that stands; none while the schedule is off."""
        return str(self.schedule["mode"]) if self.schedule and self.schedule["enabled"] else ""

    @property
    def reason(self) -> str:
        """Why the schedule does what it does, in a sentence."""
        return words.reason(self.schedule["plan"]) if self.schedule else ""

    @property
    def name(self) -> str:
        evse, number = self.json["evse_id"], self.json["connector_id"]
        if self.card.json["protocol"] == "1.6" or number == 1:
            return _("Connector %(number)s") % {"number": evse}
        return _("EVSE %(evse)s, connector %(number)s") % {"evse": evse, "number": number}

    @property
    def status(self) -> str:
        """What is going on: 2.x stations say only that the connector is occupied, their transactions say the rest."""
        said = str(self.json["status"])
        if said != "Occupied" or self.session is None:
            return said
        if self.session["charging_state"] in ("SuspendedEV", "SuspendedEVSE"):
            return str(self.session["charging_state"])
        return "Charging" if self.session["state"] == "charging" else said

    @property
    def chip(self) -> Chip:
        return chip_of(self.status)

    @property
    def is_occupied(self) -> bool:
        """Whether a transaction is open here, be it one that may be looked at or not."""
        return self.session is not None or self.json["transaction"] is not None

    @property
    def error(self) -> str:
        parts = [self.json["error_code"], self.json["info"]]
        return " – ".join(part for part in parts if part and part not in NO_ERROR)

    @property
    def power_w(self) -> float | None:
        """Power is of interest while something charges; what a meter said before is not shown as if it were now."""
        return self.json["power_w"] if self.is_occupied else None

    @property
    def soc_percent(self) -> float | None:
        return self.json["soc_percent"] if self.is_occupied else None

    @property
    def buttons(self) -> list[Button]:
        return [self._start(), self._stop(), self._unlock()]

    def _where(self) -> tuple[tuple[str, Any], ...]:
        return (("evse_id", self.json["evse_id"]), ("connector_id", self.json["connector_id"]))

    def _start(self) -> Button:
        why = self.card.why_not_charge
        if not why and self.is_occupied:
            why = _("A session is running here. Stop it first.")
        if not why and self.json["status"] in ("Faulted", "Unavailable"):
            why = _("The connector is out of order.") if self.json["status"] == "Faulted" else _("Out of service.")
        if not why and not self.card.rights.has_tags:
            why = _("There is no id tag yet to charge with. Create one under Id tags.")
        if not why and self.json["status"] == "Reserved" and not self.reservation and not self.card.rights.may_manage:
            why = _("It is reserved for someone else.")
        style = "tonal" if self.is_occupied else "filled"
        params = self._where()
        if self.reservation and self.reservation["user"] == self.card.rights.user_id:
            # The station lets in the tag that it was reserved for.
            params = (*params, ("id_tag", self.reservation["id_tag"]))
        return Button("start", _("Start"), "play_arrow", style, why, params=params)

    @property
    def reserved_for(self) -> str:
        held = self.reservation or {}
        return str(held.get("user_name") or held.get("id_tag_name") or held.get("id_tag") or "")

    def _stop(self) -> Button:
        why = self.card.why_not_charge
        if not why and not self.is_occupied:
            why = _("Nothing is charging here.")
        if not why and self.session is None:
            why = _("Someone else is charging here.")
        if not why and not self.card.rights.may_manage and self.session["user"] != self.card.rights.user_id:  # type: ignore[index]
            why = _("Someone else is charging here.")
        style = "filled" if self.is_occupied else "tonal"
        params = (("transaction", self.session["id"]),) if self.session else ()
        return Button("stop", _("Stop"), "stop", style, why, params=params)

    def _unlock(self) -> Button:
        why = self.card.why_not_charge
        if not why and self.is_occupied and self.session is None:
            why = _("Someone else is charging here.")
        ask = _("Unlock the cable at %(station)s? A session that is running there ends.") % {"station": self.card.name}
        return Button("unlock", _("Unlock"), "lock_open", "outlined", why, ask, params=self._where())


@dataclass
class StationCard:
    """A station with its outlets, as one person sees it."""

    json: Json
    rights: Rights
    site_name: str = ""
    outlets: dict[int, Outlet] = field(default_factory=dict)
    outcome: "Outcome | None" = None
    #: the tariff that holds here for everybody, in short; None where the station's own price does
    tariff: Json | None = None

    @property
    def pk(self) -> int:
        return int(self.json["id"])

    @property
    def ref(self) -> str:
        """The key as a page writes it, without asking how a number is written here."""
        return str(self.pk)

    @property
    def identity(self) -> str:
        return str(self.json["identity"])

    @property
    def name(self) -> str:
        return str(self.json["name"] or self.json["identity"])

    @property
    def online(self) -> bool:
        return bool(self.json["online"])

    @property
    def power_w(self) -> float | None:
        """What all its outlets take together; None while nothing charges."""
        taken = [outlet.power_w for outlet in self.outlets.values() if outlet.power_w is not None]
        return sum(taken) if taken else None

    @property
    def has_error(self) -> bool:
        return self.json["status"] == "Faulted" or self.json["error_code"] not in NO_ERROR

    @property
    def why_not_charge(self) -> str:
        if not self.rights.may_charge:
            return _("Your role may look, and not charge.")
        return "" if self.online else _("The station is offline.")

    @property
    def why_not_manage(self) -> str:
        if not self.rights.may_manage:
            return _("Only a manager restarts a station.")
        return "" if self.online else _("The station is offline.")

    @property
    def buttons(self) -> list[Button]:
        soft = _("Restart %(station)s? It ends its sessions properly first.") % {"station": self.name}
        hard = _("Restart %(station)s at once? Sessions that are running are cut off.") % {"station": self.name}
        why = self.why_not_manage
        return [
            Button("reset", _("Soft reset"), "restart_alt", "", why, soft, (("type", "soft"),)),
            Button("reset", _("Hard reset"), "power_settings_new", "danger", why, hard, (("type", "hard"),)),
        ]

    def outlet_at(self, evse_id: int | None, connector_id: int | None) -> Outlet | None:
        """The outlet of a transaction or a command; a transaction that names only its EVSE belongs to the first."""
        for outlet in self.outlets.values():
            if outlet.json["evse_id"] == evse_id and connector_id in (None, 0, outlet.json["connector_id"]):
                return outlet
        return None

    def put_session(self, transaction: Json) -> Outlet | None:
        """Take the news of a transaction; -> the outlet it concerns."""
        outlet = self.outlet_at(transaction["evse_id"], transaction["connector_id"])
        if outlet is None:
            return None
        if transaction["state"] in OPEN:
            outlet.session = transaction
        elif outlet.session is not None and outlet.session["id"] == transaction["id"]:
            outlet.session = None
            outlet.json["transaction"] = None
        elif outlet.json["transaction"] == transaction["id"]:
            outlet.json["transaction"] = None
        return outlet

    def put_schedule(self, schedule: Json) -> Outlet | None:
        """Take the news of the own schedule; -> the outlet it concerns. One without a connector is for the only one."""
        outlet = self.outlet_at(schedule["evse_id"], schedule["connector_id"])
        outlet = outlet or next(iter(self.outlets.values()), None)
        if outlet is not None:
            outlet.schedule = None if schedule.get("deleted") else schedule
        return outlet

    def put_reservation(self, held: Json) -> list[Outlet]:
        """Take the news of a reservation; -> the outlets it concerns. One for any connector concerns all of them."""
        own = self.outlet_at(held["evse_id"], held["connector_id"]) if held["evse_id"] else None
        concerned = [own] if own else list(self.outlets.values())
        for outlet in concerned:
            if held["status"] == "accepted":
                outlet.reservation = held
            elif outlet.reservation is not None and outlet.reservation["id"] == held["id"]:
                outlet.reservation = None
        return concerned

    def put_outcome(self, command: Json) -> "Outlet | StationCard":
        """Take the news of a command; -> what shows it."""
        place: Outlet | StationCard = self
        if command["connector_id"] is not None:
            place = self.outlet_at(command["evse_id"], command["connector_id"]) or self
        elif command["transaction"] is not None:
            place = self._outlet_of(command["transaction"]) or self
        # What a station is told of a cost now and then is nobody's command.
        if command["action"] != "CostUpdated" or command["user"] is not None:
            place.outcome = outcome_of(command, self.name)
        return place

    def _outlet_of(self, transaction: int) -> Outlet | None:
        for outlet in self.outlets.values():
            shown = outlet.outcome
            if transaction in (outlet.json["transaction"], (outlet.session or {}).get("id")):
                return outlet
            if shown is not None and shown.transaction == transaction:
                return outlet
        return None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a command, in words. `mood` is waiting, accepted or rejected."""

    command_id: int
    mood: str
    icon: str
    text: str
    transaction: int | None = None

    @property
    def is_final(self) -> bool:
        return self.mood != "waiting"


def deed(command: Json) -> str:
    """What was asked for, as the object of a sentence."""
    if command["command"] == "reset":
        hard = (command["params"] or {}).get("type") == "hard"
        return _("the hard reset") if hard else _("the soft reset")
    if command["command"] == "call":
        return str(command["action"])
    return {
        "start": _("the start"),
        "stop": _("the stop"),
        "unlock": _("the unlocking"),
        "change_availability": _("the change of availability"),
        "get_configuration": _("the reading of its configuration"),
        "set_configuration": _("the change of its configuration"),
        "trigger": _("the request for a message"),
        "get_base_report": _("the request for a report"),
        "set_limit": _("the power limit"),
        "set_profile": _("the charging profile"),
        "clear_profiles": _("the removal of charging profiles"),
        "get_profiles": _("the request for its charging profiles"),
        "get_composite_schedule": _("the request for its composite schedule"),
        "clear_cache": _("the clearing of its cache"),
        "data_transfer": _("the data"),
        "reserve": _("the reservation"),
        "cancel_reservation": _("the end of the reservation"),
        "update_firmware": _("the firmware update"),
        "get_log": _("the upload of a log"),
    }.get(command["command"], str(command["command"]))


def reason_of(command: Json) -> str:
    """Why the station refused, as far as it said."""
    answer = command["response"] if isinstance(command["response"], dict) else {}
    info = answer.get("statusInfo") if isinstance(answer.get("statusInfo"), dict) else {}
    status = str(answer.get("status") or "")
    parts = [
        said(command["error"] or ""),
        status if status not in ("", "Rejected", "Accepted") else "",
        str((info or {}).get("reasonCode") or ""),
        str((info or {}).get("additionalInfo") or ""),
    ]
    return ", ".join(dict.fromkeys(str(part) for part in parts if part))


def needs_reboot(command: Json) -> bool:
    """Whether the station took a setting over for after its next boot (1.6 §5.3, 2.0.1 B05)."""
    answer = command["response"] if isinstance(command["response"], dict) else {}
    if command["command"] != "set_configuration":
        return False
    results = answer.get("setVariableResult")
    words = [item.get("attributeStatus") for item in results if isinstance(item, dict)] if results else []
    return "RebootRequired" in (answer.get("status"), *words)


def outcome_of(command: Json, station: str) -> Outcome:
    what, reason = deed(command), reason_of(command)
    words = {"station": station, "what": what, "reason": reason}
    made = {
        "queued": ("waiting", "progress_activity", _("Sending %(what)s to %(station)s…")),
        "sent": ("waiting", "progress_activity", _("Sent %(what)s. Waiting for %(station)s to answer…")),
        "accepted": ("accepted", "check_circle", _("%(station)s accepted %(what)s.")),
        "rejected": (
            "rejected",
            "cancel",
            _("%(station)s refused %(what)s: %(reason)s") if reason else _("%(station)s refused %(what)s."),
        ),
        "timed_out": (
            "rejected",
            "timer_off",
            "%(station)s: %(what)s – %(reason)s" if reason else _("%(station)s gave no answer to %(what)s in time."),
        ),
        "failed": ("rejected", "error", _("%(station)s: %(what)s failed. %(reason)s")),
        "expired": ("rejected", "timer_off", _("%(station)s was not reached in time for %(what)s.")),
        "cancelled": ("rejected", "block", _("Cancelled: %(what)s for %(station)s.")),
    }
    mood, icon, text = made.get(command["status"], ("waiting", "progress_activity", "%(station)s: %(what)s"))
    words_said = (text % words).strip()
    if mood == "accepted" and needs_reboot(command):
        words_said += " " + _("It takes effect after a restart of the station.")
    if command["late"] and mood == "accepted":
        words_said += " " + _("The answer came late.")
    return Outcome(int(command["id"]), mood, icon, words_said, command["transaction"])
