"""The cost of a transaction under a tariff: chosen at its start, computed while it runs, exactly at its end.

The tariff's pure function does it all. While the transaction runs it is asked at most every PRICE_EVERY_S, with a curve
thinned to a value a minute; when it is settled, with every stored reading. What of the cost stands in which hour is
remembered in the transaction, as its energy is, so that statistics and bills add up.
"""

import time
from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.db.models import Exists, OuterRef

from charging import tariffs
from charging.energy import cost_of
from charging.ledger.batch import Batch
from charging.ledger.hours import MOST_IN_HOUR, cost_in_hour
from charging.ledger.state import OpenTransaction, StationState, zone_of
from charging.models import ChargingStation, IdTag, TariffAssignment, Transaction
from charging.queries import tariffs as tariff_queries

PRICE_EVERY_S = 30.0
Curve = list[tuple[datetime, float]]


def choose(batch: Batch, row: Transaction, at: datetime) -> None:
    """Give a transaction its price: the tariff of its user, tag, station, site or organization, else the station's
    price per kWh. One query where the organization has no assignments."""
    assignments = TariffAssignment.objects.filter(organization=OuterRef("organization"))
    found = ChargingStation.objects.filter(pk=row.station_id)
    price, site_id, assigned = found.values_list("price_per_kwh", "site", Exists(assignments)).get()
    row.price_per_kwh, row.tariff_version, row.currency = price, None, settings.CURRENCY
    if not assigned:
        return
    tag = IdTag.objects.filter(pk=row.id_tag_id).first() if row.id_tag_id else None
    keys = tariff_queries.keys_for(user_id=row.user_id, tag=tag, station_id=row.station_id, site_id=site_id)
    version = tariff_queries.effective(row.organization_id, keys, min(at, batch.now))
    if version is not None:
        row.price_per_kwh, row.tariff_version, row.currency = None, version, version.tariff.currency


def choose_again(batch: Batch, state: StationState, row: Transaction, at: datetime) -> None:
    """Choose the price of a running transaction once more, because only now it is known who charges."""
    before, version = row.price_per_kwh, row.tariff_version_id
    choose(batch, row, at)
    if (row.price_per_kwh, row.tariff_version_id) == (before, version):
        return
    connector = state.connectors.get((row.evse_number, row.connector_number))
    for key, wh in row.hourly_wh.items():
        difference = _cost_in_hour(wh, row.price_per_kwh) - _cost_in_hour(wh, before)
        if connector is not None and difference:
            batch.add_hour(state, connector, datetime.fromisoformat(key), 0.0, difference)
    batch.unsettled.add((state.station.pk, row.transaction_id))


def _cost_in_hour(energy_wh: float, price_per_kwh: Decimal | None) -> Decimal:
    return Decimal(0) if price_per_kwh is None else cost_in_hour(energy_wh, price_per_kwh)


def price_running(batch: Batch, state: StationState, tx: OpenTransaction, at: datetime) -> None:
    """Bring the cost of a running transaction up to date, when it is time."""
    now = time.monotonic()
    if tx.pricing is not None and now - tx.priced_at < PRICE_EVERY_S:
        return
    tx.priced_at = now
    tx.pricing = tx.pricing or _pricing(state, tx.row)
    tx.fold.curve = thinned(tx.fold.curve)
    _price(batch, state, tx.row, tx.fold.curve, at, tx.pricing)
    batch.running[tx.row.pk] = tx.row
    batch.news[tx.row.pk] = tx.row


def price_settled(batch: Batch, state: StationState, row: Transaction, curve: Curve) -> None:
    """The cost of a transaction from all that is stored."""
    if row.tariff_version_id is None:
        row.cost = cost_of(row.energy_wh, row.price_per_kwh)
        if row.cost_lines or row.hourly_cost:
            # It had a tariff before it was known who charges.
            row.cost_lines = []
            book_cost(batch, state, row, {})
        return
    last = row.ended or max(curve[-1][0] if curve else row.last_event_at or batch.now, row.last_event_at or batch.now)
    _price(batch, state, row, curve, last, _pricing(state, row))


def cost_with(row: Transaction, energy_wh: float, ended: datetime | None) -> Decimal | None:
    """What a closed transaction would cost with another energy and end, as if it had flowed evenly."""
    if row.tariff_version is None or row.started is None or ended is None:
        return cost_of(energy_wh, row.price_per_kwh)
    pricing = tariff_queries.pricing(row.tariff_version, row.organization_id, zone_of(row.station))
    return pricing.bill(tariffs.Session(row.started, ended, energy_wh)).total


def _pricing(state: StationState, row: Transaction) -> tariff_queries.Pricing:
    assert row.tariff_version is not None
    return tariff_queries.pricing(row.tariff_version, row.organization_id, state.zone)


def _price(
    batch: Batch, state: StationState, row: Transaction, curve: Curve, until: datetime, pricing: tariff_queries.Pricing
) -> None:
    started = row.started or until
    bill = pricing.bill(tariffs.Session(started, until, row.energy_wh, curve))
    row.cost = bill.total
    row.cost_lines = [line.as_json() for line in bill.lines]
    if row.started is not None:
        # Statistics are in one currency.
        book_cost(batch, state, row, bill.by_hour if row.currency == settings.CURRENCY else {})


def book_cost(batch: Batch, state: StationState, row: Transaction, by_hour: dict[datetime, Decimal]) -> None:
    """Book the difference between where the cost stood by hour and where it belongs."""
    connector = state.connectors.get((row.evse_number, row.connector_number))
    if connector is None or row.connector_id is None:
        return
    wanted = {hour.isoformat(): min(amount, MOST_IN_HOUR) for hour, amount in by_hour.items()}
    for key in {*wanted, *row.hourly_cost}:
        difference = wanted.get(key, Decimal(0)) - Decimal(row.hourly_cost.get(key, 0))
        if difference:
            batch.add_hour(state, connector, datetime.fromisoformat(key), 0.0, difference)
    row.hourly_cost = {key: f"{amount:f}" for key, amount in wanted.items()}


def thinned(curve: Curve) -> Curve:
    """The last value of each minute: a day of readings stays some hundred of them."""
    by_minute = {at.replace(second=0, microsecond=0): (at, wh) for at, wh in curve}
    return list(by_minute.values())
