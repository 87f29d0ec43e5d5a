from django.http import HttpResponse
from django.views.decorators.http import require_GET

from accounts.requests import PageRequest, signed_in
from charging.boards.transactions import TransactionBoard, TransactionsBoard
from charging.cards import STATES
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
