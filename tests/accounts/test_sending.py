"""Deliveries as rows: claimed once, tried again with growing delays, failed in the end, fair to slow receivers."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts import notice_sending, push, webhook_sending, webhooks
from accounts.actors import actor_of
from accounts.models import (
    KeptSecret,
    Membership,
    Notification,
    NotificationDelivery,
    Organization,
    User,
    Webhook,
    WebhookDelivery,
)
from accounts.outbound import Answer

pytestmark = pytest.mark.django_db


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def owner() -> User:
    user = User.objects.create_user("owner@example.com", "x")
    Membership.objects.create(user=user, organization=Organization.objects.create(name="Home"), role="owner")
    return user


@pytest.fixture
def hook(owner: User) -> Webhook:
    return webhooks.create_webhook(actor_of(owner), url="https://example.com/", events=["*"]).webhook


def due(hook: Webhook, count: int = 1) -> list[WebhookDelivery]:
    return [
        WebhookDelivery.objects.create(webhook=hook, event_id=f"evt_{n}", event="a.b", body="{}") for n in range(count)
    ]


def test_of_two_workers_one_takes_a_row(hook: Webhook, now: datetime) -> None:
    (row,) = due(hook)
    now = timezone.now()
    same = WebhookDelivery.objects.get(pk=row.pk)
    assert webhook_sending.claim(row, now)
    assert not webhook_sending.claim(same, now)
    assert webhook_sending.claim_due(now) == []
    # What a worker leaves undone is due again when it can no longer be at it.
    assert webhook_sending.claim_due(now + webhook_sending.LEASE) == [row]
    # The one that comes late with its outcome has lost it.
    webhook_sending.record(row, Answer(200), now)
    row.refresh_from_db()
    assert (row.status, row.attempts) == ("waiting", 2)


def test_the_delays_grow_and_end(hook: Webhook, now: datetime) -> None:
    (row,) = due(hook)
    row, waits = WebhookDelivery.objects.get(pk=row.pk), []
    for _attempt in range(len(webhook_sending.DELAYS) + 1):
        assert webhook_sending.claim(row, row.due_at)
        webhook_sending.record(row, Answer(500, "broken"), row.due_at)
        before, row = row.due_at, WebhookDelivery.objects.get(pk=row.pk)
        waits.append(row.due_at - before)
    assert row.status == "failed"
    assert (row.response_status, row.response, row.finished_at is None) == (500, "broken", False)
    assert waits[:-1] == sorted(waits[:-1])
    assert sum(waits[:-1], timedelta()) < timedelta(days=2)


def test_a_slow_webhook_leaves_room_for_others(hook: Webhook, owner: User) -> None:
    due(hook, 30)
    other = webhooks.create_webhook(actor_of(owner), url="https://example.com/2", events=["*"]).webhook
    due(other)
    claimed = webhook_sending.claim_due(timezone.now())
    assert [row.webhook_id for row in claimed] == [hook.pk] * webhook_sending.MOST_EACH + [other.pk]


def test_a_secret_that_cannot_be_read_says_so(hook: Webhook) -> None:
    (row,) = due(hook)
    hook.sealed_secret = "sealed with another key"
    hook.save()
    row.webhook = hook
    assert "SECRET_KEY" in webhook_sending.send(row).error


def notified(owner: User, **more: Any) -> NotificationDelivery:
    row = Notification.objects.create(user=owner, kind="station_fault", key="k", title="A fault", text="It says so.")
    return NotificationDelivery.objects.create(notification=row, **{"channel": "email", **more})


def test_a_mail_is_tried_again_and_then_not(owner: User, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.EMAIL_BACKEND = "tests.accounts.test_sending.Away"
    row = notified(owner)
    for attempt in range(len(notice_sending.DELAYS) + 1):
        NotificationDelivery.objects.filter(pk=row.pk).update(due_at=timezone.now())
        notice_sending.send_notifications()
        row.refresh_from_db()
        assert (row.attempts, row.error) == (attempt + 1, "the mail server is away")
    assert row.status == "failed"


class Away:
    """A mail server that is not there."""

    def __init__(self, **_options: Any) -> None:
        pass

    def send_messages(self, _messages: Any) -> int:
        raise OSError("the mail server is away")


def test_a_push_to_a_browser_that_somebody_else_uses_by_now_is_not_sent(owner: User) -> None:
    row = notified(owner, channel="push", target=77)
    notice_sending.send_notifications()
    row.refresh_from_db()
    assert (row.status, row.attempts) == ("failed", 1)


def test_the_key_of_push_is_made_once_and_sealed(settings: Any) -> None:
    key, public = push.vapid_key(), push.application_key()
    assert (push.vapid_key(), push.application_key()) == (key, public)
    assert key not in KeptSecret.objects.get().sealed
    settings.SECRET_KEY = "another key than before, quite long"
    assert push.vapid_key() != key
    assert KeptSecret.objects.count() == 1
