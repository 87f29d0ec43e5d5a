"""The list of sessions, and the page of one."""

from typing import Any

from django.db.models import Count, Q, QuerySet, Sum

from accounts.listing import between
from charging.boards.base import Board
from charging.cards import OPEN, STATES, Chip, chip_of
from charging.models import Transaction
from charging.queries import feed, session_search, transactions

Json = dict[str, Any]

#: Of how many sessions the list says the totals; statistics, which read sums that are kept, say those of more.
MOST_SUMMED = 50_000


class TransactionsBoard(Board):
    """Query: `q` (station, tag, car, person), `station`, `state` (open, held, or one of them), `from`, `to`, `page`."""

    view = "transactions"
    template = "charging/parts/transactions.html"
    most_summed = MOST_SUMMED

    def fill(self) -> None:
        rows = self.found()
        self.page = self.paginate(rows)
        self.sums: Json = {"count": self.page.paginator.count}
        self.currencies: set[str] = set()
        self.is_summed = self.sums["count"] <= MOST_SUMMED
        if self.is_summed:
            self.sums |= rows.order_by().aggregate(
                energy_wh=Sum("energy_wh"), cost=Sum("cost"), open=Count("pk", filter=Q(state__in=OPEN))
            )
            self.currencies = set(rows.order_by().values_list("currency", flat=True).distinct()[:3])
        self.rows: dict[int, Json] = {row.pk: transactions.as_json(row) for row in self.page.object_list}

    def found(self) -> "QuerySet[Transaction]":
        """All rows that fit the query, the latest first; what the list pages through and what is exported."""
        return self._filtered(transactions.visible(self.actor)).order_by("-started", "-pk")

    def _filtered(self, rows: "QuerySet[Transaction]") -> "QuerySet[Transaction]":
        words = self.params.get("q", "").replace("\x00", "").strip()
        if words:
            rows = session_search.found(self.actor, rows, words)
        if self.params.get("station"):
            rows = rows.filter(station__identity=self.params["station"].replace("\x00", ""))
        state = self.params.get("state", "")
        if state == "open":
            rows = rows.filter(state__in=OPEN)
        elif state == "held":
            rows = rows.filter(final__in=[False]).exclude(state__in=OPEN)
        elif state in STATES:
            rows = rows.filter(state=state)
        return between(rows, "started", self.params.get("from"), self.params.get("to"))

    def context(self) -> Json:
        currency = next(iter(self.currencies)) if len(self.currencies) == 1 else None
        return {"rows": self.shown, "page": self.page, "sums": self.sums, "one_currency": currency}

    @property
    def is_filtered(self) -> bool:
        return any(self.params.get(name) for name in ("q", "station", "state", "from", "to"))

    @property
    def shown(self) -> list["Row"]:
        return [Row(json) for json in self.rows.values()]

    def take(self, message: feed.Message) -> None:
        if not message["event"].startswith("transaction."):
            return
        data = message["data"]
        before = self.rows.get(data["id"])
        if before is None or before["state"] != data["state"]:
            self.stale = True
            return
        self.rows[data["id"]] = data
        self.mark("transaction_row", data["id"], row=Row(data))


class Row:
    """A transaction as a row of the list."""

    def __init__(self, json: Json) -> None:
        self.json = json

    @property
    def chip(self) -> Chip:
        return chip_of(self.json["state"], STATES)

    @property
    def is_open(self) -> bool:
        return self.json["state"] in OPEN
