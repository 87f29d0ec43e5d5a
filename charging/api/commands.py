"""REST: commands to stations, and what came of them."""

from typing import Any

from asgiref.sync import async_to_sync
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import Endpoint, by_choice, by_text, failures, parameters
from accounts.scopes import Scope
from charging.actions import commands as actions
from charging.api import shapes
from charging.cards import outcome_of
from charging.commands import KINDS
from charging.models import Command
from charging.queries import commands, stations
from mobility.errors import Invalid

LONGEST_WAIT_S = 60
FILTERS = {
    "status": by_choice("status", Command.Status.values),
    "command": by_choice("kind", KINDS),
    "action": by_text("action"),
}
ORDERS = {"created": "created_at", "id": "pk"}


def wait_of(request: Request) -> float:
    """How long to wait for the station, in seconds. Raises Invalid."""
    text = request.query_params.get("wait", "")
    try:
        seconds = float(text or 0)
        if not 0 <= seconds <= LONGEST_WAIT_S:
            raise ValueError(text)
    except ValueError:
        why = _("This is a number of seconds from 0 to %(most)s.") % {"most": LONGEST_WAIT_S}
        raise Invalid(why, fields={"wait": why}) from None
    return seconds


def command_of(body: Any) -> tuple[str, dict[str, Any]]:
    """The neutral command in a body, or `call` for `{"action", "payload"}`. Raises Invalid."""
    if not isinstance(body, dict):
        raise Invalid(_("This is a JSON object."))
    params = dict(body)
    named = params.pop("command", None)
    if named is None and "action" not in params:
        why = _("Name a command, or an action with its payload.")
        raise Invalid(why, fields={"command": why})
    return (named, params) if named is not None else ("call", params)


def told(command: Command) -> dict[str, Any]:
    """A command with what came of it in a sentence."""
    found = commands.as_json(command)
    return {**found, "outcome": outcome_of(found, str(command.station)).text}


class StationCommandsView(Endpoint):
    """Commands to one station."""

    serializer_class = shapes.CommandOut
    filters, orders, default_order = FILTERS, ORDERS, ("-pk",)
    scopes = {"POST": Scope.OPERATE}

    @extend_schema(
        parameters=parameters(FILTERS, ORDERS),
        responses={200: shapes.CommandOut(many=True), **failures(400, 401, 404)},
        tags=["commands"],
    )
    def get(self, request: Request, identity: str) -> Response:
        """The station's commands, the newest first; a driver's own."""
        station = stations.get(self.actor, identity)
        return self.listed(commands.visible(self.actor).filter(station=station), told)

    @extend_schema(
        request=shapes.CommandIn,
        parameters=[
            OpenApiParameter("wait", float, description="Seconds to wait for the station's answer, at most 60.")
        ],
        responses={200: shapes.CommandOut, 202: shapes.CommandOut, **failures(400, 401, 403, 404, 409)},
        tags=["commands"],
    )
    def post(self, request: Request, identity: str) -> Response:
        """Send a command. 202 with the command; with `wait` 200 once the station has answered."""
        station = stations.get(self.actor, identity)
        seconds = wait_of(request)
        name, params = command_of(request.data)
        command = actions.send_command(self.actor, station=station, command=name, params=params)
        if seconds:
            command = async_to_sync(commands.wait_until_done)(command, seconds)
        status = 200 if seconds and commands.is_done(command) else 202
        return Response(told(command), status=status)


class CommandView(Endpoint):
    """One command."""

    serializer_class = shapes.CommandOut
    scopes = {"DELETE": Scope.OPERATE}

    @extend_schema(responses={200: shapes.CommandOut, **failures(401, 404)}, tags=["commands"])
    def get(self, request: Request, pk: int) -> Response:
        """A command and what came of it."""
        return Response(told(commands.get(self.actor, pk)))

    @extend_schema(responses={200: shapes.CommandOut, **failures(401, 403, 404, 409)}, tags=["commands"])
    def delete(self, request: Request, pk: int) -> Response:
        """Cancel a command that was not sent yet."""
        command = actions.cancel_command(self.actor, command=commands.get(self.actor, pk))
        return Response(told(command))
