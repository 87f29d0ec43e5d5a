from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Command(models.Model):
    """A call to a station, from the wish to the station's answer. The row is the truth; a wake-up only hurries it.

    `kind` and `params` are the neutral command; `action` and `request` what went over the wire, `response` what came
    back (secrets masked in both; a queued secret is kept encrypted in `sealed` until it is sent).
    """

    class Status(models.TextChoices):
        QUEUED = "queued", _("Queued")
        SENT = "sent", _("Sent")
        ACCEPTED = "accepted", _("Accepted")
        REJECTED = "rejected", _("Rejected")
        TIMED_OUT = "timed_out", _("Timed out")
        FAILED = "failed", _("Failed")
        EXPIRED = "expired", _("Expired")
        CANCELLED = "cancelled", _("Cancelled")

    WAITING = (Status.QUEUED, Status.SENT)

    organization = models.ForeignKey("accounts.Organization", on_delete=models.CASCADE, related_name="+")
    station = models.ForeignKey("charging.ChargingStation", on_delete=models.CASCADE, related_name="commands")
    connector = models.ForeignKey(
        "charging.Connector", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    transaction = models.ForeignKey(
        "charging.Transaction", null=True, blank=True, on_delete=models.SET_NULL, related_name="commands"
    )
    id_tag = models.ForeignKey("charging.IdTag", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    car = models.ForeignKey("charging.Car", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    kind = models.CharField(max_length=40)
    params = models.JSONField(default=dict, blank=True)
    sealed = models.TextField(blank=True)
    action = models.CharField(max_length=64, blank=True)
    request = models.JSONField(null=True, blank=True)
    response = models.JSONField(null=True, blank=True)
    error = models.CharField(max_length=500, blank=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.QUEUED)
    late = models.BooleanField(default=False, help_text="the answer came after the time-out")
    message_id = models.CharField(max_length=36, blank=True)
    connection_id = models.CharField(max_length=36, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["station", "status", "id"], name="command_station_status"),
            models.Index(fields=["status", "expires_at"], name="command_status_expires"),
            models.Index(fields=["organization", "-created_at"], name="command_org_created"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.station}: {self.status}"
