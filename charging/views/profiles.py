"""The page of a station's charging profiles: what was sent and answered, an editor, and what all of them come to."""

import math
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.requests import PageRequest, signed_in
from charging.actions import commands as command_actions
from charging.actions import profiles as actions
from charging.boards.load import ProfilesBoard
from charging.models import ChargingProfile
from charging.profile_params import MOST_PERIODS
from charging.queries import connectors, profiles, stations
from charging.views.common import Form, decimal_text, moment, number, query, show, texts
from mobility.errors import Forbidden, Invalid, NotFound, Problem

CHOICES = ("purpose", "kind", "recurrency", "unit")
TIMES = ("starts_at", "valid_from", "valid_to")
#: So many empty rows are there for periods without any script.
ROWS = 6


def typed(request: PageRequest) -> dict[str, Any]:
    """The editor's fields as the action takes them. Raises Invalid."""
    values: dict[str, Any] = texts(request, CHOICES)
    values["stack_level"] = number(request.POST.get("stack_level", "").strip(), "stack_level")
    for name in TIMES:
        values[name] = moment(request.POST.get(name, "").strip(), name)
    hours = decimal_text(request.POST.get("duration_h", "").strip())
    values["duration_s"] = None if hours is None else seconds(hours, "duration_h")
    values["periods"] = [period for place in range(MOST_PERIODS) if (period := period_of(request, place))]
    return values


def seconds(hours: str, name: str) -> int:
    try:
        found = float(hours) * 3600
    except ValueError:
        found = math.nan
    if not 0 < found < 1e9:
        raise Invalid(_("Some fields are not usable."), fields={name: _("This is a number of hours.")})
    return round(found)


def period_of(request: PageRequest, place: int) -> dict[str, Any] | None:
    """A row of the table: `start-n` as hours and minutes, `limit-n`, `phases-n`; None for one without a limit."""
    limit = decimal_text(request.POST.get(f"limit-{place}", "").strip())
    if limit is None:
        return None
    start = request.POST.get(f"start-{place}", "").strip() or "0:00"
    hours, _sep, minutes = start.partition(":")
    whole = all(part.isascii() and part.isdecimal() and len(part) < 6 for part in (hours, minutes or "0"))
    phases = request.POST.get(f"phases-{place}", "")
    try:
        value: float | None = float(limit)
    except ValueError:
        value = None
    return {
        "start_s": int(hours) * 3600 + int(minutes or "0") * 60 if whole else None,
        "limit": value,
        "phases": int(phases) if phases in ("1", "2", "3") else None,
    }


def rows_of(form: Form) -> list[dict[str, str]]:
    """The table of periods: what was typed, else a first row that begins at once, and empty ones."""
    typed_rows = [
        {name: str(form.values.get(f"{name}-{place}", "")) for name in ("start", "limit", "phases")}
        for place in range(MOST_PERIODS)
    ]
    last = max((place for place, row in enumerate(typed_rows) if row["limit"]), default=-1)
    rows = typed_rows[: max(last + 1, ROWS)]
    rows[0]["start"] = rows[0]["start"] or "0:00"
    return rows


@require_http_methods(["GET", "POST"])
@signed_in
def station_profiles(request: PageRequest, identity: str) -> HttpResponse:
    """The profiles of a station; a POST sends a new one."""
    station = stations.get(request.actor, identity)
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    form = Form({"starts_at": midnight.strftime("%Y-%m-%dT%H:%M"), "stack_level": 0, "purpose": "default"})
    if request.method == "POST":
        try:
            wanted = request.POST.get("connector", "")
            connector = connectors.get(request.actor, wanted) if wanted else None
            if connector is not None and connector.station_id != station.pk:
                raise NotFound(_("The station has no such connector."))
            actions.set_profile(
                request.actor,
                station=station,
                connector=connector,
                values=typed(request),
                name=request.POST.get("name", ""),
            )
        except (Forbidden, NotFound):
            raise
        except Problem as problem:
            form = Form.refused(request, problem)
        else:
            messages.success(request, _("The profile is sent. Its row says what the station answers."))
            return redirect("station-profiles", identity=identity)
    board = ProfilesBoard(request.actor, query(request, station=identity))
    answer = show(
        request,
        board,
        "charging/profiles.html",
        form=form,
        periods=rows_of(form),
        connectors=connectors.visible(request.actor).filter(station=station).order_by("evse_number", "number"),
        purposes=ChargingProfile.Purpose.choices,
        kinds=ChargingProfile.Kind.choices,
        recurrencies=ChargingProfile.Recurrency.choices,
        units=ChargingProfile.Unit.choices,
    )
    answer.status_code = form.status
    return answer


@require_POST
@signed_in
def ask(request: PageRequest, identity: str) -> HttpResponse:
    """Ask the station for its composite schedule of the coming day, or for the profiles it holds."""
    station = stations.get(request.actor, identity)
    evse = request.POST.get("evse", "1")
    command, params = "get_composite_schedule", {"evse_id": evse, "duration_s": 86_400, "unit": "A"}
    if request.POST.get("what") == "profiles":
        command, params = "get_profiles", {}
    try:
        command_actions.send_command(request.actor, station=station, command=command, params=params)
    except (Forbidden, NotFound):
        raise
    except Problem as problem:
        messages.error(request, " ".join([problem.message, *problem.fields.values()]))
    else:
        messages.success(request, _("The station is asked."))
    answer = redirect("station-profiles", identity=identity)
    answer["Location"] += f"?evse={evse}" if evse.isdecimal() else ""
    return answer


@require_POST
@signed_in
def clear(request: PageRequest, pk: int) -> HttpResponse:
    row = profiles.get(request.actor, pk)
    try:
        actions.clear_profile(request.actor, profile=row)
    except (Forbidden, NotFound):
        raise
    except Problem as problem:
        messages.error(request, problem.message)
    else:
        messages.success(request, _("The station is asked to forget it."))
    return redirect("station-profiles", identity=row.station.identity)
