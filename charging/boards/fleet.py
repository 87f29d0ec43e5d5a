"""What comes of a deed that was done at many stations at once."""

from typing import Any

from charging.boards.base import Board
from charging.cards import outcome_of
from charging.queries import commands, feed

Json = dict[str, Any]
MOST = 500


class FleetBoard(Board):
    """The commands of one run: `first` and `last` are their ids, `kind` what they ask for."""

    view = "fleet"
    template = "charging/parts/fleet.html"

    def fill(self) -> None:
        first, last = (whole(self.params.get(name, "")) for name in ("first", "last"))
        rows = commands.visible(self.actor).filter(
            pk__gte=first, pk__lte=last, kind=self.params.get("kind", ""), actor=self.actor.user
        )
        found = list(rows.order_by("pk")[:MOST])
        self.rows: dict[int, Json] = {row.pk: commands.as_json(row) for row in found}
        self.names = {row.pk: str(row.station) for row in found}

    def shown(self, pk: int) -> Json:
        json, name = self.rows[pk], self.names[pk]
        return {**json, "name": name, "outcome": outcome_of(json, name)}

    @property
    def told(self) -> list[Json]:
        return [self.shown(pk) for pk in self.rows]

    @property
    def counts(self) -> Json:
        moods = [row["outcome"].mood for row in self.told]
        counted = {mood: moods.count(mood) for mood in ("waiting", "accepted", "rejected")}
        return {**counted, "all": len(moods), "done": len(moods) - counted["waiting"]}

    def take(self, message: feed.Message) -> None:
        if message["event"] != "command.updated" or message["data"]["id"] not in self.rows:
            return
        pk = message["data"]["id"]
        self.rows[pk] = message["data"]
        with self.speaking():
            self.mark("fleet_row", pk, row=self.shown(pk))
        self.mark("fleet_counts", 0)


def whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0
