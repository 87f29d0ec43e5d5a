"""The page of one station: its card, its sessions' curves, its commands and its messages, all of them live."""

from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.actors import Role
from charging.boards.base import CardsBoard
from charging.boards.choice import Choice
from charging.boards.jobs import Row as JobRow
from charging.cards import OPEN, StationCard, outcome_of
from charging.chart import Chart, chart_of
from charging.fragments import part
from charging.models import OcppMessage
from charging.queries import commands, desired, feed, jobs, messages, stations, transactions
from mobility.errors import NotFound

#: A station's clock that is off by more than this is worth telling.
NOTABLE_DRIFT_S = 10
#: command -> the line of the page that shows its outcome, beside the lines of the card
PLACES = {
    "set_configuration": "configuration",
    "get_configuration": "configuration",
    "get_base_report": "configuration",
    "set_limit": "control",
    "change_availability": "control",
    "trigger": "control",
    "clear_cache": "control",
    "data_transfer": "control",
    "call": "control",
}
MESSAGES_SHOWN = 25
#: After so many new ones the list begins anew with the newest.
MESSAGES_MOST = 100
CURVES_SHOWN = 4
JOBS_SHOWN = 3


class StationBoard(CardsBoard):
    """One station; `params["station"]` is its identity, `params["action"]` narrows its messages to one action."""

    view = "station"
    template = "charging/parts/station.html"
    commands_shown = 10
    look_every_s = 2.0

    def fill(self) -> None:
        self.station = stations.get(self.actor, self.params.get("station", ""))
        self.show([self.station])
        rows = commands.visible(self.actor).filter(station=self.station).order_by("-pk")[: self.commands_shown]
        self.commands = {row.pk: commands.as_json(row) for row in rows}
        self.choice = Choice(self.actor)
        begun = jobs.visible(self.actor).filter(station=self.station).order_by("-pk")[:JOBS_SHOWN]
        self.jobs = {row.pk: JobRow(jobs.as_json(row)) for row in begun}
        self.configured = stations.configured_at(self.actor, self.station)
        self.wanted: list[dict[str, Any]] = []
        self._look_for_drift()
        self._fill_messages()
        self._draw()
        # What came between the making of the page and of its socket is in the list that the first look sends.
        if self.sees_log:
            self.mark("message_list", 0)

    # --- What is shown --------------------------------------------------------------------------------------------

    @property
    def card(self) -> StationCard:
        found: StationCard = next(iter(self.cards.values()))
        return found

    def context(self) -> dict[str, Any]:
        return {
            "card": self.card,
            "station": self.station,
            "choice": self.choice,
        }

    @property
    def currency(self) -> str:
        return str(settings.CURRENCY)

    @property
    def notable_drift(self) -> bool:
        return abs(self.card.json["clock_drift_s"] or 0.0) >= NOTABLE_DRIFT_S

    @property
    def told(self) -> list[dict[str, Any]]:
        """The newest commands first, each with its outcome in words."""
        newest = sorted(self.commands.values(), key=lambda row: -row["id"])[: self.commands_shown]
        return [{**row, "outcome": outcome_of(row, self.card.name)} for row in newest]

    def region(self) -> str:
        with self.speaking():
            log = part("message_list", board=self) if self.sees_log else ""
            return super().region() + log + part("drift", board=self)

    # --- What happens ---------------------------------------------------------------------------------------------

    def take(self, message: feed.Message) -> None:
        if message["station_id"] not in self.cards:
            if message["station"] == self.params.get("station") and message["data"].get("deleted"):
                raise NotFound(_("The station was deleted."))
            return
        super().take(message)
        # Whatever happened, a message of the station's told it.
        self.due = True
        if message["event"] == "command.updated":
            self.commands[message["data"]["id"]] = message["data"]
            self.mark("commands", 0)
        elif message["event"].startswith("transaction."):
            self.curves_due = True
        elif message["event"] == "job.updated":
            self.jobs[message["data"]["id"]] = JobRow(message["data"])
            newest = sorted(self.jobs, reverse=True)[:JOBS_SHOWN]
            self.jobs = {pk: self.jobs[pk] for pk in newest}
            self.mark("station_jobs", 0)

    def _command(self, card: StationCard, data: dict[str, Any]) -> None:
        super()._command(card, data)
        prefix = PLACES.get(data["command"])
        if prefix is None:
            return
        with self.speaking():
            place = {"pk": card.pk, "outcome": outcome_of(data, card.name)}
        self.dirty[f"{prefix}-outcome", 0] = lambda: part("outcome", place=place, prefix=prefix)

    def station_changed(self, card: StationCard) -> None:
        super().station_changed(card)
        self.mark("facts", card.pk, card=card)

    def poll(self) -> None:
        self._look_for_messages()
        configured = stations.configured_at(self.actor, self.station)
        if configured != self.configured:
            self.configured = configured
            self.mark("configuration_news", 0)
        if self._look_for_drift():
            self.mark("drift", 0)
            self.mark("configuration_news", 0)
        if self.curves_due:
            self._draw()
            self.mark("session_curves", 0)

    def _look_for_drift(self) -> bool:
        """Read the desired values; whether something about them is new."""
        before = self.wanted
        self.wanted = [desired.as_json(row) for row in desired.of_station(self.actor, self.station)]
        return self.wanted != before

    @property
    def sees_log(self) -> bool:
        """A driver's page has no list of messages: the log tells who charges."""
        held = self.actor.memberships.get(self.station.organization_id)
        return self.actor.is_platform_admin or held != Role.DRIVER

    @property
    def manages(self) -> bool:
        return self.actor.can(Role.MANAGER, self.station.organization_id)

    @property
    def drift(self) -> list[dict[str, Any]]:
        """The desired values that the station reports otherwise."""
        return [row for row in self.wanted if row["drifted_since"]]

    # --- Messages -------------------------------------------------------------------------------------------------

    @property
    def action(self) -> str:
        return self.params.get("action", "").replace("\x00", "")

    def _fill_messages(self) -> None:
        self.messages: list[OcppMessage] = list(
            messages.of_station(self.actor, self.station, self.action)[:MESSAGES_SHOWN]
        )
        self.seen = {row.pk for row in messages.of_station(self.actor, self.station)[:MESSAGES_MOST]}

    def _look_for_messages(self) -> None:
        newest = list(messages.of_station(self.actor, self.station)[:MESSAGES_MOST])
        fresh = [row for row in newest if row.pk not in self.seen]
        self.seen |= {row.pk for row in fresh}
        wanted = [row for row in fresh if self.action in ("", row.action)]
        if not wanted or ("message_list", 0) in self.dirty:
            self.messages = [*wanted, *self.messages][:MESSAGES_SHOWN]
        elif len(self.messages) + len(wanted) > MESSAGES_MOST or len(wanted) == len(newest) == MESSAGES_MOST:
            self._fill_messages()
            self.mark("message_list", 0)
        else:
            self.messages = [*wanted, *self.messages]
            self.dirty["message_items", wanted[0].pk] = lambda: part("message_items", board=self, fresh=wanted)

    # --- Curves ---------------------------------------------------------------------------------------------------

    def _draw(self) -> None:
        """The curves of the sessions that run and that the actor may look at."""
        self.curves_due = False
        open_ones = transactions.open_ones(self.actor, self.station)[:CURVES_SHOWN]
        self.curves: list[tuple[dict[str, Any], Chart | None]] = []
        for row in open_ones:
            readings = transactions.meter_values(self.actor, row).defer("samples")
            self.curves.append((transactions.as_json(row), chart_of(list(readings))))

    @property
    def shown_curves(self) -> list[dict[str, Any]]:
        """Each running session with its curve and the name of its connector."""
        found = []
        for json, chart in self.curves:
            outlet = self.card.outlet_at(json["evse_id"], json["connector_id"])
            live = outlet.session if outlet and outlet.session and outlet.session["id"] == json["id"] else json
            if live["state"] in OPEN:
                found.append({"json": live, "chart": chart, "name": outlet.name if outlet else ""})
        return found
