"""Transactions whose stop never came: the connector is free again, and the transaction still runs (quirk row 15)."""

from datetime import datetime, timedelta

from django.db.models import F, Max, Q, QuerySet

from charging.ledger.batch import Batch
from charging.ledger.settle import settle
from charging.ledger.state import locked_transactions
from charging.live import Event
from charging.models import Connector, MeterReading, Transaction

FREE_FOR = timedelta(minutes=2)


def suspects(now: datetime) -> QuerySet[Transaction]:
    """Open transactions at connectors that have been Available for two minutes, said after the transaction began."""
    return Transaction.objects.filter(
        Q(state__in=Transaction.OPEN),
        connector__status=Connector.Status.AVAILABLE,
        connector__status_received_at__lte=now - FREE_FOR,
        connector__status_received_at__gt=F("created_at"),
    )


def close(pk: int, now: datetime) -> list[Event]:
    """Close one of them with its last reading, unless it has ended or the meter has been heard meanwhile.

    Call it within a transaction; -> the events to publish after the commit. A stop that comes later corrects it.
    """
    row = locked_transactions().get(pk=pk)
    if not suspects(now).filter(pk=pk).exists():
        return []
    heard = MeterReading.objects.filter(transaction=row).aggregate(at=Max("received_at"))["at"]
    if heard is not None and heard > now - FREE_FOR:
        return []
    batch = Batch({}, now)
    state = batch.state(row.station_id)
    running = state.open.get(row.transaction_id)
    if running is None:
        return []
    row = running.row
    connector = row.connector
    row.state = Transaction.State.LOST
    last = MeterReading.objects.filter(transaction=row).aggregate(at=Max("measured_at"))["at"]
    known = [at for at in (last, row.started, connector.status_at if connector else None) if at is not None]
    row.ended = max(known, default=now)
    row.stop_reason = row.stop_reason or "StopLost"
    settle(batch, state, row)
    batch.transaction_changed(row, "transaction.ended")
    batch.flush()
    return batch.events
