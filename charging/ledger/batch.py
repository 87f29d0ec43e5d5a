"""Everything that one commit of the ledger writes, gathered first and flushed with a few statements."""

from collections.abc import Callable
from datetime import datetime
from operator import attrgetter
from typing import Any

from django.db import models

from charging import live
from charging.arrays import together
from charging.bulk import Insert, SqliteTimes, Update
from charging.ledger.state import StationState, load, load_many
from charging.live import Event
from charging.models import (
    ChargingStation,
    Connector,
    HourlyEnergy,
    MeterReading,
    OcppMessage,
    Transaction,
    Violation,
)
from charging.queries import connectors as connector_queries
from charging.queries import stations as station_queries
from charging.queries import transactions as transaction_queries

LIVE_VALUES = ["power_w", "energy_wh", "current_a", "voltage_v", "soc_percent", "measured_at"]
#: What every reading moves, and what only news moves: indexed columns are not rewritten with each meter value.
RUNNING = ["energy_wh", "cost", "last_event_at"]
NEWS = ["hourly_wh", "hourly_cost", "cost_lines", "charging_state", "state"]
STILL_OPEN = "state IN ('pending', 'charging', 'suspended')"

insert_readings = Insert(
    MeterReading,
    [
        "station",
        "transaction",
        "evse_number",
        "connector_number",
        "station_time",
        "measured_at",
        "received_at",
        "energy_wh",
        "power_w",
        "current_a",
        "voltage_v",
        "soc_percent",
        "samples",
    ],
)
insert_messages = Insert(
    OcppMessage,
    ["station", "sender", "message_id", "action", "request", "response", "outcome", "at", "answered_at"],
)
insert_hours = Insert(HourlyEnergy, ["organization", "station", "connector", "hour", "local_day", "energy_wh", "cost"])
add_to_hours = Update(HourlyEnergy, ["energy_wh", "cost"], add=["energy_wh", "cost"])
live_values, running, news = (attrgetter(*names, "id") for names in (LIVE_VALUES, RUNNING, NEWS))
update_seen = Update(ChargingStation, ["last_seen"])
update_connectors = Update(Connector, LIVE_VALUES)
update_running = Update(Transaction, RUNNING, where=STILL_OPEN)
update_news = Update(Transaction, NEWS, where=STILL_OPEN)


class StaleState(Exception):
    """What is remembered of a station is older than its rows: roll back, forget it, and apply the batch anew."""


