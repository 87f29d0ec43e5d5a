"""Web push: the installation's key, and the browsers that take messages for a person."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import push_crypto
from accounts.actions import action
from accounts.actors import Actor
from accounts.models import KeptSecret, PushSubscription
from accounts.outbound import Answer, check_url, post
from accounts.people import person
from accounts.sealing import seal, unseal
from mobility.errors import Invalid, NotFound, TooMany

KEY = "vapid"
PURPOSE = "push"
MOST = 20
#: How long a push service keeps a message for a browser that is away.
KEEP_S = 86_400
#: What a push service answers when the browser has gone for good.
GONE = (404, 410)


def vapid_key() -> str:
    """The private key that signs for this installation: made at its first use, then kept.

    One that can no longer be read, because SECRET_KEY has changed, is made anew; browsers then have to subscribe again.
    """
    kept = KeptSecret.objects.filter(pk=KEY).first()
    key = unseal(KEY, kept.sealed) if kept else None
    if key is not None:
        return key
    sealed = seal(KEY, push_crypto.new_key())
    if kept is not None:
        KeptSecret.objects.filter(pk=KEY, sealed=kept.sealed).update(sealed=sealed, created_at=timezone.now())
    else:
        try:
            with transaction.atomic():
                KeptSecret.objects.create(pk=KEY, sealed=sealed)
        except IntegrityError:
            # Another process was first, and its key is the one.
            pass
    return unseal(KEY, KeptSecret.objects.get(pk=KEY).sealed) or ""


def key_state() -> str:
    """ "kept", "unreadable" (SECRET_KEY has changed), or empty while there is no key yet. Makes none."""
    kept = KeptSecret.objects.filter(pk=KEY).first()
    if kept is None:
        return ""
    return "kept" if unseal(KEY, kept.sealed) is not None else "unreadable"


def application_key() -> str:
    """The public half, which a browser wants when it subscribes."""
    return push_crypto.encoded(push_crypto.point(push_crypto.private_key(vapid_key()).public_key()))


def visible(actor: Actor) -> QuerySet[PushSubscription]:
    """One's own. Raises Forbidden for machines."""
    return PushSubscription.objects.filter(user=person(actor)).order_by("-pk")


def get(actor: Actor, pk: int) -> PushSubscription:
    """Raises NotFound."""
    found = visible(actor).filter(pk=pk).first()
    if found is None:
        raise NotFound(_("There is no such subscription, or it is not yours."))
    return found


def as_json(row: PushSubscription) -> dict[str, Any]:
    return {
        "id": row.pk,
        "endpoint": row.endpoint,
        "device": row.device,
        "created_at": row.created_at,
        "last_used_at": row.last_used_at,
    }


def digest(endpoint: str) -> str:
    return hashlib.blake2b(endpoint.encode(), digest_size=32, person=b"push").hexdigest()


def device_of(user_agent: str) -> str:
    """`Firefox, Linux`: what a person calls a browser; the whole text where it is none of the usual ones."""
    browsers = {"Edg": "Edge", "OPR": "Opera", "Firefox": "Firefox", "Chrom": "Chrome", "Safari": "Safari"}
    systems = {"Android": "Android", "iPhone": "iPhone", "iPad": "iPad", "Windows": "Windows", "Mac OS": "macOS"}
    browser = next((name for mark, name in browsers.items() if mark in user_agent), "")
    system = next((name for mark, name in {**systems, "Linux": "Linux"}.items() if mark in user_agent), "")
    return ", ".join(filter(None, (browser, system))) if browser else user_agent


def check_keys(p256dh: str, auth: str) -> None:
    """Raises Invalid for keys with which nothing can be encrypted."""
    wrong = {}
    try:
        push_crypto.public_key(p256dh)
    except ValueError:
        wrong["p256dh"] = _("This is no key of a browser.")
    try:
        if len(push_crypto.decoded(auth)) != 16:
            raise ValueError
    except ValueError:
        wrong["auth"] = _("This is no secret of a browser.")
    if wrong:
        raise Invalid(_("The browser's keys are not usable."), fields=wrong)


@action("push.subscribe", role=None)
def subscribe(actor: Actor, *, secrets: Mapping[str, str], device: str = "") -> PushSubscription:
    """Send this person's news to a browser, too. The same browser again replaces what was known of it.

    Args:
        secrets: `endpoint`, `p256dh` and `auth`, as the browser made them: who knows them can write to it.

    Raises:
        Invalid: the address or the keys are unusable.
        TooMany: this person has subscribed with too many browsers.
    """
    user = person(actor)
    endpoint = check_url(secrets.get("endpoint"), "endpoint", encrypted=True)
    p256dh, auth = str(secrets.get("p256dh", "")), str(secrets.get("auth", ""))
    check_keys(p256dh, auth)
    mark = digest(endpoint)
    if PushSubscription.objects.filter(user=user).exclude(endpoint_hash=mark).count() >= MOST:
        raise TooMany(_("Too many browsers get your notifications. Remove some first."))
    # Whoever uses the browser now gets what comes to it, and nobody else.
    row, _made = PushSubscription.objects.update_or_create(
        endpoint_hash=mark,
        defaults={
            "user": user,
            "endpoint": endpoint,
            "p256dh": p256dh,
            "sealed_auth": seal(PURPOSE, auth),
            "device": device.replace("\x00", "").strip()[:200],
        },
    )
    return row


@action("push.unsubscribe", role=None)
def unsubscribe(actor: Actor, *, subscription: PushSubscription) -> None:
    get(actor, subscription.pk)
    subscription.delete()


def send(row: PushSubscription, title: str, text: str, path: str, tag: str, key: str) -> Answer:
    """One attempt to hand a message to the browser's push service. Asks nothing of the database."""
    auth = unseal(PURPOSE, row.sealed_auth)
    if auth is None:
        return Answer(error=_("The subscription cannot be read any more (SECRET_KEY has changed). Subscribe again."))
    message = json.dumps({"title": title, "body": text[:1000], "path": path, "tag": tag}, ensure_ascii=False)
    try:
        body = push_crypto.encrypt(message.encode(), row.p256dh, auth)
        contact = settings.PUBLIC_URL if settings.PUBLIC_URL.startswith("https:") else f"mailto:{mail_contact()}"
        headers = {
            "Authorization": push_crypto.authorization(row.endpoint, key, contact),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(KEEP_S),
        }
    except ValueError as error:
        return Answer(error=_("The message cannot be encrypted: %(why)s") % {"why": error})
    return post(row.endpoint, body, headers)


def mail_contact() -> str:
    """The address in EMAIL_FROM, without the name before it."""
    return str(settings.DEFAULT_FROM_EMAIL).rpartition("<")[2].rstrip(">").strip()
