"""Whether someone who came in long ago may still be here: what a socket asks again and again."""

from importlib import import_module

from django.conf import settings

from accounts.actors import Actor, actor_of
from accounts.models import Organization, User


def fresh_actor(user_id: int, auth_version: int, session_key: str | None, source_ip: str = "") -> Actor | None:
    """The user as an actor with memberships just read; None when the right to be here has ended.

    It ends with a deactivation, a changed password (both count `auth_version` up) and with the session.
    """
    user = User.objects.filter(pk=user_id, is_active=True, auth_version=auth_version).first()
    if user is None or (session_key is not None and not session_lives(session_key)):
        return None
    actor = actor_of(user, source_ip)
    _ = actor.memberships
    return actor


def session_lives(key: str) -> bool:
    store = import_module(settings.SESSION_ENGINE).SessionStore
    return bool(store().exists(key))


def organizations_of(actor: Actor) -> frozenset[int]:
    """The organizations whose events concern the actor; for a platform admin every one."""
    if actor.is_platform_admin:
        return frozenset(Organization.objects.values_list("pk", flat=True))
    return frozenset(actor.memberships)
