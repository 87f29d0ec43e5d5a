"""Correcting the bill of a session that is held back, and undoing that."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.actions import action
from accounts.actors import Actor, Role
from charging.actions.common import number
from charging.ledger.anew import held, settle_anew
from charging.ledger.tariffs import cost_with
from charging.models import Correction, Transaction
from charging.retention import is_without_curve
from mobility.errors import Conflict, Invalid

#: More than any vehicle takes at once.
MOST_CORRECTED_WH = 100_000_000
SHORTEST_REASON = 3


@action("transaction.correct", role=Role.MANAGER)
def correct_transaction(
    actor: Actor,
    *,
    transaction: Transaction,
    reason: str,
    energy_wh: Any = None,
    ended: datetime | None = None,
    cost: Any = None,
) -> Correction:
    """Say what a session that is held back comes to; its bill is final then. What its messages say is kept beside it.

    Args:
        energy_wh, ended, cost: what is left out stays; a cost that is left out follows the energy. With none of them
            the bill is confirmed as it stands.

    Raises:
        Invalid: a value is unusable, or there is no reason.
        Conflict: `transaction_running`, `bill_final`, or `already_corrected`.
    """
    row = held(transaction.pk)
    refuse_unfit(row)
    values = checked(row, energy_wh, ended, cost, reason)
    made = Correction.objects.create(
        organization_id=row.organization_id,
        transaction=row,
        actor=actor.user,
        said_energy_wh=row.energy_wh,
        said_ended=row.ended,
        said_cost=row.cost,
        **values,
    )
    row.corrected = True
    row.save(update_fields=["corrected"])
    settle_anew(row, timezone.now())
    made.refresh_from_db()
    return made


@action("transaction.undo_correction", role=Role.MANAGER)
def undo_correction(actor: Actor, *, transaction: Transaction) -> Correction:
    """Go back to what the messages of the session say, those included that came since.

    Raises:
        Conflict: `not_corrected`, or `readings_gone`.
    """
    row = held(transaction.pk)
    standing = Correction.objects.filter(transaction=row, undone_at__isnull=True).first()
    if standing is None:
        raise Conflict(_("This session is not corrected."), code="not_corrected")
    if is_without_curve(row):
        why = _("This session is so old that its meter readings are no longer kept: its bill stands.")
        raise Conflict(why, code="readings_gone")
    standing.undone_at, standing.undone_by = timezone.now(), actor.user
    settle_anew(row, timezone.now(), undone=standing)
    return standing


def refuse_unfit(row: Transaction) -> None:
    if row.is_open:
        why = _("This session still runs. It can be corrected once it has ended.")
        raise Conflict(why, code="transaction_running")
    if row.corrected:
        why = _("This session is corrected already. Undo that first, then correct it anew.")
        raise Conflict(why, code="already_corrected")
    if row.final:
        raise Conflict(_("The bill of this session is final: nothing holds it back."), code="bill_final")


def checked(row: Transaction, energy_wh: Any, ended: Any, cost: Any, reason: object) -> dict[str, Any]:
    """The values of the correction. Raises Invalid with every field that is wrong."""
    wrong: dict[str, str] = {}
    found: dict[str, Any] = {"energy_wh": row.energy_wh, "cost": row.cost, "ended": row.ended or row.started}
    if energy_wh not in (None, ""):
        found["energy_wh"] = round(_number("energy_wh", energy_wh, MOST_CORRECTED_WH, wrong), 3)
    if cost not in (None, ""):
        found["cost"] = _number("cost", cost, 9_999_999, wrong)
        if found["cost"] != round(found["cost"], 2):
            wrong["cost"] = _("An amount has at most two decimals.")
    elif found["energy_wh"] != row.energy_wh:
        found["cost"] = cost_with(row, found["energy_wh"], ended or found["ended"])
    if ended is not None:
        found["ended"] = ended
    if found["ended"] is None:
        wrong["ended"] = _("Say when it ended: no message tells.")
    elif row.started is not None and found["ended"] < row.started:
        wrong["ended"] = _("This is before the session began.")
    elif found["ended"] > timezone.now():
        wrong["ended"] = _("This is still to come.")
    text = reason.strip() if isinstance(reason, str) else ""
    if not SHORTEST_REASON <= len(text) <= 500 or "\x00" in text:
        wrong["reason"] = _("Say in up to 500 characters why: it stays with the session.")
    if wrong:
        raise Invalid(_("Some fields are not usable."), fields=wrong)
    return {**found, "reason": text}


def _number(name: str, value: Any, most: int, wrong: dict[str, str]) -> Any:
    field = Correction._meta.get_field(name)
    try:
        exact = number(field, value)
    except ValidationError as error:
        wrong[name] = " ".join(error.messages)
        return Decimal(0) if name == "cost" else 0.0
    if not 0 <= exact <= most:
        wrong[name] = _("This is between 0 and %(most)s.") % {"most": most}
    return exact
