from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.actors import Role
from accounts.requests import PageRequest, signed_in
from charging import wire
from charging.actions import stations as actions
from charging.app_links import app_url
from charging.boards import Board
from charging.boards.station import StationBoard
from charging.boards.stations import ORDERS, StationsBoard
from charging.boards.transactions import Row as TransactionRow
from charging.cards import STATUSES, outcome_of
from charging.commands import TRIGGERS
from charging.models import ChargingStation
from charging.queries import commands, desired, handshakes, security_events, sites, stations, transactions
from charging.queries import messages as ocpp_messages
from charging.templatetags.figures import price
from charging.views import reservations as reservation_forms
from charging.views.common import Form, decimal_text, number, query, show, texts
from charging.views.fleet import DEEDS
from mobility.errors import Forbidden, NotFound, Problem

WHOLE = ("security_profile", "rated_power_w", "heartbeat_interval_s", "call_timeout_s", "idle_timeout_s")
EDITABLE = ("name", "price_per_kwh", "cost_center", "protocol_pin", "registration", *WHOLE, *actions.PLACES)


@require_GET
@signed_in
def station_list(request: PageRequest) -> HttpResponse:
    board = StationsBoard(request.actor, query(request))
    choices = {
        "statuses": STATUSES,
        "orders": ORDERS,
        "may_add": request.actor.organization_ids(Role.MANAGER) != [],
        "sites": sites.visible(request.actor).order_by("name")[:500],
        "protocols": ChargingStation.Protocol.choices,
        "deeds": DEEDS,
    }
    return show(request, board, "charging/stations.html", **choices)


@require_GET
@signed_in
def station(request: PageRequest, identity: str) -> HttpResponse:
    board = StationBoard(request.actor, query(request, station=identity))
    return show(request, board, "charging/station.html", **about(request, identity))


def about(request: PageRequest, identity: str, form: Form | None = None, password: str = "") -> dict[str, Any]:
    """What the page of a station shows beside its board."""
    row = stations.get(request.actor, identity)
    manages = request.actor.can(Role.MANAGER, row.organization_id)
    return {
        "form": form or Form(present(row)),
        "manages": manages,
        "sees_log": not is_driver(request, row),
        "violations": stations.violations(request.actor, row)[:20],
        "refused": handshakes.of_station(request.actor, row)[:5],
        "sites": sites.visible(request.actor).filter(organization=row.organization_id).order_by("name"),
        "protocols": ChargingStation.Protocol.choices,
        "registrations": ChargingStation.Registration.choices,
        "actions": ocpp_messages.actions_of_late(request.actor, row),
        "callable": wire.actions_of(row.protocol or row.protocol_pin) if manages else [],
        "triggers": TRIGGERS,
        "password": password,
        "connect_url": f"{settings.OCPP_PUBLIC_URL}/{row.identity}",
        "app_url": app_url(row.identity),
        "reserve": reserve_form(request, row),
    }


def reserve_form(request: PageRequest, row: ChargingStation) -> dict[str, Any] | None:
    """What the form for a reservation needs; None for who may not charge here."""
    if not request.actor.can(Role.DRIVER, row.organization_id):
        return None
    return {"form": Form(reservation_forms.first_values(request)), "tags": reservation_forms.tags(request, row)}


def is_driver(request: PageRequest, row: ChargingStation) -> bool:
    actor = request.actor
    return not actor.is_platform_admin and actor.memberships.get(row.organization_id) == Role.DRIVER


def present(row: ChargingStation) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in EDITABLE}
    return {**values, "price_per_kwh": price(row.price_per_kwh), "site": row.site_id, "identity": row.identity}


def typed(request: PageRequest) -> dict[str, Any]:
    """The settings form's fields as the action takes them. Raises Invalid, or NotFound for a foreign site."""
    values: dict[str, Any] = texts(request, EDITABLE)
    for name in WHOLE:
        if name in values:
            values[name] = number(values[name], name)
    for name in ("price_per_kwh", *actions.PLACES):
        if name in values:
            values[name] = decimal_text(values[name])
    if "site" in request.POST:
        pk = request.POST["site"]
        values["site"] = sites.get(request.actor, pk) if pk else None
    return values


