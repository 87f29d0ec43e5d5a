"""Importing id tags: choose a file, look at what would happen, do it."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.actions import authorize
from accounts.actors import Role
from accounts.models import Organization
from accounts.requests import PageRequest, signed_in
from charging.actions import id_tag_import as actions
from charging.boards import Board
from charging.views.common import Form
from mobility.errors import Forbidden, Invalid, NotFound, Problem

#: So many lines of each kind are shown; all that are refused, up to this.
SHOWN = 200


@require_http_methods(["GET", "POST"])
@signed_in
def id_tag_import(request: PageRequest) -> HttpResponse:
    """Nothing is kept between the preview and the import: the file's text comes back with the second press."""
    organization = request.actor.first_organization()
    authorize(request.actor, Role.MANAGER, organization.pk if organization else None, "id_tag.import")
    assert organization is not None
    if request.method == "GET":
        return page(request, Form())
    try:
        text = sent_text(request)
        if request.POST.get("deed") == "import":
            plan = actions.import_id_tags(request.actor, file=actions.File(text), organization=organization)
            messages.success(request, summary(plan))
            return redirect("id-tags")
        return page(request, Form({"text": text}), preview(request, organization, text))
    except (Forbidden, NotFound):
        raise
    except Problem as problem:
        return page(request, Form.refused(request, problem))


def preview(request: PageRequest, organization: Organization, text: str) -> dict[str, Any]:
    plan = actions.plan_import(request.actor, organization=organization, text=text)
    first = [*plan.of(actions.REFUSE), *plan.of(actions.CREATE), *plan.of(actions.CHANGE), *plan.of(actions.SAME)]
    shown = sorted(first[:SHOWN], key=lambda row: row.line)
    counts = plan.counts
    return {
        "plan": plan,
        "shown": shown,
        "more": len(plan.rows) - len(shown),
        "counts": counts,
        "useful": counts[actions.CREATE] + counts[actions.CHANGE],
    }


def sent_text(request: PageRequest) -> str:
    """The file's text, or what was pasted. Raises Invalid."""
    file = request.FILES.get("file")
    if file is None:
        text = request.POST.get("text", "")
        if not text.strip():
            raise Invalid(_("Choose a file, or paste its lines."), fields={"file": _("Choose a file.")})
        return text
    if (file.size or 0) > 4 * actions.MOST_CHARACTERS:
        raise actions.bad_file(_("The file is too long."))
    raw = file.read()
    try:
        return str(raw.decode("utf-8-sig"))
    except UnicodeDecodeError:
        # What spreadsheets on Windows write by default.
        return str(raw.decode("cp1252", "replace"))


def summary(plan: actions.Plan) -> str:
    words = {**plan.counts, "created": plan.counts["create"], "changed": plan.counts["change"]}
    return _("%(created)s created, %(changed)s changed, %(same)s as they were, %(refuse)s left out.") % words


def page(request: PageRequest, form: Form, found: dict[str, Any] | None = None) -> HttpResponse:
    context = {"form": form, "columns": actions.COLUMNS, "board": Board(request.actor, {}), **(found or {})}
    return render(request, "charging/id_tag_import.html", context, status=form.status)
