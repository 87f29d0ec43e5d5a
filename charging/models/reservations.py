from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Reservation(models.Model):
    """A connector (or any connector of a station) kept for a tag from `starts_at` until `expires_at`.

    `number` is its id on the wire, unique per station. A planned one waits with us until it starts: then it is sent,
    since OCPP knows only "from now until". `due_at` is when it wants to be looked at next, null once it is over; who
    acts on it has moved `due_at` first, by a conditional update, so that of two schedulers one does.
    """

    class Status(models.TextChoices):
        PLANNED = "planned", _("Planned")
        REQUESTED = "requested", _("Requested")
        ACCEPTED = "accepted", _("Reserved")
        REFUSED = "refused", _("Refused")
        USED = "used", _("Used")
        CANCELLED = "cancelled", _("Cancelled")
        EXPIRED = "expired", _("Expired")
        FAILED = "failed", _("Failed")

    OPEN = (Status.PLANNED, Status.REQUESTED, Status.ACCEPTED)

    organization = models.ForeignKey("accounts.Organization", on_delete=models.CASCADE, related_name="+")
    station = models.ForeignKey(
        "charging.ChargingStation", on_delete=models.CASCADE, related_name="reservations", db_index=False
    )
    connector = models.ForeignKey(
        "charging.Connector", null=True, blank=True, on_delete=models.CASCADE, related_name="reservations"
    )
    number = models.PositiveIntegerField(help_text="reservationId on the wire")
    id_tag = models.ForeignKey(
        "charging.IdTag", null=True, blank=True, on_delete=models.SET_NULL, related_name="reservations"
    )
    id_token = models.CharField(max_length=255, help_text="the tag as the station is told it")
    group_tag = models.CharField(max_length=255, blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="reservations"
    )
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.REQUESTED)
    reason = models.CharField(max_length=500, blank=True)
    starts_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True, blank=True, db_index=True)
    created_at = models.DateTimeField(default=timezone.now)
    answered_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    command = models.ForeignKey("charging.Command", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    transaction = models.ForeignKey(
        "charging.Transaction", null=True, blank=True, on_delete=models.SET_NULL, related_name="reservations"
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["station", "number"], name="reservation_once")]
        indexes = [
            models.Index(fields=["station", "status"], name="reservation_station_status"),
            models.Index(fields=["organization", "-starts_at"], name="reservation_org_starts"),
            models.Index(fields=["user", "-starts_at"], name="reservation_user_starts"),
        ]

    def __str__(self) -> str:
        return f"{self.number}: {self.station}"

    @property
    def is_open(self) -> bool:
        return self.status in self.OPEN
