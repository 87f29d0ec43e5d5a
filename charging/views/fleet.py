"""Bulk actions of the list of stations, and the page that shows what came of them."""

from typing import Any

from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from accounts.actors import Role
from accounts.requests import PageRequest, signed_in
from charging.actions import fleet as actions
from charging.boards.fleet import FleetBoard
from charging.boards.stations import StationsBoard
from charging.models import ChargingStation
from charging.queries import sites, stations
from charging.views.common import decimal_text, show
from charging.views.jobs import CHOSEN
from mobility.errors import Invalid, NotFound

#: deed -> what it is called
DEEDS: dict[str, Any] = {
    "soft_reset": gettext_lazy("Soft reset"),
    "operative": gettext_lazy("Take into service"),
    "inoperative": gettext_lazy("Take out of service"),
    "refresh": gettext_lazy("Read the configuration"),
    "price": gettext_lazy("Set the price"),
    "site": gettext_lazy("Set the site"),
    "desired": gettext_lazy("Mark a setting's value as desired"),
    "firmware": gettext_lazy("Update the firmware"),
    "log": gettext_lazy("Ask for a log"),
}
#: What is begun with a form of its own.
JOBS = ("firmware", "log")
#: Where the last run's results wait for their page.
KEPT = "fleet_run"


@require_http_methods(["GET", "POST"])
@signed_in
def fleet(request: PageRequest) -> HttpResponse:
    if request.method == "POST":
        return run(request)
    kept = request.session.get(KEPT)
    if not kept:
        return redirect("stations")
    board = FleetBoard(request.actor, kept["commands"])
    more = {"deed": DEEDS.get(kept["deed"], ""), "refused": kept["refused"], "done": kept["done"]}
    return show(request, board, "charging/fleet.html", **more)


def run(request: PageRequest) -> HttpResponse:
    deed = request.POST.get("deed", "")
    if deed in JOBS:
        request.session[CHOSEN] = [row.identity for row in chosen(request)]
        return redirect(f"{reverse('job-add')}?many=1&kind={deed}")
    results = actions.change_fleet(request.actor, stations=chosen(request), deed=deed, value=value(request, deed))
    sent = [result.command for result in results if result.command is not None]
    request.session[KEPT] = {
        "deed": deed,
        "commands": {
            "first": str(min((row.pk for row in sent), default=0)),
            "last": str(max((row.pk for row in sent), default=0)),
            "kind": sent[0].kind if sent else "",
        },
        "refused": [
            [result.station.identity, str(result.station), result.problem] for result in results if result.problem
        ],
        "done": [
            [result.station.identity, str(result.station)]
            for result in results
            if not result.problem and result.command is None
        ],
    }
    return redirect("fleet")


def chosen(request: PageRequest) -> list[ChargingStation]:
    """The stations that are ticked, or all that fit the list's filter. Raises NotFound when one is not the actor's."""
    if request.POST.get("all") == "1":
        board = StationsBoard(request.actor, QueryDict(request.POST.get("filter", "")).dict())
        rows = board.found(stations.visible(request.actor))
        managed = request.actor.organization_ids(Role.MANAGER)
        rows = rows if managed is None else rows.filter(organization__in=managed)
        return list(rows[: actions.MOST_AT_ONCE + 1])
    wanted = list(dict.fromkeys(identity.replace("\x00", "") for identity in request.POST.getlist("identity")))
    if len(wanted) > actions.MOST_AT_ONCE:
        raise Invalid(_("These are too many stations at once."))
    found = {row.identity: row for row in stations.visible(request.actor).filter(identity__in=wanted)}
    if len(found) != len(wanted):
        raise NotFound(_("One of the stations does not exist, or is not yours; nothing was done."))
    return [found[identity] for identity in wanted]


def value(request: PageRequest, deed: str) -> Any:
    if deed == "price":
        return decimal_text(request.POST.get("price_per_kwh", "").strip())
    if deed == "site":
        pk = request.POST.get("site", "")
        return sites.get(request.actor, pk) if pk else None
    if deed == "desired":
        return {"key": request.POST.get("desired_key", ""), "value": request.POST.get("desired_value", "")}
    return None
