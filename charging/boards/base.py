"""What every board has: a region of the page, its parts, and how events mark them as changed."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.utils import translation

from accounts.actors import Actor
from charging.fragments import part, speaking
from charging.queries import feed, overview

#: What a socket's query says beside the page's own query string.
PLUMBING = ("view", "cursor", "again", "lang")


class Board:
    """Nothing live: the page of a form.

    `params` is the page's query string. `load` and `poll` ask the database; `take` and `changes` never do.
    """

    view = "none"
    template = ""
    per_page = 25
    #: How often `poll` is called, in seconds; never more rarely than the sockets themselves look.
    look_every_s = 10.0

    def __init__(self, actor: Actor, params: Mapping[str, str]) -> None:
        self.actor = actor
        self.params = {key: str(value)[:200] for key, value in params.items()}
        self.dirty: dict[tuple[str, int], Callable[[], str]] = {}
        #: What is shown no longer follows from the events: load it again.
        self.stale = False
        #: An event hints at something that only `poll` finds.
        self.due = False
        self.cursor = 0

    def load(self) -> None:
        """Read everything that is shown; the cursor first, so that what happens meanwhile is told twice, not never.

        Raises:
            NotFound: the page is about something that the actor does not see.
        """
        self.cursor = feed.head()
        self.dirty.clear()
        self.stale = False
        with self.speaking():
            self.fill()

    def speaking(self) -> AbstractContextManager[None]:
        return speaking(self.actor, self.params.get("lang", ""))

    def fill(self) -> None:
        """Read what this board is about."""

    def poll(self) -> None:
        """Look, every few seconds, for what no event tells; mark what changed."""

    def take(self, message: feed.Message) -> None:
        """Apply an event that the actor may see."""

    def context(self) -> dict[str, Any]:
        return {}

    def name_of(self, command: Mapping[str, Any]) -> str:
        """What to call the station of a command."""
        return str(command["station"])

    def live_query(self) -> str:
        """What the page's socket asks for: the same board."""
        return urlencode(
            {**self.params, "view": self.view, "cursor": self.cursor, "lang": translation.get_language() or ""}
        )

    def region(self) -> str:
        """The whole live part, to replace the one on the page."""
        if not self.template:
            return ""
        with self.speaking():
            return render_to_string(self.template, {**self.context(), "board": self, "oob": True})

    def mark(self, name: str, pk: int, **context: Any) -> None:
        """A part is to be rendered at the next flush, with what is known then."""
        self.dirty[name, pk] = lambda: part(name, board=self, **context)

    def changes(self) -> list[str]:
        """The parts that changed since the last time; rows of tables stand alone, the rest in one text."""
        if not self.dirty:
            return []
        with self.speaking():
            made = [(name, render()) for (name, _), render in self.dirty.items()]
        self.dirty.clear()
        rows = [html for name, html in made if name.endswith("_row")]
        rest = "".join(html for name, html in made if not name.endswith("_row"))
        return [*rows, rest] if rest else rows

    # --- Lists ------------------------------------------------------------------------------------------------

    def paginate(self, rows: "QuerySet[Any]") -> "Page[Any]":
        """The page that is asked for, or the nearest there is."""
        return KeyedPaginator(rows, self.per_page).get_page(self.params.get("page"))

    def query(self, **changes: str) -> str:
        """The page's query string with changes; empty values are left out."""
        kept = {**self.params, **changes}
        return urlencode({key: value for key, value in kept.items() if value and key not in PLUMBING})

    @property
    def currency(self) -> str:
        """What a live part shows amounts in: it has no request that would tell."""
        return str(settings.CURRENCY)

    @property
    def ocpp_url(self) -> str:
        return str(settings.OCPP_PUBLIC_URL)

    @property
    def only_this_machine(self) -> bool:
        return settings.BIND in {"127.0.0.1", "::1"}

    @property
    def query_without_page(self) -> str:
        return self.query(page="")


