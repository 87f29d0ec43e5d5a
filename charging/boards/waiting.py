"""Stations that knocked and are not known, and handshakes that were refused."""

from typing import Any

from charging.boards.base import Board
from charging.queries import feed, handshakes, waiting_stations

REFUSED_SHOWN = 50


class WaitingBoard(Board):
    view = "waiting"
    template = "charging/parts/waiting.html"

    def fill(self) -> None:
        self.rows = list(waiting_stations.visible(self.actor)[:200])
        self.refused = self._refused()
        shown = {row.identity for row in self.rows}
        #: Those of waiting identities are told on their own cards.
        self.handshakes = [row for row in self.refused if row.identity not in shown or row.status != 404]

    def _refused(self) -> list[Any]:
        return list(handshakes.unsolved(self.actor)[:REFUSED_SHOWN])

    def poll(self) -> None:
        shown = {(row.identity, row.attempts) for row in self.rows}
        told = {(row.identity, row.status, row.attempts) for row in self.refused}
        now_shown = set(waiting_stations.visible(self.actor).values_list("identity", "attempts")[:200])
        now_told = {(row.identity, row.status, row.attempts) for row in self._refused()}
        self.stale = self.stale or shown != now_shown or told != now_told

    def take(self, message: feed.Message) -> None:
        self.stale = self.stale or message["event"] == "waiting.updated"

    def context(self) -> dict[str, Any]:
        return {"rows": self.rows, "handshakes": self.handshakes}
