"""The command palette: one field that finds stations, sites, tags, people, sessions and pages, and goes there."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actors import Actor
from charging.queries import search

MOST_LETTERS = 100


@dataclass(slots=True)
class Entry:
    """Something to go to. Its number makes its id on the page, which the field names as the chosen one."""

    url: str
    icon: str
    label: str
    detail: str = ""
    number: int = 0


@dataclass(frozen=True, slots=True)
class Group:
    key: str
    heading: str
    entries: list[Entry]


@dataclass(frozen=True, slots=True)
class Place:
    """A page or a deed. `words` are others by which one looks for it; `who`: "" everyone, manager, admin."""

    name: str
    icon: str
    label: Any
    words: Any = ""
    who: str = ""
    is_deed: bool = False


PLACES = [
    Place("dashboard", "space_dashboard", gettext_lazy("Dashboard"), gettext_lazy("home overview start")),
    Place("stations", "ev_station", gettext_lazy("Stations"), gettext_lazy("chargers wallboxes")),
    Place("transactions", "receipt_long", gettext_lazy("Sessions"), gettext_lazy("transactions charging history")),
    Place("statistics", "bar_chart", gettext_lazy("Statistics"), gettext_lazy("energy cost charts")),
    Place("id-tags", "contactless", gettext_lazy("Id tags"), gettext_lazy("cards RFID tokens")),
    Place("schedules", "event_repeat", gettext_lazy("Schedules"), gettext_lazy("smart charging windows timer")),
    Place("reservations", "event", gettext_lazy("Reservations"), gettext_lazy("reserve book keep free")),
    Place("jobs", "engineering", gettext_lazy("Jobs"), gettext_lazy("firmware update diagnostics log"), "manager"),
    Place("cars", "directions_car", gettext_lazy("Cars"), gettext_lazy("vehicles")),
    Place("sites", "location_on", gettext_lazy("Sites"), gettext_lazy("places locations")),
    Place("tariffs", "sell", gettext_lazy("Tariffs"), gettext_lazy("prices cost tax holidays"), "manager"),
    Place("prices", "show_chart", gettext_lazy("Dynamic prices"), gettext_lazy("spot day-ahead market"), "manager"),
    Place("statements", "request_quote", gettext_lazy("Statements"), gettext_lazy("month bills invoice cost centre")),
    Place("members", "group", gettext_lazy("Members"), gettext_lazy("people users roles invitations"), "manager"),
    Place("api-keys", "key", gettext_lazy("API keys"), gettext_lazy("tokens REST")),
    Place("security-events", "shield", gettext_lazy("Security events"), gettext_lazy("log"), "manager"),
    Place("audit", "history", gettext_lazy("Audit"), gettext_lazy("log changes who did what"), "manager"),
    Place("waiting", "pending", gettext_lazy("Waiting stations"), gettext_lazy("unknown adopt"), "admin"),
    Place("admin:index", "admin_panel_settings", gettext_lazy("Administration"), gettext_lazy("Django"), "admin"),
    Place("profile", "account_circle", gettext_lazy("Profile"), gettext_lazy("password language theme time zone")),
    Place("notifications", "notifications", gettext_lazy("Notifications"), gettext_lazy("push e-mail bell alerts")),
    Place("webhooks", "webhook", gettext_lazy("Webhooks"), gettext_lazy("HTTP events integration"), "manager"),
    Place("glossary", "help", gettext_lazy("Glossary"), gettext_lazy("help terms OCPP")),
    Place("station-add", "add", gettext_lazy("Add station"), gettext_lazy("new charger"), "manager", True),
    Place("id-tag-import", "upload", gettext_lazy("Import id tags"), gettext_lazy("CSV cards"), "manager", True),
    Place("job-add", "system_update_alt", gettext_lazy("New job"), gettext_lazy("firmware log"), "manager", True),
    Place("welcome-charger", "rocket_launch", gettext_lazy("Connect the first charger"), "", "manager", True),
]


def groups(actor: Actor, text: str) -> list[Group]:
    """What fits, the most wanted kinds first; without a text, the pages and deeds."""
    words = text.replace("\x00", "").strip()[:MOST_LETTERS]
    numbers = count()
    found = []
    for key, heading, entries in kinds(actor, words):
        listed = list(entries)
        for entry in listed:
            entry.number = next(numbers)
        if listed:
            found.append(Group(key, heading, listed))
    return found


def kinds(actor: Actor, words: str) -> Iterator[tuple[str, str, Iterator[Entry]]]:
    if words:
        yield "sessions", _("Sessions"), sessions(actor, words)
        yield "stations", _("Stations"), stations(actor, words)
        yield "id-tags", _("Id tags"), id_tags(actor, words)
        yield "sites", _("Sites"), sites(actor, words)
        yield "people", _("People"), people(actor, words)
    yield "deeds", _("Actions"), places(actor, words, deeds=True)
    yield "pages", _("Pages"), places(actor, words, deeds=False)


def stations(actor: Actor, words: str) -> Iterator[Entry]:
    for row in search.stations_like(actor, words):
        detail = [row.identity if row.name else "", row.site.name if row.site else ""]
        detail.append(_("Online") if row.online else _("Offline"))
        yield Entry(reverse("station", args=[row.identity]), "ev_station", str(row), joined(detail))


def sites(actor: Actor, words: str) -> Iterator[Entry]:
    for row in search.sites_like(actor, words):
        yield Entry(reverse("site", args=[row.pk]), "location_on", row.name, row.address)


def id_tags(actor: Actor, words: str) -> Iterator[Entry]:
    for row in search.id_tags_like(actor, words):
        detail = [row.id_tag if row.name else "", row.user.display_name if row.user else ""]
        detail.append(_("Blocked") if row.blocked else "")
        yield Entry(reverse("id-tag", args=[row.pk]), "contactless", str(row), joined(detail))


def people(actor: Actor, words: str) -> Iterator[Entry]:
    for row in search.members_like(actor, words):
        detail = joined([row.user.email, str(row.get_role_display()), row.organization.name])
        yield Entry(reverse("member", args=[row.pk]), "person", row.user.display_name, detail)


def sessions(actor: Actor, words: str) -> Iterator[Entry]:
    for row in search.sessions_like(actor, words):
        label = _("Session %(number)s") % {"number": row.pk}
        yield Entry(reverse("transaction", args=[row.pk]), "receipt_long", label, str(row.station))


def places(actor: Actor, words: str, *, deeds: bool) -> Iterator[Entry]:
    """Pages that have every word in their name or among their other names."""
    wanted = words.casefold().split()
    for place in PLACES:
        said = f"{place.label} {place.words}".casefold()
        if place.is_deed == deeds and may_go(actor, place.who) and all(word in said for word in wanted):
            yield Entry(reverse(place.name), place.icon, str(place.label))


def may_go(actor: Actor, who: str) -> bool:
    if who == "admin":
        return actor.is_platform_admin
    return actor.manages if who == "manager" else True


def joined(parts: list[str]) -> str:
    return " · ".join(part for part in parts if part)
