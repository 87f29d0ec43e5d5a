"""One-time tickets: how a client without a session opens the live socket, since a browser cannot send it a header.

A ticket is signed, lives a minute and works once, whichever process redeems it: the redeeming is a deletion of its row.
"""

import secrets
from datetime import timedelta

from django.core import signing
from django.utils import timezone
from django.utils.translation import gettext

from accounts.actors import Actor, actor_of
from accounts.api_keys import actor_of_key, living
from accounts.models import ApiKey, Ticket, User
from mobility.errors import Forbidden

LIFETIME_S = 60
SALT = "accounts.ticket"


def issue_ticket(actor: Actor, *, api_key: ApiKey | None = None) -> str:
    """A ticket for the actor's live events. Raises Forbidden for an actor that is nobody."""
    if actor.user is None:
        raise Forbidden(gettext("Only someone signed in gets a ticket."))
    now = timezone.now()
    Ticket.objects.filter(expires_at__lt=now).delete()
    nonce = secrets.token_hex(16)
    Ticket.objects.create(nonce=nonce, expires_at=now + timedelta(seconds=LIFETIME_S))
    return signing.dumps(
        {
            "nonce": nonce,
            "user": actor.user.pk,
            "version": actor.user.auth_version,
            "key": api_key.pk if api_key else None,
            "family": actor.family_id,
        },
        salt=SALT,
        compress=False,
    )


def redeem_ticket(ticket: str, source_ip: str = "") -> Actor | None:
    """The actor that a ticket was issued to, the first time and within its minute; None otherwise."""
    try:
        told = signing.loads(ticket, salt=SALT, max_age=LIFETIME_S)
    except signing.BadSignature:
        return None
    spent, _ = Ticket.objects.filter(nonce=told["nonce"], expires_at__gt=timezone.now()).delete()
    user = User.objects.filter(pk=told["user"], is_active=True, auth_version=told["version"]).first()
    if not spent or user is None:
        return None
    if told["key"] is None:
        return actor_of(user, source_ip, told["family"])
    key = living().select_related("user").filter(pk=told["key"]).first()
    return actor_of_key(key, source_ip) if key else None


def set_up_token() -> str:
    """What the set-up link carries while there is no admin. It dies with the first one, and after a day."""
    return signing.dumps("set-up", salt="accounts.set_up")


def is_set_up_token(token: str) -> bool:
    try:
        return bool(signing.loads(token, salt="accounts.set_up", max_age=86_400) == "set-up")
    except signing.BadSignature:
        return False
