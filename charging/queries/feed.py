"""Reading the change feed, and the one rule of who is told what."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from accounts.actors import Actor, Role
from charging import live
from charging.models import Change

Message = dict[str, Any]

#: Events about somebody's charging: a driver is told about the own ones only.
PERSONAL = ("transaction.", "command.", "id_tag.", "schedule.", "reservation.")
#: Events that a driver is not told.
CONFIDENTIAL = ("security_event.", "job.")

#: Events that nobody is told but the person whom they are for.
PRIVATE = ("notification.",)


def head() -> int:
    """The newest committed cursor."""
    return live.head()


def oldest() -> int | None:
    """The oldest cursor that is still kept; None while the feed is empty."""
    return Change.objects.order_by("cursor").values_list("cursor", flat=True).first()


def is_resumable(cursor: int, newest: int) -> bool:
    """Whether everything after `cursor` is still in the feed."""
    if cursor == newest:
        return True
    if not 0 <= cursor < newest:
        return False
    kept = oldest()
    return kept is not None and cursor >= kept - 1


def between(organizations: Collection[int], after: int, upto: int | None = None, most: int = 500) -> list[Message]:
    """The next rows with `after < cursor <= upto` of the organizations, as the channel layer would have said them."""
    rows = Change.objects.filter(organization_id__in=organizations, cursor__gt=after).order_by("cursor")
    if upto is not None:
        rows = rows.filter(cursor__lte=upto)
    return [
        {
            "event": row.event,
            "cursor": row.cursor,
            "stored": True,
            "organization": row.organization_id,
            "station": row.station.identity if row.station else row.data.get("identity", ""),
            "station_id": row.station_id,
            "user_id": row.user_id,
            "data": row.data,
        }
        for row in rows.select_related("station")[:most]
    ]


def after(cursor: int, upto: int, most: int) -> list[Change]:
    """The next rows of all organizations with `cursor < row.cursor <= upto`, for work in the background."""
    rows = Change.objects.filter(cursor__gt=cursor, cursor__lte=upto).select_related("station").order_by("cursor")
    return list(rows[:most])


def last_before(at: datetime) -> int:
    """The cursor of the last row that is older; 0 when there is none."""
    return Change.objects.filter(at__lt=at).order_by("-cursor").values_list("cursor", flat=True).first() or 0


def sees(actor: Actor, message: Mapping[str, Any]) -> bool:
    """Whether the actor may be told: the organization's members, but of a driver's colleagues not what they charge."""
    if message["event"].startswith(PRIVATE):
        return actor.user is not None and message["user_id"] == actor.user.pk
    if actor.is_platform_admin:
        return True
    role = actor.memberships.get(message["organization"])
    if role != Role.DRIVER:
        return role is not None
    if message["event"].startswith(CONFIDENTIAL):
        return False
    if not message["event"].startswith(PERSONAL):
        return True
    return actor.user is not None and message["user_id"] == actor.user.pk
