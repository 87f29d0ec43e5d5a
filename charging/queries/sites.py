"""Reading sites."""

from datetime import UTC
from decimal import Decimal
from typing import Any

from django.db.models import Count, QuerySet, Sum
from django.utils import timezone

from accounts.actors import Actor
from accounts.middleware import known_zone
from charging.models import Site
from charging.queries import transactions
from charging.queries.scope import everything, iso, one


def visible(actor: Actor) -> QuerySet[Site]:
    return everything(actor, Site.objects.all())


def get(actor: Actor, pk: object) -> Site:
    """Raises NotFound."""
    return one(visible(actor), "site", pk=pk)


def today(actor: Actor, site: Site) -> dict[str, Any]:
    """What began at the site since its own midnight, as far as the actor may see: `count`, `energy_wh`, `cost`."""
    zone = known_zone(site.time_zone) or UTC
    since = timezone.now().astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    begun = transactions.visible(actor).filter(station__site=site, started__gte=since)
    sums = begun.order_by().aggregate(count=Count("pk"), energy_wh=Sum("energy_wh"), cost=Sum("cost"))
    return {"count": sums["count"], "energy_wh": sums["energy_wh"] or 0.0, "cost": sums["cost"] or Decimal(0)}


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
