from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone


class Transaction(models.Model):
    """A charging session: what its stored events and readings add up to.

    `transaction_id` is what the wire calls it: our random 31-bit number for 1.6, the station's own id for 2.x.
    `energy_wh` and `cost` are kept up to date while it runs; `final` says that nothing holds the bill any more.
    """

    class State(models.TextChoices):
        PENDING = "pending", "Pending"
        CHARGING = "charging", "Charging"
        SUSPENDED = "suspended", "Suspended"
        ENDED = "ended", "Ended"
        SUPERSEDED = "superseded", "Superseded"
        LOST = "lost", "Stop lost"

    OPEN = (State.PENDING, State.CHARGING, State.SUSPENDED)

    organization = models.ForeignKey("accounts.Organization", on_delete=models.PROTECT, related_name="transactions")
    station = models.ForeignKey("charging.ChargingStation", on_delete=models.PROTECT, related_name="transactions")
    connector = models.ForeignKey(
        "charging.Connector", null=True, blank=True, on_delete=models.SET_NULL, related_name="transactions"
    )
    evse_number = models.PositiveIntegerField(default=0)
    connector_number = models.PositiveIntegerField(default=0)
    transaction_id = models.CharField(max_length=64)
    id_token = models.CharField(max_length=255, blank=True, help_text="as the station sent it")
    id_tag = models.ForeignKey(
        "charging.IdTag", null=True, blank=True, on_delete=models.SET_NULL, related_name="transactions"
    )
    authorization = models.CharField(max_length=20, blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="transactions"
    )
    car = models.ForeignKey(
        "charging.Car", null=True, blank=True, on_delete=models.SET_NULL, related_name="transactions"
    )
    remote_start_id = models.BigIntegerField(null=True, blank=True)
    reservation_number = models.BigIntegerField(null=True, blank=True)

    state = models.CharField(max_length=12, choices=State.choices, default=State.PENDING)
    charging_state = models.CharField(max_length=20, blank=True)
    started = models.DateTimeField(null=True, blank=True)
    ended = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    last_event_at = models.DateTimeField(null=True, blank=True)
    meter_start_wh = models.FloatField(null=True, blank=True)
    meter_stop_wh = models.FloatField(null=True, blank=True)
    energy_wh = models.FloatField(default=0)
    hourly_wh = models.JSONField(default=dict, blank=True, help_text="what of it stands in HourlyEnergy: {hour: Wh}")
    stop_reason = models.CharField(max_length=40, blank=True)
    flags = models.JSONField(default=list, blank=True)
    final = models.BooleanField(default=False)
    corrected = models.BooleanField(default=False, help_text="its energy, end and cost are those of a Correction")

    price_per_kwh = models.DecimalField(max_digits=12, decimal_places=5, null=True, blank=True)
    cost = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)
    currency = models.CharField(max_length=3, default="EUR")
    tariff_version = models.ForeignKey(
        "charging.TariffVersion", null=True, blank=True, on_delete=models.PROTECT, related_name="transactions"
    )
    cost_lines = models.JSONField(default=list, blank=True, help_text="what the cost is made of, under a tariff")
    hourly_cost = models.JSONField(
        default=dict, blank=True, help_text="what of it stands in HourlyEnergy, under a tariff: {hour: amount}"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["station", "transaction_id"], name="transaction_id_once"),
            # One transaction per remote start: what a command began is linked to it atomically, once.
            models.UniqueConstraint(
                fields=["station", "remote_start_id"],
                condition=Q(remote_start_id__isnull=False),
                name="transaction_remote_start_once",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "-started"], name="transaction_org_started"),
            models.Index(fields=["station", "-started"], name="transaction_station_started"),
            # For who sees all organizations: the list's order, and the days of a chart.
            models.Index(fields=["-started"], name="transaction_started"),
            models.Index(fields=["user", "-started"], name="transaction_user_started"),
            models.Index(fields=["state", "station"], name="transaction_state_station"),
            models.Index(fields=["id_tag", "state"], name="transaction_tag_state"),
            # The running ones of an organization, the bills of a month and those held back, beside a million others.
            models.Index(fields=["organization", "state"], name="transaction_org_state"),
            models.Index(fields=["organization", "ended"], name="transaction_org_ended"),
            models.Index(fields=["final", "organization", "-ended"], name="transaction_held"),
        ]

    def __str__(self) -> str:
        return f"{self.station} {self.transaction_id}"

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN


