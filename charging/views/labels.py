from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.requests import PageRequest, signed_in
from charging.labels import labels_of
from charging.queries import stations


@require_GET
@signed_in
def label(request: PageRequest, identity: str) -> HttpResponse:
    """Labels to print and stick on: all of a station, or the one that `connector` names (empty: the station's)."""
    row = stations.get(request.actor, identity)
    labels = labels_of(row)
    chosen = [one for one in labels if one.key == request.GET.get("connector", one.key)]
    context = {"station": row, "labels": chosen or labels, "choices": labels, "chosen": request.GET.get("connector")}
    return render(request, "charging/labels.html", context)
