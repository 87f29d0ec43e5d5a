"""Changing id tags and their aliases, and learn mode."""

from datetime import timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actions import action
from accounts.actors import Actor, Role
from accounts.models import Organization, User
from charging.actions.common import assign, member_or_invalid, only_once
from charging.models import ChargingStation, IdTag, IdTagAlias
from charging.models.id_tags import canonical_id_tag
from mobility.errors import Conflict, Invalid

SETTABLE = ("name", "user", "parent_id_tag", "blocked", "expires", "max_active_transactions", "cost_center")
TAKEN = gettext_lazy("This tag exists already.")
#: How long a station listens for a card in learn mode.
LEARN_FOR = timedelta(minutes=5)


@action("id_tag.create", role=Role.MANAGER, creates=True)
def create_id_tag(
    actor: Actor, *, id_tag: str, organization: Organization | None = None, user: User | None = None, **values: Any
) -> IdTag:
    """Add a card, a virtual tag or a MAC address.

    Raises:
        Invalid: a field is unusable, or the person is no member.
        Conflict: the organization has the tag already, in whatever spelling.
    """
    assert organization is not None
    tag = IdTag(organization=organization)
    assign(tag, {**values, "id_tag": id_tag, "user": user}, ("id_tag", *SETTABLE))
    check(tag)
    member_or_invalid(user, organization.pk)
    with only_once("id_tag", TAKEN):
        tag.save()
    return tag


def check_text(text: str) -> None:
    """Raise Invalid for what can be no tag."""
    why = ""
    if not canonical_id_tag(text):
        why = _("A tag consists of letters and digits.") if text else _("This field is required.")
    elif not text.isprintable():
        why = _("A tag has no control characters.")
    elif len(text) > 255:
        why = _("A tag has at most 255 characters.")
    if why:
        raise Invalid(why, fields={"id_tag": why})


def check(tag: IdTag) -> None:
    check_text(tag.id_tag)
    canonical = canonical_id_tag(tag.id_tag)
    if IdTagAlias.objects.filter(organization_id=tag.organization_id, canonical=canonical).exists():
        raise Conflict(TAKEN, code="already_exists", fields={"id_tag": TAKEN})


@action("id_tag.update", role=Role.MANAGER)
def update_id_tag(actor: Actor, *, id_tag: IdTag, changes: dict[str, Any]) -> IdTag:
    """Raises Invalid or Conflict as `create_id_tag`."""
    changed = assign(id_tag, changes, ("id_tag", *SETTABLE))
    if "id_tag" in changed:
        check(id_tag)
        changed.append("canonical")
    if "user" in changed:
        member_or_invalid(id_tag.user, id_tag.organization_id)
    if changed:
        with only_once("id_tag", TAKEN):
            id_tag.save(update_fields=changed)
    return id_tag


@action("id_tag.delete", role=Role.MANAGER)
def delete_id_tag(actor: Actor, *, id_tag: IdTag) -> None:
    """Its transactions stay, with the text that the station sent."""
    id_tag.delete()


@action("id_tag.alias", role=Role.MANAGER)
def create_alias(actor: Actor, *, id_tag: IdTag, alias: str) -> IdTagAlias:
    """Let another text mean the same tag: what some reader makes of the card.

    Raises:
        Invalid: it consists of no letter or digit.
        Conflict: it is a tag of the organization, or an alias already.
    """
    canonical = canonical_id_tag(alias)
    if not canonical:
        raise Invalid(
            _("A tag consists of letters and digits."), fields={"alias": _("A tag consists of letters and digits.")}
        )
    if IdTag.objects.filter(organization=id_tag.organization_id, canonical=canonical).exists():
        raise Conflict(TAKEN, code="already_exists", fields={"alias": TAKEN})
    row = IdTagAlias(organization_id=id_tag.organization_id, id_tag=id_tag, canonical=canonical)
    with only_once("alias", _("This alias exists already.")):
        row.save()
    return row


@action("id_tag.forget_alias", role=Role.MANAGER)
def delete_alias(actor: Actor, *, alias: IdTagAlias) -> None:
    """The tag keeps its own text and its other aliases."""
    alias.delete()


@action("id_tag.learn", role=Role.MANAGER)
def start_learning(actor: Actor, *, station: ChargingStation, user: User) -> ChargingStation:
    """Learn mode: for a few minutes, the next tag at this station that nobody knows becomes the user's own.

    Raises:
        Invalid: the person is no member of the station's organization.
    """
    member_or_invalid(user, station.organization_id)
    station.learn_tag_for, station.learn_tag_until = user, timezone.now() + LEARN_FOR
    station.save(update_fields=["learn_tag_for", "learn_tag_until"])
    return station


@action("id_tag.stop_learning", role=Role.MANAGER)
def stop_learning(actor: Actor, *, station: ChargingStation) -> ChargingStation:
    """An unknown tag at this station is refused again."""
    station.learn_tag_for = station.learn_tag_until = None
    station.save(update_fields=["learn_tag_for", "learn_tag_until"])
    return station
