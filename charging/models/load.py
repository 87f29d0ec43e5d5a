from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from charging.allocation import Amps, phases_of

AMPERES = [MinValueValidator(0), MaxValueValidator(10_000)]


def amps_field(default: float | None = None) -> "models.FloatField[float, float]":
    return models.FloatField(default=default, validators=AMPERES)


def unknown_amps() -> "models.FloatField[float | None, float | None]":
    return models.FloatField(null=True, blank=True, validators=AMPERES)


class SiteLoad(models.Model):
    """How the load of a site is balanced, and what is known of it beside its circuits.

    `failsafe_a` is stored on the stations as a default profile: what a connector may draw while nobody says otherwise.
    `surplus_w` is the power that may be used as long as `surplus_until` lies ahead; afterwards `safe_surplus_w`.
    `claimed_until` keeps a second process from balancing the site at the same time.
    """

    site = models.OneToOneField("charging.Site", on_delete=models.CASCADE, related_name="load", primary_key=True)
    organization = models.ForeignKey("accounts.Organization", on_delete=models.CASCADE, related_name="+")
    enabled = models.BooleanField(default=False)
    minimum_a = models.FloatField(default=6, validators=[MinValueValidator(6), MaxValueValidator(80)])
    failsafe_a = amps_field(0)
    rotation_s = models.PositiveIntegerField(default=900, validators=[MinValueValidator(60), MaxValueValidator(86_400)])
    lease_s = models.PositiveIntegerField(default=1200, validators=[MinValueValidator(300), MaxValueValidator(86_400)])
    voltage_v = models.FloatField(default=230, validators=[MinValueValidator(100), MaxValueValidator(1000)])
    follows_surplus = models.BooleanField(default=False)
    safe_surplus_w = models.FloatField(default=0, validators=[MinValueValidator(0), MaxValueValidator(100_000_000)])
    surplus_w = models.FloatField(null=True, blank=True)
    surplus_until = models.DateTimeField(null=True, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    balanced_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"Load of {self.site}"


class Circuit(models.Model):
    """A fuse of a site and what is behind it; the main fuse has no parent.

    `load_l1_a` … is what flows to others than the stations, as long as `load_until` lies ahead; afterwards, and where
    no meter is, `reserve_a` on every phase counts.
    """

    organization = models.ForeignKey("accounts.Organization", on_delete=models.CASCADE, related_name="+")
    site = models.ForeignKey("charging.Site", on_delete=models.CASCADE, related_name="circuits", db_index=False)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="below")
    name = models.CharField(max_length=100)
    limit_l1_a = amps_field(0)
    limit_l2_a = amps_field(0)
    limit_l3_a = amps_field(0)
    reserve_a = amps_field(0)
    load_l1_a = unknown_amps()
    load_l2_a = unknown_amps()
    load_l3_a = unknown_amps()
    load_at = models.DateTimeField(null=True, blank=True)
    load_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site", "name"], name="circuit_name_once")]

    def __str__(self) -> str:
        return self.name

    @property
    def limit_a(self) -> Amps:
        return self.limit_l1_a, self.limit_l2_a, self.limit_l3_a


