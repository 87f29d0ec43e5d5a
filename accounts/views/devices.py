"""Where one is signed in: the ways out of it, from the profile."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts import devices
from accounts.requests import PageRequest, signed_in


@require_POST
@signed_in
def sign_out(request: PageRequest, pk: str) -> HttpResponse:
    """Sign one device out; one's own is shown the sign-in page."""
    device = devices.get(request.actor, pk, request.session.session_key)
    devices.sign_out(request.actor, device=device)
    messages.success(request, _("%(device)s is signed out.") % {"device": device.name})
    return redirect("login" if device.current else "profile")


@require_POST
@signed_in
def sign_out_others(request: PageRequest) -> HttpResponse:
    devices.sign_out_others(request.actor, session_key=request.session.session_key)
    messages.success(request, _("You are signed out everywhere else."))
    return redirect("profile")
