"""The page of one session: its figures, its curves, and what happened in it."""

from typing import Any

from charging.boards.base import Board
from charging.boards.transactions import Row
from charging.cost_lines import CostLine, cost_lines
from charging.curves import Curves, curves_of
from charging.flags import Flag, flags_of
from charging.fragments import part
from charging.models import Correction
from charging.queries import corrections, feed, timeline, transactions
from charging.retention import is_without_curve
from charging.timeline import Entry, entries_of


class TransactionBoard(Board):
    """One session; `params["transaction"]` is its id. Its curves are drawn again at most every few seconds."""

    view = "transaction"
    template = "charging/parts/transaction.html"

    def fill(self) -> None:
        self.transaction = transactions.get(self.actor, self.params.get("transaction", ""))
        self.row = Row(transactions.as_json(self.transaction))
        rows = corrections.of_transaction(self.actor, self.transaction)
        self.corrections: list[Correction] = list(rows[:20])
        self._look()

    def _look(self) -> None:
        """Read what the curves and the timeline show."""
        measured = timeline.measured_times(self.actor, self.transaction)
        self.count = len(measured)
        self.is_without_curve = is_without_curve(self.transaction)
        # What stays of the readings then are the ends: a line between them would show what nobody knows.
        drawn = [] if self.is_without_curve else timeline.drawn(self.actor, self.transaction, measured)
        self.curves: list[Curves] = curves_of(drawn)
        found = timeline.told(self.actor, self.transaction, measured)
        self.entries: list[Entry] = entries_of(found, self.row.json["station_name"])

    def context(self) -> dict[str, Any]:
        return {"row": self.row, "transaction": self.transaction}

    @property
    def flags(self) -> list[Flag]:
        return flags_of(self.row.json["flags"])

    @property
    def lines(self) -> list[CostLine]:
        return cost_lines(self.row.json)

    @property
    def standing(self) -> Correction | None:
        """The correction that holds."""
        return next((row for row in self.corrections if row.undone_at is None), None)

    @property
    def is_held(self) -> bool:
        """Whether the bill waits for a person."""
        return not self.row.is_open and not self.row.json["final"]

    @property
    def is_thinned(self) -> bool:
        return self.count > timeline.MOST_POINTS

    def poll(self) -> None:
        if not self.row.is_open:
            return
        before = (self.count, self.entries)
        self._look()
        if self.count != before[0]:
            self.dirty["curve", 0] = lambda: part("curve", board=self)
        if self.entries != before[1]:
            self.dirty["session_timeline", 0] = lambda: part("session_timeline", board=self)

    def take(self, message: feed.Message) -> None:
        if not message["event"].startswith("transaction.") or message["data"]["id"] != self.row.json["id"]:
            # Whatever else happens at its station belongs to its timeline.
            self.due = self.due or (message["station_id"] == self.transaction.station_id and self.row.is_open)
            return
        before, data = self.row.json, message["data"]
        self.stale = self.stale or any(before[key] != data[key] for key in ("state", "corrected", "final"))
        self.row = Row(data)
        self.mark("transaction_facts", 0, row=self.row)