class TransactionEvent(models.Model):
    """One message about a transaction, once, however often and in whatever order it came.

    `key` is a digest of the station's raw values: StartTransaction (connector, idTag, timestamp, meterStart,
    reservation), StopTransaction (transactionId), TransactionEvent (transactionId, seqNo).
    """

    class Kind(models.TextChoices):
        STARTED = "started", "Started"
        UPDATED = "updated", "Updated"
        ENDED = "ended", "Ended"

    station = models.ForeignKey("charging.ChargingStation", on_delete=models.CASCADE, related_name="+", db_index=False)
    transaction = models.ForeignKey(Transaction, on_delete=models.CASCADE, related_name="events")
    key = models.CharField(max_length=32)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    seq_no = models.BigIntegerField(null=True, blank=True)
    station_time = models.DateTimeField()
    received_at = models.DateTimeField(default=timezone.now)
    meter_wh = models.FloatField(null=True, blank=True)
    trigger = models.CharField(max_length=40, blank=True)
    charging_state = models.CharField(max_length=20, blank=True)
    reason = models.CharField(max_length=40, blank=True)
    offline = models.BooleanField(default=False)
    data = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["station", "key"], name="transaction_event_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.transaction_id}"


class MeterReading(models.Model):
    """What one meter said at one time: typed columns for what is charted, all samples as JSON beside them.

    Unique over what the station itself said: (station, connector, transaction or none, its own timestamp); samples of
    the same moment that arrive in another message are merged into the row. `station_time` is the station's clock,
    `measured_at` what is believed (the same, unless the clock is implausible).
    """

    station = models.ForeignKey("charging.ChargingStation", on_delete=models.CASCADE, related_name="+", db_index=False)
    transaction = models.ForeignKey(
        Transaction, null=True, blank=True, on_delete=models.CASCADE, related_name="readings", db_index=False
    )
    evse_number = models.PositiveIntegerField()
    connector_number = models.PositiveIntegerField()
    station_time = models.DateTimeField()
    measured_at = models.DateTimeField()
    received_at = models.DateTimeField()
    energy_wh = models.FloatField(null=True, blank=True)
    power_w = models.FloatField(null=True, blank=True)
    current_a = models.FloatField(null=True, blank=True)
    voltage_v = models.FloatField(null=True, blank=True)
    soc_percent = models.FloatField(null=True, blank=True)
    samples = models.JSONField(
        default=list, blank=True, help_text="[[measurand, value, unit, phase, location, context], …]"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["station", "evse_number", "connector_number", "station_time"],
                condition=Q(transaction__isnull=True),
                name="reading_once",
            ),
            models.UniqueConstraint(
                fields=["transaction", "station_time", "evse_number", "connector_number"],
                condition=Q(transaction__isnull=False),
                name="reading_of_transaction_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.station_id} {self.measured_at:%Y-%m-%d %H:%M:%S}"


class HourlyEnergy(models.Model):
    """Energy and cost per connector and hour: what statistics read, so that they do not slow down with history.

    `hour` is UTC; `local_day` is the day at the site, computed when the row is made.
    """

    organization = models.ForeignKey("accounts.Organization", on_delete=models.CASCADE, related_name="+")
    station = models.ForeignKey("charging.ChargingStation", on_delete=models.CASCADE, related_name="+", db_index=False)
    connector = models.ForeignKey("charging.Connector", on_delete=models.CASCADE, related_name="hourly_energy")
    hour = models.DateTimeField()
    local_day = models.DateField()
    energy_wh = models.FloatField(default=0)
    cost = models.DecimalField(max_digits=14, decimal_places=5, default=0)

    class Meta:
        verbose_name_plural = "hourly energy"
        constraints = [models.UniqueConstraint(fields=["connector", "hour"], name="hourly_energy_once")]
        indexes = [
            models.Index(fields=["organization", "hour"], name="hourly_organization_hour"),
            models.Index(fields=["station", "hour"], name="hourly_station_hour"),
        ]

    def __str__(self) -> str:
        return f"{self.connector} {self.hour:%Y-%m-%d %H}h"
