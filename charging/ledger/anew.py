"""Settling a transaction for a person rather than for a message: after a correction, and after one is undone."""

from datetime import datetime

from asgiref.sync import async_to_sync
from django.db import transaction

from accounts.actions import before_commit
from charging import live
from charging.ledger.batch import Batch
from charging.ledger.corrections import release
from charging.ledger.settle import settle
from charging.ledger.state import locked_transactions
from charging.models import Correction, Transaction


def held(pk: int) -> Transaction:
    """The transaction as it is now, its row held until the commit. Call it within a transaction."""
    locked_transactions().values_list("pk").get(pk=pk)
    return Transaction.objects.select_related("station", "id_tag", "user", "car", "connector").get(pk=pk)


def settle_anew(row: Transaction, now: datetime, undone: Correction | None = None) -> None:
    """Compute a closed transaction from what is stored and what a person said of it, and tell of it.

    Args:
        row: as `held` gives it.
        undone: the correction that is taken away from it.
    """
    batch = Batch({}, now)
    state = batch.state(row.station_id)
    row.station = state.station
    if undone is not None:
        release(batch, state, row, undone)
    settle(batch, state, row)
    batch.transaction_changed(row)

    def finish() -> None:
        batch.flush()
        transaction.on_commit(lambda: async_to_sync(live.send)(batch.events), robust=True)

    before_commit(finish)
