import json
import re

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from accounts.requests import PageRequest, signed_in
from charging.actions import commands as actions
from charging.cards import outcome_of
from charging.queries import commands, stations
from charging.views.common import decimal_text, texts
from mobility.errors import Invalid

#: What a form may say about a command. Configuration and raw calls have forms of their own on the station's page.
FIELDS = ("evse_id", "connector_id", "transaction", "id_tag", "car", "type", "message", "report", "key", "value")
#: Which line of the page shows the outcome.
PLACE = re.compile(r"^(outlet|station|configuration|control|drift)-(\d{1,18})$")


@require_POST
@signed_in
def send(request: PageRequest, identity: str) -> HttpResponse:
    """Send a command; the answer shows it as sent, and the live line brings what the station says."""
    station = stations.get(request.actor, identity)
    kind = request.POST.get("command", "")
    params = {name: value for name, value in texts(request, FIELDS).items() if value or name == "value"}
    if "where" in request.POST:
        evse_id, _, connector_id = request.POST["where"].partition(":")
        params |= {"evse_id": evse_id, "connector_id": connector_id}
    if kind != "start":
        params = {name: value for name, value in params.items() if name not in ("id_tag", "car")}
    sent = actions.send_command(request.actor, station=station, command=kind, params={**params, **typed(request, kind)})
    outcome = outcome_of(commands.as_json(sent), str(station))
    named = PLACE.match(request.POST.get("place", ""))
    place, pk = named.groups() if named else ("station", str(station.pk))
    if not request.htmx:
        messages.info(request, outcome.text)
        return redirect("station", identity=identity)
    context = {"place": {"pk": pk, "outcome": outcome}, "prefix": place}
    line = render(request, "charging/parts/outcome.html", context)
    line.headers["X-Command"] = str(sent.pk)
    return line


def typed(request: PageRequest, kind: str) -> dict[str, object]:
    """What is no text in a command's parameters. Raises Invalid."""
    if kind == "change_availability":
        return {"operative": request.POST.get("operative") == "1"}
    if kind == "set_limit":
        return limit(request)
    if kind == "get_configuration":
        return {"keys": []}
    if kind == "call":
        try:
            payload = json.loads(request.POST.get("payload") or "{}")
        except ValueError as error:
            why = gettext("This is not JSON: %(error)s") % {"error": error}
            raise Invalid(why, fields={"payload": why}) from None
        return {"action": request.POST.get("action", ""), "payload": payload}
    return {}


def limit(request: PageRequest) -> dict[str, object]:
    """`limit` with its `unit`, kW or A; an empty one takes the limit away. Raises Invalid."""
    text = (decimal_text(request.POST.get("limit", "").strip()) or "").strip()
    in_amperes = request.POST.get("unit") == "A"
    name = "limit_a" if in_amperes else "limit_w"
    if not text:
        return {name: None}
    try:
        value = float(text)
    except ValueError:
        raise Invalid(gettext("The limit is a number."), fields={"limit": gettext("This is not a number.")}) from None
    return {name: value if in_amperes else round(value * 1000, 3)}


@require_POST
@signed_in
def cancel(request: PageRequest, pk: int) -> HttpResponse:
    """Take back a command that was not sent yet; the live line shows it."""
    command = actions.cancel_command(request.actor, command=commands.get(request.actor, pk))
    if request.htmx:
        return HttpResponse(status=204)
    return redirect("station", identity=command.station.identity)
