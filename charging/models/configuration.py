from django.conf import settings
from django.db import models
from django.utils import timezone


class ConfigurationValue(models.Model):
    """A configuration key (1.6) or a variable of the device model (2.x), as the station last reported it.

    1.6 keys have an empty component. `key` is the canonical path, by which it is found whatever the case:
    `heartbeatinterval`, or `component[instance]@evse.connector/variable[instance]#attribute`.
    """

    station = models.ForeignKey(
        "charging.ChargingStation", on_delete=models.CASCADE, related_name="configuration", db_index=False
    )
    key = models.CharField(max_length=255)
    component = models.CharField(max_length=50, blank=True)
    component_instance = models.CharField(max_length=50, blank=True)
    evse_number = models.PositiveIntegerField(null=True, blank=True)
    connector_number = models.PositiveIntegerField(null=True, blank=True)
    variable = models.CharField(max_length=255)
    variable_instance = models.CharField(max_length=50, blank=True)
    attribute = models.CharField(max_length=10, blank=True)
    value = models.TextField(blank=True)
    readonly = models.BooleanField(default=False)
    mutability = models.CharField(max_length=20, blank=True)
    data_type = models.CharField(max_length=20, blank=True)
    unit = models.CharField(max_length=20, blank=True)
    reported_at = models.DateTimeField()
    #: What it should be, where a page has looked it up.
    desired: "DesiredValue | None" = None

    class Meta:
        constraints = [models.UniqueConstraint(fields=["station", "key"], name="configuration_value_once")]

    @property
    def path(self) -> str:
        """What `set_configuration` calls it: `Key`, or `Component[instance]@evse.connector/Variable[instance]`."""
        if not self.component:
            return self.variable
        path = self.component + (f"[{self.component_instance}]" if self.component_instance else "")
        if self.evse_number is not None:
            path += f"@{self.evse_number}"
            path += f".{self.connector_number}" if self.connector_number is not None else ""
        return f"{path}/{self.variable}" + (f"[{self.variable_instance}]" if self.variable_instance else "")

    @property
    def is_settable(self) -> bool:
        """Whether the station may be asked to change it."""
        return not self.readonly and self.mutability != "ReadOnly" and self.attribute in ("", "Actual")

    def __str__(self) -> str:
        return f"{self.component or ''} {self.variable}".strip()


class DesiredValue(models.Model):
    """What a setting of a station should be, and since when the station has been saying otherwise.

    `key` is that of ConfigurationValue, `path` what `set_configuration` calls it. `reported` is what the station last
    said of it; a station that has not spoken of it yet has no `compared_at`.
    """

    organization = models.ForeignKey("accounts.Organization", on_delete=models.CASCADE, related_name="+")
    station = models.ForeignKey(
        "charging.ChargingStation", on_delete=models.CASCADE, related_name="desired", db_index=False
    )
    key = models.CharField(max_length=255)
    path = models.CharField(max_length=400)
    value = models.CharField(max_length=2500, blank=True)
    reported = models.CharField(max_length=2500, blank=True)
    compared_at = models.DateTimeField(null=True, blank=True)
    drifted_since = models.DateTimeField(null=True, blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    set_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["station", "key"], name="desired_value_once")]
        indexes = [models.Index(fields=["organization", "drifted_since"], name="desired_organization_drift")]

    def __str__(self) -> str:
        return f"{self.path} = {self.value}"
