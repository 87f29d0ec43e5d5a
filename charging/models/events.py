from django.db import models
from django.utils import timezone


class FeedHead(models.Model):
    """The one row that hands out cursors.

    Whoever writes changes takes it last in the transaction and holds it until the commit, so that cursors become
    visible in their order and a reader that has seen n has missed nothing below n.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    value = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return str(self.value)


class Change(models.Model):
    """The change feed: what pages and phones are told, in commit order, kept for a day for those that reconnect."""

    cursor = models.BigIntegerField(primary_key=True)
    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.CASCADE, related_name="+", db_index=False
    )
    station = models.ForeignKey(
        "charging.ChargingStation", null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    event = models.CharField(max_length=32)
    data = models.JSONField(default=dict)
    user = models.ForeignKey(
        "accounts.User", null=True, blank=True, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        indexes = [models.Index(fields=["organization", "cursor"], name="change_organization_cursor")]

    def __str__(self) -> str:
        return f"{self.cursor} {self.event}"


class SecurityEvent(models.Model):
    """What a station reported (SecurityEventNotification) or what was noticed about it: a foreign transaction id,
    flapping connections, refused handshakes."""

    organization = models.ForeignKey("accounts.Organization", on_delete=models.CASCADE, related_name="+")
    station = models.ForeignKey(
        "charging.ChargingStation", null=True, blank=True, on_delete=models.CASCADE, related_name="security_events"
    )
    type = models.CharField(max_length=50)
    reported_by_station = models.BooleanField(default=False)
    critical = models.BooleanField(default=False)
    info = models.CharField(max_length=500, blank=True)
    source_ip = models.CharField(max_length=64, blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["organization", "-at"], name="security_organization_at")]

    def __str__(self) -> str:
        return f"{self.type} {self.at:%Y-%m-%d %H:%M}"


class Violation(models.Model):
    """How often a station sent a kind of wrong data that was repaired or refused, with the last example."""

    station = models.ForeignKey(
        "charging.ChargingStation", on_delete=models.CASCADE, related_name="violations", db_index=False
    )
    kind = models.CharField(max_length=60)
    count = models.PositiveBigIntegerField(default=0)
    first_at = models.DateTimeField(default=timezone.now)
    last_at = models.DateTimeField(default=timezone.now)
    example = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["station", "kind"], name="violation_once")]

    def __str__(self) -> str:
        return f"{self.kind} × {self.count}"


class QuarantinedMessage(models.Model):
    """A transaction message that was answered and could not be applied: kept, shown, never applied elsewhere."""

    station = models.ForeignKey(
        "charging.ChargingStation", on_delete=models.CASCADE, related_name="quarantine", db_index=False
    )
    key = models.CharField(max_length=32)
    action = models.CharField(max_length=64)
    reason = models.CharField(max_length=200)
    payload = models.JSONField(default=dict)
    count = models.PositiveIntegerField(default=1)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["station", "key"], name="quarantined_message_once")]

    def __str__(self) -> str:
        return f"{self.action}: {self.reason}"


class Pulse(models.Model):
    """The last sign of life of a part of the system that works in the background, such as beat."""

    name = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} {self.at:%H:%M:%S}"
