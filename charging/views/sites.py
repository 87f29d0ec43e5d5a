from typing import Any

from django.contrib import messages
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.actors import Role
from accounts.requests import PageRequest, signed_in
from charging.actions import sites as actions
from charging.boards import Board
from charging.queries import sites
from charging.views.common import Form, texts
from mobility.errors import Problem


@require_http_methods(["GET", "POST"])
@signed_in
def site_list(request: PageRequest) -> HttpResponse:
    form = Form({"time_zone": request.user.time_zone or "UTC"})
    if request.method == "POST":
        values: dict[str, Any] = texts(request, ("address", "time_zone"))
        try:
            made = actions.create_site(request.actor, name=request.POST.get("name", "").strip(), **values)
        except Problem as problem:
            form = Form.refused(request, problem)
        else:
            messages.success(request, _("%(site)s is added.") % {"site": made})
            return redirect("sites")
    context = {
        "form": form,
        "rows": sites.visible(request.actor).annotate(count=Count("stations")).order_by("name")[:500],
        "manages": request.actor.organization_ids(Role.MANAGER) != [],
        "board": Board(request.actor, {}),
    }
    return render(request, "charging/sites.html", context, status=form.status)


@require_POST
@signed_in
def site_delete(request: PageRequest, pk: int) -> HttpResponse:
    site = sites.get(request.actor, pk)
    actions.delete_site(request.actor, site=site)
    messages.success(request, _("%(site)s is deleted. Its stations stay.") % {"site": site})
    return redirect("sites")
