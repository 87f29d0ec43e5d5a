"""Changing cars: a driver's own, a manager any."""

from typing import Any

from django.utils.translation import gettext as _

from accounts.actions import action
from accounts.actors import Actor, Role
from accounts.models import Organization, User
from charging.actions.common import assign, member_or_invalid
from charging.models import Car
from mobility.errors import Forbidden, Invalid

SETTABLE = ("name", "user", "license_plate", "battery_wh", "max_power_w", "phases")


def check(actor: Actor, car: Car) -> None:
    if car.phases is not None and car.phases not in (1, 2, 3):
        raise Invalid(_("A car charges on 1 to 3 phases."), fields={"phases": _("1 to 3")})
    if car.user_id != (actor.user.pk if actor.user else None) and not actor.can(Role.MANAGER, car.organization_id):
        raise Forbidden(_("A driver changes own cars only."))
    member_or_invalid(car.user, car.organization_id)


@action("car.create", role=Role.DRIVER, creates=True)
def create_car(
    actor: Actor, *, name: str, organization: Organization | None = None, user: User | None = None, **values: Any
) -> Car:
    """Add a car; without a `user` it is the actor's own."""
    assert organization is not None
    car = Car(organization=organization, user=user or own(actor, organization))
    assign(car, {**values, "name": name}, [field for field in SETTABLE if field != "user"])
    check(actor, car)
    car.save()
    return car


def own(actor: Actor, organization: Organization) -> User | None:
    return actor.user if organization.pk in actor.memberships else None


@action("car.update", role=Role.DRIVER)
def update_car(actor: Actor, *, car: Car, changes: dict[str, Any]) -> Car:
    check(actor, car)
    changed = assign(car, changes, SETTABLE)
    check(actor, car)
    if changed:
        car.save(update_fields=changed)
    return car


@action("car.delete", role=Role.DRIVER)
def delete_car(actor: Actor, *, car: Car) -> None:
    """Its transactions stay."""
    check(actor, car)
    car.delete()
