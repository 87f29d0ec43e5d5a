"""Devices that are signed in: phones and other clients by their tokens, browsers by their session; and known devices.

A known device is one from which someone has signed in before. It carries a cookie that says so, signed, with a mark of
its own: its failed sign-ins are counted by themselves, so that nobody else's guesses lock it out (accounts/guesses.py).
"""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.core import signing
from django.core.cache import cache
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from redis.exceptions import RedisError

from accounts.actions import action
from accounts.actors import Actor
from accounts.models import BrowserSession, TokenFamily, User
from accounts.network import client_ip
from accounts.people import person
from accounts.push import device_of
from accounts.tokens import revoke
from mobility.errors import NotFound

SEEN_EVERY_S = 600
COOKIE = "known_device"
COOKIE_AGE_S = 365 * 86_400
#: So many people of one device are remembered.
MOST_KNOWN = 8
APP, BROWSER = "app", "browser"


@dataclass(frozen=True, slots=True)
class Device:
    """One sign-in. `id` is `app-12` or `browser-7`."""

    kind: str
    pk: int
    name: str
    source_ip: str
    created_at: datetime
    last_used_at: datetime
    current: bool

    @property
    def id(self) -> str:
        return f"{self.kind}-{self.pk}"

    def __str__(self) -> str:
        return self.name

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "kind": self.kind,
            "name": self.name,
            "source_ip": self.source_ip,
            "created_at": self.created_at,
            "last_used_at": self.last_used_at,
            "current": self.current,
        }


def listed(actor: Actor, session_key: str | None = None) -> list[Device]:
    """Where the person who acts is signed in, the last used first. Raises Forbidden for who is no person."""
    user = person(actor)
    now = timezone.now()

    def found() -> Iterator[Device]:
        families = TokenFamily.objects.filter(
            user=user, revoked_at=None, expires_at__gt=now, auth_version=user.auth_version
        )
        for row in families:
            # For a moment after a refresh its time lies ahead (accounts/tokens.py).
            used = min(row.rotated_at or row.created_at, now)
            yield Device(
                APP,
                row.pk,
                device_of(row.device) or _("An app"),
                row.source_ip,
                row.created_at,
                used,
                row.pk == actor.family_id,
            )
        for session in BrowserSession.objects.filter(user=user, expires_at__gt=now):
            yield Device(
                BROWSER,
                session.pk,
                session.device or _("A browser"),
                session.source_ip,
                session.created_at,
                session.last_used_at,
                session_key is not None and session.session_key == session_key,
            )

    return sorted(found(), key=lambda device: (device.last_used_at, device.created_at), reverse=True)


def get(actor: Actor, wanted: str, session_key: str | None = None) -> Device:
    """Raises NotFound."""
    for device in listed(actor, session_key):
        if device.id == wanted:
            return device
    raise NotFound(_("There is no such device, or it is signed out already."))


@action("device.sign_out", role=None, target=lambda _result: "")
def sign_out(actor: Actor, *, device: Device) -> None:
    """End a sign-in of one's own: its tokens or its session, and the sockets that it opened."""
    user = person(actor)
    if device.kind == APP:
        for family in TokenFamily.objects.filter(pk=device.pk, user=user):
            revoke(family)
    else:
        end_sessions(BrowserSession.objects.filter(pk=device.pk, user=user))


@action("device.sign_out_others", role=None, target=lambda _result: "")
def sign_out_others(actor: Actor, *, session_key: str | None = None) -> None:
    """End every sign-in of one's own but the one that asks."""
    user = person(actor)
    for family in TokenFamily.objects.filter(user=user, revoked_at=None).exclude(pk=actor.family_id or 0):
        revoke(family)
    end_sessions(BrowserSession.objects.filter(user=user).exclude(session_key=session_key or ""))


def end_sessions(rows: Any) -> None:
    """Delete sessions of the portal: the next request, and the next look of a socket, finds nobody signed in."""
    store = import_module(settings.SESSION_ENGINE).SessionStore
    for row in list(rows):
        store(row.session_key).delete()
        row.delete()


# --- Sessions of browsers ----------------------------------------------------------------------------------------


def note_session(request: HttpRequest, user: User) -> None:
    """Remember which browser this session is in."""
    session = request.session
    if session.session_key is None:
        session.save()
    now = timezone.now()
    key = str(session.session_key)
    BrowserSession.objects.update_or_create(
        session_key=key,
        defaults={
            "user": user,
            "device": device_of(request.headers.get("User-Agent", "").replace("\x00", ""))[:200],
            "source_ip": client_ip(request)[:64],
            "last_used_at": now,
            "expires_at": now + timedelta(seconds=session.get_expiry_age()),
        },
    )
    seen_lately(key)


def seen(request: HttpRequest) -> None:
    """Note that a session is used, every few minutes at most."""
    key = request.session.session_key
    if key is not None and not seen_lately(key):
        BrowserSession.objects.filter(session_key=key).update(
            last_used_at=timezone.now(), source_ip=client_ip(request)[:64]
        )


def seen_lately(key: str) -> bool:
    """Whether it was seen a few minutes ago; counts as seen from here on."""
    try:
        return not cache.add(f"seen:{salted_hmac('seen', key).hexdigest()}", 1, SEEN_EVERY_S)
    except (RedisError, OSError):
        return True


def _came(sender: Any, request: HttpRequest, user: User, **more: Any) -> None:
    if getattr(request, "session", None) is not None:
        note_session(request, user)


def _left(sender: Any, request: HttpRequest, user: User | None, **more: Any) -> None:
    session = getattr(request, "session", None)
    if session is not None and session.session_key:
        BrowserSession.objects.filter(session_key=session.session_key).delete()


def connect() -> None:
    user_logged_in.connect(_came, dispatch_uid="accounts.devices.came")
    user_logged_out.connect(_left, dispatch_uid="accounts.devices.left")


# --- Known devices -----------------------------------------------------------------------------------------------


def hashed(email: str) -> str:
    return salted_hmac("accounts.known_device", email.strip().lower()).hexdigest()[:24]


def carried(request: HttpRequest) -> tuple[str, list[str]]:
    """The device's own mark and the people it is known to; empty without a cookie of ours."""
    try:
        told = signing.loads(request.COOKIES.get(COOKIE, ""), salt=COOKIE, max_age=COOKIE_AGE_S)
        return str(told["mark"]), [str(one) for one in told["people"]]
    except (signing.BadSignature, KeyError, TypeError):
        return "", []


def mark_for(request: HttpRequest, email: str) -> str:
    """The mark of a device that this person has signed in from before; empty for every other."""
    mark, known = carried(request)
    return mark if mark and hashed(email) in known else ""


def remember(response: Any, request: HttpRequest, user: User) -> None:
    """Let the device carry that this person has signed in from it."""
    mark, known = carried(request)
    one = hashed(user.email)
    known = [one, *(other for other in known if other != one)][:MOST_KNOWN]
    response.set_cookie(
        COOKIE,
        signing.dumps({"mark": mark or secrets.token_hex(12), "people": known}, salt=COOKIE),
        max_age=COOKIE_AGE_S,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def is_known_source(email: str, source_ip: str) -> bool:
    """Whether this person has signed in from this address, as far as that is remembered."""
    families = TokenFamily.objects.filter(user__email=email, source_ip=source_ip)
    sessions = BrowserSession.objects.filter(user__email=email, source_ip=source_ip)
    return families.exists() or sessions.exists()


def prune() -> int:
    """Remove sessions that have expired, Django's own included; -> how many browsers are forgotten."""
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
    return int(BrowserSession.objects.filter(expires_at__lt=timezone.now()).delete()[0])
