"""Changing id tags."""

from typing import Any

from accounts.actions import action
from accounts.actors import Actor, Role
from accounts.models import Organization, User
from charging.actions.common import assign, member_or_invalid, only_once
from charging.models import IdTag, IdTagAlias
from charging.models.id_tags import canonical_id_tag
from mobility.errors import Conflict, Invalid

SETTABLE = ("name", "user", "parent_id_tag", "blocked", "expires", "max_active_transactions")
TAKEN = "This tag exists already."


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


def check(tag: IdTag) -> None:
    canonical = canonical_id_tag(tag.id_tag)
    if not canonical:
        why = "A tag consists of letters and digits." if tag.id_tag else "This field is required."
        raise Invalid(why, fields={"id_tag": why})
    if not tag.id_tag.isprintable():
        raise Invalid("A tag has no control characters.", fields={"id_tag": "A tag has no control characters."})
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
