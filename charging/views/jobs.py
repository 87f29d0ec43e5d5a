"""Jobs of stations: the list, the page of one and of a group, the form that begins them, and firmware files."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.actors import Role
from accounts.requests import PageRequest, signed_in
from charging.actions import jobs as actions
from charging.boards.base import Board
from charging.boards.jobs import JobBoard, JobGroupBoard, JobsBoard
from charging.jobs import files, words
from charging.models import ChargingStation, FirmwareFile
from charging.queries import jobs, stations
from charging.views.common import Form, moment, number, query, show, texts
from charging.views.station_files import attachment
from mobility.errors import Forbidden, Invalid, NotFound, Problem

#: Where the stations that were ticked in the list wait for the form.
CHOSEN = "job_stations"
TEXTS = ("location", "firmware_file", "version", "signing_certificate", "signature", "log_type")
WHOLE = ("retries", "retry_interval_s")
TIMES = ("retrieve", "install", "oldest", "latest")
MOST_OFFERED = 500


@require_GET
@signed_in
def job_list(request: PageRequest) -> HttpResponse:
    board = JobsBoard(request.actor, query(request))
    more = {"states": words.STATES, "kinds": words.KINDS, "manages": request.actor.manages}
    return show(request, board, "charging/jobs.html", **more)


@require_GET
@signed_in
def job(request: PageRequest, pk: int) -> HttpResponse:
    return show(request, JobBoard(request.actor, query(request, job=str(pk))), "charging/job.html")


@require_GET
@signed_in
def group(request: PageRequest, pk: int) -> HttpResponse:
    board = JobGroupBoard(request.actor, query(request, group=str(pk)))
    return show(request, board, "charging/job_group.html")


@require_http_methods(["GET", "POST"])
@signed_in
def add(request: PageRequest) -> HttpResponse:
    """The form of a job, for the station that the query names, or those that were ticked in the list."""
    if not request.actor.manages:
        raise Forbidden(_("Only a manager begins jobs."))
    kind = request.POST.get("kind") or request.GET.get("kind", "firmware")
    kind = kind if kind in words.KINDS else "firmware"
    chosen = stations_of(request)
    form = Form({"log_type": "diagnostics", "parallel": "5", "spread_s": "0", "retries": "", "location": ""})
    if request.method == "POST":
        try:
            return begin(request, kind, chosen)
        except (Forbidden, NotFound):
            raise
        except Problem as problem:
            form = Form.refused(request, problem)
    context = {
        "board": Board(request.actor, {}),
        "form": form,
        "kind": kind,
        "kinds": words.KINDS,
        "chosen": chosen,
        "many": len(chosen) > 1,
        "stations": [] if chosen else manageable(request),
        "files": firmware_choices(request, chosen),
        "log_types": words.LOG_TYPES.items(),
        "most_mb": settings.FIRMWARE_MAX_MB,
    }
    return render(request, "charging/job_add.html", context, status=form.status)


def stations_of(request: PageRequest) -> list[ChargingStation]:
    """The stations that the form is for. Raises NotFound."""
    named = request.POST.getlist("station") or request.GET.getlist("station")
    if not named and request.GET.get("many"):
        named = request.session.get(CHOSEN, [])
    wanted = list(dict.fromkeys(name.replace("\x00", "") for name in named if name))[: actions.MOST_STATIONS + 1]
    found = {row.identity: row for row in stations.visible(request.actor).filter(identity__in=wanted)}
    if len(found) != len(wanted):
        raise NotFound(_("One of the stations does not exist, or is not yours; nothing was done."))
    return [found[name] for name in wanted]


def manageable(request: PageRequest) -> list[tuple[str, str]]:
    managed = request.actor.organization_ids(Role.MANAGER)
    rows = stations.visible(request.actor).order_by("name", "identity")
    rows = rows if managed is None else rows.filter(organization__in=managed)
    return [(row.identity, str(row)) for row in rows[:MOST_OFFERED]]


def firmware_choices(request: PageRequest, chosen: Sequence[ChargingStation]) -> list[tuple[int, str]]:
    rows = jobs.firmware_files(request.actor)
    if chosen:
        rows = rows.filter(organization=chosen[0].organization_id)
    return [(row.pk, named(row)) for row in rows[:MOST_OFFERED]]


def named(row: FirmwareFile) -> str:
    return f"{row.name} ({row.version})" if row.version else row.name


def begin(request: PageRequest, kind: str, chosen: Sequence[ChargingStation]) -> HttpResponse:
    if not chosen:
        why = _("Choose a station.")
        raise Invalid(why, fields={"station": why})
    values = typed(request)
    uploaded = request.FILES.get("file")
    if kind == "firmware" and uploaded is not None:
        kept = actions.keep_firmware(
            request.actor, organization=chosen[0].organization, file=uploaded, version=values.get("version", "")
        )
        values["firmware_file"] = kept.pk
    if len(chosen) == 1:
        made = actions.create_job(request.actor, station=chosen[0], kind=kind, values=values)
        return redirect("job", pk=made.pk)
    parallel = number(request.POST.get("parallel", "").strip(), "parallel")
    spread_s = number(request.POST.get("spread_s", "").strip(), "spread_s")
    many = actions.create_jobs(
        request.actor,
        stations=chosen,
        kind=kind,
        values=values,
        parallel=5 if parallel is None else parallel,
        spread_s=spread_s or 0,
    )
    request.session.pop(CHOSEN, None)
    return redirect("job-group", pk=many.pk)


def typed(request: PageRequest) -> dict[str, Any]:
    """The form's fields as the action takes them. Raises Invalid."""
    values: dict[str, Any] = texts(request, TEXTS)
    for name in WHOLE:
        values[name] = number(request.POST.get(name, "").strip(), name)
    for name in TIMES:
        values[name] = moment(request.POST.get(name, "").strip(), name)
    return values


