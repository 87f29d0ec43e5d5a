"""Monthly statements: who charged for how much, as a page, a table, or on paper."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.requests import PageRequest, signed_in
from charging import statements as papers
from charging.actions import cost_centers as actions
from charging.boards import Board
from charging.exports import download
from charging.queries import cost_centers
from charging.queries import statements as queries
from mobility.errors import Forbidden, Problem


@require_GET
@signed_in
def statements(request: PageRequest) -> HttpResponse:
    """The month by person, id tag or cost centre."""
    period, by = queries.asked(request.GET)
    groups = queries.groups(request.actor, period, by)

    def link(month: queries.Month = period, **more: str) -> str:
        return "?" + urlencode({"month": month.key, "by": by, **more})

    context: dict[str, Any] = {
        "period": period,
        "by": by,
        "name": queries.GROUPS[by][0],
        "rows": [{"group": group, "query": link(key=group.key, currency=group.currency)} for group in groups],
        "kinds": [(key, entry[0], link(by=key)) for key, entry in queries.GROUPS.items()],
        "earlier": link(period.before),
        "later": link(period.next),
        "own": link(),
        "board": Board(request.actor, {}),
    }
    if by == "cost_center" and request.actor.manages:
        context |= {"people": cost_centers.choices(request.actor), "centers": cost_centers.visible(request.actor)}
    return render(request, "charging/statements.html", context)


@require_POST
@signed_in
def person(request: PageRequest) -> HttpResponse:
    """Set, change or, with an empty text, take away a person's cost centre."""
    organization_id, _dot, user_id = request.POST.get("person", "").partition(".")
    try:
        organization, user = cost_centers.member(request.actor, organization_id, user_id)
        actions.set_person_cost_center(
            request.actor, organization=organization, user=user, cost_center=request.POST.get("cost_center", "")
        )
    except Forbidden:
        raise
    except Problem as problem:
        messages.error(request, problem.message)
    else:
        messages.success(request, _("Saved."))
    return redirect(reverse("statements") + "?by=cost_center")


@require_GET
@signed_in
def export(request: PageRequest, form: str) -> HttpResponseBase:
    """The month as a file: as CSV its sessions; as XLSX the overview, too."""
    period, by = queries.asked(request.GET)
    sheets = papers.sheets(request.actor, period, by, form)
    return download(request, sheets, form, f"statements-{period.key}", marked=True)


@require_GET
@signed_in
def paper(request: PageRequest) -> HttpResponse:
    """The statement of one person, id tag or cost centre as a PDF. Raises NotFound when it has no sessions."""
    period, by = queries.asked(request.GET)
    return papers.paper(request.actor, period, by, request.GET.get("key", ""), request.GET.get("currency", ""))
