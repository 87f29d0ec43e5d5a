"""Reading refused handshakes: of known stations for those who run them, of strangers for platform admins."""

from datetime import timedelta
from typing import Any

from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.actors import Actor
from charging.models import ChargingStation, RefusedHandshake
from charging.queries.scope import iso, never_for_drivers

KEPT_FOR = timedelta(days=7)

#: HTTP status -> what to do about it.
ADVICE = {
    400: _("Choose OCPP 1.6J, 2.0.1 or 2.1 (JSON, not SOAP) in the charger."),
    401: _("Make a new password on the station's page and enter it in the charger again, without blanks around it."),
    403: _(
        "Enter the address that begins with wss:// in the charger, or set the station's security profile to 1 here."
    ),
    404: _("Adopt it under Waiting stations, or correct the identity in the charger."),
    429: _("Correct what was refused before; it may try again after the time that it was told."),
}
MALFORMED = _("Enter the address as it is shown here; it ends in /OCPP. An identity has no colon and no slash.")


def visible(actor: Actor) -> QuerySet[RefusedHandshake]:
    """The latest first. A driver sees none, an organization those of its stations."""
    fresh = RefusedHandshake.objects.filter(last_seen__gte=timezone.now() - KEPT_FOR)
    rows = fresh.select_related("station").order_by("-last_seen", "-pk")
    if actor.is_platform_admin:
        return rows
    return never_for_drivers(actor, rows.exclude(station=None), "station__organization")


def of_station(actor: Actor, station: ChargingStation) -> QuerySet[RefusedHandshake]:
    """Those since the station's last connection began."""
    rows = visible(actor).filter(station=station)
    return rows.filter(last_seen__gt=station.connected_at) if station.connected_at else rows


def unsolved(actor: Actor) -> QuerySet[RefusedHandshake]:
    """All but those of stations that have connected since then."""
    return visible(actor).exclude(Q(station__connected_at__gte=F("last_seen")))


def advice(row: RefusedHandshake) -> str:
    no_identity = row.identity == row.path[:200] and row.status in (400, 404)
    return str(MALFORMED if no_identity else ADVICE.get(row.status, ""))


def as_json(row: RefusedHandshake) -> dict[str, Any]:
    return {
        "identity": row.identity,
        "station": row.station.identity if row.station else None,
        "status": row.status,
        "reason": row.reason,
        "attempts": row.attempts,
        "first_seen": iso(row.first_seen),
        "last_seen": iso(row.last_seen),
        "source_ip": row.source_ip,
        "path": row.path,
        "secure": row.secure,
        "subprotocols": row.subprotocols,
        "user_agent": row.user_agent,
        "username": row.username,
        "had_credentials": row.had_credentials,
    }