class Batch:
    """One group commit in the making.

    Handlers change rows that are rare at once through the ORM, and leave here what is frequent: readings, messages,
    live values, running totals, hourly energy. `flush` writes all of it and stores the events; the caller commits.
    """

    def __init__(self, states: dict[int, StationState], now: datetime) -> None:
        self.states = states
        self.now = now
        self.touched: set[int] = set()
        self.readings: list[tuple[Any, ...]] = []
        self.messages: list[tuple[Any, ...]] = []
        #: (sender, action, outcome) of each message, (kind, status) of each command that ended
        self.outcomes: list[tuple[str, str, str]] = []
        self.ended_commands: list[tuple[str, str]] = []
        self.seen: dict[int, datetime] = {}
        self.measured: dict[int, Connector] = {}
        self.running: dict[int, Transaction] = {}
        self.news: dict[int, Transaction] = {}
        self.hours: dict[tuple[int, datetime], list[Any]] = {}
        self.violations: dict[tuple[int, str], tuple[int, str]] = {}
        self._changed: dict[tuple[str, int], Callable[[], Event]] = {}
        #: rows with new live values, told coalesced, without a row in the feed
        self.metered_connectors: dict[int, Connector] = {}
        self.metered_transactions: dict[int, Transaction] = {}
        self.events: list[Event] = []
        self.after_commit: list[Callable[[], None]] = []
        self.stale: set[int] = set()
        #: (station, transaction id) of running transactions to settle later
        self.unsettled: set[tuple[int, str]] = set()

    def prepare(self, station_ids: set[int]) -> None:
        """Load what is not remembered of these stations, all at once."""
        self.touched |= station_ids
        missing = station_ids - self.states.keys()
        if missing:
            self.states.update(load_many(missing))

    def state(self, station_id: int) -> StationState:
        self.touched.add(station_id)
        state = self.states.get(station_id)
        if state is None:
            state = self.states[station_id] = load(station_id)
        return state

    # --- What changed and is to be told, once per batch and thing, with its last state ---------------------------

    def station_changed(self, station: ChargingStation) -> None:
        self._changed["station.updated", station.pk] = lambda: station_event(station)

    def connector_changed(self, connector: Connector) -> None:
        self._changed["connector.updated", connector.pk] = lambda: connector_event(connector)

    def transaction_changed(self, row: Transaction, name: str = "transaction.updated") -> None:
        if name == "transaction.updated" and any(
            (other, row.pk) in self._changed for other in ("transaction.started", "transaction.ended")
        ):
            return
        self._changed[name, row.pk] = lambda: transaction_event(name, row)

    def connector_measured(self, connector: Connector) -> None:
        self.metered_connectors[connector.id] = connector

    def transaction_measured(self, row: Transaction) -> None:
        self.metered_transactions[row.id] = row

    def tell(self, event: Event) -> None:
        """An event that is ready as it is."""
        self._changed[event.name, -len(self._changed) - 1] = lambda: event

    def violate(self, station_id: int, kind: str, example: str = "") -> None:
        count, _ = self.violations.get((station_id, kind), (0, ""))
        self.violations[station_id, kind] = (count + 1, example[:300])

    def add_hour(self, state: StationState, connector: Connector, hour: datetime, wh: float, cost: Any) -> None:
        entry = self.hours.setdefault((connector.pk, hour), [state, 0.0, 0])
        entry[1] += wh
        entry[2] += cost

    # --- Writing ------------------------------------------------------------------------------------------------

    def flush(self) -> None:
        """Write all of it within the caller's transaction. The feed comes last: it holds the feed's head."""
        times = SqliteTimes()
        self._know_hours()
        with together():
            self.flush_readings(times)
            insert_messages(self.messages, times)
            update_connectors(map(live_values, self.measured.values()), times)
            told = update_running(map(running, self.running.values()), times)
            news_told = update_news(map(news, self.news.values()), times)
            add_to_hours((wh, cost, state.hours[key]) for key, (state, wh, cost) in self.hours.items())
            update_seen([(at, pk) for pk, at in self.seen.items()])
        if 0 <= told() < len(self.running) or 0 <= news_told() < len(self.news):
            # One of them was closed by someone else meanwhile; its hours would be booked twice.
            raise StaleState("a running transaction has been closed")
        self._flush_violations()
        self.events = [make() for make in self._changed.values()]
        live.store(self.events, self.now)

    def flush_readings(self, times: SqliteTimes | None = None) -> None:
        """Write the readings now: at the end, or because something is about to be computed from the stored rows."""
        insert_readings(self.readings, times)
        self.readings.clear()

    def _know_hours(self) -> None:
        missing = {key: state for key, (state, _, _) in self.hours.items() if key not in state.hours}
        if missing:
            find_hours(missing)

    def _flush_violations(self) -> None:
        for (station_id, kind), (count, example) in self.violations.items():
            changed = Violation.objects.filter(station_id=station_id, kind=kind).update(
                count=models.F("count") + count, last_at=self.now, example=example
            )
            if not changed:
                Violation.objects.create(
                    station_id=station_id, kind=kind, count=count, example=example, first_at=self.now, last_at=self.now
                )


def find_hours(missing: dict[tuple[int, datetime], StationState]) -> None:
    """Learn the rows of connectors and hours, and make those that do not exist yet: three queries for any number."""

    def look_up() -> None:
        for key, pk in known_hours(list(missing)).items():
            missing.pop(key).hours[key] = pk

    look_up()
    if missing:
        insert_hours(
            (
                state.station.organization_id,
                state.station.pk,
                connector_id,
                hour,
                hour.astimezone(state.zone).date(),
                0.0,
                0,
            )
            for (connector_id, hour), state in missing.items()
        )
        look_up()


def known_hours(keys: list[tuple[int, datetime]]) -> dict[tuple[int, datetime], int]:
    wanted = set(keys)
    rows = HourlyEnergy.objects.filter(
        connector_id__in={connector_id for connector_id, _ in keys},
        hour__gte=min(hour for _, hour in keys),
        hour__lte=max(hour for _, hour in keys),
    )
    found = rows.values_list("connector_id", "hour", "pk")
    return {(connector_id, hour): pk for connector_id, hour, pk in found if (connector_id, hour) in wanted}


def station_event(station: ChargingStation) -> Event:
    data = station_queries.as_json(station, evses=False)
    return Event("station.updated", station.organization_id, station.pk, station.identity, data)


def connector_event(connector: Connector) -> Event:
    station = connector.station
    data = connector_queries.as_event(connector)
    return Event("connector.updated", station.organization_id, station.pk, station.identity, data)


def transaction_event(name: str, row: Transaction) -> Event:
    data = transaction_queries.as_json(row)
    return Event(name, row.organization_id, row.station_id, row.station.identity, data, user_id=row.user_id)
