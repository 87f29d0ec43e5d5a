from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.requests import PageRequest, signed_in
from charging.actions import stations as actions
from charging.boards.waiting import WaitingBoard
from charging.queries import waiting_stations
from charging.views.common import query, show
from charging.views.stations import secret_page
from mobility.errors import NotFound, Problem


@require_GET
@signed_in
def waiting(request: PageRequest) -> HttpResponse:
    if not request.actor.is_platform_admin:
        raise NotFound(_("There is no such page, or it is not yours."))
    return show(request, WaitingBoard(request.actor, query(request)), "charging/waiting.html")


@require_POST
@signed_in
def adopt(request: PageRequest, identity: str) -> HttpResponse:
    """Take the station in: with a password to be entered there, or by learning the next one it presents."""
    learn = request.POST.get("learn") == "1"
    try:
        made = actions.adopt_station(request.actor, identity=identity, learn=learn)
    except NotFound:
        raise
    except Problem as problem:
        messages.error(request, problem.message)
        return redirect("waiting")
    if not learn:
        return secret_page(request, made)
    told = _("%(station)s is yours. The next password it presents becomes its own.") % {"station": made.station}
    messages.success(request, told)
    return redirect("station", identity=identity)


@require_POST
@signed_in
def forget(request: PageRequest, identity: str) -> HttpResponse:
    actions.forget_waiting_station(request.actor, waiting=waiting_stations.get(request.actor, identity))
    return redirect("waiting")
