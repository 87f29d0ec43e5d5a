"""Reading security events: reported by stations, or noticed about them."""

from typing import Any

from django.db.models import QuerySet

from accounts.actors import Actor
from charging.models import SecurityEvent
from charging.queries.scope import iso, never_for_drivers


def visible(actor: Actor) -> QuerySet[SecurityEvent]:
    return never_for_drivers(actor, SecurityEvent.objects.select_related("station"))


def as_json(event: SecurityEvent) -> dict[str, Any]:
    return {
        "id": event.pk,
        "station": event.station.identity if event.station else None,
        "type": event.type,
        "critical": event.critical,
        "reported_by_station": event.reported_by_station,
        "info": event.info,
        "source_ip": event.source_ip,
        "at": iso(event.at),
    }
