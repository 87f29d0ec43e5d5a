from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.actors import Role
from accounts.requests import PageRequest, signed_in
from charging.actions import schedules as actions
from charging.boards import Board
from charging.cards import Chip
from charging.models import ChargingStation, Schedule, ScheduleRun
from charging.price_chart import price_chart
from charging.queries import cars, id_tags, preferences, prices, schedules, stations
from charging.scheduling import plans, stored, words
from charging.scheduling.scene import Scene
from charging.views import schedule_forms as forms
from charging.views.common import Form, moment
from mobility.errors import Forbidden, Invalid, NotFound, Problem

RUNS_PAGE = 20
#: What a new schedule begins with.
FIRST: dict[str, Any] = {"mode": "smart", "ready_by": "07:00", "target_kwh": "20", "strategy": "cheapest"}
FIRST |= {"enabled": True, "technique": "auto", "buffer_minutes": 0, "min_run_minutes": 0, "random_delay_minutes": 0}
STATES = {
    "planned": ("wait", "schedule"),
    "holding": ("held", "pause_circle"),
    "sent": ("wait", "send"),
    "running": ("busy", "bolt"),
    "ending": ("wait", "hourglass_bottom"),
    "resting": ("held", "pause_circle"),
    "done": ("ok", "check_circle"),
    "missed": ("off", "event_busy"),
    "failed": ("bad", "error"),
    "cancelled": ("off", "block"),
}


def run_shown(run: ScheduleRun) -> dict[str, Any]:
    """A run as the log shows it."""
    colour, icon = STATES[run.state]
    lines = [{"at": words.clock(step["at"]), "text": words.line(step["code"], step["params"])} for step in run.steps]
    return {"run": run, "chip": Chip(colour, icon, run.get_state_display()), "lines": lines}


@require_GET
@signed_in
def schedule_list(request: PageRequest) -> HttpResponse:
    found = schedules.with_next_runs(request.actor).order_by("station__name", "station__identity", "pk")
    page = Paginator(found, 50).get_page(request.GET.get("page"))
    rows = [
        {"row": row, "reason": words.reason(row.plan), "next": next(iter(schedules.coming(row)), None)} for row in page
    ]
    context = {"page": page, "rows": rows, "may_add": request.actor.organization_ids(Role.DRIVER) != []}
    return render(request, "charging/schedules.html", {**context, "board": Board(request.actor, {})})


def form_context(request: PageRequest, form: Form, windows: list[dict[str, Any]]) -> dict[str, Any]:
    """What the form offers."""
    return {
        "form": form,
        "windows": windows,
        "modes": Schedule.Mode.choices,
        "techniques": Schedule.Technique.choices,
        "outlets": forms.outlets(request.actor),
        "cars": [(str(car.pk), str(car)) for car in cars.visible(request.actor).order_by("name")[:200]],
        "tags": [(tag.id_tag, str(tag)) for tag in id_tags.visible(request.actor).filter(blocked=False)[:200]],
        "board": Board(request.actor, {}),
    }


def station_at(request: PageRequest, outlet: str) -> ChargingStation:
    """The station of a choice. Raises Invalid."""
    try:
        return stations.get(request.actor, outlet.rpartition("|")[0])
    except NotFound:
        raise Invalid(_("Some fields are not usable."), fields={"outlet": _("Choose where the car charges.")}) from None


@require_http_methods(["GET", "POST"])
@signed_in
def add(request: PageRequest) -> HttpResponse:
    first = {**FIRST, "outlet": request.GET.get("outlet", "")}
    preferred = preferences.get(request.actor)
    first |= {"car": str(preferred.default_car.pk) if preferred.default_car else ""}
    form, rows = Form(first), forms.rows_of([])
    if request.method == "POST":
        rows = forms.typed_rows(request)
        try:
            outlet = request.POST.get("outlet", "")
            station = station_at(request, outlet)
            connector = forms.connector_at(request.actor, station, outlet)
            made = actions.create_schedule(request.actor, station=station, connector=connector, **forms.typed(request))
        except Problem as problem:
            form = refused(request, problem)
        else:
            messages.success(request, _("Saved. %(reason)s") % {"reason": words.reason(made.plan)})
            return redirect("schedule", pk=made.pk)
    context = form_context(request, form, rows)
    return render(request, "charging/schedule.html", {**context, "schedule": None}, status=form.status)


def refused(request: PageRequest, problem: Problem) -> Form:
    """The form as it was typed, with every problem at its field."""
    form = Form.refused(request, problem)
    shown = {**forms.KILO, "connector_id": "outlet"}
    form.problems = {shown.get(name, name): why for name, why in problem.fields.items()}
    return form


