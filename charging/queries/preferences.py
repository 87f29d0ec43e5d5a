"""The tag and the car that an actor's remote start uses when none is named."""

from dataclasses import dataclass

from accounts.actors import Actor
from charging.models import Car, DriverPreference, IdTag


@dataclass(frozen=True, slots=True)
class Preferences:
    default_car: Car | None = None
    default_id_tag: IdTag | None = None


def get(actor: Actor) -> Preferences:
    """Empty for an actor without a user, or one that never chose."""
    if actor.user is None:
        return Preferences()
    row = DriverPreference.objects.select_related("default_car", "default_id_tag__user").filter(user=actor.user).first()
    return Preferences(row.default_car, row.default_id_tag) if row else Preferences()
