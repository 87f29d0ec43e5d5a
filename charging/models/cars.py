from django.conf import settings
from django.db import models
from django.utils import timezone


class Car(models.Model):
    """An electric vehicle: what planning needs to know about it, and whose it is."""

    organization = models.ForeignKey("accounts.Organization", on_delete=models.CASCADE, related_name="cars")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="cars"
    )
    name = models.CharField(max_length=100)
    license_plate = models.CharField(max_length=20, blank=True)
    battery_wh = models.PositiveIntegerField(null=True, blank=True)
    max_power_w = models.PositiveIntegerField(null=True, blank=True)
    phases = models.PositiveSmallIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name


class DriverPreference(models.Model):
    """The tag and the car that a user's remote start uses when none is named."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="driver_preference", primary_key=True
    )
    default_car = models.ForeignKey(Car, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    default_id_tag = models.ForeignKey(
        "charging.IdTag", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    def __str__(self) -> str:
        return f"Preferences of {self.user}"


class PersonCostCenter(models.Model):
    """The cost centre of a person's sessions in an organization, for those whose id tag has none of its own."""

    organization = models.ForeignKey("accounts.Organization", on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    cost_center = models.CharField(max_length=100)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "user"], name="person_cost_center_once")]

    def __str__(self) -> str:
        return self.cost_center
