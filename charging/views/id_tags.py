from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts import people
from accounts.actors import Role
from accounts.requests import PageRequest, signed_in
from charging.actions import id_tags as actions
from charging.boards import Board
from charging.models.id_tags import canonical_id_tag
from charging.queries import id_tags
from charging.views.common import Form, moment, number, query, texts
from mobility.errors import Forbidden, NotFound, Problem

PER_PAGE = 50


def typed(request: PageRequest) -> dict[str, Any]:
    """The form's fields as the actions take them. Raises Invalid, or NotFound for a foreign person."""
    values: dict[str, Any] = texts(request, ("name", "parent_id_tag"))
    if "user" in request.POST:
        pk = number(request.POST["user"], "user")
        values["user"] = people.get(request.actor, pk) if pk else None
    if "expires" in request.POST:
        values["expires"] = moment(request.POST["expires"], "expires")
    if "max_active_transactions" in request.POST:
        name = "max_active_transactions"
        values[name] = number(request.POST[name], name)
    return values


@require_http_methods(["GET", "POST"])
@signed_in
def id_tag_list(request: PageRequest) -> HttpResponse:
    """The list with its form; a refused one comes back with what was typed."""
    form = Form()
    if request.method == "POST":
        try:
            made = actions.create_id_tag(request.actor, id_tag=request.POST.get("id_tag", "").strip(), **typed(request))
        except Problem as problem:
            form = Form.refused(request, problem)
        else:
            messages.success(request, _("%(tag)s can charge now.") % {"tag": made})
            return redirect("id-tags")
    rows = id_tags.visible(request.actor).order_by("blocked", "name", "id_tag")
    total = rows.count()
    words = request.GET.get("q", "").replace("\x00", "")[:100].strip()
    if words:
        found = Q(name__icontains=words) | Q(id_tag__icontains=words) | Q(user__name__icontains=words)
        if canonical_id_tag(words):
            found |= Q(canonical__contains=canonical_id_tag(words))
        rows = rows.filter(found)
    context = {
        "form": form,
        "page": Paginator(rows, PER_PAGE).get_page(request.GET.get("page")),
        "total": total,
        "q": words,
        "manages": request.actor.organization_ids(Role.MANAGER) != [],
        "people": people.visible(request.actor)[:500],
        "board": Board(request.actor, query(request)),
    }
    return render(request, "charging/id_tags.html", context, status=form.status)


@require_POST
@signed_in
def id_tag_change(request: PageRequest, pk: int) -> HttpResponse:
    """Block, unblock or delete."""
    tag = id_tags.get(request.actor, pk)
    deed = request.POST.get("deed")
    try:
        if deed == "delete":
            actions.delete_id_tag(request.actor, id_tag=tag)
            messages.success(request, _("%(tag)s is deleted. Its sessions stay.") % {"tag": tag})
        elif deed in ("block", "unblock"):
            actions.update_id_tag(request.actor, id_tag=tag, changes={"blocked": deed == "block"})
            said = _("%(tag)s is blocked.") if deed == "block" else _("%(tag)s can charge again.")
            messages.success(request, said % {"tag": tag})
    except (Forbidden, NotFound):
        raise
    except Problem as problem:
        messages.error(request, problem.message)
    return redirect("id-tags")
