"""Reading the log of OCPP messages. Secrets are masked where it is written."""

from typing import Any

from django.db.models import QuerySet

from accounts.actors import Actor
from charging.models import ChargingStation, OcppMessage
from charging.queries.scope import iso, never_for_drivers, one


def visible(actor: Actor) -> QuerySet[OcppMessage]:
    """All of the organization's stations; nothing for a driver, since the log tells who charges."""
    return never_for_drivers(actor, OcppMessage.objects.select_related("station"), "station__organization")


def of_station(actor: Actor, station: ChargingStation, action: str = "") -> QuerySet[OcppMessage]:
    """The station's messages, the newest first; of one action, if named."""
    rows = visible(actor).filter(station=station).order_by("-at", "-pk")
    return rows.filter(action=action) if action else rows


def actions_of_late(actor: Actor, station: ChargingStation, most: int = 500) -> list[str]:
    """The actions among the station's newest messages, in alphabetical order."""
    rows = of_station(actor, station).values_list("action", flat=True)[:most]
    return sorted({action for action in rows if action})


def get(actor: Actor, pk: object) -> OcppMessage:
    """Raises NotFound."""
    return one(visible(actor), "message", pk=pk)


def as_json(message: OcppMessage) -> dict[str, Any]:
    """`request` and `response` are the frames' text as they were on the wire."""
    return {
        "id": message.pk,
        "station": message.station.identity,
        "sender": message.sender,
        "message_id": message.message_id,
        "action": message.action,
        "request": message.request,
        "response": message.response,
        "outcome": message.outcome,
        "at": iso(message.at),
        "answered_at": iso(message.answered_at),
    }
