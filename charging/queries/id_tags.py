"""Reading id tags (2.x: IdTokens)."""

from typing import Any

from django.db.models import Count, QuerySet

from accounts.actors import Actor
from charging.models import IdTag, IdTagAlias
from charging.queries.scope import iso, one, own_for_drivers


def visible(actor: Actor) -> QuerySet[IdTag]:
    """The organization's tags; a driver's own."""
    return own_for_drivers(actor, IdTag.objects.select_related("user"))


def get(actor: Actor, pk: object) -> IdTag:
    """Raises NotFound."""
    return one(visible(actor), "id tag", pk=pk)


def groups(actor: Actor) -> list[tuple[str, int]]:
    """The parent tags that tags name, each with how many do, in alphabetical order."""
    rows = visible(actor).exclude(parent_id_tag="").order_by("parent_id_tag")
    return list(rows.values_list("parent_id_tag").annotate(count=Count("pk"))[:500])


def family(actor: Actor, tag: IdTag) -> QuerySet[IdTag]:
    """The other tags of the tag's group."""
    rows = visible(actor).filter(organization_id=tag.organization_id, parent_id_tag=tag.parent_id_tag)
    return rows.exclude(pk=tag.pk).exclude(parent_id_tag="").order_by("name", "id_tag")


def children(actor: Actor, tag: IdTag) -> QuerySet[IdTag]:
    """The tags whose parent is this one."""
    rows = visible(actor).filter(organization_id=tag.organization_id, parent_id_tag__in=(tag.id_tag, tag.canonical))
    return rows.exclude(pk=tag.pk).order_by("name", "id_tag")


def aliases(actor: Actor, tag: IdTag) -> QuerySet[IdTagAlias]:
    """The other texts under which readers send a tag that the actor sees."""
    return IdTagAlias.objects.filter(id_tag=tag, id_tag__in=visible(actor).filter(pk=tag.pk)).order_by("canonical")


def with_alias(actor: Actor, canonical: str) -> QuerySet[IdTagAlias, int]:
    """The ids of the tags that have such an alias."""
    rows = IdTagAlias.objects.filter(id_tag__in=visible(actor), canonical__contains=canonical)
    return rows.values_list("id_tag_id", flat=True)


def get_alias(actor: Actor, tag: IdTag, pk: object) -> IdTagAlias:
    """Raises NotFound."""
    return one(aliases(actor, tag), "alias", pk=pk)


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
        "cost_center": tag.cost_center,
        "created_at": iso(tag.created_at),
    }
