"""Dynamic prices: a chart of a zone, files with prices, and where they are read from every day."""

from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.actors import Role
from accounts.requests import PageRequest, signed_in
from charging.actions import prices as actions
from charging.boards import Board
from charging.price_files import MOST_BYTES, rows_of_csv
from charging.price_readers import names
from charging.queries import prices as queries
from charging.views.common import Form, texts
from mobility.errors import Forbidden, Invalid, NotFound, Problem

#: What a chart shows: 100 quarter-hours and the same for the day after.
MOST_SLOTS = 200


@require_http_methods(["GET", "POST"])
@signed_in
def prices(request: PageRequest) -> HttpResponse:
    """The page; a POST takes in a file, or changes the sources."""
    form = Form({"currency": settings.CURRENCY, "reader": "json"})
    if request.method == "POST":
        deeds = {"upload": upload, "source": add_source, "read": read_source, "forget": forget_source}
        try:
            zone = deeds.get(request.POST.get("deed", ""), upload)(request)
        except (Forbidden, NotFound):
            raise
        except Problem as problem:
            form = Form.refused(request, problem)
        else:
            return redirect(f"{reverse('prices')}?{urlencode({'zone': zone})}")
    zones = list(queries.zones(request.actor))
    zone = request.GET.get("zone", "") or (zones[0] if zones else "")
    day = shown_day(request)
    slots = list(queries.of_day(request.actor, zone, day)[:MOST_SLOTS])
    context = {
        "form": form,
        "zones": zones,
        "shown": zone,
        "day": day,
        "earlier": day - timedelta(days=1),
        "later": day + timedelta(days=1),
        "slots": slots,
        "lowest": min((slot.price_per_kwh for slot in slots), default=None),
        "highest": max((slot.price_per_kwh for slot in slots), default=None),
        "sources": queries.sources(request.actor),
        "readers": names(),
        "manages": request.actor.organization_ids(Role.MANAGER) != [],
        "board": Board(request.actor, {}),
    }
    return render(request, "charging/prices.html", context, status=form.status)


def shown_day(request: PageRequest) -> date:
    try:
        return date.fromisoformat(request.GET.get("day", ""))
    except ValueError:
        return timezone.localdate()


def upload(request: PageRequest) -> str:
    """Take in a file. Raises Invalid."""
    file: Any = request.FILES.get("file")
    if file is None:
        raise Invalid(_("Choose a file."), fields={"file": _("Choose a file.")})
    if (file.size or 0) > MOST_BYTES:
        raise Invalid(_("The file is larger than 5 MB."), fields={"file": _("The file is larger than 5 MB.")})
    rows = rows_of_csv(file.read(), timezone.get_current_timezone())
    given = texts(request, ("zone", "currency"))
    kept = actions.record_prices(
        request.actor, zone=given.get("zone", ""), rows=rows, currency=given.get("currency", "")
    )
    told = {"added": kept.added, "changed": kept.changed, "unchanged": kept.unchanged}
    messages.success(request, _("%(added)s prices are new, %(changed)s changed, %(unchanged)s as they were.") % told)
    return kept.zone


def add_source(request: PageRequest) -> str:
    given = texts(request, ("zone", "url", "reader", "currency"))
    made = actions.create_price_source(
        request.actor,
        zone=given.get("zone", ""),
        url=given.get("url", ""),
        reader=given.get("reader") or "json",
        currency=given.get("currency", ""),
    )
    _asked(request, actions.ask_price_source(request.actor, source=made, now=timezone.now()))
    return made.zone


def read_source(request: PageRequest) -> str:
    source = queries.get_source(request.actor, request.POST.get("source") or 0)
    _asked(request, actions.ask_price_source(request.actor, source=source, now=timezone.now()))
    return source.zone


def _asked(request: PageRequest, source: Any) -> None:
    if source.error:
        messages.error(request, _("%(zone)s could not be read: %(why)s") % {"zone": source, "why": source.error})
    else:
        messages.success(request, _("The prices of %(zone)s are read.") % {"zone": source})


def forget_source(request: PageRequest) -> str:
    source = queries.get_source(request.actor, request.POST.get("source") or 0)
    actions.delete_price_source(request.actor, source=source)
    messages.success(request, _("%(zone)s is read no more. Its prices stay.") % {"zone": source})
    return source.zone
