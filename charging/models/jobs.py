from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class FirmwareFile(models.Model):
    """A firmware image that the portal hands to stations; `path` is its name below DATA_DIR/firmware."""

    organization = models.ForeignKey("accounts.Organization", on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=100)
    version = models.CharField(max_length=100, blank=True)
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    path = models.CharField(max_length=100)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["organization", "-created_at"], name="firmware_file_org_created")]

    def __str__(self) -> str:
        return self.name


class JobGroup(models.Model):
    """One job at many stations: at most `parallel` at a time, begun `spread_s` after each other."""

    organization = models.ForeignKey("accounts.Organization", on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=10)
    parallel = models.PositiveSmallIntegerField(default=5)
    spread_s = models.PositiveIntegerField(default=0)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class StationJob(models.Model):
    """Work that a station does by itself after it was asked: a firmware update, or the upload of a log.

    `location` is what the station is told, secrets masked, and the whole sealed where the two differ; it is empty where
    the portal itself hands out or takes the file, whose link is made anew for each attempt. `request_id` is that of the
    present attempt. `due_at` is when it wants to be looked at next, null once it is over; who acts on it has moved it
    first, by a conditional update. `steps` is its log: `{"at", "code", "params"}`, which `charging/jobs/words.py` puts
    into sentences.
    """

    class Kind(models.TextChoices):
        FIRMWARE = "firmware", _("Firmware update")
        LOG = "log", _("Log upload")

    class LogType(models.TextChoices):
        DIAGNOSTICS = "diagnostics", _("Diagnostics")
        SECURITY = "security", _("Security log")

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        ASKED = "asked", _("Asked")
        ACCEPTED = "accepted", _("Accepted")
        DOWNLOADING = "downloading", _("Downloading")
        DOWNLOADED = "downloaded", _("Downloaded")
        INSTALLING = "installing", _("Installing")
        CHECKING = "checking", _("Restart awaited")
        UPLOADING = "uploading", _("Uploading")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")
        TIMED_OUT = "timed_out", _("Timed out")
        CANCELLED = "cancelled", _("Cancelled")

    #: Begun and not over.
    ACTIVE = (
        State.ASKED,
        State.ACCEPTED,
        State.DOWNLOADING,
        State.DOWNLOADED,
        State.INSTALLING,
        State.CHECKING,
        State.UPLOADING,
    )
    OPEN = (State.WAITING, *ACTIVE)
    #: What can be tried again.
    LOST = (State.FAILED, State.TIMED_OUT, State.CANCELLED)

    organization = models.ForeignKey("accounts.Organization", on_delete=models.CASCADE, related_name="+")
    group = models.ForeignKey(JobGroup, null=True, blank=True, on_delete=models.CASCADE, related_name="jobs")
    station = models.ForeignKey(
        "charging.ChargingStation", on_delete=models.CASCADE, related_name="jobs", db_index=False
    )
    kind = models.CharField(max_length=10, choices=Kind.choices)
    log_type = models.CharField(max_length=12, choices=LogType.choices, blank=True)
    state = models.CharField(max_length=12, choices=State.choices, default=State.WAITING)
    progress = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=500, blank=True)
    steps = models.JSONField(default=list, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)

    # What was asked for.
    location = models.CharField(max_length=1000, blank=True)
    sealed = models.TextField(blank=True)
    firmware = models.ForeignKey(FirmwareFile, null=True, blank=True, on_delete=models.PROTECT, related_name="jobs")
    version = models.CharField(max_length=100, blank=True, help_text="the firmware that the station should have then")
    retrieve_at = models.DateTimeField(null=True, blank=True)
    install_at = models.DateTimeField(null=True, blank=True)
    retries = models.PositiveSmallIntegerField(null=True, blank=True)
    retry_interval_s = models.PositiveIntegerField(null=True, blank=True)
    signing_certificate = models.TextField(blank=True)
    signature = models.CharField(max_length=800, blank=True)
    oldest_at = models.DateTimeField(null=True, blank=True)
    latest_at = models.DateTimeField(null=True, blank=True)

    # What came of it.
    request_id = models.PositiveIntegerField(null=True, blank=True)
    version_before = models.CharField(max_length=100, blank=True)
    version_after = models.CharField(max_length=100, blank=True)
    booted_at = models.DateTimeField(null=True, blank=True, help_text="the first boot since it began to install")
    token_hash = models.CharField(max_length=64, blank=True)
    file_name = models.CharField(max_length=100, blank=True)
    file_path = models.CharField(max_length=100, blank=True)
    file_size = models.PositiveBigIntegerField(null=True, blank=True)
    file_sha256 = models.CharField(max_length=64, blank=True)
    file_at = models.DateTimeField(null=True, blank=True)

    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    command = models.ForeignKey("charging.Command", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    begin_at = models.DateTimeField(default=timezone.now, help_text="not before")
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True, db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["token_hash"], condition=Q(token_hash__gt=""), name="station_job_token_once"
            )
        ]
        indexes = [
            models.Index(fields=["station", "kind", "state"], name="station_job_station_state"),
            models.Index(fields=["organization", "-created_at"], name="station_job_org_created"),
            models.Index(fields=["state", "begin_at"], name="station_job_state_begin"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.pk}: {self.station}"

    @property
    def is_open(self) -> bool:
        return self.state in self.OPEN

    @property
    def is_own_place(self) -> bool:
        """Whether the portal itself hands out or takes the file."""
        return not self.location
