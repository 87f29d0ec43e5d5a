from functools import partial
from typing import Any

from django.http import HttpResponse
from django.views.decorators.http import require_GET, require_POST

from accounts.requests import PageRequest, signed_in
from charging.actions import preferences
from charging.boards.dashboard import DashboardBoard
from charging.queries import cars, id_tags, set_up
from charging.views.common import query, show


@require_GET
@signed_in
def dashboard(request: PageRequest) -> HttpResponse:
    """Totals and station cards; the same URL gives htmx the live part alone."""
    reminder = {"set_up": partial(set_up.reminder, request.actor)}
    return show(request, DashboardBoard(request.actor, query(request)), "charging/dashboard.html", **reminder)


@require_POST
@signed_in
def choose(request: PageRequest) -> HttpResponse:
    """Remember the tag and the car that a card's selectors say."""
    chosen: dict[str, Any] = {}
    if "id_tag" in request.POST:
        text = request.POST["id_tag"]
        chosen["default_id_tag"] = id_tags.visible(request.actor).filter(id_tag=text).first() if text else None
    if "car" in request.POST:
        pk = request.POST["car"]
        chosen["default_car"] = cars.get(request.actor, pk) if pk else None
    preferences.set_preferences(request.actor, **chosen)
    return HttpResponse(status=204)
