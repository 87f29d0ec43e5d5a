"""What changed, told to every open page and phone.

State changes get a row in the change feed within the commit they belong to; its cursor is how a page or a phone that
was away catches up. After the commit they are published to the channel layer, group `organization.<pk>`, as
`{"type": "live.events", "events": [...]}`; `charging/consumers.py` checks per event who may see it.

Meter values are no state changes: they are coalesced by the ledger, carry the newest cursor and leave no row.
"""

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from asgiref.sync import async_to_sync
from channels.exceptions import ChannelFull
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from redis.exceptions import RedisError

from accounts.actions import before_commit
from charging.models import Change, FeedHead

log = logging.getLogger("charging.live")

#: What a channel layer raises while its server is away or does not take more.
LAYER_AWAY = (RedisError, OSError, ChannelFull)

#: How often it is said that the layer is away.
SAY_EVERY_S = 10.0

#: Where that is told which belongs to no organization yet: to platform admins alone.
NO_ORGANIZATION = 0


@dataclass(slots=True)
class Event:
    """Something a page may want to show.

    `name` is `station.updated`, `connector.updated`, `transaction.started`, `transaction.updated`,
    `transaction.ended`, `command.updated`, `reservation.updated`, `job.updated`, `id_tag.learnt`,
    `security_event.noted` or `waiting.updated`; `data` the JSON the REST API would give. `user_id` is whose
    transaction, command, reservation or tag it is, for those who may see only their
    own. `stored` says that it has a row in the feed.
    """

    name: str
    organization_id: int
    station_id: int | None = None
    identity: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    user_id: int | None = None
    cursor: int = 0
    stored: bool = False

    def as_message(self) -> dict[str, Any]:
        return {
            "event": self.name,
            "cursor": self.cursor,
            "stored": self.stored,
            "organization": self.organization_id,
            "station": self.identity,
            "station_id": self.station_id,
            "user_id": self.user_id,
            "data": self.data,
        }


def store(events: list[Event], at: datetime | None = None) -> None:
    """Give the events their cursors and write their rows. Call it last in the transaction: it takes the feed's head,
    and holds it until the commit, so that cursors become visible in order."""
    if not events:
        return
    at = at or timezone.now()
    count = len(events)
    if not FeedHead.objects.filter(pk=1).update(value=F("value") + count):
        FeedHead.objects.create(pk=1, value=count)
    last = FeedHead.objects.values_list("value", flat=True).get(pk=1)
    for offset, event in enumerate(events, start=last - count + 1):
        event.cursor, event.stored = offset, True
    Change.objects.bulk_create(
        Change(
            cursor=event.cursor,
            organization_id=event.organization_id,
            station_id=event.station_id,
            event=event.name,
            data=event.data,
            user_id=event.user_id,
            at=at,
        )
        for event in events
    )


def messages(events: Iterable[Event]) -> dict[str, dict[str, Any]]:
    """Group name -> channel layer message."""
    by_group: dict[str, dict[str, Any]] = {}
    for event in events:
        group = f"organization.{event.organization_id}"
        by_group.setdefault(group, {"type": "live.events", "events": []})["events"].append(event.as_message())
    return by_group


def is_heard() -> bool:
    """Whether anyone may listen to live values. Only the layer of the one process knows; others may be elsewhere."""
    has_group = getattr(get_channel_layer(), "has_group", None)
    return has_group is None or bool(has_group("organization."))


class Said:
    """When a line was last written that would else be written for every message."""

    away = float("-inf")


async def hurry(group: str, message: dict[str, Any]) -> bool:
    """Send to a group of the channel layer, if it is there; what it does not deliver is found in the rows."""
    try:
        await get_channel_layer().group_send(group, message)
    except LAYER_AWAY as error:
        if time.monotonic() - Said.away > SAY_EVERY_S:
            Said.away = time.monotonic()
            log.warning("The channel layer is away (%s): pages follow the feed, gateways look for commands.", error)
        return False
    return True


def layer_is_away() -> bool:
    """Whether live updates and wake-ups do not get through at present."""
    if not settings.REDIS_URL:
        return False
    return not async_to_sync(hurry)("nobody", {"type": "live.check"})


async def send(events: Iterable[Event]) -> None:
    """Publish committed events. The channel layer is at-most-once; readers catch up by cursor."""
    for group, message in messages(events).items():
        if not await hurry(group, message):
            return
        for event in message["events"]:
            if event["event"] == "command.updated":
                await hurry(f"command.{event['data']['id']}", {"type": "command.updated"})


def publish(*events: Event) -> None:
    """Record events within the current transaction and send them after its commit."""

    def record() -> None:
        store(list(events))
        transaction.on_commit(lambda: async_to_sync(send)(events), robust=True)

    before_commit(record)


def tell_of_waiting() -> None:
    """Tell the pages of platform admins, after the commit, that the list of waiting stations is another one.

    Such a station belongs to no organization yet, so the event has none either, and no row in the feed.
    """
    event = Event("waiting.updated", NO_ORGANIZATION)
    transaction.on_commit(lambda: async_to_sync(send)([event]), robust=True)


def tell_gateways(kind: str, station_id: int) -> None:
    """Tell the gateway that holds the station, after the commit: `command.waiting`, `station.refused` (it may no longer
    be connected like this), or `station.changed` (what is remembered of it is old)."""

    message = {"type": kind, "station_id": station_id}
    transaction.on_commit(lambda: async_to_sync(hurry)("gateways", message), robust=True)


def wake_gateways(station_id: int) -> None:
    """Tell the gateway that holds the station, after the commit, that a command waits for it."""
    tell_gateways("command.waiting", station_id)


def head() -> int:
    """The newest committed cursor; 0 while nothing has happened."""
    return FeedHead.objects.values_list("value", flat=True).filter(pk=1).first() or 0
