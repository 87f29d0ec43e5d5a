"""Reading the cost centres of people: what managers keep of their members."""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.actors import Actor, Role
from accounts.models import Membership, Organization, User
from charging.models import PersonCostCenter
from charging.queries.scope import never_for_drivers
from mobility.errors import NotFound


def visible(actor: Actor) -> QuerySet[PersonCostCenter]:
    """The cost centres of members; nothing where the actor is a driver."""
    rows = PersonCostCenter.objects.select_related("user", "organization")
    return never_for_drivers(actor, rows).order_by("user__name", "user__email", "pk")


def members(actor: Actor) -> QuerySet[Membership]:
    """Whose cost centre the actor may set: the members of what the actor manages."""
    ids = actor.organization_ids(Role.MANAGER)
    rows = Membership.objects.select_related("user", "organization").order_by("user__name", "user__email", "pk")
    return rows if ids is None else rows.filter(organization_id__in=ids)


def choices(actor: Actor) -> list[tuple[str, str]]:
    """`organization.person` -> who that is, for a form."""
    rows = list(members(actor)[:1000])
    several = len({row.organization_id for row in rows}) > 1
    return [
        (
            f"{row.organization_id}.{row.user_id}",
            f"{row.user.display_name} ({row.organization})" if several else row.user.display_name,
        )
        for row in rows
    ]


def member(actor: Actor, organization_id: object, user_id: object) -> tuple[Organization, User]:
    """Raises NotFound: there is no such member of an organization that the actor manages."""
    numbers = [str(number) for number in (organization_id, user_id)]
    if not all(number.isascii() and number.isdigit() and len(number) < 18 for number in numbers):
        raise NotFound(_("There is no such thing, or it is not yours."))
    row = members(actor).filter(organization_id=int(numbers[0]), user_id=int(numbers[1])).first()
    if row is None:
        raise NotFound(_("There is no such thing, or it is not yours."))
    return row.organization, row.user


def as_json(row: PersonCostCenter) -> dict[str, Any]:
    return {
        "organization": row.organization_id,
        "user": row.user_id,
        "name": row.user.display_name,
        "cost_center": row.cost_center,
    }
