from typing import Any

from django.core.validators import MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class ChargingStation(models.Model):
    """A charging station (1.6: charge point), its credentials, and who holds its connection.

    `connection_id` names the one connection that owns the station; it is empty while the station is offline. Every
    writer on behalf of a connection compares it, so that a displaced connection delivers nothing.
    """

    class Registration(models.TextChoices):
        ACCEPTED = "accepted", _("Accepted")
        PENDING = "pending", _("Pending")
        REJECTED = "rejected", _("Rejected")

    class Protocol(models.TextChoices):
        OCPP16 = "1.6", "OCPP 1.6J"
        OCPP201 = "2.0.1", "OCPP 2.0.1"
        OCPP21 = "2.1", "OCPP 2.1"

    organization = models.ForeignKey("accounts.Organization", on_delete=models.PROTECT, related_name="stations")
    site = models.ForeignKey("charging.Site", null=True, blank=True, on_delete=models.SET_NULL, related_name="stations")
    identity = models.CharField(max_length=48, unique=True)
    identity_folded = models.CharField(max_length=48, db_index=True, editable=False)
    name = models.CharField(max_length=150, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    # Where it is: on the globe, and on the plan of its site, in percent of the plan's width and height.
    latitude = models.FloatField(null=True, blank=True)
    longitude = models.FloatField(null=True, blank=True)
    plan_x_percent = models.FloatField(null=True, blank=True)
    plan_y_percent = models.FloatField(null=True, blank=True)

    # What it is, as its last BootNotification said (cut to length; the frame is in the message log).
    protocol = models.CharField(max_length=8, blank=True)
    vendor = models.CharField(max_length=100, blank=True)
    model = models.CharField(max_length=100, blank=True)
    serial_number = models.CharField(max_length=100, blank=True)
    firmware_version = models.CharField(max_length=100, blank=True)
    iccid = models.CharField(max_length=40, blank=True)
    imsi = models.CharField(max_length=40, blank=True)
    meter_type = models.CharField(max_length=100, blank=True)
    meter_serial_number = models.CharField(max_length=100, blank=True)
    boot_reason = models.CharField(max_length=40, blank=True)
    booted_at = models.DateTimeField(null=True, blank=True)
    firmware_status = models.CharField(max_length=50, blank=True)
    log_status = models.CharField(max_length=50, blank=True)

    # How it may come in. The password is a hash; learning stores the next one presented.
    registration = models.CharField(max_length=10, choices=Registration.choices, default=Registration.ACCEPTED)
    security_profile = models.PositiveSmallIntegerField(default=1)
    password_hash = models.CharField(max_length=160, blank=True)
    pending_password_hash = models.CharField(max_length=160, blank=True)
    learn_password = models.BooleanField(default=False)
    protocol_pin = models.CharField(max_length=8, choices=Protocol.choices, blank=True)

    # How it is run.
    price_per_kwh = models.DecimalField(
        max_digits=12, decimal_places=5, null=True, blank=True, validators=[MinValueValidator(0)]
    )
    rated_power_w = models.PositiveIntegerField(null=True, blank=True)
    cost_center = models.CharField(max_length=100, blank=True)
    heartbeat_interval_s = models.PositiveIntegerField(null=True, blank=True)
    call_timeout_s = models.PositiveIntegerField(null=True, blank=True)
    idle_timeout_s = models.PositiveIntegerField(null=True, blank=True)
    learn_tag_for = models.ForeignKey(
        "accounts.User", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    learn_tag_until = models.DateTimeField(null=True, blank=True)

    # How it is doing.
    online = models.BooleanField(default=False)
    connection_id = models.CharField(max_length=36, blank=True)
    gateway = models.CharField(max_length=100, blank=True)
    source_ip = models.CharField(max_length=64, blank=True)
    connected_at = models.DateTimeField(null=True, blank=True)
    disconnected_at = models.DateTimeField(null=True, blank=True)
    offline_told = models.BooleanField(default=False)
    last_seen = models.DateTimeField(null=True, blank=True)
    status = models.CharField(max_length=20, blank=True)
    error_code = models.CharField(max_length=50, blank=True)
    status_at = models.DateTimeField(null=True, blank=True)
    clock_drift_s = models.FloatField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["organization", "name"], name="station_organization_name")]

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.identity_folded = self.identity.casefold()[:48]
        super().save(*args, **kwargs)

    def __str__(self) -> str:
        return self.name or self.identity


