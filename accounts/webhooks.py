"""Webhooks: addresses of other systems that are told what happens in an organization."""

import json
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Max, OuterRef, QuerySet, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actions import action
from accounts.actors import Actor, Role
from accounts.locks import held
from accounts.models import DeliveryStatus, Organization, Webhook, WebhookDelivery
from accounts.outbound import check_url
from accounts.sealing import seal, unseal
from mobility.errors import Conflict, Invalid, NotFound, TooMany

PURPOSE = "webhook"
MOST = 20
#: So that a button is no means to flood somebody.
MOST_TESTS_WAITING = 5
#: What a webhook can ask for: the names of the change feed.
EVENTS: dict[str, Any] = {
    "station.updated": gettext_lazy("A station's data, status or connection changed"),
    "connector.updated": gettext_lazy("An outlet's status changed"),
    "transaction.started": gettext_lazy("A session started"),
    "transaction.updated": gettext_lazy("A session's state changed"),
    "transaction.ended": gettext_lazy("A session ended, or its bill was corrected"),
    "command.updated": gettext_lazy("A command was sent, answered or failed"),
    "id_tag.learnt": gettext_lazy("A tag was read in learn mode"),
    "security_event.noted": gettext_lazy("A security event was reported or noticed"),
}
PATTERNS = ("*", *sorted({f"{name.partition('.')[0]}.*" for name in EVENTS}))
TEST = "webhook.test"


@dataclass(frozen=True, slots=True)
class WithSecret:
    """A webhook, and its secret the one time it is shown."""

    webhook: Webhook
    secret: str

    def __str__(self) -> str:
        return str(self.webhook)


def visible(actor: Actor) -> QuerySet[Webhook]:
    """Those of the organizations that the actor manages, with how the last delivery went."""
    last = WebhookDelivery.objects.filter(webhook=OuterRef("pk")).exclude(finished_at=None).order_by("-pk")
    rows = Webhook.objects.select_related("organization").annotate(
        last_status=Subquery(last.values("status")[:1]), last_at=Subquery(last.values("finished_at")[:1])
    )
    ids = actor.organization_ids(Role.MANAGER)
    return rows if ids is None else rows.filter(organization_id__in=ids)


def get(actor: Actor, pk: int) -> Webhook:
    """Raises NotFound."""
    found = visible(actor).filter(pk=pk).first()
    if found is None:
        raise NotFound(_("There is no such webhook, or it is not yours."))
    return found


def deliveries(actor: Actor, webhook: Webhook) -> QuerySet[WebhookDelivery]:
    """The latest first."""
    return WebhookDelivery.objects.filter(webhook=webhook, webhook__in=visible(actor).values("pk")).order_by("-pk")


def delivery(actor: Actor, webhook: Webhook, pk: int) -> WebhookDelivery:
    """Raises NotFound."""
    found = deliveries(actor, webhook).filter(pk=pk).first()
    if found is None:
        raise NotFound(_("There is no such delivery, or it is no longer kept."))
    return found


def as_json(webhook: Webhook) -> dict[str, Any]:
    return {
        "id": webhook.pk,
        "organization": webhook.organization_id,
        "url": webhook.url,
        "description": webhook.description,
        "events": webhook.events,
        "active": webhook.active,
        "created_at": webhook.created_at,
        "last_status": getattr(webhook, "last_status", None),
        "last_at": getattr(webhook, "last_at", None),
    }


def delivery_as_json(row: WebhookDelivery) -> dict[str, Any]:
    return {
        "id": row.pk,
        "event_id": row.event_id,
        "event": row.event,
        "cursor": row.cursor,
        "replay": row.round,
        "status": str(row.status),
        "attempts": row.attempts,
        "created_at": row.created_at,
        "next_attempt_at": row.due_at if row.status == DeliveryStatus.WAITING else None,
        "finished_at": row.finished_at,
        "duration_ms": row.duration_ms,
        "request": row.body,
        "response_status": row.response_status,
        "response": row.response,
        "error": row.error,
    }


# --- Changing --------------------------------------------------------------------------------------------------------


def usable_events(wanted: object) -> list[str]:
    if isinstance(wanted, str) or not isinstance(wanted, Iterable):
        wanted = []
    names = list(dict.fromkeys(str(name).strip() for name in wanted))
    unknown = [name for name in names if name not in EVENTS and name not in PATTERNS]
    if unknown:
        why = _("Unknown: %(names)s. There are %(known)s.") % {
            "names": ", ".join(unknown)[:200],
            "known": ", ".join((*EVENTS, *PATTERNS)),
        }
        raise Invalid(why, fields={"events": why})
    if not names:
        why = _("Choose at least one event.")
        raise Invalid(why, fields={"events": why})
    return names


def usable_description(text: object) -> str:
    found = str(text or "").replace("\x00", "").strip()
    if len(found) > 150:
        why = _("This field has at most 150 characters.")
        raise Invalid(why, fields={"description": why})
    return found


def new_secret() -> str:
    return f"whsec_{secrets.token_urlsafe(32)}"


