"""What charging costs: tariffs and their versions, who and what they hold for, holidays, and dynamic prices."""

from django.conf import settings
from django.db import models
from django.utils import timezone


class Tariff(models.Model):
    """A named price list of an organization. What it says stands in its versions; a session keeps its version."""

    organization = models.ForeignKey("accounts.Organization", on_delete=models.CASCADE, related_name="tariffs")
    name = models.CharField(max_length=150)
    currency = models.CharField(max_length=3, default="EUR")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "name"], name="tariff_name_once")]

    def __str__(self) -> str:
        return self.name


class TariffVersion(models.Model):
    """What a tariff says from a moment on; never changed once it is made.

    `parts` is a list of what `charging.tariff_terms.parse_parts` takes. Prices are as a person pays them when
    `prices_include_tax`, else tax is added. `minimum` and `maximum` are totals of a session, tax included.
    """

    tariff = models.ForeignKey(Tariff, on_delete=models.CASCADE, related_name="versions", db_index=False)
    number = models.PositiveIntegerField()
    valid_from = models.DateTimeField(default=timezone.now)
    parts = models.JSONField(default=list)
    prices_include_tax = models.BooleanField(default=True)
    tax_percent = models.DecimalField(max_digits=5, decimal_places=2, default=0)
    minimum = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)
    maximum = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)
    note = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["tariff_id", "number"]
        constraints = [models.UniqueConstraint(fields=["tariff", "number"], name="tariff_version_once")]

    def __str__(self) -> str:
        return f"{self.tariff} {self.number}"


class TariffAssignment(models.Model):
    """Whom or what a tariff holds for. `key` names the one target: `user:7`, `tag_group:FLEET`, `organization:`."""

    class Scope(models.TextChoices):
        USER = "user", "User"
        ID_TAG = "id_tag", "Id tag"
        TAG_GROUP = "tag_group", "Tag group"
        STATION = "station", "Station"
        SITE = "site", "Site"
        ORGANIZATION = "organization", "Organization"

    organization = models.ForeignKey("accounts.Organization", on_delete=models.CASCADE, related_name="+")
    tariff = models.ForeignKey(Tariff, on_delete=models.CASCADE, related_name="assignments")
    scope = models.CharField(max_length=12, choices=Scope.choices)
    key = models.CharField(max_length=270, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    id_tag = models.ForeignKey("charging.IdTag", null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    tag_group = models.CharField(max_length=255, blank=True)
    station = models.ForeignKey(
        "charging.ChargingStation", null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    site = models.ForeignKey("charging.Site", null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "key"], name="tariff_assignment_once")]

    def __str__(self) -> str:
        return f"{self.key} {self.tariff_id}"


class Holiday(models.Model):
    """A day on which an organization's tariffs may have other prices."""

    organization = models.ForeignKey("accounts.Organization", on_delete=models.CASCADE, related_name="holidays")
    day = models.DateField()
    name = models.CharField(max_length=100, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "day"], name="holiday_once")]

    def __str__(self) -> str:
        return f"{self.day:%Y-%m-%d} {self.name}".strip()


class PriceSlot(models.Model):
    """The price of a kilowatt-hour in a zone for a quarter of an hour or an hour, such as a day-ahead price."""

    organization = models.ForeignKey("accounts.Organization", on_delete=models.CASCADE, related_name="+")
    zone = models.CharField(max_length=40)
    begin = models.DateTimeField()
    end = models.DateTimeField()
    price_per_kwh = models.DecimalField(max_digits=12, decimal_places=5)
    currency = models.CharField(max_length=3, default="EUR")
    received_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "zone", "begin"], name="price_slot_once")]

    def __str__(self) -> str:
        return f"{self.zone} {self.begin:%Y-%m-%d %H:%M}"


class PriceSource(models.Model):
    """Where an organization's prices of a zone are read from every day: a reader's name and the address it asks."""

    organization = models.ForeignKey("accounts.Organization", on_delete=models.CASCADE, related_name="+")
    zone = models.CharField(max_length=40)
    reader = models.CharField(max_length=40, default="json")
    url = models.CharField(max_length=500)
    currency = models.CharField(max_length=3, default="EUR")
    read_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "zone"], name="price_source_once")]

    def __str__(self) -> str:
        return self.zone
