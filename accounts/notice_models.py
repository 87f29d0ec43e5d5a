"""What people are told, over which channels, and what other systems are told: rows that a worker delivers."""

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Mark(models.Model):
    """A number or a fact that background work remembers: how far the change feed is read, which outlet is faulted.

    Whoever moves a mark compares it first, so that of two workers one does the work.
    """

    name = models.CharField(max_length=80, primary_key=True)
    value = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.name} {self.value}"


class KeptSecret(models.Model):
    """A secret of the installation that is made once, such as the key that signs web push. Sealed."""

    name = models.CharField(max_length=40, primary_key=True)
    sealed = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name


class NotificationPreference(models.Model):
    """That a person wants or does not want a kind of news over a channel, where it differs from the default."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=40)
    channel = models.CharField(max_length=10)
    wanted = models.BooleanField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "kind", "channel"], name="preference_once")]

    def __str__(self) -> str:
        return f"{self.user}: {self.kind} {self.channel}"


class PushSubscription(models.Model):
    """A browser that takes web push for a person: where to, and with which keys of the browser's."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="push_subscriptions")
    endpoint = models.TextField()
    endpoint_hash = models.CharField(max_length=64, unique=True)
    p256dh = models.CharField(max_length=100)
    sealed_auth = models.TextField()
    device = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.user}: {self.device}"


class Notification(models.Model):
    """Something a person was told, once: `key` names what it is about, such as a transaction.

    Title and text are in the person's language of that time. `in_portal` is whether the bell counts it.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notifications", db_index=False
    )
    organization = models.ForeignKey(
        "accounts.Organization", null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    kind = models.CharField(max_length=40)
    key = models.CharField(max_length=120)
    title = models.CharField(max_length=200)
    text = models.TextField(blank=True)
    path = models.CharField(max_length=300, blank=True)
    in_portal = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "kind", "key"], name="notification_once")]
        indexes = [
            models.Index(fields=["user", "-created_at"], name="notification_user_created"),
            models.Index(fields=["key"], name="notification_key"),
        ]

    def __str__(self) -> str:
        return self.title


class DeliveryStatus(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    SENT = "sent", _("Sent")
    FAILED = "failed", _("Failed")


class NotificationDelivery(models.Model):
    """A notification on its way over one channel. `target` is the push subscription, 0 for mail.

    A row that waits is due at `due_at`. A worker claims it by counting `attempts` up, and moves `due_at` beyond the
    longest time that an attempt takes: what a worker leaves undone is tried again.
    """

    notification = models.ForeignKey(Notification, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    channel = models.CharField(max_length=10)
    target = models.BigIntegerField(default=0)
    device = models.CharField(max_length=200, blank=True)
    status = models.CharField(max_length=10, choices=DeliveryStatus.choices, default=DeliveryStatus.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now)
    error = models.CharField(max_length=300, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "notification deliveries"
        constraints = [
            models.UniqueConstraint(fields=["notification", "channel", "target"], name="notification_delivery_once")
        ]
        indexes = [models.Index(fields=["status", "due_at"], name="notification_delivery_due")]

    def __str__(self) -> str:
        return f"{self.channel} {self.status}"


class Webhook(models.Model):
    """An address of another system that is told what happens in an organization.

    `events` are names of the change feed or patterns such as `transaction.*`. The secret, which signs what is sent, is
    shown once and kept sealed.
    """

    organization = models.ForeignKey("accounts.Organization", on_delete=models.CASCADE, related_name="webhooks")
    url = models.CharField(max_length=500)
    description = models.CharField(max_length=150, blank=True)
    events = models.JSONField(default=list)
    active = models.BooleanField(default=True)
    sealed_secret = models.TextField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.description or self.url


class WebhookDelivery(models.Model):
    """An event on its way to a webhook; claimed as a notification's delivery is.

    `event_id` is the same however often it is sent; `round` counts replays. `cursor` is the feed's, 0 for a test.
    """

    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    event_id = models.CharField(max_length=40)
    round = models.PositiveIntegerField(default=0)
    event = models.CharField(max_length=40)
    cursor = models.BigIntegerField(default=0)
    body = models.TextField()
    status = models.CharField(max_length=10, choices=DeliveryStatus.choices, default=DeliveryStatus.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    response_status = models.PositiveIntegerField(null=True, blank=True)
    response = models.TextField(blank=True)
    error = models.CharField(max_length=300, blank=True)
    duration_ms = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "webhook deliveries"
        constraints = [models.UniqueConstraint(fields=["webhook", "event_id", "round"], name="webhook_delivery_once")]
        indexes = [
            models.Index(fields=["status", "due_at"], name="webhook_delivery_due"),
            models.Index(fields=["webhook", "-id"], name="webhook_delivery_latest"),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.status}"
