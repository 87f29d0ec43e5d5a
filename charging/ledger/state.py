"""What the ledger remembers of a station between batches, so that a meter value costs no query.

A state lives as long as the station's connection: it is loaded on first use and dropped when the station connects,
disconnects, or a batch that touched it fails. The database is the truth; the cache only saves asking it again.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db import connection
from django.db.models import Max, QuerySet

from accounts.locks import held
from charging.energy import EnergyFold
from charging.models import EVSE, ChargingStation, Connector, MeterReading, Transaction
from charging.queries.tariffs import Pricing

BEGINNING = datetime.min.replace(tzinfo=UTC)
#: Readings as they were measured, whenever they came.
READING_ORDER = ("measured_at", "station_time", "energy_wh", "pk")


@dataclass(slots=True)
class OpenTransaction:
    """A running transaction: its row, the fold over its readings, and where its energy stands."""

    row: Transaction
    fold: EnergyFold
    newest: datetime = BEGINNING
    newest_key: datetime = BEGINNING
    #: energy that is counted and not yet booked to its hours, and when booking was last done
    unbooked: dict[datetime, float] = field(default_factory=dict)
    booked_at: float = 0.0
    #: what its tariff needs, where it has one, and when its cost was last computed
    pricing: Pricing | None = None
    priced_at: float = 0.0


@dataclass(slots=True)
class StationState:
    station: ChargingStation
    zone: tzinfo
    connectors: dict[tuple[int, int], Connector] = field(default_factory=dict)
    open: dict[str, OpenTransaction] = field(default_factory=dict)
    newest_keys: dict[tuple[int, int], datetime] = field(default_factory=dict)
    hours: dict[tuple[int, datetime], int] = field(default_factory=dict)
    last_ends: dict[int, datetime] = field(default_factory=dict)

    def connector(self, evse: int, number: int) -> Connector | None:
        """The connector, made at first sight; None for number 0, the station or the EVSE itself."""
        if evse <= 0:
            return None
        known = self.connectors.get((evse, number or 1))
        if known is not None:
            return known
        if number <= 0:
            of_evse = [connector for (e, _), connector in self.connectors.items() if e == evse]
            if of_evse:
                return of_evse[0]
            number = 1
        row = EVSE.objects.filter(station=self.station, number=evse).first()
        row = row or EVSE.objects.create(station=self.station, number=evse)
        made = Connector.objects.create(station=self.station, evse=row, evse_number=evse, number=number)
        self.connectors[evse, number] = made
        return made

    def running_at(self, connector: Connector | None) -> OpenTransaction | None:
        """The transaction that occupies the connector."""
        if connector is None or connector.transaction_id is None:
            return None
        return next((tx for tx in self.open.values() if tx.row.pk == connector.transaction_id), None)

    def last_end(self, connector: Connector) -> datetime:
        """When the newest of the connector's closed transactions ended."""
        if connector.pk not in self.last_ends:
            ended = Transaction.objects.filter(connector=connector, ended__isnull=False).aggregate(at=Max("ended"))
            self.last_ends[connector.pk] = ended["at"] or BEGINNING
        return self.last_ends[connector.pk]

    def newest_key(self, evse: int, number: int) -> datetime:
        """The station time of the newest reading outside transactions."""
        key = (evse, number)
        if key not in self.newest_keys:
            self.newest_keys[key] = (
                MeterReading.objects.filter(
                    station=self.station, evse_number=evse, connector_number=number, transaction=None
                )
                .order_by("-station_time")
                .values_list("station_time", flat=True)
                .first()
                or BEGINNING
            )
        return self.newest_keys[key]


def locked_transactions() -> QuerySet[Transaction]:
    """Transactions whose rows are held until the commit."""
    return held(Transaction.objects.all())


def zone_of(station: ChargingStation) -> tzinfo:
    try:
        return ZoneInfo(station.site.time_zone) if station.site else UTC
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def load(station_id: int) -> StationState:
    """Read a station with its connectors and running transactions."""
    found = load_many([station_id])
    if not found:
        raise ChargingStation.DoesNotExist(f"Station {station_id} has been deleted.")
    return found[station_id]


def load_many(station_ids: Iterable[int]) -> dict[int, StationState]:
    """Read stations, three queries for any number of them: they come back all at once after an outage."""
    states: dict[int, StationState] = {}
    for station in ChargingStation.objects.select_related("site").filter(pk__in=station_ids):
        states[station.pk] = StationState(station=station, zone=zone_of(station))
    connectors: dict[int, Connector] = {}
    for connector in Connector.objects.filter(station__in=states).order_by("evse_number", "number"):
        connector.station = states[connector.station_id].station
        states[connector.station_id].connectors[connector.evse_number, connector.number] = connector
        connectors[connector.pk] = connector
    running = Transaction.objects.filter(station__in=states, state__in=Transaction.OPEN)
    rows = list(running.select_related("id_tag", "user", "car", "tariff_version__tariff").order_by("started", "pk"))
    for row in rows:
        row.station = states[row.station_id].station
        if row.connector_id in connectors:
            row.connector = connectors[row.connector_id]
    for tx in reopened(rows):
        states[tx.row.station_id].open[tx.row.transaction_id] = tx
    return states


def fold_for(row: Transaction, *, keep_curve: bool = False) -> EnergyFold:
    """A fresh fold with the transaction's baseline and the power that its connector can give. A tariff asks for the
    curve at any time."""
    connector = row.connector
    rated = (connector.rated_power_w if connector else None) or row.station.rated_power_w
    keep = keep_curve or row.tariff_version_id is not None
    return EnergyFold(begin_wh=row.meter_start_wh, begin_at=row.started, rated_power_w=rated, keep_curve=keep)


def reopened(rows: list[Transaction]) -> list[OpenTransaction]:
    """Running transactions with their folds caught up over the stored readings, which one query reads."""
    found = {row.pk: OpenTransaction(row=row, fold=fold_for(row)) for row in rows}
    if found:
        catch_up(found, MeterReading.objects.filter(transaction__in=found))
    return list(found.values())


def catch_up(transactions: dict[int, OpenTransaction], readings: QuerySet[MeterReading]) -> None:
    """Take stored readings into the folds, in the order in which they were measured."""
    ordered = readings.order_by(*READING_ORDER)
    rows = ordered.values_list("transaction_id", "measured_at", "station_time", "energy_wh")
    for pk, at, key, energy_wh in _without_zones(rows) if connection.vendor == "sqlite" else rows:
        tx = transactions[pk]
        if at > tx.newest:
            tx.newest = at
        if key > tx.newest_key:
            tx.newest_key = key
        if energy_wh is not None:
            tx.fold.add(at, energy_wh)


def _without_zones(rows: Any) -> Iterator[tuple[int, datetime, datetime, float | None]]:
    """The same rows from SQLite, past Django's conversion of times, which is most of the cost of reading them."""
    sql, params = rows.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        for pk, at, key, energy_wh in cursor.fetchall():
            yield pk, at.replace(tzinfo=UTC), key.replace(tzinfo=UTC), energy_wh
