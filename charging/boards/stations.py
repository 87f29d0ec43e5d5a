"""The list of stations."""

from typing import Any

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q, Value
from django.db.models.functions import Coalesce, NullIf
from django.utils.translation import gettext_lazy as _

from accounts.actors import Role
from charging.boards.base import CardsBoard
from charging.cards import STATUSES, StationCard
from charging.models import ChargingStation
from charging.queries import connectors, desired, feed, stations

NAMED = Coalesce(NullIf(F("name"), Value("")), F("identity"))
#: what the URL says -> (label, what the list is ordered by)
ORDERS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "name": (_("Name"), (NAMED.asc(), "pk")),
    "-name": (_("Name, Z to A"), (NAMED.desc(), "pk")),
    "identity": (_("Identity"), ("identity_folded", "pk")),
    "-online": (_("Online first"), ("-online", NAMED.asc(), "pk")),
    "online": (_("Offline first"), ("online", NAMED.asc(), "pk")),
    "last_seen": (_("Last seen"), (F("last_seen").desc(nulls_last=True), "pk")),
    "newest": (_("Newest"), ("-created_at", "-pk")),
    "price": (_("Price, lowest first"), (F("price_per_kwh").asc(nulls_last=True), "pk")),
    "-price": (_("Price, highest first"), (F("price_per_kwh").desc(nulls_last=True), "pk")),
    "model": (_("Model"), ("vendor", "model", "pk")),
    "-model": (_("Model, Z to A"), ("-vendor", "-model", "pk")),
    "site": (_("Site"), (F("site__name").asc(nulls_last=True), NAMED.asc(), "pk")),
    "-site": (_("Site, Z to A"), (F("site__name").desc(nulls_last=True), NAMED.asc(), "pk")),
}


class StationsBoard(CardsBoard):
    """Query: `q` (name, identity, serial number, model), `online` 1|0, `status` of a connector, `site` (an id),
    `protocol`, `drift` 1, `sort`, `page`."""

    view = "stations"
    template = "charging/parts/stations.html"
    default_sort = "name"

    def fill(self) -> None:
        rows = stations.with_connectors(self.actor)
        self.total = rows.count()
        self.page = self.paginate(self.found(rows))
        self.show(self.page.object_list)

    def found(self, rows: Any) -> Any:
        """Of these stations all that fit the query, in its order."""
        return self._sorted(self._filtered(rows))

    def _filtered(self, rows: Any) -> Any:
        words = self.params.get("q", "").replace("\x00", "").strip()
        if words:
            rows = rows.filter(
                Q(name__icontains=words)
                | Q(identity__icontains=words)
                | Q(serial_number__icontains=words)
                | Q(model__icontains=words)
            )
        if self.params.get("online") in ("0", "1"):
            rows = rows.filter(online=self.params["online"] == "1")
        site = self.params.get("site", "")
        if site.isascii() and site.isdecimal() and len(site) < 10:
            rows = rows.filter(site=int(site))
        if self.params.get("protocol") in ChargingStation.Protocol.values:
            rows = rows.filter(protocol=self.params["protocol"])
        status = self.params.get("status", "")
        if status in STATUSES:
            of_it = connectors.visible(self.actor).filter(station=OuterRef("pk"), status=status)
            rows = rows.filter(Q(Exists(of_it)) | Q(status=status))
        return rows.filter(desired.has_drift(self.actor)) if self.params.get("drift") == "1" else rows

    def _sorted(self, rows: Any) -> Any:
        return rows.order_by(*ORDERS.get(self.params.get("sort", ""), ORDERS["name"])[1])

    def context(self) -> dict[str, Any]:
        return {"cards": self.cards.values(), "page": self.page, "total": self.total}

    @property
    def offers_bulk(self) -> bool:
        """Whether rows can be ticked."""
        return self.actor.organization_ids(Role.MANAGER) != []

    @property
    def currency(self) -> str:
        return str(settings.CURRENCY)

    def take_other(self, message: feed.Message) -> None:
        # A station that is new, or that the filter left out until now.
        self.stale = self.stale or message["event"] == "station.updated"

    def station_changed(self, card: StationCard) -> None:
        self.mark("station_row", card.pk, card=card)

    def outlet_changed(self, outlet: Any) -> None:
        self.station_changed(outlet.card)

    def figures_changed(self, outlet: Any) -> None:
        self.station_changed(outlet.card)

    def _command(self, card: StationCard, data: dict[str, Any]) -> None:
        """The list shows no outcomes."""
