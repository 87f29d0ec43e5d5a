"""Stations that knocked and are not known."""

from typing import Any

from charging.boards.base import Board
from charging.queries import feed, waiting_stations


class WaitingBoard(Board):
    view = "waiting"
    template = "charging/parts/waiting.html"

    def fill(self) -> None:
        self.rows = list(waiting_stations.visible(self.actor)[:200])

    def poll(self) -> None:
        shown = {(row.identity, row.attempts) for row in self.rows}
        if shown != set(waiting_stations.visible(self.actor).values_list("identity", "attempts")[:200]):
            self.stale = True

    def take(self, message: feed.Message) -> None:
        self.stale = self.stale or message["event"] == "waiting.updated"

    def context(self) -> dict[str, Any]:
        return {"rows": self.rows}
