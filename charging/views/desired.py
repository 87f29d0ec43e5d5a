"""Marking values of a station's settings as desired, and no longer."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.requests import PageRequest, signed_in
from charging.actions import desired as actions
from charging.queries import desired, stations
from charging.views.stations import configuration


@require_POST
@signed_in
def desire(request: PageRequest, identity: str) -> HttpResponse:
    """Mark a value as desired (`key`, `value`), or no longer (`clear`, an id); htmx gets the configuration anew."""
    station = stations.get(request.actor, identity)
    pk = request.POST.get("clear", "")
    if pk:
        wanted = desired.get(request.actor, pk, station)
        actions.clear_desired(request.actor, desired=wanted)
        said = _("%(key)s is no longer compared.") % {"key": wanted.path}
    else:
        key, value = request.POST.get("key", ""), request.POST.get("value", "")
        wanted = actions.set_desired(request.actor, station=station, key=key, value=value)
        said = _("%(key)s is compared with what the station reports.") % {"key": wanted.path}
    if request.htmx:
        return configuration(request, identity)
    messages.success(request, said)
    return redirect("station", identity=identity)
