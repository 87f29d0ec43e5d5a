"""Reading cars."""

from typing import Any

from django.db.models import QuerySet

from accounts.actors import Actor
from charging.models import Car
from charging.queries.scope import iso, one, own_for_drivers


def visible(actor: Actor) -> QuerySet[Car]:
    """The organization's cars; a driver's own."""
    return own_for_drivers(actor, Car.objects.select_related("user"))


def get(actor: Actor, pk: object) -> Car:
    """Raises NotFound."""
    return one(visible(actor), "car", pk=pk)


def as_json(car: Car) -> dict[str, Any]:
    return {
        "id": car.pk,
        "organization": car.organization_id,
        "name": car.name,
        "license_plate": car.license_plate,
        "user": car.user_id,
        "user_name": car.user.display_name if car.user else None,
        "battery_wh": car.battery_wh,
        "max_power_w": car.max_power_w,
        "phases": car.phases,
        "created_at": iso(car.created_at),
    }
