"""Reading what people corrected of sessions."""

from typing import Any

from django.db.models import QuerySet

from accounts.actors import Actor
from charging.models import Correction, Transaction
from charging.queries import transactions
from charging.queries.scope import iso


def of_transaction(actor: Actor, transaction: Transaction) -> QuerySet[Correction]:
    """The corrections of a transaction that the actor sees, the newest first; at most one of them stands."""
    rows = Correction.objects.select_related("actor", "undone_by")
    seen = transactions.visible(actor).filter(pk=transaction.pk)
    return rows.filter(transaction=transaction, transaction__in=seen).order_by("-made_at", "-pk")


def amount(cost: Any) -> str | None:
    return None if cost is None else f"{cost:.2f}"


def as_json(correction: Correction) -> dict[str, Any]:
    """A correction as REST gives it. Costs no query for one of `of_transaction`."""
    return {
        "id": correction.pk,
        "transaction": correction.transaction_id,
        "energy_wh": correction.energy_wh,
        "ended": iso(correction.ended),
        "cost": amount(correction.cost),
        "said_energy_wh": correction.said_energy_wh,
        "said_ended": iso(correction.said_ended),
        "said_cost": amount(correction.said_cost),
        "reason": correction.reason,
        "user": correction.actor_id,
        "user_name": correction.actor.display_name if correction.actor else None,
        "made": iso(correction.made_at),
        "undone": iso(correction.undone_at),
        "undone_by": correction.undone_by_id,
        "undone_by_name": correction.undone_by.display_name if correction.undone_by else None,
    }
