"""Reading sites."""

from typing import Any

from django.db.models import QuerySet

from accounts.actors import Actor
from charging.models import Site
from charging.queries.scope import everything, iso, one


def visible(actor: Actor) -> QuerySet[Site]:
    return everything(actor, Site.objects.all())


def get(actor: Actor, pk: object) -> Site:
    """Raises NotFound."""
    return one(visible(actor), "site", pk=pk)


def as_json(site: Site) -> dict[str, Any]:
    return {
        "id": site.pk,
        "organization": site.organization_id,
        "name": site.name,
        "address": site.address,
        "latitude": site.latitude,
        "longitude": site.longitude,
        "time_zone": site.time_zone,
        "created_at": iso(site.created_at),
    }
