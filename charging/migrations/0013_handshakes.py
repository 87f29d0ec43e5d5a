"""Refused handshakes: what a station said, and why it was not let in."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("charging", "0012_plans_kept")]

    operations = [
        migrations.CreateModel(
            name="RefusedHandshake",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("identity", models.CharField(max_length=200)),
                ("status", models.PositiveSmallIntegerField()),
                ("reason", models.CharField(max_length=300)),
                ("attempts", models.PositiveIntegerField(default=1)),
                ("first_seen", models.DateTimeField(default=django.utils.timezone.now)),
                ("last_seen", models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
                ("source_ip", models.CharField(blank=True, max_length=64)),
                ("path", models.CharField(blank=True, max_length=300)),
                ("secure", models.BooleanField(default=False)),
                ("subprotocols", models.CharField(blank=True, max_length=200)),
                ("user_agent", models.CharField(blank=True, max_length=200)),
                ("username", models.CharField(blank=True, help_text="of the Basic authentication", max_length=200)),
                ("had_credentials", models.BooleanField(default=False)),
                (
                    "station",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="refused_handshakes",
                        to="charging.chargingstation",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("identity", "status"), name="refused_handshake_once")
                ],
            },
        ),
    ]