@require_http_methods(["GET", "POST"])
@signed_in
def add(request: PageRequest) -> HttpResponse:
    """A form; afterwards the password, the one time it is shown."""
    if request.actor.organization_ids(Role.MANAGER) == []:
        raise Forbidden(_("Only a manager adds stations."))
    form = Form({"security_profile": 1})
    if request.method == "POST":
        try:
            made = actions.create_station(
                request.actor,
                identity=request.POST.get("identity", "").strip(),
                password=request.POST.get("password", "") or None,
                **typed(request),
            )
        except Problem as problem:
            form = Form.refused(request, problem)
        else:
            return secret_page(request, made)
    board = Board(request.actor, {})
    context = {"form": form, "board": board, "sites": sites.visible(request.actor).order_by("name")}
    context |= {"protocols": ChargingStation.Protocol.choices}
    return render(request, "charging/station_add.html", context, status=form.status)


def secret_page(request: PageRequest, made: actions.Created) -> HttpResponse:
    """What to enter at the wallbox."""
    context = {"station": made.station, "password": made.password, "board": Board(request.actor, {})}
    context["connect_url"] = f"{settings.OCPP_PUBLIC_URL}/{made.station.identity}"
    return render(request, "charging/station_secret.html", context)


@require_POST
@signed_in
def edit(request: PageRequest, identity: str) -> HttpResponse:
    row = stations.get(request.actor, identity)
    try:
        actions.update_station(request.actor, station=row, changes=typed(request))
    except (Forbidden, NotFound):
        raise
    except Problem as problem:
        board = StationBoard(request.actor, {"station": identity})
        board.load()
        refused = Form.refused(request, problem)
        context = {**board.context(), **about(request, identity, refused), "board": board}
        return render(request, "charging/station.html", context, status=400)
    messages.success(request, _("Saved."))
    return redirect("station", identity=identity)


@require_POST
@signed_in
def new_password(request: PageRequest, identity: str) -> HttpResponse:
    row = stations.get(request.actor, identity)
    return secret_page(request, actions.renew_password(request.actor, station=row))


@require_POST
@signed_in
def delete(request: PageRequest, identity: str) -> HttpResponse:
    row = stations.get(request.actor, identity)
    try:
        actions.delete_station(request.actor, station=row)
    except (Forbidden, NotFound):
        raise
    except Problem as problem:
        messages.error(request, problem.message)
        return redirect("station", identity=identity)
    messages.success(request, _("%(station)s is deleted.") % {"station": row})
    return redirect("stations")


# --- Panels that the station's page loads when they are looked at ----------------------------------------------------

PANEL_PAGE = 25


@require_GET
@signed_in
def panel(request: PageRequest, identity: str, name: str) -> HttpResponse:
    """Configuration, older messages, sessions, commands, security events or refused messages of a station."""
    return panel_of(request, identity, name)


def configuration(request: PageRequest, identity: str) -> HttpResponse:
    """The configuration's panel, as the answer to a change of it."""
    return panel_of(request, identity, "configuration")


def panel_of(request: PageRequest, identity: str, name: str) -> HttpResponse:
    row, actor = stations.get(request.actor, identity), request.actor
    words = request.GET.get("q", "").replace("\x00", "")[:100].strip()
    found: Any = {
        "configuration": lambda: settings_like(stations.configuration(actor, row), words),
        "messages": lambda: ocpp_messages.of_station(actor, row, words),
        "sessions": lambda: transactions.visible(actor).filter(station=row).order_by("-started", "-pk"),
        "command-history": lambda: commands.visible(actor).filter(station=row).order_by("-pk"),
        "security": lambda: security_events.visible(actor).filter(station=row).order_by("-at", "-pk"),
        "quarantine": lambda: stations.quarantine(actor, row),
    }.get(name)
    if found is None:
        raise NotFound(_("There is no such part of a station."))
    per_page = {"configuration": 100, "sessions": 10}.get(name, PANEL_PAGE)
    page = Paginator(found(), per_page).get_page(request.GET.get("page"))
    context = {"page": page, "station": row, "name": name, "q": words}
    context["manages"] = actor.can(Role.MANAGER, row.organization_id)
    if name == "configuration":
        wanted = {one.key: one for one in desired.of_station(actor, row)}
        for setting in page:
            setting.desired = wanted.get(setting.key)
    if name == "sessions":
        context["rows"] = [TransactionRow(transactions.as_json(found)) for found in page]
    if name == "command-history":
        told = [commands.as_json(found) for found in page]
        context["rows"] = [{**json, "outcome": outcome_of(json, str(row))} for json in told]
    return render(request, f"charging/panels/{name}.html", context)


def settings_like(rows: Any, words: str) -> Any:
    return rows.filter(Q(key__icontains=words) | Q(value__icontains=words)) if words else rows
