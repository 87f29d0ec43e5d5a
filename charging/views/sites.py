from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.actors import Role
from accounts.requests import PageRequest, signed_in
from charging import plan
from charging.actions import sites as actions
from charging.actions import stations as station_actions
from charging.boards import Board
from charging.boards.sites import SiteBoard, written
from charging.map_view import MOST as MOST_ON_MAP
from charging.map_view import map_of
from charging.models import Site
from charging.queries import sites, stations
from charging.views.common import Form, decimal_text, query, show, texts
from mobility.errors import Forbidden, NotFound, Problem

FIELDS = ("name", "address", "time_zone")
DEGREES = ("latitude", "longitude")
#: So many stations are placed with one press.
MOST_PLACED = 500


def typed(request: PageRequest) -> dict[str, Any]:
    """The form's fields as the actions take them."""
    values: dict[str, Any] = texts(request, (*FIELDS, *DEGREES))
    return {name: decimal_text(text) if name in DEGREES else text for name, text in values.items()}


@require_http_methods(["GET", "POST"])
@signed_in
def site_list(request: PageRequest) -> HttpResponse:
    form = Form({"time_zone": request.user.time_zone or "UTC"})
    if request.method == "POST":
        try:
            made = actions.create_site(request.actor, **{"name": "", **typed(request)})
        except Problem as problem:
            form = Form.refused(request, problem)
        else:
            messages.success(request, _("%(site)s is added.") % {"site": made})
            return redirect("site", pk=made.pk)
    rows = list(sites.visible(request.actor).annotate(count=Count("stations")).order_by("name")[:500])
    context = {
        "form": form,
        "rows": rows,
        "spots": spots(rows),
        "map": map_of(rows, stations.visible(request.actor)[:MOST_ON_MAP]) if settings.MAP_TILES_URL else None,
        "manages": request.actor.organization_ids(Role.MANAGER) != [],
        "board": Board(request.actor, {}),
    }
    return render(request, "charging/sites.html", context, status=form.status)


def spots(rows: Sequence[Site]) -> list[dict[str, Any]]:
    """The sites that say where they are, on one plan."""
    places = [plan.Place(row.pk, latitude=row.latitude, longitude=row.longitude) for row in rows]
    found = plan.projected(places)
    return [{"site": row, **written(found[row.pk])} for row in rows if row.pk in found]


@require_http_methods(["GET", "POST"])
@signed_in
def site(request: PageRequest, pk: int) -> HttpResponse:
    """The page of a site; a POST changes it."""
    row = sites.get(request.actor, pk)
    form = Form({name: getattr(row, name) for name in (*FIELDS, *DEGREES)})
    if request.method == "POST":
        try:
            actions.update_site(request.actor, site=row, changes=typed(request))
        except (Forbidden, NotFound):
            raise
        except Problem as problem:
            form = Form.refused(request, problem)
        else:
            messages.success(request, _("Saved."))
            return redirect("site", pk=pk)
    board = SiteBoard(request.actor, query(request, site=str(pk)))
    answer = show(request, board, "charging/site.html", form=form)
    answer.status_code = form.status
    return answer


@require_POST
@signed_in
def site_delete(request: PageRequest, pk: int) -> HttpResponse:
    row = sites.get(request.actor, pk)
    actions.delete_site(request.actor, site=row)
    messages.success(request, _("%(site)s is deleted. Its stations stay.") % {"site": row})
    return redirect("sites")


@require_POST
@signed_in
def site_plan(request: PageRequest, pk: int) -> HttpResponse:
    """Put stations of the site on its plan: `x-<id>` and `y-<id>` in percent, both empty to take one off."""
    row = sites.get(request.actor, pk)
    placed = 0
    try:
        for station in stations.visible(request.actor).filter(site=row)[:MOST_PLACED]:
            names = {"plan_x_percent": f"x-{station.pk}", "plan_y_percent": f"y-{station.pk}"}
            if not all(name in request.POST for name in names.values()):
                continue
            wanted = {field: decimal_text(request.POST[name].strip()) for field, name in names.items()}
            if any(same(getattr(station, field), text) is False for field, text in wanted.items()):
                station_actions.update_station(request.actor, station=station, changes=wanted)
                placed += 1
    except (Forbidden, NotFound):
        raise
    except Problem as problem:
        if request.htmx:
            raise
        messages.error(request, " ".join([problem.message, *problem.fields.values()]))
        return redirect("site", pk=pk)
    if request.htmx:
        return HttpResponse(status=204)
    messages.success(request, _("%(count)s stations are placed.") % {"count": placed})
    return redirect("site", pk=pk)


def same(before: float | None, text: str | None) -> bool:
    """Whether a field says what is known already, to the tenth that it shows."""
    if before is None or text is None:
        return before is None and text is None
    return f"{before:.1f}" == text
