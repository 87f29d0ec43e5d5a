from django.db import models


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

    class Meta:
        constraints = [models.UniqueConstraint(fields=["station", "key"], name="configuration_value_once")]

    def __str__(self) -> str:
        return f"{self.component or ''} {self.variable}".strip()