class EVSE(models.Model):
    """A part of a station that charges one vehicle at a time. 1.6 connector n is EVSE n."""

    station = models.ForeignKey(ChargingStation, on_delete=models.CASCADE, related_name="evses", db_index=False)
    number = models.PositiveIntegerField(help_text="evseId on the wire, from 1")

    class Meta:
        verbose_name = "EVSE"
        ordering = ["station_id", "number"]
        constraints = [models.UniqueConstraint(fields=["station", "number"], name="evse_once")]

    def __str__(self) -> str:
        return f"{self.station} EVSE {self.number}"


class Connector(models.Model):
    """An outlet of an EVSE, its last status and its live values.

    Live values (`power_w` … `measured_at`) are what the newest reading said; they are written with the ledger's batch.
    """

    class Status(models.TextChoices):
        UNKNOWN = "Unknown", "Unknown"
        AVAILABLE = "Available", "Available"
        PREPARING = "Preparing", "Preparing"
        OCCUPIED = "Occupied", "Occupied"
        CHARGING = "Charging", "Charging"
        SUSPENDED_EV = "SuspendedEV", "Suspended by the car"
        SUSPENDED_EVSE = "SuspendedEVSE", "Suspended by the station"
        FINISHING = "Finishing", "Finishing"
        RESERVED = "Reserved", "Reserved"
        UNAVAILABLE = "Unavailable", "Unavailable"
        FAULTED = "Faulted", "Faulted"

    station = models.ForeignKey(ChargingStation, on_delete=models.CASCADE, related_name="connectors", db_index=False)
    evse = models.ForeignKey(EVSE, on_delete=models.CASCADE, related_name="connectors")
    evse_number = models.PositiveIntegerField()
    number = models.PositiveIntegerField(help_text="connectorId on the wire within its EVSE, from 1")
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.UNKNOWN)
    error_code = models.CharField(max_length=50, blank=True)
    info = models.CharField(max_length=255, blank=True)
    vendor_error_code = models.CharField(max_length=100, blank=True)
    status_at = models.DateTimeField(null=True, blank=True)
    status_received_at = models.DateTimeField(null=True, blank=True)
    rated_power_w = models.PositiveIntegerField(null=True, blank=True)
    transaction = models.ForeignKey(
        "charging.Transaction", null=True, blank=True, on_delete=models.SET_NULL, related_name="+", db_constraint=False
    )

    power_w = models.FloatField(null=True, blank=True)
    energy_wh = models.FloatField(null=True, blank=True, help_text="the meter's register")
    current_a = models.FloatField(null=True, blank=True)
    voltage_v = models.FloatField(null=True, blank=True)
    soc_percent = models.FloatField(null=True, blank=True)
    measured_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["station_id", "evse_number", "number"]
        constraints = [models.UniqueConstraint(fields=["station", "evse_number", "number"], name="connector_once")]

    def __str__(self) -> str:
        return f"{self.station} {self.evse_number}/{self.number}"


class WaitingStation(models.Model):
    """An identity that knocked and is not known: the capped list from which a station is adopted."""

    identity = models.CharField(max_length=48, unique=True)
    attempts = models.PositiveIntegerField(default=1)
    first_seen = models.DateTimeField(default=timezone.now)
    last_seen = models.DateTimeField(default=timezone.now, db_index=True)
    source_ip = models.CharField(max_length=64, blank=True)
    subprotocols = models.CharField(max_length=200, blank=True)
    user_agent = models.CharField(max_length=200, blank=True)
    had_credentials = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.identity


class RefusedHandshake(models.Model):
    """What a station said when its connection was refused, and the answer: the latest of each identity and status.

    The list is capped, and everything in it is a stranger's text. Passwords are never kept.
    """

    identity = models.CharField(max_length=200)
    status = models.PositiveSmallIntegerField()
    reason = models.CharField(max_length=300)
    station = models.ForeignKey(
        ChargingStation, null=True, blank=True, on_delete=models.CASCADE, related_name="refused_handshakes"
    )
    attempts = models.PositiveIntegerField(default=1)
    first_seen = models.DateTimeField(default=timezone.now)
    last_seen = models.DateTimeField(default=timezone.now, db_index=True)
    source_ip = models.CharField(max_length=64, blank=True)
    path = models.CharField(max_length=300, blank=True)
    secure = models.BooleanField(default=False)
    subprotocols = models.CharField(max_length=200, blank=True)
    user_agent = models.CharField(max_length=200, blank=True)
    username = models.CharField(max_length=200, blank=True, help_text="of the Basic authentication")
    had_credentials = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["identity", "status"], name="refused_handshake_once")]

    def __str__(self) -> str:
        return f"{self.identity}: {self.status}"
