"""Whether someone who came in long ago may still be here: what a socket asks again and again."""

from importlib import import_module

from django.conf import settings

from accounts.actors import Actor, actor_of
from accounts.api_keys import actor_of_key, living
from accounts.models import Organization, TokenFamily, User


def fresh_actor(before: Actor, auth_version: int, session_key: str | None) -> Actor | None:
    """The same actor with what it may do just read; None when the right to be here has ended.

    It ends with a deactivation, a changed password (both count `auth_version` up), with the session or the sign-in
    that brought the actor here, and with the API key.
    """
    assert before.user is not None
    user = User.objects.filter(pk=before.user.pk, is_active=True, auth_version=auth_version).first()
    if user is None or (session_key is not None and not session_lives(session_key)):
        return None
    if before.api_key_id is not None:
        key = living().select_related("user").filter(pk=before.api_key_id).first()
        return actor_of_key(key, before.source_ip) if key else None
    if before.family_id is not None and not TokenFamily.objects.filter(pk=before.family_id, revoked_at=None).exists():
        return None
    actor = actor_of(user, before.source_ip, before.family_id)
    _ = actor.memberships
    return actor


def session_lives(key: str) -> bool:
    store = import_module(settings.SESSION_ENGINE).SessionStore
    return bool(store().exists(key))


def organizations_of(actor: Actor) -> frozenset[int]:
    """The organizations whose events concern the actor; for a platform admin every one, and 0 for what has none."""
    if actor.is_platform_admin:
        return frozenset((0, *Organization.objects.values_list("pk", flat=True)))
    return frozenset(actor.memberships)
