"""The page that an invitation's link opens: for people without an account, too."""

from typing import Any

from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts import invitations
from accounts.actors import Actor
from accounts.forms import Form
from accounts.middleware import actor_for
from accounts.models import Invitation, User
from accounts.network import client_ip
from mobility.errors import Problem


@require_http_methods(["GET", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """What is offered, and how to take it: signed in as the invited one, after signing in, or with a new account."""
    found = invitations.invitation_of(token)
    form = Form()
    if request.method == "POST":
        try:
            (accept if isinstance(request.user, User) else open_account)(request, found)
        except Problem as problem:
            if problem.status == 404:
                raise
            form = Form.refused(request, problem)
        else:
            messages.success(request, _("Welcome to %(organization)s.") % {"organization": found.organization})
            return redirect("dashboard")
    return shown(request, found, form)


def shown(request: HttpRequest, found: Invitation, form: Form) -> HttpResponse:
    present = request.user.email if isinstance(request.user, User) else None
    context: dict[str, Any] = {
        "invitation": found,
        "form": form,
        "is_the_one": present == found.email,
        "is_another": present not in (None, found.email),
        "has_account": invitations.has_account(found),
    }
    page = render(request, "accounts/invitation.html", context, status=form.status)
    patch_cache_control(page, no_store=True)
    return page


def accept(request: HttpRequest, found: Invitation) -> None:
    invitations.accept_invitation(actor_for(request), invitation=found)


def open_account(request: HttpRequest, found: Invitation) -> None:
    actor = Actor(name=found.email, source_ip=client_ip(request))
    user = invitations.open_account(
        actor, invitation=found, name=request.POST.get("name", ""), password=request.POST.get("password", "")
    )
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
