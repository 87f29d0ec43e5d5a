"""Tariffs: the list with whom they hold for and the holidays, and a tariff with its versions and a calculator."""

from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts import people
from accounts.actors import Role
from accounts.requests import PageRequest, signed_in
from charging.actions import tariffs as actions
from charging.boards import Board
from charging.cost_lines import CostLine, tariff_line
from charging.models import Tariff, TariffAssignment, TariffVersion
from charging.queries import id_tags, sites, stations
from charging.queries import tariffs as queries
from charging.queries.calculation import calculate
from charging.tariff_words import sentences
from charging.views.common import Form, moment, texts
from charging.views.tariff_form import blank_version, rows_of, typed_version, values_of
from mobility.errors import Forbidden, Invalid, NotFound, Problem

#: So many are offered in a list; others are assigned over REST.
MOST_CHOICES = 300
CALCULATION = ("start", "minutes", "kwh", "idle", "site")


@require_http_methods(["GET", "POST"])
@signed_in
def tariff_list(request: PageRequest) -> HttpResponse:
    """The list; a POST assigns, takes an assignment back, or changes the holidays."""
    form = Form()
    if request.method == "POST":
        deeds = {"assign": assign, "unassign": unassign, "holiday": add_holiday, "forget-holiday": forget_holiday}
        try:
            deeds.get(request.POST.get("deed", ""), assign)(request)
        except (Forbidden, NotFound):
            raise
        except Problem as problem:
            form = Form.refused(request, problem)
        else:
            messages.success(request, _("Saved."))
            return redirect("tariffs")
    rows = list(queries.visible(request.actor).order_by("name")[:MOST_CHOICES])
    now = timezone.now()
    context = {
        "form": form,
        "rows": [{"tariff": row, "version": in_force(row, now), "words": words(in_force(row, now))} for row in rows],
        "assigned": [queries.assignment_as_json(row) for row in queries.assignments(request.actor)[:MOST_CHOICES]],
        "scopes": TariffAssignment.Scope.choices,
        "holidays": queries.holidays(request.actor)[:MOST_CHOICES],
        "manages": request.actor.organization_ids(Role.MANAGER) != [],
        "board": Board(request.actor, {}),
        **targets(request),
    }
    return render(request, "charging/tariffs.html", context, status=form.status)


def in_force(tariff: Tariff, now: datetime) -> TariffVersion | None:
    """Of the versions that are loaded, the newest first."""
    return next((version for version in tariff.versions.all() if version.valid_from <= now), None)


def words(version: TariffVersion | None) -> list[str]:
    return sentences(queries.terms_of(version)) if version else []


def targets(request: PageRequest) -> dict[str, Any]:
    """What a tariff may be assigned to."""
    return {
        "people": people.visible(request.actor).order_by("email")[:MOST_CHOICES],
        "tags": id_tags.visible(request.actor).order_by("id_tag")[:MOST_CHOICES],
        "stations": stations.visible(request.actor).order_by("identity")[:MOST_CHOICES],
        "sites": sites.visible(request.actor).order_by("name")[:MOST_CHOICES],
    }


def assign(request: PageRequest) -> None:
    """`target` is `scope:value`, as the list offers them."""
    tariff = queries.get(request.actor, request.POST.get("tariff") or 0)
    scope, _colon, value = request.POST.get("target", "").partition(":")
    target: Any = None
    if scope == "tag_group":
        target = request.POST.get("group", "")
    elif scope == "station":
        target = stations.get(request.actor, value)
    elif scope in ("user", "id_tag", "site"):
        get: Any = {"user": people.get, "id_tag": id_tags.get, "site": sites.get}[scope]
        target = get(request.actor, int(value) if value.isdigit() and len(value) < 18 else 0)
    actions.assign_tariff(request.actor, tariff=tariff, scope=scope, target=target)


def unassign(request: PageRequest) -> None:
    row = queries.get_assignment(request.actor, request.POST.get("assignment") or 0)
    actions.unassign_tariff(request.actor, assignment=row)


def add_holiday(request: PageRequest) -> None:
    try:
        day = date.fromisoformat(request.POST.get("day", ""))
    except ValueError:
        raise Invalid(_("Some fields are not usable."), fields={"day": _("This is not a day.")}) from None
    actions.add_holidays(request.actor, days=[(day, request.POST.get("holiday_name", ""))])


def forget_holiday(request: PageRequest) -> None:
    row = queries.get_holiday(request.actor, request.POST.get("holiday") or 0)
    actions.delete_holiday(request.actor, holiday=row)


@require_http_methods(["GET", "POST"])
@signed_in
def tariff_add(request: PageRequest) -> HttpResponse:
    """A new tariff with its first version."""
    values = {"name": "", "currency": settings.CURRENCY, **blank_version()}
    form = Form(values)
    more = request.POST.get("deed") == "more"
    parts = rows_of(request.POST if request.method == "POST" else values, more=more)
    if request.method == "POST" and not more:
        try:
            given = texts(request, ("name", "currency"))
            made = actions.create_tariff(
                request.actor,
                name=given.get("name", ""),
                currency=given.get("currency", ""),
                version=typed_version(request.POST),
            )
        except (Forbidden, NotFound):
            raise
        except Problem as problem:
            form = Form.refused(request, problem)
        else:
            messages.success(request, _("%(tariff)s is there. Say whom or what it holds for.") % {"tariff": made})
            return redirect("tariff", pk=made.pk)
    elif request.method == "POST":
        form = Form(request.POST.dict())
    if request.actor.organization_ids(Role.MANAGER) == []:
        raise Forbidden(_("Tariffs are made by managers."))
    context = {"form": form, "parts": parts, "board": Board(request.actor, {})}
    return render(request, "charging/tariff_add.html", context, status=form.status)


