"""The dashboard: totals over all stations, and a card for each station of the page."""

from dataclasses import dataclass
from typing import Any

from django.db.models import F, Value
from django.db.models.functions import Coalesce, NullIf
from django.utils.translation import gettext as _

from charging.boards.base import CardsBoard
from charging.cards import OPEN
from charging.queries import cars, feed, id_tags, overview, preferences, stations
from charging.templatetags.figures import kilo


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
    view = "dashboard"
    template = "charging/parts/dashboard.html"
    per_page = 24

    def fill(self) -> None:
        shown_name = Coalesce(NullIf(F("name"), Value("")), F("identity"))
        self.page = self.paginate(stations.with_connectors(self.actor).order_by(shown_name, "pk"))
        self.show(self.page.object_list)
        self.totals = overview.totals(self.actor)
        self.tags = list(id_tags.visible(self.actor).filter(blocked=False).order_by("name", "id_tag")[:200])
        self.cars = list(cars.visible(self.actor).order_by("name")[:200])
        self.preferences = preferences.get(self.actor)

    def poll(self) -> None:
        fresh = overview.totals(self.actor)
        if fresh != self.totals:
            self.totals = fresh
            self.mark("tiles", 0)

    def context(self) -> dict[str, Any]:
        return {
            "cards": self.cards.values(),
            "page": self.page,
            "tags": self.tags,
            "cars": self.cars,
            "preferences": self.preferences,
        }

    def take(self, message: feed.Message) -> None:
        super().take(message)
        self._count(message)

    def take_other(self, message: feed.Message) -> None:
        if message["event"] == "station.updated" and message["station_id"] not in self.totals["online"]:
            self.stale = True

    def _count(self, message: feed.Message) -> None:
        data, event = message["data"], message["event"]
        if data.get("deleted"):
            self.stale = True
        elif event == "station.updated":
            self.totals["online"][data["id"]] = data["online"]
            faults = self.totals["station_faults"]
            if (data["status"] == "Faulted") != (data["id"] in faults):
                (faults.remove if data["id"] in faults else faults.append)(data["id"])
        elif event == "connector.updated":
            self.totals["connectors"][data["id"]] = (data["status"], data["power_w"], data["transaction"] is not None)
        elif event.startswith("transaction."):
            self._count_session(data)
        else:
            return
        self.mark("tiles", 0)

    def _count_session(self, data: dict[str, Any]) -> None:
        sessions = self.totals["sessions"]
        before = sessions.get(data["id"])
        if before is not None:
            self.totals["energy_today_wh"] += max(0.0, data["energy_wh"] - before)
        if data["state"] in OPEN:
            sessions[data["id"]] = data["energy_wh"]
        else:
            sessions.pop(data["id"], None)

    @property
    def tiles(self) -> list[Tile]:
        known = self.totals
        outlets = known["connectors"].values()
        online, count = sum(known["online"].values()), len(known["online"])
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
            Tile("power", "bolt", _("Charging now"), kilo(power_w), "kW", "/transactions/?state=open"),
            Tile("energy", "energy_savings_leaf", _("Energy today"), kilo(known["energy_today_wh"]), "kWh"),
            Tile(
                "sessions",
                "electric_car",
                _("Open sessions"),
                str(len(known["sessions"])),
                url="/transactions/?state=open",
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
