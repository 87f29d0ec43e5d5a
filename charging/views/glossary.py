from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.requests import PageRequest, signed_in
from charging.boards import Board
from charging.glossary import TERMS


@require_GET
@signed_in
def glossary(request: PageRequest) -> HttpResponse:
    """Every term, by the alphabet of the reader's language."""
    terms = sorted(TERMS.items(), key=lambda item: str(item[1].name).casefold())
    return render(request, "charging/glossary.html", {"terms": terms, "board": Board(request.actor, {})})
