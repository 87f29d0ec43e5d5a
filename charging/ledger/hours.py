"""Energy by the hour, per connector: what statistics read instead of the readings."""

from datetime import datetime

from charging.energy import split_by_hour
from charging.ledger.batch import Batch
from charging.ledger.state import StationState
from charging.models import Transaction


def attribute(
    batch: Batch, state: StationState, row: Transaction, begin: datetime, end: datetime, energy_wh: float
) -> None:
    """Book energy to the hours in which it flowed; the transaction remembers what it has booked."""
    if not energy_wh or row.connector_id is None:
        return
    for hour, wh in split_by_hour(begin, end, energy_wh).items():
        book(batch, state, row, hour, wh)


def book(batch: Batch, state: StationState, row: Transaction, hour: datetime, wh: float) -> None:
    connector = state.connectors.get((row.evse_number, row.connector_number))
    if connector is None:
        return
    key = hour.isoformat()
    row.hourly_wh[key] = row.hourly_wh.get(key, 0.0) + wh
    price = row.price_per_kwh
    batch.add_hour(state, connector, hour, wh, price * round(wh * 1000) / 1_000_000 if price is not None else 0)