@require_http_methods(["GET", "POST"])
@signed_in
def tariff(request: PageRequest, pk: int) -> HttpResponse:
    """A tariff; a POST renames it or adds a version, starting from the newest one."""
    row = queries.get(request.actor, pk)
    newest = max(row.versions.all(), key=lambda version: version.number)
    values = {"name": row.name, **values_of(newest)}
    form, deed = Form(values), request.POST.get("deed", "")
    parts = rows_of(request.POST if deed in ("version", "more") else values, more=deed == "more")
    if request.method == "POST" and deed != "more":
        try:
            if deed == "rename":
                actions.update_tariff(request.actor, tariff=row, changes=texts(request, ("name",)))
            else:
                actions.add_version(request.actor, tariff=row, version=typed_version(request.POST))
        except (Forbidden, NotFound):
            raise
        except Problem as problem:
            form = Form.refused(request, problem)
        else:
            messages.success(request, _("Saved."))
            return redirect("tariff", pk=pk)
    elif request.method == "POST":
        form = Form(request.POST.dict())
    now = timezone.now()
    current = in_force(row, now)
    held = queries.assignments(request.actor).filter(tariff=row)
    context = {
        "tariff": row,
        "form": form,
        "parts": parts,
        "editing": deed in ("version", "more"),
        "current": current,
        "words": words(current or newest),
        "versions": [{"version": version, "words": words(version)} for version in row.versions.all()],
        "assigned": [queries.assignment_as_json(entry) for entry in held[:MOST_CHOICES]],
        "manages": request.actor.can(Role.MANAGER, row.organization_id),
        "sites": sites.visible(request.actor).order_by("name")[:MOST_CHOICES],
        "calculation": Calculation(request, row),
        "now": now,
        "board": Board(request.actor, {}),
    }
    return render(request, "charging/tariff.html", context, status=form.status)


class Calculation:
    """The calculator, and the worked example while nothing is asked: 22 kWh in three hours of an evening, of which the
    car stands for one."""

    def __init__(self, request: PageRequest, tariff: Tariff) -> None:
        self.currency = tariff.currency
        self.asked = any(name in request.GET for name in CALCULATION)
        evening = timezone.localtime().replace(hour=18, minute=0, second=0, microsecond=0) + timedelta(days=1)
        # Prices go by a site's clock; only who has none, or asks for it, computes by UTC.
        own = sites.visible(request.actor).filter(organization=tariff.organization_id).order_by("name")
        site = "" if self.asked else str(own.values_list("pk", flat=True).first() or "")
        usual = {"start": f"{evening:%Y-%m-%dT%H:%M}", "minutes": "180", "kwh": "22", "idle": "60", "site": site}
        self.values = {name: request.GET.get(name, usual[name]) for name in CALCULATION}
        self.problems: dict[str, str] = {}
        self.found: dict[str, Any] | None = None
        try:
            self.found = calculate(tariff, **self._session(request))
        except NotFound as problem:
            self.problems = {"start": problem.message}
        except Invalid as problem:
            self.problems = dict(problem.fields)

    def _session(self, request: PageRequest) -> dict[str, Any]:
        wrong: dict[str, str] = {}
        numbers = {}
        for name, most in (("minutes", 100_000), ("kwh", 100_000), ("idle", 100_000)):
            try:
                numbers[name] = float(self.values[name].replace(",", ".") or 0)
                if not 0 <= numbers[name] <= most:
                    raise ValueError(name)
            except ValueError:
                wrong[name] = _("This is not a number.")
        if wrong:
            raise Invalid(_("Some fields are not usable."), fields=wrong)
        site = self.values["site"]
        return {
            "started": moment(self.values["start"], "start") or timezone.now(),
            "minutes": numbers["minutes"],
            "energy_wh": numbers["kwh"] * 1000,
            "idle_minutes": numbers["idle"],
            "site": sites.get(request.actor, site) if site else None,
        }

    @property
    def lines(self) -> list[CostLine]:
        return [tariff_line(line, self.currency) for line in self.found["lines"]] if self.found else []


@require_POST
@signed_in
def tariff_delete(request: PageRequest, pk: int) -> HttpResponse:
    """The tariff, or one `version` of it."""
    row = queries.get(request.actor, pk)
    number = request.POST.get("version")
    try:
        if number:
            actions.delete_version(request.actor, tariff=row, version=queries.version(row, number))
        else:
            actions.delete_tariff(request.actor, tariff=row)
    except (Forbidden, NotFound):
        raise
    except Problem as problem:
        messages.error(request, problem.message)
        return redirect("tariff", pk=pk)
    messages.success(request, _("Deleted."))
    return redirect("tariff", pk=pk) if number else redirect("tariffs")
