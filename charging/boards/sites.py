"""The page of a site: its stations as a list and on a plan, and what they do together."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import F, Value
from django.db.models.functions import Coalesce, NullIf
from django.utils.translation import gettext_lazy as _

from accounts.actors import Role
from charging.boards.base import CardsBoard
from charging.cards import StationCard
from charging.plan import Place, Spot, spots_of
from charging.queries import feed, sites, stations

#: So many stations are shown; the list of stations has them all.
MOST = 100


@dataclass(frozen=True, slots=True)
class Look:
    """How a station looks on the plan: colour and icon say the same as the words."""

    colour: str
    icon: str
    label: Any


OFFLINE = Look("off", "wifi_off", _("Offline"))
FAULTED = Look("bad", "error", _("Faulted"))
CHARGING = Look("busy", "bolt", _("Charging"))
FREE = Look("ok", "ev_station", _("Available"))
TAKEN = Look("wait", "cable", _("Occupied"))


def look_of(card: StationCard) -> Look:
    statuses = {outlet.status for outlet in card.outlets.values()}
    if not card.online:
        return OFFLINE
    if card.has_error or statuses == {"Faulted"}:
        return FAULTED
    if "Charging" in statuses:
        return CHARGING
    return FREE if "Available" in statuses or not statuses else TAKEN


class SiteBoard(CardsBoard):
    """One site; `params["site"]` is its id."""

    view = "site"
    template = "charging/parts/site.html"
    offers_bulk = False
    default_sort = "name"

    def fill(self) -> None:
        self.site = sites.get(self.actor, self.params.get("site", ""))
        rows = stations.with_connectors(self.actor).filter(site=self.site)
        self.count = rows.count()
        named = Coalesce(NullIf(F("name"), Value("")), F("identity"))
        self.show(rows.order_by(named, "pk")[:MOST])
        self.today = sites.today(self.actor, self.site)

    def context(self) -> dict[str, Any]:
        return {
            "site": self.site,
            "cards": self.cards.values(),
            "manages": self.actor.can(Role.MANAGER, self.site.organization_id),
        }

    @property
    def currency(self) -> str:
        return str(settings.CURRENCY)

    @property
    def online(self) -> int:
        return sum(card.online for card in self.cards.values())

    @property
    def power_w(self) -> float:
        return sum(card.power_w or 0.0 for card in self.cards.values())

    @property
    def faults(self) -> int:
        return sum(look_of(card) is FAULTED for card in self.cards.values())

    @property
    def prices(self) -> list[str | None]:
        """The prices per kWh that its stations have, each once, the lowest first; None where one has none."""
        found = {card.json["price_per_kwh"] for card in self.cards.values()}
        return sorted(found, key=lambda price: (price is None, float(price or 0)))

    @property
    def spots(self) -> list[dict[str, Any]]:
        """Each station with its spot on the plan and its look."""
        places = [place_of(card) for card in self.cards.values()]
        found = spots_of(places)
        return [
            {"card": card, "spot": found[pk], "look": look_of(card), **written(found[pk])}
            for pk, card in self.cards.items()
        ]

    def take(self, message: feed.Message) -> None:
        moved = message["event"] == "station.updated" and message["data"].get("site") != self.site.pk
        if message["station_id"] in self.cards and moved:
            self.stale = True
            return
        super().take(message)

    def take_other(self, message: feed.Message) -> None:
        # A station that is new here.
        if message["event"] == "station.updated" and message["data"].get("site") == self.site.pk:
            self.stale = self.stale or self.count <= MOST

    def _transaction(self, card: StationCard, data: dict[str, Any]) -> None:
        super()._transaction(card, data)
        if data["state"] not in ("pending", "charging", "suspended"):
            self.stale = True

    def _command(self, card: StationCard, data: dict[str, Any]) -> None:
        """The page of a site shows no outcomes."""

    def station_changed(self, card: StationCard) -> None:
        self.mark("station_row", card.pk, card=card)
        self.mark("site_plan", 0, site=self.site)
        self.mark("site_tiles", 0)

    def outlet_changed(self, outlet: Any) -> None:
        self.station_changed(outlet.card)

    def figures_changed(self, outlet: Any) -> None:
        self.mark("station_row", outlet.card.pk, card=outlet.card)
        self.mark("site_tiles", 0)


def place_of(card: StationCard) -> Place:
    json = card.json
    return Place(
        card.pk,
        json.get("plan_x_percent"),
        json.get("plan_y_percent"),
        json.get("latitude"),
        json.get("longitude"),
    )


def written(spot: Spot) -> dict[str, str]:
    """The coordinates as SVG takes them, whatever the reader's language makes of decimals."""
    return {"x": f"{spot.x:.2f}", "y": f"{spot.y:.2f}"}
