"""The first run's last step: waits for the first station to introduce itself, and shows those that knock meanwhile."""

from typing import Any

from charging.boards.base import Board
from charging.models import ChargingStation, WaitingStation
from charging.queries import feed, set_up, waiting_stations


class WelcomeBoard(Board):
    """No query: it is about the set-up of the actor's first organization."""

    view = "welcome"
    template = "charging/parts/welcome.html"
    most_waiting = 10

    def fill(self) -> None:
        """Raises NotFound or Forbidden for who manages no organization."""
        self.progress = set_up.get(self.actor)
        self.station: ChargingStation | None = self.progress.station
        self.knocking: list[WaitingStation] = list(waiting_stations.visible(self.actor)[: self.most_waiting])

    def poll(self) -> None:
        shown = {(row.identity, row.attempts) for row in self.knocking}
        found = waiting_stations.visible(self.actor).values_list("identity", "attempts")[: self.most_waiting]
        self.stale = self.stale or shown != set(found)

    def context(self) -> dict[str, Any]:
        return {"progress": self.progress, "station": self.station, "knocking": self.knocking}

    def take(self, message: feed.Message) -> None:
        if message["event"] == "waiting.updated":
            self.stale = True
        elif message["event"] == "station.updated" and message["organization"] == self.progress.organization.pk:
            # A station comes online, and then says what it is: few events, each a step of what the page tells.
            self.stale = True
