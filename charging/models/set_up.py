from django.core.validators import MinValueValidator
from django.db import models


class SetUp(models.Model):
    """How far an organization's first run has come: what was made in it, and the price that its first station gets.

    There is no row before the first step is saved. `put_away_at` says that nobody wants to be reminded any more.
    """

    organization = models.OneToOneField("accounts.Organization", on_delete=models.CASCADE, related_name="+")
    site = models.ForeignKey("charging.Site", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    station = models.ForeignKey(
        "charging.ChargingStation", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    price_per_kwh = models.DecimalField(
        max_digits=12, decimal_places=5, null=True, blank=True, validators=[MinValueValidator(0)]
    )
    put_away_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"set-up of {self.organization}"
