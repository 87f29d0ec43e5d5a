"""What people are told of the change feed: which changes are news, for whom, and in which words.

A pure function of the feed's rows, of who answers for which organization, and of the marks of what was told already.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from accounts.notice_sending import News, Say
from accounts.notices import KINDS, OWN
from charging.models import Change, Command, Transaction
from charging.said import said
from charging.templatetags.figures import as_time, kilo, money

#: The mark of how far the feed is read.
FEED = "feed"
#: What a station delivers long after it happened is no news of a beginning.
FRESH = timedelta(minutes=30)
#: What makes a station pause on our own behalf, and for how long a pause is taken for that.
LIMITING = ("set_limit", "set_profile")
LIMITED_FOR = timedelta(hours=6)
#: Ends that nobody wished: 1.6 §7.20, 2.0.1 ReasonEnumType.
UNWISHED = {
    "DeAuthorized",
    "EmergencyStop",
    "GroundFault",
    "HardReset",
    "ImmediateReset",
    "OvercurrentFault",
    "PowerLoss",
    "PowerQuality",
    "Reboot",
    "ReqEnergyTransferRejected",
    "SoftReset",
}
FAILED = {Command.Status.REJECTED, Command.Status.TIMED_OUT, Command.Status.FAILED, Command.Status.EXPIRED}


class Marks:
    """Which outlets and stations are known to be faulted, and what of that changes with these rows."""

    def __init__(self, known: set[str]) -> None:
        self.known = frozenset(known)
        self.standing = set(known)

    def begins(self, name: str) -> bool:
        """Whether a fault is news; it is from now on known."""
        is_news = name not in self.standing
        self.standing.add(name)
        return is_news

    def ends(self, name: str) -> None:
        self.standing.discard(name)

    @property
    def begun(self) -> set[str]:
        return self.standing - self.known

    @property
    def over(self) -> set[str]:
        return set(self.known - self.standing)


@dataclass(slots=True)
class Reader:
    """Reads rows of the feed. `managers` is organization -> its owners and managers, `members` -> everyone in it;
    `limited` are the stations whose power this system itself has limited lately."""

    managers: dict[int, set[int]]
    members: dict[int, set[int]]
    marks: Marks
    limited: set[int]
    now: datetime

    def read(self, row: Change) -> Iterator[News]:
        kind = READERS.get(row.event)
        if kind is not None:
            yield from kind(self, row)

    def owner(self, row: Change) -> set[int]:
        """Whose it is; nobody who has left the organization."""
        return {row.user_id} & self.members.get(row.organization_id, set()) if row.user_id else set()

    def started(self, row: Change) -> Iterator[News]:
        at = as_time(row.data["started"])
        if at is not None and self.now - at > FRESH:
            return
        yield self.session(row, "started", ["session_started"], lambda kind: say_started(row.data, kind))

    def updated(self, row: Change) -> Iterator[News]:
        data = row.data
        if is_paused(row) and data["energy_wh"] and row.station_id not in self.limited:
            yield self.session(row, "paused", ["session_interrupted"], lambda kind: say_paused(data, kind))

    def ended(self, row: Change) -> Iterator[News]:
        data = row.data
        kinds = ["session_interrupted", "session_finished"] if is_early(data) else ["session_finished"]
        yield self.session(row, "ended", kinds, lambda kind: say_ended(data, kind))

    def session(self, row: Change, what: str, kinds: list[str], say: Say) -> News:
        own = self.owner(row)
        others = self.managers.get(row.organization_id, set()) - own
        to = dict.fromkeys(kinds, own) | {f"any_{kind}": others for kind in kinds}
        path = reverse("transaction", args=[row.data["id"]])
        return News(f"transaction.{row.data['id']}.{what}", to, say, path, row.organization_id)

    def connector(self, row: Change) -> Iterator[News]:
        yield from self.fault(row, f"fault.connector.{row.data['id']}")

    def station(self, row: Change) -> Iterator[News]:
        if not row.data.get("deleted"):
            yield from self.fault(row, f"fault.station.{row.data['id']}")

    def fault(self, row: Change, name: str) -> Iterator[News]:
        """A fault is told when it begins, and of one place at most once an hour."""
        if row.data.get("status") != "Faulted":
            self.marks.ends(name)
        elif self.marks.begins(name):
            to = {"station_fault": self.managers.get(row.organization_id, set())}
            yield News(
                f"{name}.{row.at:%Y%m%d%H}", to, lambda _kind: say_fault(row), station_path(row), row.organization_id
            )

    def command(self, row: Change) -> Iterator[News]:
        data = row.data
        if data["status"] in FAILED:
            to = {"command_failed": self.owner(row) | self.managers.get(row.organization_id, set())}
            key = f"command.{data['id']}"
            yield News(key, to, lambda _kind: say_failed(row), station_path(row), row.organization_id)

    def security(self, row: Change) -> Iterator[News]:
        data, to = row.data, self.managers.get(row.organization_id, set())
        if data["type"] in ("StationOffline", "StationOnline"):
            back = data["type"] == "StationOnline"
            kind = "station_online" if back else "station_offline"
            key = f"security.{data['id']}"
            yield News(key, {kind: to}, lambda _kind: say_line(row, back), station_path(row), row.organization_id)
        elif data["critical"]:
            # A station that repeats itself is told of once an hour.
            key = f"security.{row.station_id}.{data['type']}.{row.at:%Y%m%d%H}"
            path = reverse("security-events")
            yield News(key, {"security_event": to}, lambda _kind: say_security(row), path, row.organization_id)


READERS: dict[str, Callable[[Reader, Change], Iterator[News]]] = {
    "transaction.started": Reader.started,
    "transaction.updated": Reader.updated,
    "transaction.ended": Reader.ended,
    "connector.updated": Reader.connector,
    "station.updated": Reader.station,
    "command.updated": Reader.command,
    "security_event.noted": Reader.security,
}


def is_paused(row: Change) -> bool:
    """Whether the station, not the car, holds a session up."""
    data = row.data
    return (
        row.event == "transaction.updated"
        and data["state"] == Transaction.State.SUSPENDED
        and data["charging_state"] == "SuspendedEVSE"
    )


def fault_names(rows: list[Change]) -> set[str]:
    """The marks that these rows may ask for."""
    named = {"connector.updated": "fault.connector", "station.updated": "fault.station"}
    return {f"{named[row.event]}.{row.data['id']}" for row in rows if row.event in named and "id" in row.data}


# --- Words -----------------------------------------------------------------------------------------------------------


def station_path(row: Change) -> str:
    return reverse("station", args=[row.station.identity]) if row.station else ""


def station_name(row: Change) -> str:
    return str(row.station) if row.station else str(row.data.get("station") or "")


def moment(value: Any) -> str:
    at = as_time(value)
    # Translators: how a date and time is written, in Django's format letters.
    return str(date_format(localtime(at), _("j M Y, H:i"))) if at else ""


def say_started(data: dict[str, Any], kind: str) -> tuple[str, str]:
    title = _("Charging has started at %(station)s") % {"station": data["station_name"]}
    lines = [_("Since %(time)s.") % {"time": moment(data["started"])} if data["started"] else "", who(data, kind)]
    return title, "\n".join(filter(None, lines))


def say_paused(data: dict[str, Any], kind: str) -> tuple[str, str]:
    title = _("%(station)s has paused charging") % {"station": data["station_name"]}
    energy = _("The station, not the car, has paused the session after %(energy)s kWh. It may go on by itself.")
    return title, "\n".join(filter(None, [energy % {"energy": kilo(data["energy_wh"], 2)}, who(data, kind)]))


def say_ended(data: dict[str, Any], kind: str) -> tuple[str, str]:
    known, early = {"station": data["station_name"], "energy": kilo(data["energy_wh"], 2)}, is_early(data)
    if early:
        title = _("Charging stopped early at %(station)s: %(energy)s kWh") % known
    else:
        title = _("Charging has ended at %(station)s: %(energy)s kWh") % known
    cost = money(data["cost"], data["currency"]) if data["cost"] is not None else _("unknown")
    lines = [
        _("Energy: %(energy)s kWh") % known,
        _("Cost: %(cost)s") % {"cost": cost},
        _("From %(begin)s to %(end)s.") % {"begin": moment(data["started"]), "end": moment(data["ended"])}
        if data["started"] and data["ended"]
        else "",
        why_ended(data) if early else "",
        who(data, kind),
    ]
    return title, "\n".join(filter(None, lines))


def is_early(data: dict[str, Any]) -> bool:
    """Whether nobody wished this end."""
    return data["stop_reason"] in UNWISHED or data["state"] == Transaction.State.LOST


def why_ended(data: dict[str, Any]) -> str:
    if data["state"] == Transaction.State.LOST:
        return _("The station never said that it ended; the last meter value counts.")
    return _("Reason that the station gave: %(reason)s") % {"reason": data["stop_reason"]}


def who(data: dict[str, Any], kind: str) -> str:
    """Whose session it is, for everyone else."""
    own = KINDS[kind].scope == OWN
    return _("Person: %(name)s") % {"name": data["user_name"]} if data["user_name"] and not own else ""


def say_fault(row: Change) -> tuple[str, str]:
    data, name = row.data, station_name(row)
    title = _("%(station)s reports a fault") % {"station": name}
    what = [part for part in (data.get("error_code"), data.get("info")) if part and part != "NoError"]
    lines = [
        _("Outlet %(evse)s/%(connector)s.") % {"evse": data["evse_id"], "connector": data["connector_id"]}
        if "connector_id" in data
        else "",
        _("It says: %(what)s") % {"what": ", ".join(what)} if what else _("It gives no reason."),
    ]
    return title, "\n".join(filter(None, lines))


def say_failed(row: Change) -> tuple[str, str]:
    data = row.data
    known = {"command": data["command"].replace("_", " "), "station": station_name(row)}
    if data["status"] == Command.Status.REJECTED:
        return _("%(station)s has refused: %(command)s") % known, said(str(data["error"]))
    return _("No success at %(station)s: %(command)s") % known, said(str(data["error"]))


def say_line(row: Change, back: bool) -> tuple[str, str]:
    name = {"station": station_name(row)}
    title = _("%(station)s is connected again") if back else _("%(station)s is offline")
    since = row.station.connected_at if back and row.station else row.station.disconnected_at if row.station else None
    text = _("Since %(time)s.") % {"time": moment(since)} if since else ""
    if not back:
        advice = _("What it charges meanwhile comes when it is connected again. Check its power and its network.")
        text = f"{text}\n{advice}".strip()
    return title % name, text


def say_security(row: Change) -> tuple[str, str]:
    data = row.data
    title = _("Security event at %(station)s: %(type)s") % {"station": station_name(row), "type": data["type"]}
    return title, str(data["info"])
