"""API keys: how a machine speaks for a person within one organization, with at most that person's role."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from accounts.actions import action, authorize
from accounts.actors import RANKS, Actor, Role
from accounts.models import ApiKey, Membership, Organization
from accounts.scopes import usual
from mobility.errors import Forbidden, Invalid, NotFound, NotSignedIn

ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
USED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Created:
    """A key, and its text the one time it can be shown."""

    api_key: ApiKey
    key: str

    def __str__(self) -> str:
        return str(self.api_key)


def digest(key: str) -> str:
    return hashlib.blake2b(key.encode(errors="replace"), digest_size=32, person=b"api-key").hexdigest()


def living() -> QuerySet[ApiKey]:
    now = timezone.now()
    return ApiKey.objects.filter(revoked_at=None).filter(Q(expires_at=None) | Q(expires_at__gt=now))


def key_of(text: str) -> ApiKey:
    """The key with that text.

    Raises:
        NotSignedIn: there is none, it was revoked or has expired, or its owner is gone from the organization.
    """
    prefix = text.partition("_")[0]
    key = living().select_related("user").filter(prefix=prefix).first() if prefix.isalnum() else None
    if key is None or not hmac.compare_digest(key.hash, digest(text)) or not key.user.is_active or not role_of(key):
        raise NotSignedIn(gettext("This API key is not valid."), code="api_key_not_valid")
    now = timezone.now()
    if key.last_used_at is None or now - key.last_used_at > USED_EVERY:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
    return key


def role_of(key: ApiKey) -> str | None:
    """The lesser of the key's role and its owner's present one."""
    held = (
        Membership.objects.filter(user=key.user_id, organization=key.organization_id)
        .values_list("role", flat=True)
        .first()
    )
    if held is None:
        return str(key.role) if key.user.is_superuser else None
    return str(min(Role(held), Role(key.role), key=RANKS.__getitem__))


def actor_of_key(key: ApiKey, source_ip: str = "") -> Actor:
    role = role_of(key)
    return Actor(
        user=key.user,
        name=f"{key.user.email} ({key.name})",
        source_ip=source_ip,
        roles={key.organization_id: role} if role else {},
        api_key_id=key.pk,
    )


def visible(actor: Actor) -> QuerySet[ApiKey]:
    """One's own keys; an owner sees all of the organization's."""
    rows = ApiKey.objects.filter(revoked_at=None).select_related("user")
    if actor.is_platform_admin:
        return rows
    owned = actor.organization_ids(Role.OWNER) or []
    mine = Q(user=actor.user, organization_id__in=actor.organization_ids() or [])
    return rows.filter(Q(organization_id__in=owned) | mine)


def get(actor: Actor, pk: int) -> ApiKey:
    """Raises NotFound."""
    found = visible(actor).filter(pk=pk).first()
    if found is None:
        raise NotFound(gettext("There is no such API key, or it is not yours."))
    return found


def as_json(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.pk,
        "organization": key.organization_id,
        "name": key.name,
        "prefix": key.prefix,
        "role": str(key.role),
        "scope": str(key.scope),
        "user": key.user_id,
        "created_at": key.created_at,
        "last_used_at": key.last_used_at,
        "expires_at": key.expires_at,
    }


@action("api_key.create", role=Role.VIEWER, creates=True)
def create_api_key(
    actor: Actor,
    *,
    name: str,
    organization: Organization | None = None,
    role: str = Role.VIEWER,
    scope: str | None = None,
    expires_at: datetime | None = None,
) -> Created:
    """Make a key for oneself.

    Args:
        role: the most that it may.
        scope: what of that: read, operate or manage; without one, what is usual for the role.

    Raises:
        Forbidden: the role is more than the actor's own, or the actor is itself a key.
        Invalid: a field is unusable.
    """
    assert organization is not None
    if actor.user is None or actor.roles is not None:
        raise Forbidden(gettext("Only a person makes API keys."))
    if role not in Role.values:
        raise Invalid(
            gettext("This is no role."),
            fields={"role": gettext("Choose one of %(choices)s.") % {"choices": ", ".join(Role.values)}},
        )
    authorize(actor, role, organization.pk, "an API key of this role")
    if scope is not None and scope not in ApiKey.Scope.values:
        why = gettext("Choose one of %(choices)s.") % {"choices": ", ".join(ApiKey.Scope.values)}
        raise Invalid(why, fields={"scope": why})
    name = name.replace("\x00", "").strip()[:100]
    if not name:
        raise Invalid(gettext("A key needs a name."), fields={"name": gettext("This field is required.")})
    if expires_at is not None and expires_at <= timezone.now():
        raise Invalid(
            gettext("The key would have expired already."), fields={"expires_at": gettext("This is in the past.")}
        )
    prefix = "".join(secrets.choice(ALPHABET) for _ in range(12))
    key = f"{prefix}_{secrets.token_urlsafe(32)}"
    row = ApiKey.objects.create(
        organization=organization,
        user=actor.user,
        name=name,
        prefix=prefix,
        hash=digest(key),
        role=role,
        scope=scope or usual(role),
        expires_at=expires_at,
    )
    return Created(row, key)


@action("api_key.revoke", role=None)
def revoke_api_key(actor: Actor, *, api_key: ApiKey) -> None:
    """End a key at once: one's own, or as an owner any."""
    if actor.user is None or actor.user.pk != api_key.user_id:
        authorize(actor, Role.OWNER, api_key.organization_id, "api_key.revoke")
    ApiKey.objects.filter(pk=api_key.pk, revoked_at=None).update(revoked_at=timezone.now())