def secret_of(webhook: Webhook) -> str:
    """What signs a delivery; empty when SECRET_KEY is no longer the one it was sealed with."""
    return unseal(PURPOSE, webhook.sealed_secret) or ""


@action("webhook.create", role=Role.MANAGER, creates=True)
def create_webhook(
    actor: Actor, *, url: str, events: object, description: str = "", organization: Organization | None = None
) -> WithSecret:
    """Raises Invalid, and TooMany when the organization has as many as it may."""
    if organization is None:
        raise NotFound(_("There is no organization yet."))
    row = Webhook(organization=organization, created_by=actor.user)
    row.url, row.events, row.description = check_url(url), usable_events(events), usable_description(description)
    if Webhook.objects.filter(organization=organization).count() >= MOST:
        raise TooMany(_("There are %(count)s webhooks already. Delete one first.") % {"count": MOST})
    secret = new_secret()
    row.sealed_secret = seal(PURPOSE, secret)
    row.save()
    return WithSecret(row, secret)


@action("webhook.update", role=Role.MANAGER)
def update_webhook(actor: Actor, *, webhook: Webhook, changes: dict[str, Any]) -> Webhook:
    """Change `url`, `events`, `description`, `active`. A paused webhook is told nothing, later neither."""
    checks: dict[str, Callable[[Any], Any]] = {
        "url": check_url,
        "events": usable_events,
        "description": usable_description,
        "active": bool,
    }
    fields = [name for name in checks if name in changes]
    for name in fields:
        setattr(webhook, name, checks[name](changes[name]))
    webhook.save(update_fields=fields)
    return webhook


@action("webhook.rotate", role=Role.MANAGER)
def rotate_secret(actor: Actor, *, webhook: Webhook) -> WithSecret:
    """A new secret; from the next attempt on the old one signs nothing any more."""
    secret = new_secret()
    webhook.sealed_secret = seal(PURPOSE, secret)
    webhook.save(update_fields=["sealed_secret"])
    return WithSecret(webhook, secret)


@action("webhook.delete", role=Role.MANAGER)
def delete_webhook(actor: Actor, *, webhook: Webhook) -> None:
    """Its deliveries go with it."""
    webhook.delete()


@action("webhook.test", role=Role.MANAGER, target=lambda row: str(row.webhook))
def send_test(actor: Actor, *, webhook: Webhook) -> WebhookDelivery:
    """Send an event that means nothing.

    Raises:
        Conflict: the webhook is paused.
        TooMany: earlier tests still wait.
    """
    refuse_paused(webhook)
    waiting = WebhookDelivery.objects.filter(webhook=webhook, event=TEST, status=DeliveryStatus.WAITING)
    if waiting.count() >= MOST_TESTS_WAITING:
        raise TooMany(_("Earlier tests still wait for an answer."))
    event_id = f"test_{secrets.token_hex(8)}"
    body = body_of(event_id, TEST, timezone.now(), webhook.organization_id, 0, "", {"webhook": webhook.pk})
    return WebhookDelivery.objects.create(webhook=webhook, event_id=event_id, event=TEST, body=body)


@action("webhook.replay", role=Role.MANAGER, target=lambda row: str(row.webhook))
def replay(actor: Actor, *, webhook: Webhook, delivery: WebhookDelivery) -> WebhookDelivery:
    """Send the same event again, with the same id.

    Raises:
        Conflict: the webhook is paused, or this very event waits already.
    """
    refuse_paused(webhook)
    # Two who press at once come one after the other.
    held(Webhook.objects.all()).get(pk=webhook.pk)
    same = WebhookDelivery.objects.filter(webhook=webhook, event_id=delivery.event_id)
    if same.filter(status=DeliveryStatus.WAITING).exists():
        raise Conflict(_("This event waits to be sent already."), code="already_waiting")
    last = same.aggregate(last=Max("round"))["last"] or 0
    return WebhookDelivery.objects.create(
        webhook=webhook,
        event_id=delivery.event_id,
        round=last + 1,
        event=delivery.event,
        cursor=delivery.cursor,
        body=delivery.body,
    )


def refuse_paused(webhook: Webhook) -> None:
    if not webhook.active:
        raise Conflict(_("The webhook is paused. Let it run first."), code="paused")


# --- What is sent ----------------------------------------------------------------------------------------------------


def body_of(
    event_id: str, event: str, at: datetime, organization: int, cursor: int, station: str, data: dict[str, Any]
) -> str:
    """The JSON document of an event, as it is signed and sent."""
    document = {
        "id": event_id,
        "event": event,
        "created": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "organization": organization,
        "cursor": cursor,
        "station": station or None,
        "data": data,
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def wants(webhook: Webhook, event: str) -> bool:
    noun = event.partition(".")[0]
    return any(name in webhook.events for name in (event, f"{noun}.*", "*"))


def listening() -> dict[int, list[Webhook]]:
    """The webhooks that are told, by organization."""
    found: dict[int, list[Webhook]] = {}
    for webhook in Webhook.objects.filter(active=True).order_by("pk"):
        found.setdefault(webhook.organization_id, []).append(webhook)
    return found
