"""A bill that a person has corrected: what comes late is stored and counted, and never takes the place of their word.

While a correction stands, the transaction carries its values. Settling starts from what the messages said, keeps the
outcome in the correction, and gives the transaction the corrected values again.
"""

from datetime import datetime
from decimal import Decimal

from django.conf import settings

from charging.ledger.batch import Batch
from charging.ledger.hours import FINE, add_cost, booked_cost
from charging.ledger.state import StationState
from charging.models import Correction, Transaction

Curve = list[tuple[datetime, float]]


def as_said(row: Transaction) -> Correction | None:
    """Give a transaction back what its messages said; -> the correction that stands, None where there is none."""
    if not row.corrected:
        return None
    standing = Correction.objects.filter(transaction=row, undone_at__isnull=True).first()
    if standing is not None:
        row.energy_wh, row.ended, row.cost = standing.said_energy_wh, standing.said_ended, standing.said_cost
    return standing


def as_corrected(row: Transaction, standing: Correction, curve: Curve) -> Curve:
    """Keep what the messages say by now, and put the corrected values in its place.

    Returns:
        The curve (time, cumulative Wh) stretched to the corrected energy and cut at the corrected end.
    """
    standing.said_energy_wh, standing.said_ended, standing.said_cost = row.energy_wh, row.ended, row.cost
    factor = standing.energy_wh / row.energy_wh if row.energy_wh > 0 else 0.0
    row.energy_wh, row.ended, row.cost = standing.energy_wh, standing.ended, standing.cost
    return [(min(at, standing.ended), wh * factor) for at, wh in curve] if factor else []


def rebook_cost(batch: Batch, state: StationState, row: Transaction, standing: Correction) -> None:
    """Let the hours of the transaction add up to the corrected cost, shared out as the energy is."""
    if row.connector_id is None or row.started is None or row.currency != settings.CURRENCY:
        standing.save()
        return
    rest = (standing.cost or Decimal(0)) - booked_cost(row)
    total_wh = sum(row.hourly_wh.values())
    hours = {key: wh / total_wh for key, wh in sorted(row.hourly_wh.items()) if wh > 0} if total_wh > 0 else {}
    if not hours:
        hours = {standing.ended.replace(minute=0, second=0, microsecond=0).isoformat(): 1.0}
    wanted = {key: (rest * Decimal(str(share))).quantize(FINE) for key, share in hours.items()}
    wanted[next(iter(wanted))] += rest - sum(wanted.values())
    _book(batch, state, row, standing, wanted)


def release(batch: Batch, state: StationState, row: Transaction, standing: Correction) -> None:
    """Take a correction away: the transaction is as its messages said, and is to be settled."""
    as_said(row)
    row.corrected = False
    row.save(update_fields=["corrected", "energy_wh", "ended", "cost"])
    _book(batch, state, row, standing, {})


def _book(
    batch: Batch, state: StationState, row: Transaction, standing: Correction, wanted: dict[str, Decimal]
) -> None:
    booked = {key: Decimal(cost) for key, cost in standing.hourly_cost.items()}
    for key in {*wanted, *booked}:
        difference = wanted.get(key, Decimal(0)) - booked.get(key, Decimal(0))
        if difference:
            add_cost(batch, state, row, datetime.fromisoformat(key), difference)
    standing.hourly_cost = {key: str(cost) for key, cost in wanted.items() if cost}
    standing.save()
