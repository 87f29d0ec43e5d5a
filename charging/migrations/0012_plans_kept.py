"""Plans that stations keep, the phases that a car draws from, and cost centres."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("charging", "0011_reservations"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.AddField("schedule", "kept_key", models.CharField(blank=True, default="", max_length=64), False),
        migrations.AddField("schedule", "kept_step", models.PositiveSmallIntegerField(default=0)),
        migrations.AddField(
            "chargingprofile",
            "kept",
            models.BooleanField(default=False, help_text="it stores a schedule's plan, and goes when that does"),
        ),
        migrations.AddField(
            "chargingprofile",
            "schedule",
            models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="kept_profiles",
                to="charging.schedule",
            ),
        ),
        migrations.AddField(
            "outlet",
            "drawn",
            models.CharField(
                blank=True, default="", help_text="the phases that its car was seen to draw from", max_length=3
            ),
            False,
        ),
        migrations.AddField(
            "outlet",
            "drawn_for",
            models.BigIntegerField(blank=True, help_text="the transaction in which it was seen", null=True),
        ),
        migrations.AddField(
            "outlet",
            "drawn_at",
            models.DateTimeField(blank=True, help_text="the reading that was looked at last", null=True),
        ),
        migrations.AddField(
            "chargingstation", "cost_center", models.CharField(blank=True, default="", max_length=100), False
        ),
        migrations.CreateModel(
            name="PersonCostCenter",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("cost_center", models.CharField(max_length=100)),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.organization"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "user"), name="person_cost_center_once")
                ],
            },
        ),
    ]
