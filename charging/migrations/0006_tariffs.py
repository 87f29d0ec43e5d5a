import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Tariffs with versions, assignments, holidays and dynamic prices; what of them a transaction keeps."""

    dependencies = [
        ("accounts", "0003_notifications"),
        ("charging", "0005_transaction_started"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="idtag",
            name="cost_center",
            field=models.CharField(blank=True, max_length=100),
        ),
        migrations.AddField(
            model_name="transaction",
            name="cost_lines",
            field=models.JSONField(blank=True, default=list, help_text="what the cost is made of, under a tariff"),
        ),
        migrations.AddField(
            model_name="transaction",
            name="hourly_cost",
            field=models.JSONField(
                blank=True, default=dict, help_text="what of it stands in HourlyEnergy, under a tariff: {hour: amount}"
            ),
        ),
        migrations.CreateModel(
            name="Tariff",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=150)),
                ("currency", models.CharField(default="EUR", max_length=3)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="tariffs", to="accounts.organization"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="TariffAssignment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "scope",
                    models.CharField(
                        choices=[
                            ("user", "User"),
                            ("id_tag", "Id tag"),
                            ("tag_group", "Tag group"),
                            ("station", "Station"),
                            ("site", "Site"),
                            ("organization", "Organization"),
                        ],
                        max_length=12,
                    ),
                ),
                ("key", models.CharField(editable=False, max_length=270)),
                ("tag_group", models.CharField(blank=True, max_length=255)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "id_tag",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="charging.idtag",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.organization"
                    ),
                ),
                (
                    "site",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="charging.site",
                    ),
                ),
                (
                    "station",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="charging.chargingstation",
                    ),
                ),
                (
                    "tariff",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="assignments", to="charging.tariff"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="TariffVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField()),
                ("valid_from", models.DateTimeField(default=django.utils.timezone.now)),
                ("parts", models.JSONField(default=list)),
                ("prices_include_tax", models.BooleanField(default=True)),
                ("tax_percent", models.DecimalField(decimal_places=2, default=0, max_digits=5)),
                ("minimum", models.DecimalField(blank=True, decimal_places=2, max_digits=12, null=True)),
                ("maximum", models.DecimalField(blank=True, decimal_places=2, max_digits=12, null=True)),
                ("note", models.CharField(blank=True, max_length=200)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "tariff",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="versions",
                        to="charging.tariff",
                    ),
                ),
            ],
            options={
                "ordering": ["tariff_id", "number"],
            },
        ),
        migrations.AddField(
            model_name="transaction",
            name="tariff_version",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="transactions",
                to="charging.tariffversion",
            ),
        ),
        migrations.CreateModel(
            name="Holiday",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                ("name", models.CharField(blank=True, max_length=100)),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="holidays", to="accounts.organization"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("organization", "day"), name="holiday_once")],
            },
        ),
        migrations.CreateModel(
            name="PriceSlot",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("zone", models.CharField(max_length=40)),
                ("begin", models.DateTimeField()),
                ("end", models.DateTimeField()),
                ("price_per_kwh", models.DecimalField(decimal_places=5, max_digits=12)),
                ("currency", models.CharField(default="EUR", max_length=3)),
                ("received_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.organization"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "zone", "begin"), name="price_slot_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="PriceSource",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("zone", models.CharField(max_length=40)),
                ("reader", models.CharField(default="json", max_length=40)),
                ("url", models.CharField(max_length=500)),
                ("currency", models.CharField(default="EUR", max_length=3)),
                ("read_at", models.DateTimeField(blank=True, null=True)),
                ("error", models.CharField(blank=True, max_length=300)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.organization"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("organization", "zone"), name="price_source_once")],
            },
        ),
        migrations.AddConstraint(
            model_name="tariff",
            constraint=models.UniqueConstraint(fields=("organization", "name"), name="tariff_name_once"),
        ),
        migrations.AddConstraint(
            model_name="tariffassignment",
            constraint=models.UniqueConstraint(fields=("organization", "key"), name="tariff_assignment_once"),
        ),
        migrations.AddConstraint(
            model_name="tariffversion",
            constraint=models.UniqueConstraint(fields=("tariff", "number"), name="tariff_version_once"),
        ),
    ]
