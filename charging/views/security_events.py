"""The security events of all stations: what they reported, and what was noticed about them."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from accounts import organizations
from accounts.listing import Listing
from accounts.requests import PageRequest, signed_in
from charging.queries import security_events, stations
from mobility.errors import Forbidden

#: So many stations are offered while one types; any other can be typed.
MOST_OFFERED = 200


@require_GET
@signed_in
def event_list(request: PageRequest) -> HttpResponse:
    """The latest first; for owners and managers."""
    if not request.actor.manages:
        raise Forbidden(_("This page is for owners and managers."))
    listing = Listing(request, "q", "station", "kind", "critical", "from", "to")
    rows = security_events.managed(request.actor)
    if listing["organization"]:
        rows = rows.filter(organization=organizations.managed_one(request.actor, listing["organization"]))
    if listing["q"]:
        rows = security_events.said(rows, listing["q"])
    if listing["station"]:
        rows = security_events.of_station(rows, listing["station"])
    if listing["kind"]:
        rows = rows.filter(type=listing["kind"])
    if listing["critical"]:
        rows = rows.filter(critical=True)
    context = {
        "page": listing.paginate(listing.between(rows, "at")),
        "listing": listing,
        "board": listing,
        "noticed": security_events.NOTICED,
        "reported": security_events.REPORTED,
        "stations": stations.visible(request.actor).order_by("identity").values_list("identity", "name")[:MOST_OFFERED],
        "organizations": organizations.managed(request.actor)[:200],
    }
    return render(request, "charging/security_events.html", context)
