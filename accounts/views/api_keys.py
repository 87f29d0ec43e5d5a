"""API keys: how one's own scripts and machines come in."""

from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts import api_keys as keys
from accounts import organizations
from accounts.actors import RANKS, Role
from accounts.forms import Form, moment, number
from accounts.listing import Listing
from accounts.models import ApiKey
from accounts.requests import PageRequest, signed_in
from mobility.errors import Problem

STATES = ("valid", "expired")


@require_http_methods(["GET", "POST"])
@signed_in
def api_key_list(request: PageRequest) -> HttpResponse:
    """One's own keys, as an owner all of the organization's; a new one is shown on the page that answers its form."""
    form, made = Form({"role": Role.VIEWER}), None
    if request.method == "POST":
        try:
            made = create(request)
        except Problem as problem:
            form = Form.refused(request, problem)
    listing = Listing(request, "q", "state")
    rows = keys.visible(request.actor).select_related("user", "organization").order_by("-pk")
    if listing["q"]:
        words = listing["q"]
        rows = rows.filter(
            Q(name__icontains=words)
            | Q(prefix__istartswith=words)
            | Q(user__name__icontains=words)
            | Q(user__email__icontains=words)
        )
    if listing["state"] == "expired":
        rows = rows.filter(expires_at__lte=timezone.now())
    elif listing["state"] == "valid":
        rows = rows.exclude(expires_at__lte=timezone.now())
    context: dict[str, Any] = {
        "form": form,
        "made": made,
        "page": listing.paginate(rows),
        "listing": listing,
        "board": listing,
        "now": timezone.now(),
        "organizations": organizations.visible(request.actor)[:200],
        "roles": grantable(request),
        "scopes": ApiKey.Scope.choices,
        "belongs": bool(request.actor.memberships) or request.actor.is_platform_admin,
    }
    return render(request, "accounts/api_keys.html", context, status=form.status)


def grantable(request: PageRequest) -> list[tuple[str, Any]]:
    """The roles up to the highest that the actor has anywhere; which it is where, the action checks."""
    if request.actor.is_platform_admin:
        return list(Role.choices)
    most = max((RANKS[Role(role)] for role in request.actor.memberships.values()), default=0)
    return [(role, label) for role, label in Role.choices if RANKS[Role(role)] <= most]


def create(request: PageRequest) -> keys.Created:
    """Raises Problem."""
    wanted = number(request.POST.get("organization", ""), "organization")
    return keys.create_api_key(
        request.actor,
        name=request.POST.get("name", ""),
        organization=organizations.get(request.actor, wanted) if wanted else None,
        role=request.POST.get("role", ""),
        scope=request.POST.get("scope") or None,
        expires_at=moment(request.POST.get("expires_at", ""), "expires_at"),
    )


@require_POST
@signed_in
def api_key_revoke(request: PageRequest, pk: int) -> HttpResponse:
    key = keys.get(request.actor, pk)
    keys.revoke_api_key(request.actor, api_key=key)
    messages.success(request, _("%(key)s no longer opens anything.") % {"key": key.name})
    return redirect("api-keys")
