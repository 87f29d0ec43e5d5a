"""What the pages share: a board as page or partial, and forms that keep what was typed."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render

from accounts.forms import Form, moment, number, texts
from accounts.requests import PageRequest, is_partial
from charging.boards import Board

__all__ = ["Form", "decimal_text", "moment", "number", "query", "show", "texts"]


def show(request: PageRequest, board: Board, template: str, **context: Any) -> HttpResponse:
    """A loaded board: its live part for htmx, the whole page otherwise."""
    board.load()
    everything = {**board.context(), **context, "board": board}
    return render(request, board.template if is_partial(request) else template, everything)


def query(request: PageRequest, **more: str) -> dict[str, str]:
    return {**request.GET.dict(), **more}


def decimal_text(text: str) -> str | None:
    """A decimal number as it is typed in any country: "0,30" is "0.30"; None for an empty field."""
    return text.replace(",", ".") or None
