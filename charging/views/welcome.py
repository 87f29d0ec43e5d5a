"""The first run, after the first admin: the first site, the first charger. Each step can be skipped and taken later."""

import socket
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import people
from accounts.requests import PageRequest, is_partial, signed_in
from charging.actions import set_up as actions
from charging.actions import stations as station_actions
from charging.boards import Board
from charging.boards.welcome import WelcomeBoard
from charging.models import ChargingStation
from charging.queries import set_up
from charging.templatetags.figures import price
from charging.views.common import Form, decimal_text, texts
from mobility.errors import Forbidden, NotFound, Problem


@require_GET
@signed_in
def welcome(request: PageRequest) -> HttpResponse:
    """To the first step that is not done yet."""
    step = set_up.get(request.actor).next_step
    return redirect(f"welcome-{step}" if step else "dashboard")


@require_POST
@signed_in
def put_away(request: PageRequest) -> HttpResponse:
    actions.put_away_set_up(request.actor, organization=set_up.get(request.actor).organization)
    return redirect("dashboard")


@require_http_methods(["GET", "POST"])
@signed_in
def site(request: PageRequest) -> HttpResponse:
    """The first site: name, address, time zone, and the price per kWh there."""
    progress = set_up.get(request.actor)
    form = Form(present(request, progress))
    if request.method == "POST":
        try:
            save_site(request, progress)
        except Problem as problem:
            form = Form.refused(request, problem)
        else:
            return redirect("welcome-charger")
    context = {
        "form": form,
        "progress": progress,
        "time_zones": sorted(available_timezones()),
        "board": Board(request.actor, {}),
    }
    return render(request, "charging/welcome_site.html", context, status=form.status)


def present(request: PageRequest, progress: set_up.Progress) -> dict[str, Any]:
    if progress.site is None:
        return {"name": progress.organization.name, "time_zone": request.user.time_zone}
    found = progress.site
    told = {"name": found.name, "address": found.address, "time_zone": found.time_zone}
    return {**told, "price_per_kwh": price(progress.price_per_kwh)}


def save_site(request: PageRequest, progress: set_up.Progress) -> None:
    """Raises Problem. Who has no time zone of their own yet reads times as at the site."""
    values = texts(request, ("address", "time_zone"))
    made = actions.set_up_site(
        request.actor,
        organization=progress.organization,
        name=request.POST.get("name", "").strip(),
        price_per_kwh=decimal_text(request.POST.get("price_per_kwh", "").strip()),
        **values,
    )
    if not request.user.time_zone:
        people.update_profile(request.actor, changes={"time_zone": made.time_zone})


@require_http_methods(["GET", "POST"])
@signed_in
def charger(request: PageRequest) -> HttpResponse:
    """An identity for the first charger, then what to enter there, and the wait for it."""
    progress = set_up.get(request.actor)
    if request.method == "GET":
        return charger_page(request, choosing="another" in request.GET)
    identity, name = request.POST.get("identity", "").strip(), request.POST.get("name", "").strip()
    try:
        made = actions.set_up_station(request.actor, organization=progress.organization, identity=identity, name=name)
    except Problem as problem:
        if progress.station is not None and progress.station.identity == identity:
            # The form was sent again, as by loading the page again: the station is there already.
            return redirect("welcome-charger")
        return charger_page(request, Form.refused(request, problem), choosing=True)
    return charger_page(request, password=made.password)


@require_POST
@signed_in
def charger_password(request: PageRequest) -> HttpResponse:
    """A new password for the charger that is waited for, where the first one was not written down."""
    found = set_up.get(request.actor).station
    if found is None:
        raise NotFound(_("There is no charger yet."))
    return charger_page(request, password=station_actions.renew_password(request.actor, station=found).password)


@require_POST
@signed_in
def adopt(request: PageRequest, identity: str) -> HttpResponse:
    """Take in a station that knocks: by learning the password it brings, or with one to be entered there."""
    organization = set_up.get(request.actor).organization
    learn = request.POST.get("learn") == "1"
    try:
        made = actions.set_up_adopted(request.actor, organization=organization, identity=identity, learn=learn)
    except (NotFound, Forbidden):
        raise
    except Problem as problem:
        messages.error(request, problem.message)
        return redirect("welcome-charger")
    return redirect("welcome-charger") if learn else charger_page(request, password=made.password)


def charger_page(
    request: PageRequest, form: Form | None = None, *, password: str | None = None, choosing: bool = False
) -> HttpResponse:
    board = WelcomeBoard(request.actor, {})
    board.load()
    form = form or Form({"identity": set_up.suggested_identity(board.progress)})
    context = {
        **board.context(),
        "board": board,
        "form": form,
        "password": password,
        "choosing": board.station is None or (choosing and not board.progress.has_charger),
        "connect_url": connect_url(board.station),
        "lan_url": lan_url(),
    }
    template = board.template if is_partial(request) else "charging/welcome_charger.html"
    return render(request, template, context, status=form.status)


def connect_url(station: ChargingStation | None) -> str:
    return f"{settings.OCPP_PUBLIC_URL}/{station.identity}" if station else ""


def lan_url() -> str:
    """The OCPP address as another machine on the network would reach it; empty where the shown one will do.

    `localhost` in a wallbox is the wallbox.
    """
    shown = urlsplit(settings.OCPP_PUBLIC_URL)
    if settings.BIND not in {"0.0.0.0", "::"} or shown.hostname != "localhost":  # noqa: S104
        return ""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            # Connecting a datagram socket sends nothing: it only asks which address would be used (RFC 5737's example).
            probe.connect(("192.0.2.1", 9))
            address = str(probe.getsockname()[0])
    except OSError:
        return ""
    return f"{shown.scheme}://{address}:{shown.port}{shown.path}"
