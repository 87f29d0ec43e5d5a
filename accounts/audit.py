"""Reading the audit: what was done on whose behalf, for those who answer for an organization."""

from django.db.models import Q, QuerySet

from accounts.actions import known_actions
from accounts.actors import Actor, Role
from accounts.models import Audit, Organization


def visible(actor: Actor) -> QuerySet[Audit]:
    """What concerns the organizations that the actor manages, the latest first; for a platform admin everything."""
    rows = Audit.objects.select_related("organization").order_by("-at", "-pk")
    ids = actor.organization_ids(Role.MANAGER)
    return rows if ids is None else rows.filter(organization_id__in=ids)


def of(actor: Actor, organization: Organization | None) -> QuerySet[Audit]:
    rows = visible(actor)
    return rows if organization is None else rows.filter(organization=organization)


def said(rows: QuerySet[Audit], words: str) -> QuerySet[Audit]:
    """Those whose actor, target or source address has the words in it."""
    return rows.filter(Q(actor_name__icontains=words) | Q(target__icontains=words) | Q(source_ip__icontains=words))


def nouns() -> list[str]:
    """What actions are about: `station`, `member`, …"""
    return sorted({name.partition(".")[0] for name in known_actions()})
