import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """What people put right: the energy, end and cost of a session, and the settings of a station."""

    dependencies = [
        ("charging", "0008_circuits"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="transaction",
            name="corrected",
            field=models.BooleanField(default=False, help_text="its energy, end and cost are those of a Correction"),
        ),
        migrations.CreateModel(
            name="Correction",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("energy_wh", models.FloatField()),
                ("ended", models.DateTimeField()),
                ("cost", models.DecimalField(blank=True, decimal_places=2, max_digits=12, null=True)),
                ("said_energy_wh", models.FloatField()),
                ("said_ended", models.DateTimeField(blank=True, null=True)),
                ("said_cost", models.DecimalField(blank=True, decimal_places=2, max_digits=12, null=True)),
                (
                    "hourly_cost",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text="what of it stands in HourlyEnergy beside the cost of the energy: {hour: cost}",
                    ),
                ),
                ("reason", models.CharField(max_length=500)),
                ("made_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("undone_at", models.DateTimeField(blank=True, null=True)),
                (
                    "actor",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.organization"
                    ),
                ),
                (
                    "transaction",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="corrections",
                        to="charging.transaction",
                    ),
                ),
                (
                    "undone_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["transaction", "-made_at"], name="correction_transaction_made")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("undone_at__isnull", True)),
                        fields=("transaction",),
                        name="correction_stands_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="DesiredValue",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=255)),
                ("path", models.CharField(max_length=400)),
                ("value", models.CharField(blank=True, max_length=2500)),
                ("reported", models.CharField(blank=True, max_length=2500)),
                ("compared_at", models.DateTimeField(blank=True, null=True)),
                ("drifted_since", models.DateTimeField(blank=True, null=True)),
                ("set_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "actor",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.organization"
                    ),
                ),
                (
                    "station",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="desired",
                        to="charging.chargingstation",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["organization", "drifted_since"], name="desired_organization_drift")],
                "constraints": [models.UniqueConstraint(fields=("station", "key"), name="desired_value_once")],
            },
        ),
    ]
