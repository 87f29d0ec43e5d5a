"""Notifications: what a person can be told, over which channels, what was chosen, and what was told."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actions import action
from accounts.actors import Actor
from accounts.models import Notification, NotificationPreference
from accounts.people import person
from mobility.errors import Invalid

EMAIL, PUSH, PORTAL = "email", "push", "portal"
CHANNELS: dict[str, Any] = {
    EMAIL: gettext_lazy("E-mail"),
    PUSH: gettext_lazy("Push"),
    PORTAL: gettext_lazy("Bell"),
}
#: Whom a kind of news concerns: whose session it is, who manages the organization, who runs the platform.
OWN, ORGANIZATION, PLATFORM = "own", "organization", "platform"
SCOPES: dict[str, Any] = {
    OWN: gettext_lazy("What you charge"),
    ORGANIZATION: gettext_lazy("Your organization"),
    PLATFORM: gettext_lazy("The platform"),
}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of news, and the channels it takes while a person has chosen nothing."""

    key: str
    scope: str
    label: Any
    icon: str
    defaults: frozenset[str] = frozenset()


QUIET: frozenset[str] = frozenset()
SEEN = frozenset((PORTAL,))
AT_HAND = frozenset((PORTAL, PUSH))
LOUD = frozenset((PORTAL, PUSH, EMAIL))

KINDS: dict[str, Kind] = {
    kind.key: kind
    for kind in (
        Kind("session_started", OWN, gettext_lazy("Your session has started"), "play_circle"),
        Kind("session_finished", OWN, gettext_lazy("Your session has ended: energy and cost"), "task_alt", AT_HAND),
        Kind("session_interrupted", OWN, gettext_lazy("Your session stopped early or pauses"), "pause_circle", LOUD),
        Kind("command_failed", OWN, gettext_lazy("A command has failed"), "sms_failed", SEEN),
        Kind("any_session_started", ORGANIZATION, gettext_lazy("Somebody's session has started"), "play_circle"),
        Kind("any_session_finished", ORGANIZATION, gettext_lazy("Somebody's session has ended"), "task_alt"),
        Kind(
            "any_session_interrupted",
            ORGANIZATION,
            gettext_lazy("Somebody's session stopped early or pauses"),
            "pause_circle",
            SEEN,
        ),
        Kind("station_fault", ORGANIZATION, gettext_lazy("A station or an outlet reports a fault"), "error", LOUD),
        Kind("station_offline", ORGANIZATION, gettext_lazy("A station is offline for ten minutes"), "cloud_off", LOUD),
        Kind("station_online", ORGANIZATION, gettext_lazy("It is connected again"), "cloud_done", AT_HAND),
        Kind("security_event", ORGANIZATION, gettext_lazy("A critical security event"), "gpp_maybe", LOUD),
        Kind("station_waiting", PLATFORM, gettext_lazy("An unknown station knocks"), "pending", LOUD),
    )
}


def kinds_for(actor: Actor) -> list[Kind]:
    """What can concern the actor at all."""
    scopes = {OWN}
    if actor.manages:
        scopes.add(ORGANIZATION)
    if actor.is_platform_admin:
        scopes.add(PLATFORM)
    return [kind for kind in KINDS.values() if kind.scope in scopes]


# --- What is wanted --------------------------------------------------------------------------------------------------


def channels_wanted(users: Collection[int], kinds: Collection[str]) -> dict[tuple[int, str], frozenset[str]]:
    """(user, kind) -> the channels, of people and kinds that are concerned; two queries at most."""
    chosen: dict[tuple[int, str], dict[str, bool]] = {}
    for row in NotificationPreference.objects.filter(user_id__in=users, kind__in=kinds):
        chosen.setdefault((row.user_id, row.kind), {})[row.channel] = row.wanted
    return {
        (user, kind): frozenset(
            channel
            for channel in CHANNELS
            if chosen.get((user, kind), {}).get(channel, channel in KINDS[kind].defaults)
        )
        for user in users
        for kind in kinds
    }


def preferences(actor: Actor) -> dict[str, dict[str, bool]]:
    """kind -> channel -> whether it is wanted, of what can concern the actor. Raises Forbidden for machines."""
    user = person(actor)
    kinds = [kind.key for kind in kinds_for(actor)]
    wanted = channels_wanted([user.pk], kinds)
    return {kind: {channel: channel in wanted[user.pk, kind] for channel in CHANNELS} for kind in kinds}


@action("notifications.choose", role=None, target=lambda _result: "")
def choose(actor: Actor, *, changes: Mapping[str, Any]) -> dict[str, dict[str, bool]]:
    """Change some cells of the table kind × channel; -> the whole table.

    Raises:
        Invalid: a kind that cannot concern the actor, or an unknown channel.
    """
    user = person(actor)
    known = {kind.key for kind in kinds_for(actor)}
    wrong = {}
    for kind, channels in changes.items():
        if kind not in known:
            wrong[str(kind)[:60]] = _("There is no such notification for you.")
        elif not isinstance(channels, Mapping) or not set(channels) <= set(CHANNELS):
            wrong[kind] = _("The channels are %(names)s.") % {"names": ", ".join(CHANNELS)}
        elif not all(isinstance(wanted, bool) for wanted in channels.values()):
            wrong[kind] = _("A channel is true or false.")
    if wrong:
        raise Invalid(_("Some fields are not usable."), fields=wrong)
    for kind, channels in changes.items():
        for channel, wanted in channels.items():
            NotificationPreference.objects.update_or_create(
                user=user, kind=kind, channel=channel, defaults={"wanted": wanted}
            )
    return preferences(actor)


def sends_mail() -> bool:
    return bool(settings.SENDS_MAIL)


# --- What was told ---------------------------------------------------------------------------------------------------


def visible(actor: Actor) -> QuerySet[Notification]:
    """One's own, the latest first, with how each was delivered. Raises Forbidden for machines."""
    rows = Notification.objects.filter(user=person(actor)).select_related("organization")
    return rows.prefetch_related("deliveries").order_by("-created_at", "-pk")


def unread(actor: Actor) -> QuerySet[Notification]:
    return Notification.objects.filter(user=actor.user, in_portal=True, read_at=None)


@action("notifications.read", role=None, target=lambda _result: "")
def mark_read(actor: Actor) -> int:
    """Everything that the bell counts has been seen; -> how much that was."""
    person(actor)
    return unread(actor).update(read_at=timezone.now())


def as_json(row: Notification) -> dict[str, Any]:
    return {
        "id": row.pk,
        "kind": row.kind,
        "title": row.title,
        "text": row.text,
        "path": row.path,
        "organization": row.organization_id,
        "created_at": row.created_at,
        "read": row.read_at is not None or not row.in_portal,
        "deliveries": [
            {"channel": one.channel, "device": one.device, "status": str(one.status), "error": one.error}
            for one in row.deliveries.all()
        ],
    }


def cells(actor: Actor) -> Iterator[tuple[Any, list[tuple[Kind, list[tuple[str, Any, bool]]]]]]:
    """The table as the page shows it: (group, [(kind, [(channel, label, wanted)])])."""
    chosen = preferences(actor)
    for scope, heading in SCOPES.items():
        rows = [
            (KINDS[kind], [(channel, CHANNELS[channel], wanted) for channel, wanted in row.items()])
            for kind, row in chosen.items()
            if KINDS[kind].scope == scope
        ]
        if rows:
            yield heading, rows