@require_POST
@signed_in
def act(request: PageRequest, pk: int, deed: str) -> HttpResponse:
    """`cancel` or `retry` a job."""
    row = jobs.get(request.actor, pk)
    do = {"cancel": actions.cancel_job, "retry": actions.retry_job}.get(deed)
    if do is None:
        raise NotFound(_("There is nothing of that kind to do."))
    try:
        do(request.actor, job=row)
    except (Forbidden, NotFound):
        raise
    except Problem as problem:
        messages.error(request, problem.message)
    else:
        messages.success(request, _("Cancelled.") if deed == "cancel" else _("The station is asked once more."))
    return redirect("job", pk=pk)


@require_POST
@signed_in
def act_on_group(request: PageRequest, pk: int, deed: str) -> HttpResponse:
    """`cancel` what has not begun of a group, or `retry` what failed."""
    row = jobs.get_group(request.actor, pk)
    if deed == "cancel":
        count = actions.cancel_group(request.actor, group=row)
        said = ngettext("%(count)s job is cancelled.", "%(count)s jobs are cancelled.", count)
    elif deed == "retry":
        count = actions.retry_group(request.actor, group=row)
        said = ngettext("%(count)s job begins once more.", "%(count)s jobs begin once more.", count)
    else:
        raise NotFound(_("There is nothing of that kind to do."))
    messages.success(request, said % {"count": count})
    return redirect("job-group", pk=pk)


@require_GET
@signed_in
def file(request: PageRequest, pk: int) -> HttpResponseBase:
    """The log that a station has uploaded, to save."""
    row = jobs.get(request.actor, pk)
    if not row.file_path:
        raise NotFound(_("This job has no file."))
    return attachment(files.LOGS, row.file_path, row.file_name)


@require_http_methods(["GET", "POST"])
@signed_in
def firmware_list(request: PageRequest) -> HttpResponse:
    """The firmware that was uploaded; a POST uploads another."""
    if not request.actor.manages:
        raise Forbidden(_("Only a manager keeps firmware."))
    form = Form({})
    if request.method == "POST":
        try:
            actions.keep_firmware(
                request.actor,
                organization=None,
                file=request.FILES.get("file"),
                version=request.POST.get("version", "").strip(),
            )
        except (Forbidden, NotFound):
            raise
        except Problem as problem:
            form = Form.refused(request, problem)
        else:
            messages.success(request, _("The file is kept."))
            return redirect("firmware")
    context = {
        "board": Board(request.actor, {}),
        "form": form,
        "rows": jobs.firmware_files(request.actor)[:MOST_OFFERED],
        "most_mb": settings.FIRMWARE_MAX_MB,
    }
    return render(request, "charging/firmware.html", context, status=form.status)


@require_POST
@signed_in
def firmware_delete(request: PageRequest, pk: int) -> HttpResponse:
    try:
        actions.delete_firmware(request.actor, firmware=jobs.get_firmware_file(request.actor, pk))
    except (Forbidden, NotFound):
        raise
    except Problem as problem:
        messages.error(request, problem.message)
    else:
        messages.success(request, _("The file is deleted."))
    return redirect("firmware")
