"""Choosing the tag and the car of one's own remote starts."""

from django.utils.translation import gettext

from accounts.actions import action
from accounts.actors import Actor
from charging.models import Car, DriverPreference, IdTag
from charging.queries import cars, id_tags
from mobility.errors import Forbidden


class Keep:
    """Stands for "leave it as it is", since None takes a default away."""


KEEP = Keep()


@action("preferences.set", role=None, target=lambda row: str(row))
def set_preferences(
    actor: Actor, *, default_car: Car | Keep | None = KEEP, default_id_tag: IdTag | Keep | None = KEEP
) -> DriverPreference:
    """Set or take away the actor's defaults.

    Raises:
        NotFound: the car or the tag is not visible to the actor.
        Forbidden: the actor is no person.
    """
    if actor.user is None:
        raise Forbidden(gettext("Only a person has preferences."))
    row, _ = DriverPreference.objects.get_or_create(user=actor.user)
    if not isinstance(default_car, Keep):
        row.default_car = cars.get(actor, default_car.pk) if default_car else None
    if not isinstance(default_id_tag, Keep):
        row.default_id_tag = id_tags.get(actor, default_id_tag.pk) if default_id_tag else None
    row.save()
    return row
