"""The list of reservations, with a form to make one, and giving one up."""

from collections import Counter
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.actors import Actor, Role
from accounts.requests import PageRequest, signed_in
from charging.actions import reservations as actions
from charging.boards.reservations import ReservationsBoard
from charging.models import ChargingStation
from charging.queries import id_tags, preferences, reservations, stations
from charging.reservation_words import STATUSES
from charging.views.common import Form, moment, query, show
from charging.views.schedule_forms import connector_at, outlets
from mobility.errors import Forbidden, Invalid, NotFound, Problem

#: How long a reservation is, unless somebody says otherwise.
USUAL = timedelta(minutes=60)
MOST_TAGS = 500


def first_values(request: PageRequest) -> dict[str, Any]:
    """What stands in the form: the actor's default tag, from now for an hour."""
    default = preferences.get(request.actor).default_id_tag
    return {
        "outlet": request.GET.get("outlet", ""),
        "id_tag": default.id_tag if default else "",
        "expires": f"{timezone.localtime() + USUAL:%Y-%m-%dT%H:%M}",
    }


def tags(request: PageRequest, station: ChargingStation | None = None) -> list[tuple[str, str]]:
    """The tags for which one may reserve, as choices."""
    rows = id_tags.visible(request.actor).filter(blocked=False).order_by("name", "id_tag")
    if station is not None:
        rows = rows.filter(organization=station.organization_id)
    return [(row.id_tag, str(row)) for row in rows[:MOST_TAGS]]


@require_http_methods(["GET", "POST"])
@signed_in
def reservation_list(request: PageRequest) -> HttpResponse:
    """The list; a POST reserves, and says what is wrong beside its fields."""
    form = Form(first_values(request))
    if request.method == "POST":
        try:
            make(request)
        except (Forbidden, NotFound):
            raise
        except Problem as problem:
            form = Form.refused(request, problem)
            if "connector_id" in problem.fields:
                form.problems = {**problem.fields, "outlet": problem.fields["connector_id"]}
        else:
            return redirect(back(request))
    board = ReservationsBoard(request.actor, query(request))
    more: dict[str, Any] = {"outlets": places(request.actor), "tags": tags(request), "form": form, "statuses": STATUSES}
    more["may_add"] = request.actor.organization_ids(Role.DRIVER) != []
    answer = show(request, board, "charging/reservations.html", **more)
    answer.status_code = form.status
    return answer


def places(actor: Actor) -> list[tuple[str, str]]:
    """What can be reserved: every connector, and any connector of a station that has several."""
    listed = outlets(actor)
    several = Counter(value.rpartition("|")[0] for value, _name in listed)
    found = []
    for value, name in listed:
        identity = value.rpartition("|")[0]
        if several.pop(identity, 1) > 1:
            found.append((f"{identity}|", _("%(station)s, any connector") % {"station": name.rpartition(", ")[0]}))
        found.append((value, name))
    return found


def make(request: PageRequest) -> None:
    outlet = request.POST.get("outlet", "")
    station = station_at(request, outlet)
    connector = connector_at(request.actor, station, outlet)
    values: dict[str, Any] = {
        "id_tag": request.POST.get("id_tag") or None,
        "starts": moment(request.POST.get("starts", "").strip(), "starts"),
        "expires": moment(request.POST.get("expires", "").strip(), "expires"),
    }
    if connector is not None:
        values |= {"evse_id": connector.evse_number, "connector_id": connector.number}
    made = actions.reserve(request.actor, station=station, values=values)
    if made.status == "planned":
        messages.success(request, _("Planned. The station is told when it starts."))
    else:
        messages.success(request, _("The station is asked. Its row says what it answers."))


def station_at(request: PageRequest, outlet: str) -> ChargingStation:
    """The station that a choice of `outlets` names. Raises Invalid."""
    try:
        return stations.get(request.actor, outlet.rpartition("|")[0])
    except NotFound:
        why = _("Choose what to reserve.")
        raise Invalid(_("Some fields are not usable."), fields={"outlet": why}) from None


def back(request: PageRequest) -> str:
    """Where the form stood: the list, or the page of a station."""
    wanted = request.POST.get("next", "")
    fits = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None) and wanted.startswith("/")
    return wanted if fits else reverse("reservations")


@require_POST
@signed_in
def cancel(request: PageRequest, pk: int) -> HttpResponse:
    row = reservations.get(request.actor, pk)
    try:
        done = actions.cancel_reservation(request.actor, reservation=row)
    except (Forbidden, NotFound):
        raise
    except Problem as problem:
        messages.error(request, problem.message)
    else:
        if done.is_open:
            messages.success(request, _("The station is asked to forget it."))
        else:
            messages.success(request, _("Cancelled."))
    return redirect(back(request))
