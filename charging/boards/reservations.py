"""The list of reservations."""

from typing import Any

from django.db.models import Q, QuerySet

from accounts.actors import Role
from accounts.listing import day
from charging.boards.base import Board
from charging.cards import Chip, chip_of
from charging.models import Reservation
from charging.models.id_tags import canonical_id_tag
from charging.queries import feed, reservations
from charging.reservation_words import STATUSES

Json = dict[str, Any]
OPEN = [str(status) for status in Reservation.OPEN]


class ReservationsBoard(Board):
    """Query: `q` (station, tag, person), `station`, `status` (open, or one of them), `from`, `to`, `page`."""

    view = "reservations"
    template = "charging/parts/reservations.html"

    def fill(self) -> None:
        self.page = self.paginate(self.found())
        self.rows = [Row(self, reservations.as_json(row)) for row in self.page.object_list]

    def found(self) -> "QuerySet[Reservation]":
        rows = reservations.visible(self.actor)
        words = self.params.get("q", "").replace("\x00", "").strip()
        if words:
            found = Q(station__name__icontains=words) | Q(station__identity__icontains=words)
            found |= Q(user__name__icontains=words) | Q(user__email__icontains=words)
            found |= Q(id_tag__name__icontains=words) | Q(id_token__icontains=words)
            if canonical_id_tag(words):
                found |= Q(id_tag__canonical=canonical_id_tag(words))
            rows = rows.filter(found)
        if self.params.get("station"):
            rows = rows.filter(station__identity=self.params["station"].replace("\x00", ""))
        status = self.params.get("status", "")
        if status == "open":
            rows = rows.filter(status__in=OPEN)
        elif status in STATUSES:
            rows = rows.filter(status=status)
        begin, end = day(self.params.get("from")), day(self.params.get("to"), last=True)
        if begin:
            rows = rows.filter(expires_at__gte=begin)
        if end:
            rows = rows.filter(starts_at__lte=end)
        return rows.order_by("-starts_at", "-pk")

    def context(self) -> Json:
        return {"rows": self.rows, "page": self.page}

    @property
    def is_filtered(self) -> bool:
        return any(self.params.get(name) for name in ("q", "station", "status", "from", "to"))

    def take(self, message: feed.Message) -> None:
        if message["event"] != "reservation.updated":
            return
        row = next((row for row in self.rows if row.json["id"] == message["data"]["id"]), None)
        if row is None:
            self.stale = True
            return
        row.json = message["data"]
        self.mark("reservation_row", row.json["id"], row=row)

    def may_cancel(self, json: Json) -> bool:
        if json["status"] not in OPEN:
            return False
        user = self.actor.user
        own = user is not None and json["user"] == user.pk
        return self.actor.can(Role.DRIVER if own else Role.MANAGER, json["organization"])


class Row:
    """A reservation as a row of the list."""

    def __init__(self, board: ReservationsBoard, json: Json) -> None:
        self.board, self.json = board, json

    @property
    def chip(self) -> Chip:
        return chip_of(self.json["status"], STATUSES)

    @property
    def reason(self) -> str:
        return str(reservations.spoken(self.json)["reason"])

    @property
    def may_cancel(self) -> bool:
        return self.board.may_cancel(self.json)

    @property
    def where(self) -> str:
        evse, number = self.json["evse_id"], self.json["connector_id"]
        return "" if evse is None else f"{evse}" if number == 1 else f"{evse}/{number}"