class KeyedPaginator(Paginator):
    """Finds the keys of a page far down first, in an index, and only then reads its rows: databases else carry every
    row that they skip."""

    FAR = 1_000

    def page(self, number: int | str) -> "Page[Any]":
        number = self.validate_number(number)
        begin = (number - 1) * self.per_page
        if begin < self.FAR or not isinstance(self.object_list, QuerySet):
            return super().page(number)
        keys = list(self.object_list.values_list("pk", flat=True)[begin : begin + self.per_page])
        rows = self.object_list.order_by().in_bulk(keys)
        return Page([rows[key] for key in keys if key in rows], number, self)


class CardsBoard(Board):
    """A board of station cards: applies events to them and marks the parts of a card that changed."""

    def __init__(self, actor: Actor, params: Mapping[str, str]) -> None:
        super().__init__(actor, params)
        self.cards: dict[int, Any] = {}

    def name_of(self, command: Mapping[str, Any]) -> str:
        shown = (card.name for card in self.cards.values() if card.identity == command["station"])
        return next(shown, str(command["station"]))

    def show(self, stations: Any) -> None:
        self.cards = {card.pk: card for card in overview.cards(self.actor, stations)}

    def take(self, message: feed.Message) -> None:
        card = self.cards.get(message["station_id"])
        if card is None:
            self.take_other(message)
            return
        apply = {
            "station.updated": self._station,
            "connector.updated": self._connector,
            "command.updated": self._command,
            "schedule.updated": self._schedule,
            "reservation.updated": self._reservation,
            "transaction.started": self._transaction,
            "transaction.updated": self._transaction,
            "transaction.ended": self._transaction,
        }.get(message["event"])
        if apply is not None:
            apply(card, message["data"])

    def take_other(self, message: feed.Message) -> None:
        """An event of a station that has no card here."""

    def _station(self, card: Any, data: dict[str, Any]) -> None:
        if data.get("deleted"):
            self.stale = True
            return
        card.json = data
        self.station_changed(card)

    def _connector(self, card: Any, data: dict[str, Any]) -> None:
        outlet = card.outlets.get(data["id"])
        if outlet is None:
            self.stale = True
            return
        before, outlet.json = outlet.json, dict(data)
        if data["transaction"] is None:
            outlet.session = None
        if any(before[key] != data[key] for key in ("status", "error_code", "info", "transaction")):
            self.outlet_changed(outlet)
        else:
            self.figures_changed(outlet)

    def _transaction(self, card: Any, data: dict[str, Any]) -> None:
        outlet = card.outlet_at(data["evse_id"], data["connector_id"])
        before = outlet.session if outlet else None
        outlet = card.put_session(data)
        if outlet is None:
            return
        after = outlet.session
        if (
            before is None
            or after is None
            or any(before[key] != after[key] for key in ("id", "state", "charging_state"))
        ):
            self.outlet_changed(outlet)
        else:
            self.figures_changed(outlet)

    def _schedule(self, card: Any, data: dict[str, Any]) -> None:
        if self.actor.user is None or data["user"] != self.actor.user.pk:
            return
        outlet = card.put_schedule(data)
        if outlet is not None:
            self.outlet_changed(outlet)

    def _reservation(self, card: Any, data: dict[str, Any]) -> None:
        for outlet in card.put_reservation(data):
            self.outlet_changed(outlet)

    def _command(self, card: Any, data: dict[str, Any]) -> None:
        if data["command"] not in overview.ON_CARDS:
            return
        with self.speaking():
            place = card.put_outcome(data)
        key = "station" if place is card else "outlet"
        self.mark("outcome", place.pk if place is card else -place.pk, place=place, prefix=key)

    def station_changed(self, card: Any) -> None:
        self.mark("station_head", card.pk, card=card)
        self.mark("station_foot", card.pk, card=card)
        for outlet in card.outlets.values():
            self.outlet_changed(outlet)

    def outlet_changed(self, outlet: Any) -> None:
        self.mark("outlet", outlet.pk, outlet=outlet, card=outlet.card)
        self.dirty.pop(("figures", outlet.pk), None)

    def figures_changed(self, outlet: Any) -> None:
        if ("outlet", outlet.pk) not in self.dirty:
            self.mark("figures", outlet.pk, outlet=outlet)