@require_http_methods(["GET", "POST"])
@signed_in
def schedule(request: PageRequest, pk: int) -> HttpResponse:
    """A schedule: what it does next and why, its form, and its log."""
    row = schedules.get(request.actor, pk)
    form, rows = Form(forms.values_of(row)), forms.rows_of(row.windows)
    if request.method == "POST":
        rows = forms.typed_rows(request)
        try:
            changed = actions.update_schedule(request.actor, schedule=row, changes=forms.typed(request))
        except (Forbidden, NotFound):
            raise
        except Problem as problem:
            form = refused(request, problem)
            row = schedules.get(request.actor, pk)
        else:
            messages.success(request, _("Saved. %(reason)s") % {"reason": words.reason(changed.plan)})
            return redirect("schedule", pk=pk)
    runs = Paginator(schedules.runs(request.actor, row), RUNS_PAGE).get_page(request.GET.get("page"))
    context = {
        **form_context(request, form, rows),
        "schedule": row,
        "reason": words.reason(row.plan),
        "stored": stored.of(row) if row.enabled and row.mode != Schedule.Mode.NOW else None,
        "runs": [run_shown(run) for run in runs],
        "page": runs,
        "paused": row.paused_until is not None and row.paused_until > timezone.now(),
    }
    return render(request, "charging/schedule.html", context, status=form.status)


@require_POST
@signed_in
def preview(request: PageRequest) -> HttpResponse:
    """The price chart with the chosen slots, the cost and the reason of what is typed; kept nowhere."""
    try:
        outlet = request.POST.get("outlet", "")
        station = station_at(request, outlet)
        connector = forms.connector_at(request.actor, station, outlet)
        row = actions.draft(request.actor, station=station, connector=connector, **forms.typed(request))
    except Problem as problem:
        why = " ".join(dict.fromkeys(str(text) for text in problem.fields.values())) or problem.message
        return render(request, "charging/parts/schedule_preview.html", {"why": why})
    now = timezone.now()
    scene = Scene(row, now)
    shown = plans.preview(scene).shown
    end = scene.deadline if row.mode == Schedule.Mode.SMART else now + timedelta(days=1)
    slots = prices.price_slots(station, now, end)
    context = {
        "plan": shown,
        "reason": words.reason(shown),
        "chart": price_chart(slots, shown.get("slots", []), now, end),
        "slots": [(words.clock(slot["begin"]), words.clock(slot["end"]), slot) for slot in shown.get("slots", [])],
    }
    return render(request, "charging/parts/schedule_preview.html", context)


@require_POST
@signed_in
def once(request: PageRequest, pk: int) -> HttpResponse:
    """Charge now for this plug-in, skip what comes next, pause, or take one of these back."""
    row = schedules.get(request.actor, pk)
    deed = request.POST.get("deed", "")
    try:
        if deed in ("charge_now", "charge_planned"):
            row = actions.charge_now(request.actor, schedule=row, on=deed == "charge_now")
        elif deed in ("skip", "unskip"):
            row = actions.skip_next(request.actor, schedule=row, on=deed == "skip")
        elif deed in ("pause", "resume"):
            until = moment(request.POST.get("until", ""), "until") if deed == "pause" else None
            if deed == "pause" and until is None:
                raise Invalid(_("Say until when."), fields={"until": _("Say until when.")})
            row = actions.pause_schedule(request.actor, schedule=row, until=until)
    except (Forbidden, NotFound):
        raise
    except Problem as problem:
        messages.error(request, " ".join(dict.fromkeys([problem.message, *problem.fields.values()])))
    else:
        messages.success(request, words.reason(row.plan))
    return redirect("schedule", pk=pk)


@require_POST
@signed_in
def delete(request: PageRequest, pk: int) -> HttpResponse:
    row = schedules.get(request.actor, pk)
    try:
        actions.delete_schedule(request.actor, schedule=row)
    except (Forbidden, NotFound):
        raise
    except Problem as problem:
        messages.error(request, problem.message)
        return redirect("schedule", pk=pk)
    messages.success(request, _("The schedule is deleted."))
    return redirect("schedules")


@require_POST
@signed_in
def choose(request: PageRequest, identity: str) -> HttpResponse:
    """One of the three big choices at an outlet; the live line shows what follows from it."""
    station = stations.get(request.actor, identity)
    connector = forms.connector_at(request.actor, station, request.POST.get("outlet", ""))
    try:
        made = actions.choose_mode(
            request.actor, station=station, connector=connector, mode=request.POST.get("mode", "")
        )
    except (Forbidden, NotFound):
        raise
    except Problem as problem:
        if request.htmx:
            raise Invalid(" ".join(dict.fromkeys([*problem.fields.values()])) or problem.message) from None
        messages.error(request, " ".join(dict.fromkeys([problem.message, *problem.fields.values()])))
    else:
        if request.htmx:
            return HttpResponse(status=204)
        messages.success(request, words.reason(made.plan))
    return redirect("station", identity=identity)
