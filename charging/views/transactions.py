from django.http import HttpResponse, HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.requests import PageRequest, signed_in
from charging.boards.transactions import TransactionBoard, TransactionsBoard
from charging.cards import STATES
from charging.exports import download, fits_in_sheet
from charging.queries import transactions
from charging.receipts import receipt as receipt_of
from charging.tables import session_sheet
from charging.views.common import query, show


@require_GET
@signed_in
def transaction_list(request: PageRequest) -> HttpResponse:
    board = TransactionsBoard(request.actor, query(request))
    return show(request, board, "charging/transactions.html", states=STATES)


@require_GET
@signed_in
def transaction(request: PageRequest, pk: int) -> HttpResponse:
    board = TransactionBoard(request.actor, query(request, transaction=str(pk)))
    return show(request, board, "charging/transaction.html")


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
