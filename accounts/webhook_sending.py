"""Sending to webhooks: rows that are due are claimed, signed, sent, and done or due again later."""

import hashlib
import hmac
import logging
import threading
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from celery import shared_task
from django.db.models import F, Min, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from kombu.exceptions import OperationalError

from accounts.models import DeliveryStatus, WebhookDelivery
from accounts.outbound import TOTAL_S, Answer, post
from accounts.sending import send_due
from accounts.webhooks import secret_of
from mobility.beat import only_if

log = logging.getLogger("accounts.webhooks")

#: After which attempt how long to wait; after the last one it has failed.
DELAYS = tuple(timedelta(seconds=s) for s in (5, 30, 120, 600, 3600, 4 * 3600, 12 * 3600))
#: When a row that a worker has claimed and left undone is due again.
LEASE = timedelta(seconds=6 * TOTAL_S)
MOST_HOOKS = 16
#: Of one webhook at once, so that a slow one does not hold up the others.
MOST_EACH = 4
#: Held by the run of this process.
_turn = threading.Lock()


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """`v1=` and HMAC-SHA256 over `timestamp.body`, in hexadecimal."""
    return "v1=" + hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()


def headers_of(row: WebhookDelivery, secret: str, timestamp: int) -> Mapping[str, str]:
    return {
        "Content-Type": "application/json",
        "X-Mobility-Event": row.event,
        "X-Mobility-Delivery": str(row.pk),
        "X-Mobility-Attempt": str(row.attempts),
        "X-Mobility-Timestamp": str(timestamp),
        "X-Mobility-Signature": signature(secret, timestamp, row.body.encode()),
    }


def claim(row: WebhookDelivery, now: datetime) -> bool:
    """Take a row: of all workers that see it, for one."""
    mine = WebhookDelivery.objects.filter(pk=row.pk, status=DeliveryStatus.WAITING, attempts=row.attempts)
    if not mine.update(attempts=F("attempts") + 1, due_at=now + LEASE):
        return False
    row.attempts += 1
    return True


def due(now: datetime) -> QuerySet[WebhookDelivery]:
    return WebhookDelivery.objects.filter(status=DeliveryStatus.WAITING, due_at__lte=now, webhook__active=True)


def has_due() -> bool:
    return due(timezone.now()).exists()


def claim_due(now: datetime) -> list[WebhookDelivery]:
    """What is due, a few of each webhook, claimed."""
    waiting = due(now)
    hooks = waiting.values("webhook").annotate(first=Min("due_at")).order_by("first").values_list("webhook", flat=True)
    found = []
    for pk in list(hooks[:MOST_HOOKS]):
        rows = waiting.filter(webhook=pk).select_related("webhook").order_by("due_at", "pk")[:MOST_EACH]
        found += [row for row in rows if claim(row, now)]
    return found


def send(row: WebhookDelivery) -> Answer:
    """One attempt; asks nothing of the database."""
    secret = secret_of(row.webhook)
    if not secret:
        return Answer(error=_("The secret cannot be read any more (SECRET_KEY has changed). Rotate it."))
    return post(row.webhook.url, row.body.encode(), headers_of(row, secret, int(time.time())))


def record(row: WebhookDelivery, answer: Answer, now: datetime) -> None:
    """Done, due again, or failed; unless someone else has it by now."""
    refused = "" if answer.is_good else _("The answer was %(status)s.") % {"status": answer.status}
    outcome: dict[str, Any] = {
        "response_status": answer.status,
        "response": answer.text,
        "error": answer.error or refused,
        "duration_ms": answer.duration_ms,
    }
    if answer.is_good:
        outcome |= {"status": DeliveryStatus.SENT, "finished_at": now}
    elif row.attempts > len(DELAYS):
        outcome |= {"status": DeliveryStatus.FAILED, "finished_at": now}
    else:
        outcome |= {"due_at": now + DELAYS[row.attempts - 1]}
    WebhookDelivery.objects.filter(pk=row.pk, status=DeliveryStatus.WAITING, attempts=row.attempts).update(**outcome)


@shared_task
@only_if(has_due)
def send_webhooks() -> None:
    """Send to webhooks what is due."""
    send_due(_turn, claim_due, lambda rows: [partial(send, row) for row in rows], record)


def hurry() -> None:
    """Have what is due sent now, since somebody waits for it. Without a broker the next look finds it."""
    try:
        send_webhooks.delay()
    except OperationalError:
        log.warning("The broker is away; webhooks are sent with the next look at what is due.")
