"""Reading the identities that knocked and are not known: for platform admins, since they belong to nobody yet."""

from typing import Any

from django.db.models import QuerySet

from accounts.actors import Actor
from charging.models import WaitingStation
from charging.queries.scope import iso, one


def visible(actor: Actor) -> QuerySet[WaitingStation]:
    rows = WaitingStation.objects.order_by("-last_seen")
    return rows if actor.is_platform_admin else rows.none()


def get(actor: Actor, identity: str) -> WaitingStation:
    """Raises NotFound."""
    return one(visible(actor), "waiting station", identity=str(identity).replace("\x00", "\ufffd"))


def as_json(waiting: WaitingStation) -> dict[str, Any]:
    return {
        "identity": waiting.identity,
        "attempts": waiting.attempts,
        "first_seen": iso(waiting.first_seen),
        "last_seen": iso(waiting.last_seen),
        "source_ip": waiting.source_ip,
        "subprotocols": waiting.subprotocols,
        "user_agent": waiting.user_agent,
        "had_credentials": waiting.had_credentials,
    }
