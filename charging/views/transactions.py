from decimal import Decimal, InvalidOperation
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.actors import Role
from accounts.requests import PageRequest, signed_in
from charging.actions import corrections as actions
from charging.boards.transaction import TransactionBoard
from charging.boards.transactions import TransactionsBoard
from charging.cards import STATES
from charging.exports import download, fits_in_sheet
from charging.models import Transaction
from charging.queries import timeline, transactions
from charging.receipts import receipt as receipt_of
from charging.tables import session_sheet
from charging.templatetags.figures import short
from charging.views.common import Form, decimal_text, moment, query, show
from mobility.errors import Forbidden, NotFound, Problem

FRAMES_PAGE = 25


@require_GET
@signed_in
def transaction_list(request: PageRequest) -> HttpResponse:
    board = TransactionsBoard(request.actor, query(request))
    return show(request, board, "charging/transactions.html", states=STATES)


@require_GET
@signed_in
def transaction(request: PageRequest, pk: int) -> HttpResponse:
    board = TransactionBoard(request.actor, query(request, transaction=str(pk)))
    return show(request, board, "charging/transaction.html", **about(request, transactions.get(request.actor, pk)))


def about(request: PageRequest, row: Transaction, form: Form | None = None) -> dict[str, Any]:
    """What the page of a session shows beside its board."""
    manages = request.actor.can(Role.MANAGER, row.organization_id)
    return {
        "manages": manages,
        "form": form or Form(),
        "offers_correction": manages and not row.is_open and not row.final,
        "ended_hint": short(row.ended) if row.ended else "",
    }


@require_POST
@signed_in
def correct(request: PageRequest, pk: int) -> HttpResponse:
    """Correct or confirm a bill that is held back: energy in kWh, the end in the reader's time zone, the cost."""
    row = transactions.get(request.actor, pk)
    try:
        actions.correct_transaction(request.actor, transaction=row, **typed(request))
    except (Forbidden, NotFound):
        raise
    except Problem as problem:
        board = TransactionBoard(request.actor, {"transaction": str(pk)})
        board.load()
        refused = Form.refused(request, problem)
        context = {**board.context(), **about(request, row, refused), "board": board}
        return render(request, "charging/transaction.html", context, status=400)
    messages.success(request, _("The bill is corrected and final."))
    return redirect("transaction", pk=pk)


def typed(request: PageRequest) -> dict[str, Any]:
    """The form's fields as the action takes them. Raises Invalid for an end that is no date and time."""
    kwh = decimal_text(request.POST.get("energy_kwh", "").strip())
    energy_wh: Any = None
    if kwh is not None:
        try:
            energy_wh = Decimal(kwh) * 1000
        except InvalidOperation:
            # What is no number is told as such by the action.
            energy_wh = kwh
    return {
        "energy_wh": energy_wh,
        "ended": moment(request.POST.get("ended", "").strip(), "ended"),
        "cost": decimal_text(request.POST.get("cost", "").strip()),
        "reason": request.POST.get("reason", ""),
    }


@require_POST
@signed_in
def undo(request: PageRequest, pk: int) -> HttpResponse:
    row = transactions.get(request.actor, pk)
    actions.undo_correction(request.actor, transaction=row)
    messages.success(request, _("The correction is undone: the session is what its messages say."))
    return redirect("transaction", pk=pk)


@require_GET
@signed_in
def frames(request: PageRequest, pk: int) -> HttpResponse:
    """The OCPP frames that belong to a session, a page of them."""
    row = transactions.get(request.actor, pk)
    if not request.actor.can(Role.MANAGER, row.organization_id):
        raise Forbidden(_("Only a manager reads the frames of a session."))
    page = Paginator(timeline.frames(request.actor, row), FRAMES_PAGE).get_page(request.GET.get("page"))
    return render(request, "charging/panels/frames.html", {"page": page, "pk": pk})


@require_GET
@signed_in
def export(request: PageRequest, form: str) -> HttpResponseBase:
    """What the list shows with the same query, all pages of it, as a file."""
    rows = TransactionsBoard(request.actor, query(request)).found()
    if form == "xlsx":
        fits_in_sheet(rows)
    return download(request, [session_sheet(rows)], form, f"sessions-{timezone.localdate()}", marked=True)


@require_GET
@signed_in
def receipt(request: PageRequest, pk: int) -> HttpResponse:
    """The receipt of an ended session as a PDF."""
    row = transactions.get(request.actor, pk)
    made = receipt_of(row, transactions.as_json(row))
    name = f'inline; filename="receipt-{row.pk}.pdf"'
    return HttpResponse(made, content_type="application/pdf", headers={"Content-Disposition": name})
