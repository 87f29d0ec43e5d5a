"""Reading id tags (2.x: IdTokens)."""

from typing import Any

from django.db.models import QuerySet

from accounts.actors import Actor
from charging.models import IdTag
from charging.queries.scope import iso, one, own_for_drivers


def visible(actor: Actor) -> QuerySet[IdTag]:
    """The organization's tags; a driver's own."""
    return own_for_drivers(actor, IdTag.objects.select_related("user"))


def get(actor: Actor, pk: object) -> IdTag:
    """Raises NotFound."""
    return one(visible(actor), "id tag", pk=pk)


def as_json(tag: IdTag) -> dict[str, Any]:
    return {
        "id": tag.pk,
        "organization": tag.organization_id,
        "id_tag": tag.id_tag,
        "name": tag.name,
        "user": tag.user_id,
        "user_name": tag.user.display_name if tag.user else None,
        "parent_id_tag": tag.parent_id_tag or None,
        "blocked": tag.blocked,
        "expires": iso(tag.expires),
        "max_active_transactions": tag.max_active_transactions,
        "created_at": iso(tag.created_at),
    }
