"""The map of sites: what it shows where, and from where its tiles come. Nothing of it without a setting."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from charging.models import ChargingStation, Site

MOST = 1000


@dataclass(frozen=True, slots=True)
class Pin:
    """A place on the map; its degrees as texts that every language writes alike."""

    name: str
    url: str
    latitude: str
    longitude: str
    colour: str
    icon: str
    detail: str


@dataclass(frozen=True, slots=True)
class MapView:
    tiles: str
    attribution: str
    pins: list[Pin]


def map_of(sites: Iterable[Site], stations: Iterable[ChargingStation]) -> MapView | None:
    """The map with every station that says where it is, and the sites of those that do not; None without tiles, or
    with nothing to show."""
    if not settings.MAP_TILES_URL:
        return None
    rows = list(stations)
    pins = [station_pin(row) for row in rows if row.latitude is not None and row.longitude is not None]
    inside: dict[int | None, int] = {}
    for row in rows:
        if row.latitude is None or row.longitude is None:
            inside[row.site_id] = inside.get(row.site_id, 0) + 1
    alone = {row.site_id for row in rows} - inside.keys()
    pins += [
        site_pin(site, inside.get(site.pk, 0))
        for site in sites
        if site.latitude is not None and site.longitude is not None and site.pk not in alone
    ]
    host = urlsplit(settings.MAP_TILES_URL).netloc
    return MapView(settings.MAP_TILES_URL, settings.MAP_ATTRIBUTION or host, pins) if pins else None


def station_pin(row: ChargingStation) -> Pin:
    look = (
        ("off", "wifi_off", _("Offline"))
        if not row.online
        else ("bad", "error", _("Faulted"))
        if row.status == "Faulted"
        else ("ok", "ev_station", _("Online"))
    )
    return Pin(str(row), reverse("station", args=[row.identity]), *degrees(row), *look)


def site_pin(site: Site, count: int) -> Pin:
    detail = ngettext("%(count)s station", "%(count)s stations", count) % {"count": count}
    return Pin(site.name, reverse("site", args=[site.pk]), *degrees(site), "busy", "location_on", detail)


def degrees(row: Any) -> tuple[str, str]:
    return f"{row.latitude:.6f}", f"{row.longitude:.6f}"
