from typing import Any
from zoneinfo import available_timezones

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts import devices, organizations, people
from accounts.models import User
from accounts.requests import PageRequest, signed_in
from charging.actions import preferences as actions
from charging.boards import Board
from charging.queries import cars, id_tags, preferences
from charging.views.common import Form, texts
from mobility.errors import Problem

FIELDS = ("name", "language", "time_zone", "theme")


@require_http_methods(["GET", "POST"])
@signed_in
def profile(request: PageRequest) -> HttpResponse:
    """Name, language, time zone, theme, default tag and car; and, as a form of its own, the password."""
    form, password_form = Form(present(request)), Form()
    if request.method == "POST":
        changes_password = request.POST.get("form") == "password"
        try:
            (save_password if changes_password else save)(request)
        except Problem as problem:
            if changes_password:
                password_form = Form({}, problem.message, problem.fields)
            else:
                form = Form.refused(request, problem)
        else:
            return redirect("profile")
    context: dict[str, Any] = {
        "form": form,
        "password_form": password_form,
        "languages": settings.LANGUAGES,
        "time_zones": sorted(available_timezones()),
        "themes": User.Theme.choices,
        "tags": id_tags.visible(request.actor).filter(blocked=False).order_by("name", "id_tag")[:500],
        "cars": cars.visible(request.actor).order_by("name")[:500],
        "memberships": organizations.own_memberships(request.actor),
        "devices": devices.listed(request.actor, request.session.session_key),
        "board": Board(request.actor, {}),
    }
    return render(request, "charging/profile.html", context, status=max(form.status, password_form.status))


def present(request: PageRequest) -> dict[str, Any]:
    chosen = preferences.get(request.actor)
    return {
        **{name: getattr(request.user, name) for name in FIELDS},
        "default_id_tag": chosen.default_id_tag.pk if chosen.default_id_tag else "",
        "default_car": chosen.default_car.pk if chosen.default_car else "",
    }


def save(request: PageRequest) -> None:
    """Raises Problem; then nothing of it is kept."""
    tag, car = request.POST.get("default_id_tag", ""), request.POST.get("default_car", "")
    actor = request.actor
    chosen_tag = id_tags.get(actor, tag) if tag else None
    chosen_car = cars.get(actor, car) if car else None
    changed = people.update_profile(actor, changes=texts(request, FIELDS))
    actions.set_preferences(actor, default_car=chosen_car, default_id_tag=chosen_tag)
    with translation.override(changed.language or translation.get_language()):
        messages.success(request, _("Your profile is saved."))


def save_password(request: PageRequest) -> None:
    user = people.change_password(
        request.actor,
        old_password=request.POST.get("old_password", ""),
        new_password=request.POST.get("new_password", ""),
    )
    update_session_auth_hash(request, user)
    devices.note_session(request, user)
    messages.success(request, _("Your password is changed. Every other session and phone has to sign in again."))
