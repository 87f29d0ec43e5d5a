from django.db import models


class OcppMessage(models.Model):
    """One exchange on the wire: a CALL and its answer, or a frame that was no message. Secrets are masked.

    `sender` is who called. `outcome` is `ok`, an OCPP error code, or empty while there is no answer.
    """

    class Sender(models.TextChoices):
        STATION = "station", "Station"
        CSMS = "csms", "CSMS"

    station = models.ForeignKey(
        "charging.ChargingStation", on_delete=models.CASCADE, related_name="messages", db_index=False
    )
    sender = models.CharField(max_length=8, choices=Sender.choices)
    message_id = models.CharField(max_length=64, blank=True)
    action = models.CharField(max_length=64, blank=True)
    request = models.TextField(blank=True)
    response = models.TextField(blank=True)
    outcome = models.CharField(max_length=40, blank=True)
    at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        # Append-only on the hot path: the primary key follows time, one index serves a station's page and retention.
        indexes = [models.Index(fields=["station", "at"], name="message_station_at")]

    def __str__(self) -> str:
        return f"{self.sender} {self.action}"
