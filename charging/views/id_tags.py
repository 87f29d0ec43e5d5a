from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts import people
from accounts.actors import Role
from accounts.requests import PageRequest, signed_in
from charging.actions import id_tags as actions
from charging.boards import Board
from charging.boards.id_tags import ORDERS, STATES, IdTagsBoard
from charging.models import IdTag
from charging.queries import id_tags, stations, transactions
from charging.views.common import Form, moment, number, query, show, texts
from mobility.errors import Forbidden, Invalid, NotFound, Problem

SESSIONS_SHOWN = 10
#: More stations than this are named by their identity, and not chosen from a list.
MOST_CHOICES = 200


def typed(request: PageRequest) -> dict[str, Any]:
    """The form's fields as the actions take them. Raises Invalid, or NotFound for a foreign person."""
    values: dict[str, Any] = texts(request, ("name", "parent_id_tag", "cost_center"))
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
    answer = show(
        request, IdTagsBoard(request.actor, query(request)), "charging/id_tags.html", **choices(request, form)
    )
    answer.status_code = form.status
    return answer


def choices(request: PageRequest, form: Form) -> dict[str, Any]:
    """What the page of the list offers to choose from."""
    managed = request.actor.organization_ids(Role.MANAGER)
    listening = stations.visible(request.actor).select_related(None).only("identity", "name", "online")
    listening = listening.order_by("-online", "name", "identity")
    if managed is not None:
        listening = listening.filter(organization__in=managed)
    return {
        "form": form,
        "states": STATES,
        "orders": ORDERS,
        "people": people.visible(request.actor)[:500],
        "stations": list(listening[: MOST_CHOICES + 1]) if managed != [] else [],
        "most_choices": MOST_CHOICES,
    }


def id_tag_page(request: PageRequest, pk: int, form: Form | None = None) -> HttpResponse:
    """One tag: its settings, its aliases, its group, and what it charged last."""
    tag = id_tags.get(request.actor, pk)
    of_tag = transactions.visible(request.actor).filter(id_tag=tag).order_by("-started", "-pk")
    shown = form or Form(present(tag))
    context = {
        "tag": tag,
        "form": shown,
        "aliases": id_tags.aliases(request.actor, tag)[:100],
        "family": id_tags.family(request.actor, tag)[:50],
        "children": id_tags.children(request.actor, tag)[:50],
        "sessions": [transactions.as_json(row) for row in of_tag[:SESSIONS_SHOWN]],
        "people": people.visible(request.actor)[:500],
        "groups": id_tags.groups(request.actor),
        "manages": request.actor.can(Role.MANAGER, tag.organization_id),
        "board": Board(request.actor, {}),
    }
    return render(request, "charging/id_tag.html", context, status=shown.status)


def present(tag: IdTag) -> dict[str, Any]:
    fields = ("id_tag", "name", "parent_id_tag", "max_active_transactions", "cost_center")
    values = {name: getattr(tag, name) for name in fields}
    return {**values, "user": str(tag.user_id or ""), "expires": local_text(tag.expires)}


def local_text(at: Any) -> str:
    """A moment as a `datetime-local` field takes it, in the reader's time zone."""
    return f"{timezone.localtime(at):%Y-%m-%dT%H:%M}" if at else ""


@require_http_methods(["GET", "POST"])
@signed_in
def id_tag(request: PageRequest, pk: int) -> HttpResponse:
    """The page of a tag; a POST saves, blocks, unblocks or deletes it, or changes its aliases."""
    if request.method == "GET":
        return id_tag_page(request, pk)
    tag = id_tags.get(request.actor, pk)
    deed = request.POST.get("deed", "")
    try:
        said = do(request, tag, deed)
    except (Forbidden, NotFound):
        raise
    except Problem as problem:
        if deed in ("save", "alias"):
            fresh = id_tags.get(request.actor, pk)
            values = request.POST.dict() if deed == "save" else {**present(fresh), "alias": request.POST.get("alias")}
            return id_tag_page(request, pk, Form(values, problem.message, problem.fields))
        messages.error(request, problem.message)
    else:
        messages.success(request, said % {"tag": tag})
    back = request.POST.get("back") == "tag" and deed != "delete"
    return redirect("id-tag", pk=pk) if back else redirect("id-tags")


def do(request: PageRequest, tag: IdTag, deed: str) -> str:
    """Do it, and say so. Raises what the actions raise."""
    actor = request.actor
    if deed == "delete":
        actions.delete_id_tag(actor, id_tag=tag)
        return _("%(tag)s is deleted. Its sessions stay.")
    if deed in ("block", "unblock"):
        actions.update_id_tag(actor, id_tag=tag, changes={"blocked": deed == "block"})
        return _("%(tag)s is blocked.") if deed == "block" else _("%(tag)s can charge again.")
    if deed == "save":
        changes = {**typed(request), **texts(request, ("id_tag",))}
        actions.update_id_tag(actor, id_tag=tag, changes=changes)
        return _("Saved.")
    if deed == "alias":
        actions.create_alias(actor, id_tag=tag, alias=request.POST.get("alias", ""))
        return _("%(tag)s is known by this text, too.")
    if deed == "forget-alias":
        alias = id_tags.get_alias(actor, tag, request.POST.get("alias", ""))
        actions.delete_alias(actor, alias=alias)
        return _("The alias is taken away.")
    raise Invalid(_("There is nothing to do with a tag like this."))


@require_POST
@signed_in
def learn(request: PageRequest) -> HttpResponse:
    """Begin or end learn mode at a station; the list shows live what comes of it."""
    station = stations.get(request.actor, request.POST.get("station", ""))
    try:
        if request.POST.get("deed") == "stop":
            actions.stop_learning(request.actor, station=station)
            messages.success(request, _("%(station)s no longer listens.") % {"station": station})
            return redirect("id-tags")
        pk = number(request.POST.get("user", ""), "user")
        if pk is None:
            raise Invalid(_("Choose whose tag it will be."), fields={"learn_user": _("Choose somebody.")})
        actions.start_learning(request.actor, station=station, user=people.get(request.actor, pk))
    except (Forbidden, NotFound):
        raise
    except Problem as problem:
        messages.error(request, problem.message)
    return redirect("id-tags")
