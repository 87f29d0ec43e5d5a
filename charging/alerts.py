"""What needs a person now, in words: what it is, which ones, and what to do."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from charging.cards import outcome_of
from charging.flags import flags_of
from charging.queries import commands
from charging.queries.alerts import MOST, Troubles

SHOWN = 4


@dataclass(frozen=True, slots=True)
class Item:
    """One of them: its name, where it is, what is known, and since when."""

    name: str
    url: str
    detail: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Alert:
    """A kind of trouble. `mood` is "notable" or "alarm"; `url` leads to all of them."""

    key: str
    icon: str
    mood: str
    title: str
    advice: str
    url: str
    items: tuple[Item, ...]

    @property
    def shown(self) -> tuple[Item, ...]:
        return self.items[:SHOWN]

    @property
    def rest(self) -> str:
        """How many more there are."""
        left = len(self.items) - SHOWN
        return "" if left <= 0 else f"{MOST - SHOWN}+" if len(self.items) > MOST else str(left)


def alerts_of(found: Troubles) -> list[Alert]:
    """The worst first; none where all is well."""
    return [alert for alert in _all(found) if alert.items]


def _page(station: Any) -> str:
    return reverse("station", args=[station.identity])


def _count(rows: Iterable[Any]) -> str:
    count = len(list(rows))
    return f"{MOST}+" if count > MOST else str(count)


def _away(found: Troubles) -> Iterator[Item]:
    """What of the system itself is away."""
    if found.idle_since is not None:
        wait = _("Schedules, load balancing, mails and webhooks wait.")
        yield Item(_("Scheduler or worker"), reverse("readyz"), wait, found.idle_since)
    if found.deaf:
        wait = _("Pages follow within seconds instead of at once; commands take a little longer.")
        yield Item(_("Live updates"), reverse("readyz"), wait)


def _all(found: Troubles) -> Iterator[Alert]:
    yield Alert(
        "degraded", "heart_broken", "alarm", _("A part of the system is away"),
        _("Stations are served all the same. Whoever runs the server looks at its processes, Redis and the broker."),
        reverse("readyz"), tuple(_away(found)),
    )  # fmt: skip
    faults = [*found.connectors, *found.faulted]
    broken = [
        Item(
            f"{row.station} {row.evse_number}" + (f"/{row.number}" if row.number != 1 else ""),
            _page(row.station),
            " – ".join(text for text in (row.error_code, row.info) if text and text != "NoError"),
            row.status_received_at,
        )
        for row in found.connectors
    ] + [Item(str(row), _page(row), row.error_code, row.status_at) for row in found.faulted]
    yield Alert(
        "faults", "error", "alarm",
        ngettext("%(count)s fault", "%(count)s faults", len(faults)) % {"count": _count(faults)},
        _("Look at what the station reports, restart it from its page, else send someone there."),
        reverse("stations") + "?status=Faulted", tuple(broken),
    )  # fmt: skip
    yield Alert(
        "away", "wifi_off", "alarm",
        ngettext("%(count)s station is away for over an hour", "%(count)s stations are away for over an hour",
                 len(found.away)) % {"count": _count(found.away)},
        _("Check its power and its network. A station that was taken down is set to rejected in its settings."),
        reverse("stations") + "?online=0",
        tuple(Item(str(row), _page(row), at=row.last_seen) for row in found.away),
    )  # fmt: skip
    yield Alert(
        "held", "gavel", "notable",
        ngettext("%(count)s bill is held back", "%(count)s bills are held back", len(found.held))
        % {"count": _count(found.held)},
        _("Open the session: it says why. Correct the bill there, or confirm it."),
        reverse("transactions") + "?state=held",
        tuple(
            Item(
                str(row.station), reverse("transaction", args=[row.pk]),
                ", ".join(str(flag.name) for flag in flags_of(row.flags or [])[:2]), row.ended,
            )
            for row in found.held
        ),
    )  # fmt: skip
    yield Alert(
        "drift", "sync_problem", "notable",
        ngettext("%(count)s setting has drifted", "%(count)s settings have drifted", len(found.drifted))
        % {"count": _count(found.drifted)},
        _("On the station's page the desired value is set again in one click."),
        reverse("stations") + "?drift=1",
        tuple(
            Item(str(row.station), _page(row.station), f"{row.path}: {row.reported}"[:80], row.drifted_since)
            for row in found.drifted
        ),
    )  # fmt: skip
    yield Alert(
        "waiting", "pending", "notable",
        ngettext("%(count)s station waits to be adopted", "%(count)s stations wait to be adopted", len(found.waiting))
        % {"count": _count(found.waiting)},
        _("Adopt it if it is yours; else find out who points it here."),
        reverse("waiting"),
        tuple(Item(row.identity, reverse("waiting"), row.source_ip, row.last_seen) for row in found.waiting),
    )  # fmt: skip
    yield Alert(
        "violations", "rule", "notable",
        ngettext("%(count)s station sends much wrong data", "%(count)s stations send much wrong data",
                 len(found.violations)) % {"count": _count(found.violations)},
        _("Its page says what is wrong. A newer firmware often mends it; else ask its maker."),
        reverse("stations"),
        tuple(
            Item(name or identity, reverse("station", args=[identity]), f"× {count}", at)
            for identity, name, count, at in found.violations
        ),
    )  # fmt: skip
    yield Alert(
        "commands", "cancel", "notable",
        ngettext("%(count)s command failed today", "%(count)s commands failed today", len(found.failed))
        % {"count": _count(found.failed)},
        _("The station's page has its answer. Try again when it is online and the connector is free."),
        reverse("stations"),
        tuple(
            Item(str(row.station), _page(row.station),
                 outcome_of(commands.as_json(row), str(row.station)).text[:160], row.created_at)
            for row in found.failed
        ),
    )  # fmt: skip
