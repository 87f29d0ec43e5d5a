from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.requests import PageRequest, is_partial, signed_in
from charging.boards import Board
from charging.palette import groups


@require_GET
@signed_in
def palette(request: PageRequest) -> HttpResponse:
    """What fits `q`: for htmx the list alone; otherwise a page, for browsers without JavaScript."""
    words = request.GET.get("q", "")
    found = groups(request.actor, words)
    context = {"groups": found, "count": sum(len(group.entries) for group in found), "q": words}
    if is_partial(request):
        return render(request, "charging/parts/palette_results.html", context)
    return render(request, "charging/palette.html", {**context, "board": Board(request.actor, {})})
