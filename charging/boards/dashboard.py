"""The dashboard: totals over all stations, and a card for each station of the page; or both of one station."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import F, Value
from django.db.models.functions import Coalesce, NullIf
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from accounts.actors import Role
from charging.alerts import Alert, alerts_of
from charging.boards.base import CardsBoard
from charging.boards.choice import Choice
from charging.cards import OPEN
from charging.models import ChargingStation
from charging.queries import alerts, feed, overview, stations
from charging.templatetags.figures import kilo, money


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure with its icon; `mood` is "", "notable" or "alarm"."""

    key: str
    icon: str
    label: str
    value: str
    unit: str = ""
    url: str = ""
    mood: str = ""


class DashboardBoard(CardsBoard):
    """Query: `station` (an identity; all stations without one), `page`."""

    view = "dashboard"
    template = "charging/parts/dashboard.html"
    per_page = 24
    #: How many stations the switcher offers; where there are more, it takes an identity that is typed.
    most_choices = 200

    def load(self) -> None:
        """What the charts are to be told stays: the region that is read anew does not hold them."""
        news = self.dirty.get(("statistics_news", 0))
        super().load()
        if news is not None:
            self.dirty["statistics_news", 0] = news

    def fill(self) -> None:
        """Raises NotFound: the one station is not the actor's."""
        identity = self.params.get("station", "")
        self.station: ChargingStation | None = stations.get(self.actor, identity) if identity else None
        shown_name = Coalesce(NullIf(F("name"), Value("")), F("identity"))
        rows = stations.with_connectors(self.actor).order_by(shown_name, "pk")
        self.choices = list(rows.prefetch_related(None).values_list("identity", shown_name)[: self.most_choices + 1])
        self.page = self.paginate(rows.filter(pk=self.station.pk) if self.station else rows)
        self.show(self.page.object_list)
        before: dict[str, Any] | None = getattr(self, "totals", None)
        self.totals = overview.totals(self.actor, self.station)
        if before is not None and self._has_ended_since(before):
            self._tell_charts(self.cursor)
        self.choice = Choice(self.actor)
        self.alerts: list[Alert] = self._troubles()

    def _troubles(self) -> list[Alert]:
        """What needs a person now, on the page of all stations."""
        return alerts_of(alerts.troubles(self.actor)) if self.station is None else []

    def poll(self) -> None:
        found = self._troubles()
        if found != self.alerts:
            self.alerts = found
            self.mark("alerts", 0)
        fresh = overview.totals(self.actor, self.station)
        if fresh != self.totals:
            self.totals = fresh
            self.mark("tiles", 0)

    def context(self) -> dict[str, Any]:
        return {
            "cards": self.cards.values(),
            "page": self.page,
            "choice": self.choice,
        }

    @property
    def options(self) -> SafeString:
        """The switcher's, written at once: hundreds of turns of a template's loop cost more than all the cards."""
        here = self.station.identity if self.station else None
        shown = (
            (identity, SafeString(" selected" if identity == here else ""), name) for identity, name in self.choices
        )
        return format_html_join("", '<option value="{}"{}>{}</option>', shown)

    @property
    def is_operator(self) -> bool:
        """Whether the actor sees more than the own charging."""
        return self.actor.is_platform_admin or any(role != Role.DRIVER for role in self.actor.memberships.values())

    def take(self, message: feed.Message) -> None:
        if self.station is not None and message["station_id"] != self.station.pk:
            return
        super().take(message)
        self.due = self.due or self._may_alert(message)
        self._count(message)

    def _may_alert(self, message: feed.Message) -> bool:
        """Whether an event may change what needs a person: only then they are looked for before the time."""
        data, event = message["data"], message["event"]
        if event == "connector.updated":
            before = self.totals["connectors"].get(data["id"], ("",))[0]
            return bool((data["status"] == "Faulted") != (before == "Faulted"))
        if event == "command.updated":
            return data["status"] in alerts.FAILED
        return event.startswith("transaction.") and data["state"] not in OPEN and not data["final"]

    def take_other(self, message: feed.Message) -> None:
        if message["event"] == "station.updated" and message["station_id"] > self.totals["newest"]:
            self.stale = True

    def _count(self, message: feed.Message) -> None:
        data, event = message["data"], message["event"]
        if data.get("deleted"):
            self.stale = True
        elif event == "station.updated":
            (self.totals["offline"].discard if data["online"] else self.totals["offline"].add)(data["id"])
            faults = self.totals["station_faults"]
            if (data["status"] == "Faulted") != (data["id"] in faults):
                (faults.remove if data["id"] in faults else faults.append)(data["id"])
        elif event == "connector.updated":
            occupied, outlets = data["transaction"] is not None, self.totals["connectors"]
            outlets.pop(data["id"], None)
            if occupied or data["status"] == "Faulted":
                outlets[data["id"]] = (data["status"], data["power_w"], occupied)
        elif event.startswith("transaction."):
            if event == "transaction.started" and data["id"] not in self.totals["sessions"]:
                self.totals["sessions_today"] += 1
            self._count_session(data)
        else:
            return
        self.mark("tiles", 0)

    def _count_session(self, data: dict[str, Any]) -> None:
        sessions, known = self.totals["sessions"], self.totals
        cost = Decimal(data["cost"] or 0)
        if data["id"] in sessions:
            energy_before, cost_before = sessions[data["id"]]
            known["energy_today_wh"] += max(0.0, data["energy_wh"] - energy_before)
            known["cost_today"] += max(Decimal(0), cost - cost_before)
        if data["state"] in OPEN:
            sessions[data["id"]] = (data["energy_wh"], cost)
        else:
            sessions.pop(data["id"], None)
            self._tell_charts(data["id"])

    def _has_ended_since(self, before: dict[str, Any]) -> bool:
        """Whether a session came or went whose events a reload has skipped."""
        gone = before["sessions"].keys() - self.totals["sessions"].keys()
        return bool(gone) or before["sessions_today"] != self.totals["sessions_today"]

    def _tell_charts(self, what: int) -> None:
        """The charts stand outside of the region: the page asks for them again, when it likes."""
        self.mark("statistics_news", 0, session=what)

    def _sessions_url(self, **params: str) -> str:
        if self.station is not None:
            params["station"] = self.station.identity
        return f"/transactions/?{urlencode(params)}"

    @property
    def tiles(self) -> list[Tile]:
        known = self.totals
        outlets = known["connectors"].values()
        count = known["stations"]
        online = count - len(known["offline"])
        power_w = sum(power or 0.0 for _status, power, occupied in outlets if occupied)
        faults = sum(status == "Faulted" for status, _power, _occupied in outlets) + len(known["station_faults"])
        made = [
            Tile(
                "online",
                "ev_station",
                _("Stations online"),
                f"{online}",
                f"/ {count}",
                "/stations/",
                "notable" if online < count else "",
            ),
            Tile("power", "bolt", _("Charging now"), kilo(power_w), "kW", self._sessions_url(state="open")),
            Tile("energy", "energy_savings_leaf", _("Energy today"), kilo(known["energy_today_wh"]), "kWh"),
            Tile(
                "revenue",
                "payments",
                _("Revenue today") if self.is_operator else _("Cost today"),
                money(known["cost_today"], settings.CURRENCY),
            ),
            Tile(
                "sessions",
                "electric_car",
                _("Sessions today"),
                str(known["sessions_today"]),
                "· " + _("%(count)s open") % {"count": len(known["sessions"])},
                self._sessions_url(**{"from": str(timezone.localdate())}),
            ),
            Tile(
                "faults",
                "warning",
                _("Faults"),
                str(faults),
                url="/stations/?status=Faulted",
                mood="alarm" if faults else "",
            ),
        ]
        if self.actor.is_platform_admin:
            waiting = known["waiting"]
            mood = "notable" if waiting else ""
            made.append(Tile("waiting", "pending", _("Waiting stations"), str(waiting), url="/waiting/", mood=mood))
        return made
