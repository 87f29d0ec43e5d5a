from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from accounts.requests import PageRequest, signed_in
from charging.app_links import app_url
from charging.models import ChargingStation
from charging.queries import stations


@dataclass(frozen=True, slots=True)
class Label:
    """What sticks on a station or beside one of its connectors. `key` is "" for the station, else `2-1`."""

    key: str
    place: str
    url: str


def labels_of(row: ChargingStation) -> list[Label]:
    """One for the station of `stations.with_connectors`, and one for each of its connectors."""
    found = [Label("", "", app_url(row.identity))]
    for evse in row.evses.all():
        outlets = list(evse.connectors.all())
        for outlet in outlets:
            number = str(evse.number) if len(outlets) == 1 else f"{evse.number}/{outlet.number}"
            place = _("Connector %(number)s") % {"number": number}
            found.append(
                Label(f"{evse.number}-{outlet.number}", place, app_url(row.identity, evse.number, outlet.number))
            )
    return found


@require_GET
@signed_in
def label(request: PageRequest, identity: str) -> HttpResponse:
    """Labels to print and stick on: all of a station, or the one that `connector` names (empty: the station's)."""
    row = stations.get(request.actor, identity)
    labels = labels_of(row)
    chosen = [one for one in labels if one.key == request.GET.get("connector", one.key)]
    context = {"station": row, "labels": chosen or labels, "choices": labels, "chosen": request.GET.get("connector")}
    return render(request, "charging/labels.html", context)
