from datetime import UTC, datetime

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

#: The attempts of a run whose car is put to sleep, to be woken.
ASLEEP = 3


def iso_utc(moment: datetime) -> str:
    """A moment as plans keep it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Schedule(models.Model):
    """When a car charges at a station without anyone's doing, on behalf of its owner.

    `windows` is a list of `{"weekday": 0 to 6, "begin": "22:00", "end": "06:00", "limit_w": null or W}` in the time
    zone of the site. `plan` is what was last decided, with its reason; `plan_key` a digest of what it was decided from,
    and `plan_at` when to look again.
    """

    class Mode(models.TextChoices):
        NOW = "now", _("At once")
        SCHEDULE = "schedule", _("In weekly windows")
        SMART = "smart", _("At the best price")

    class Technique(models.TextChoices):
        AUTO = "auto", _("As the station behaves")
        START = "start", _("Start remotely")
        HOLD = "hold", _("Hold the session back by a limit")

    organization = models.ForeignKey("accounts.Organization", on_delete=models.CASCADE, related_name="schedules")
    station = models.ForeignKey("charging.ChargingStation", on_delete=models.CASCADE, related_name="schedules")
    connector = models.ForeignKey(
        "charging.Connector", null=True, blank=True, on_delete=models.CASCADE, related_name="schedules"
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="schedules")
    car = models.ForeignKey("charging.Car", null=True, blank=True, on_delete=models.SET_NULL, related_name="schedules")
    id_tag = models.ForeignKey("charging.IdTag", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    name = models.CharField(max_length=100, blank=True)
    mode = models.CharField(max_length=10, choices=Mode.choices, default=Mode.SCHEDULE)
    technique = models.CharField(max_length=10, choices=Technique.choices, default=Technique.AUTO)
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)

    # In weekly windows.
    windows = models.JSONField(default=list, blank=True)

    # At the best price: how much until when.
    ready_by = models.TimeField(null=True, blank=True)
    target_wh = models.PositiveIntegerField(null=True, blank=True)
    target_percent = models.PositiveSmallIntegerField(null=True, blank=True)
    battery_wh = models.PositiveIntegerField(null=True, blank=True)
    soc_percent = models.PositiveSmallIntegerField(null=True, blank=True)
    power_w = models.PositiveIntegerField(null=True, blank=True)
    continuous = models.BooleanField(default=False)
    buffer_minutes = models.PositiveSmallIntegerField(default=0)
    min_run_minutes = models.PositiveSmallIntegerField(default=0)
    price_limit = models.DecimalField(
        max_digits=12, decimal_places=5, null=True, blank=True, validators=[MinValueValidator(0)]
    )
    random_delay_minutes = models.PositiveSmallIntegerField(default=0)

    # For once.
    charge_now = models.BooleanField(default=False)
    skipped = models.DateTimeField(null=True, blank=True)
    paused_until = models.DateTimeField(null=True, blank=True)
    pause_reason = models.CharField(max_length=20, blank=True)

    # Where it stands.
    plugged_since = models.DateTimeField(null=True, blank=True)
    plan = models.JSONField(default=dict, blank=True)
    plan_key = models.CharField(max_length=64, blank=True)
    plan_at = models.DateTimeField(null=True, blank=True, default=timezone.now, db_index=True)

    # What its station stores of it: a digest of what was last sent, and how far down the ladder it has refused.
    kept_key = models.CharField(max_length=64, blank=True)
    kept_step = models.PositiveSmallIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["organization", "station"], name="schedule_org_station")]

    def __str__(self) -> str:
        return self.name or f"{self.get_mode_display()}: {self.station}"


class ScheduleRun(models.Model):
    """One stretch of a schedule: planned, sent, answered, and what came of it.

    `due_at` is when it wants to be looked at next, null once it is over. Who acts on it has moved `due_at` first, by a
    conditional update, so that of two schedulers one does. `key` names what it is for, once per schedule.
    `steps` is its log: `{"at", "code", "params"}`, which `charging/scheduling/words.py` puts into sentences.
    """

    class State(models.TextChoices):
        PLANNED = "planned", _("Planned")
        HOLDING = "holding", _("Held back")
        SENT = "sent", _("Sent")
        RUNNING = "running", _("Charging")
        ENDING = "ending", _("Ending")
        RESTING = "resting", _("Held after its end")
        DONE = "done", _("Done")
        MISSED = "missed", _("Missed")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    #: What is being acted on, in which no second run of the schedule may begin.
    ACTIVE = (State.HOLDING, State.SENT, State.RUNNING, State.ENDING, State.RESTING)
    OVER = (State.DONE, State.MISSED, State.FAILED, State.CANCELLED)

    organization = models.ForeignKey("accounts.Organization", on_delete=models.CASCADE, related_name="+")
    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="runs", db_index=False)
    key = models.CharField(max_length=80)
    state = models.CharField(max_length=10, choices=State.choices, default=State.PLANNED)
    begin_at = models.DateTimeField()
    end_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True, blank=True, db_index=True)
    open_ended = models.BooleanField(default=False)
    limit_w = models.PositiveIntegerField(null=True, blank=True)
    energy_wh = models.FloatField(null=True, blank=True)
    cost = models.DecimalField(max_digits=12, decimal_places=5, null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    held = models.BooleanField(default=False)
    watch_until = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    effect_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    command = models.ForeignKey("charging.Command", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    transaction = models.ForeignKey(
        "charging.Transaction", null=True, blank=True, on_delete=models.SET_NULL, related_name="schedule_runs"
    )
    steps = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["schedule", "key"], name="schedule_run_once")]
        indexes = [models.Index(fields=["schedule", "-begin_at"], name="schedule_run_begin")]

    def __str__(self) -> str:
        return f"{self.schedule} {self.begin_at:%Y-%m-%d %H:%M}: {self.state}"

    @property
    def holds(self) -> bool:
        """Whether it holds its session back at 0 A now: before its slot, after its end, or to wake a sleeping car."""
        return self.held_now or self.state in (self.State.HOLDING, self.State.RESTING)

    @property
    def held_now(self) -> bool:
        return self.state == self.State.SENT and self.attempts == ASLEEP and self.transaction_id is not None

    def power_at(self, moment: datetime) -> float | None:
        """What it is to draw at a moment, in W: its own limit, or what its plan has reserved; None: all it can."""
        if self.limit_w is not None or not self.key.startswith("smart:"):
            return self.limit_w
        for part in self.schedule.plan.get("powers") or []:
            if part["begin"] <= iso_utc(moment) < part["end"]:
                return float(part["power_w"]) if part["power_w"] < self.schedule.plan.get("power_w", 0) else None
        return None
