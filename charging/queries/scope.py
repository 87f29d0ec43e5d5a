"""The border that no read crosses: what belongs to the actor's organizations, and of that what the role may see."""

from datetime import UTC, datetime
from typing import TypeVar

from django.db.models import Model, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.actors import Actor, Role
from mobility.errors import NotFound

M = TypeVar("M", bound=Model)


def everything(actor: Actor, rows: QuerySet[M], organization: str = "organization") -> QuerySet[M]:
    """All rows of the organizations the actor belongs to, whatever the role; of all of them for a platform admin."""
    ids = actor.organization_ids()
    return rows if ids is None else rows.filter(**{f"{organization}_id__in": ids})


def own_for_drivers(actor: Actor, rows: QuerySet[M], owner: str = "user") -> QuerySet[M]:
    """As `everything`, but where the actor is a driver only the rows whose `owner` is the actor."""
    if actor.is_platform_admin:
        return rows
    whole = [pk for pk, role in actor.memberships.items() if role != Role.DRIVER]
    driven = [pk for pk, role in actor.memberships.items() if role == Role.DRIVER]
    seen = Q(organization_id__in=whole)
    if driven and actor.user is not None:
        seen |= Q(organization_id__in=driven, **{owner: actor.user})
    return rows.filter(seen)


def never_for_drivers(actor: Actor, rows: QuerySet[M], organization: str = "organization") -> QuerySet[M]:
    """As `everything`, but nothing where the actor is a driver: rows that tell about other people's charging."""
    if actor.is_platform_admin:
        return rows
    whole = [pk for pk, role in actor.memberships.items() if role != Role.DRIVER]
    return rows.filter(**{f"{organization}_id__in": whole})


#: What `one` is asked for; catalogs translate it.
THINGS = (
    gettext_noop("alias"),
    gettext_noop("assignment"),
    gettext_noop("car"),
    gettext_noop("charging profile"),
    gettext_noop("circuit"),
    gettext_noop("command"),
    gettext_noop("connector"),
    gettext_noop("desired value"),
    gettext_noop("firmware file"),
    gettext_noop("holiday"),
    gettext_noop("id tag"),
    gettext_noop("job"),
    gettext_noop("message"),
    gettext_noop("outlet"),
    gettext_noop("price source"),
    gettext_noop("reservation"),
    gettext_noop("schedule"),
    gettext_noop("site"),
    gettext_noop("station"),
    gettext_noop("tariff"),
    gettext_noop("transaction"),
    gettext_noop("version of this tariff"),
    gettext_noop("waiting station"),
)


def one(rows: QuerySet[M], what: str, **lookup: object) -> M:
    """The single visible row.

    Raises:
        NotFound: there is none, it is not the actor's, or the look-up value cannot be one.
    """
    try:
        found = rows.filter(**lookup).first()
    except (ValueError, TypeError, OverflowError):
        found = None
    if found is None:
        raise NotFound(_("There is no such %(what)s, or it is not yours.") % {"what": _(what)})
    return found


def iso(at: datetime | None) -> str | None:
    """ISO 8601 in UTC with milliseconds and Z; None stays None."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z") if at is not None else None
