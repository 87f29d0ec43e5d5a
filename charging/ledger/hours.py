"""Energy by the hour, per connector: what statistics read instead of the readings.

While a transaction runs its energy is booked every few seconds, not with every reading: what a crash loses of it is
made good when the transaction is settled, because the transaction remembers what it has booked.
"""

import time
from datetime import datetime
from decimal import Decimal

from charging.energy import MOST_WH, split_by_hour
from charging.ledger.batch import Batch
from charging.ledger.state import OpenTransaction, StationState
from charging.models import Transaction

BOOK_EVERY_S = 5.0
FINE = Decimal("0.00001")
#: What the column holds, with room for others in the same hour.
MOST_IN_HOUR = Decimal("99999999")


def attribute(
    batch: Batch, state: StationState, tx: OpenTransaction, begin: datetime, end: datetime, energy_wh: float
) -> None:
    """Take note of the hours in which energy flowed, and book what has gathered."""
    unbooked = tx.unbooked
    for hour, wh in split_by_hour(begin, end, energy_wh).items():
        unbooked[hour] = unbooked.get(hour, 0.0) + wh
    now = time.monotonic()
    if now - tx.booked_at < BOOK_EVERY_S and len(unbooked) == 1:
        return
    for hour, wh in unbooked.items():
        book(batch, state, tx.row, hour, wh)
    unbooked.clear()
    tx.booked_at = now


def book(batch: Batch, state: StationState, row: Transaction, hour: datetime, wh: float) -> None:
    connector = state.connectors.get((row.evse_number, row.connector_number))
    if connector is None:
        return
    key = hour.isoformat()
    batch.news[row.pk] = row
    before = row.hourly_wh.get(key, 0.0)
    row.hourly_wh[key] = before + wh
    price = row.price_per_kwh
    # The difference of two rounded sums: many small bookings add up to the cost of their sum.
    cost = Decimal(0) if price is None else cost_in_hour(before + wh, price) - cost_in_hour(before, price)
    batch.add_hour(state, connector, hour, wh, cost)


def add_cost(batch: Batch, state: StationState, row: Transaction, hour: datetime, cost: Decimal) -> None:
    """Book a cost, below 0 as well, that no energy brings with it."""
    connector = state.connectors.get((row.evse_number, row.connector_number))
    if connector is not None:
        batch.add_hour(state, connector, hour, 0.0, cost)


def booked_cost(row: Transaction) -> Decimal:
    """What it has brought to the hours in which its energy flowed, by its tariff or by its price."""
    if row.tariff_version_id is not None:
        return sum((Decimal(str(cost)) for cost in row.hourly_cost.values()), Decimal(0))
    price = row.price_per_kwh
    if price is None:
        return Decimal(0)
    return sum((cost_in_hour(wh, price) for wh in row.hourly_wh.values()), Decimal(0))


def cost_in_hour(energy_wh: float, price_per_kwh: Decimal) -> Decimal:
    """The cost of a part of a transaction, finer than the cent to which its whole is rounded."""
    cost = price_per_kwh * round(min(energy_wh, MOST_WH) * 1000) / 1_000_000
    return min(cost.quantize(FINE), MOST_IN_HOUR)