class Outlet(models.Model):
    """A connector behind a circuit, how it is treated, and what is known of its limit.

    `confirmed_a` is the limit that the station accepted last, which ends with `lease_until`; `asked_a` one that is on
    its way with `command`. `fallback_a` is the fail-safe that the station accepted. `step` is how far down the ladder
    of ways to limit it the station has refused. All are null where nothing is known.
    """

    organization = models.ForeignKey("accounts.Organization", on_delete=models.CASCADE, related_name="+")
    circuit = models.ForeignKey(Circuit, on_delete=models.CASCADE, related_name="outlets")
    connector = models.OneToOneField("charging.Connector", on_delete=models.CASCADE, related_name="outlet")
    phases = models.PositiveSmallIntegerField(default=3, validators=[MinValueValidator(1), MaxValueValidator(3)])
    rotation = models.CharField(max_length=3, default="RST")
    rated_a = models.FloatField(default=32, validators=[MinValueValidator(6), MaxValueValidator(1000)])
    weight = models.PositiveSmallIntegerField(default=2, validators=[MinValueValidator(1), MaxValueValidator(10)])
    guest = models.BooleanField(default=False)

    confirmed_a = unknown_amps()
    confirmed_for = models.BigIntegerField(null=True, blank=True, help_text="the transaction that the limit is for")
    lease_until = models.DateTimeField(null=True, blank=True)
    asked_a = unknown_amps()
    asked_at = models.DateTimeField(null=True, blank=True)
    command = models.ForeignKey("charging.Command", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    silent_a = unknown_amps()
    fallback_a = unknown_amps()
    step = models.PositiveSmallIntegerField(default=0)
    fallback_step = models.PositiveSmallIntegerField(default=0)
    refused_at = models.DateTimeField(null=True, blank=True)
    target_a = unknown_amps()
    why = models.JSONField(default=dict, blank=True)
    effect = models.CharField(max_length=10, blank=True)
    drawn = models.CharField(max_length=3, blank=True, help_text="the phases that its car was seen to draw from")
    drawn_for = models.BigIntegerField(null=True, blank=True, help_text="the transaction in which it was seen")
    drawn_at = models.DateTimeField(null=True, blank=True, help_text="the reading that was looked at last")
    waiting_since = models.DateTimeField(null=True, blank=True)
    charging_since = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return str(self.connector)

    @property
    def lines(self) -> tuple[int, ...]:
        """The circuit's phases that it draws from, as indices 0 to 2."""
        return phases_of(self.rotation, self.phases)

    def lines_of(self, drawn: str) -> tuple[int, ...]:
        """The circuit's phases behind some of its own: `STR`, "1" -> (1,)."""
        return phases_of("".join(self.rotation[int(line) - 1] for line in drawn), len(drawn))


class ChargingProfile(models.Model):
    """A charging profile of a station, the same for every version of OCPP, and what the station said to it.

    Without a connector it is about the whole station. `number` is its id on the wire. `periods` is
    `[{"start_s", "limit", "phases"}]`, `limit` in `unit`.
    """

    class Purpose(models.TextChoices):
        STATION_MAX = "station_max", _("Maximum of the station")
        DEFAULT = "default", _("Default of transactions")
        TRANSACTION = "transaction", _("The running transaction")

    class Kind(models.TextChoices):
        ABSOLUTE = "absolute", _("At fixed times")
        RECURRING = "recurring", _("Every day or week")
        RELATIVE = "relative", _("From the transaction's start")

    class Recurrency(models.TextChoices):
        DAILY = "daily", _("Every day")
        WEEKLY = "weekly", _("Every week")

    class Unit(models.TextChoices):
        AMPERE = "A", _("A per phase")
        WATT = "W", _("W in all")

    class Status(models.TextChoices):
        SENT = "sent", _("Sent")
        ACCEPTED = "accepted", _("Accepted")
        REFUSED = "refused", _("Refused")
        UNANSWERED = "unanswered", _("Not answered")
        CLEARED = "cleared", _("Cleared")

    organization = models.ForeignKey("accounts.Organization", on_delete=models.CASCADE, related_name="+")
    station = models.ForeignKey(
        "charging.ChargingStation", on_delete=models.CASCADE, related_name="charging_profiles", db_index=False
    )
    connector = models.ForeignKey(
        "charging.Connector", null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    transaction = models.ForeignKey(
        "charging.Transaction", null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=100, blank=True)
    purpose = models.CharField(max_length=12, choices=Purpose.choices, default=Purpose.DEFAULT)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.ABSOLUTE)
    recurrency = models.CharField(max_length=6, choices=Recurrency.choices, blank=True)
    stack_level = models.PositiveSmallIntegerField(default=0, validators=[MaxValueValidator(100)])
    unit = models.CharField(max_length=1, choices=Unit.choices, default=Unit.AMPERE)
    starts_at = models.DateTimeField(null=True, blank=True)
    duration_s = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(31_536_000)]
    )
    valid_from = models.DateTimeField(null=True, blank=True)
    valid_to = models.DateTimeField(null=True, blank=True)
    periods = models.JSONField(default=list)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.SENT)
    answer = models.CharField(max_length=500, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    reported_at = models.DateTimeField(null=True, blank=True, help_text="when the station last said that it has it")
    kept = models.BooleanField(default=False, help_text="it stores a schedule's plan, and goes when that does")
    schedule = models.ForeignKey(
        "charging.Schedule", null=True, blank=True, on_delete=models.SET_NULL, related_name="kept_profiles"
    )
    command = models.ForeignKey("charging.Command", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["station", "number"], name="charging_profile_once")]

    def __str__(self) -> str:
        return self.name or f"{self.get_purpose_display()} {self.number}"


class CompositeSchedule(models.Model):
    """What a station last said its composite schedule of an EVSE is (EVSE 0: the whole station)."""

    station = models.ForeignKey(
        "charging.ChargingStation", on_delete=models.CASCADE, related_name="composite_schedules", db_index=False
    )
    evse_number = models.PositiveIntegerField()
    unit = models.CharField(max_length=1, default="A")
    begins_at = models.DateTimeField()
    duration_s = models.PositiveIntegerField()
    periods = models.JSONField(default=list)
    received_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["station", "evse_number"], name="composite_schedule_once")]

    def __str__(self) -> str:
        return f"{self.station} EVSE {self.evse_number}"
