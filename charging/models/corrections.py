from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone


class Correction(models.Model):
    """What a person says a session's energy, end and cost are, in place of what its messages add up to.

    The transaction carries the corrected values while the correction stands. What its messages say is kept here, and
    follows what still comes late; it is what the transaction goes back to when the correction is undone.
    """

    organization = models.ForeignKey("accounts.Organization", on_delete=models.CASCADE, related_name="+")
    transaction = models.ForeignKey(
        "charging.Transaction", on_delete=models.CASCADE, related_name="corrections", db_index=False
    )
    energy_wh = models.FloatField()
    ended = models.DateTimeField()
    cost = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)
    said_energy_wh = models.FloatField()
    said_ended = models.DateTimeField(null=True, blank=True)
    said_cost = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)
    hourly_cost = models.JSONField(
        default=dict,
        blank=True,
        help_text="what of it stands in HourlyEnergy beside the cost of the energy: {hour: cost}",
    )
    reason = models.CharField(max_length=500)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    made_at = models.DateTimeField(default=timezone.now)
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["transaction"], condition=Q(undone_at__isnull=True), name="correction_stands_once"
            ),
        ]
        indexes = [models.Index(fields=["transaction", "-made_at"], name="correction_transaction_made")]

    def __str__(self) -> str:
        return f"correction of {self.transaction_id}"
