import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """Schedules and their runs."""

    dependencies = [
        ("accounts", "0003_notifications"),
        ("charging", "0006_tariffs"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.CreateModel(
            name="Schedule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(blank=True, max_length=100)),
                (
                    "mode",
                    models.CharField(
                        choices=[("now", "At once"), ("schedule", "In weekly windows"), ("smart", "At the best price")],
                        default="schedule",
                        max_length=10,
                    ),
                ),
                (
                    "technique",
                    models.CharField(
                        choices=[
                            ("auto", "As the station behaves"),
                            ("start", "Start remotely"),
                            ("hold", "Hold the session back by a limit"),
                        ],
                        default="auto",
                        max_length=10,
                    ),
                ),
                ("enabled", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("windows", models.JSONField(blank=True, default=list)),
                ("ready_by", models.TimeField(blank=True, null=True)),
                ("target_wh", models.PositiveIntegerField(blank=True, null=True)),
                ("target_percent", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("battery_wh", models.PositiveIntegerField(blank=True, null=True)),
                ("soc_percent", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("power_w", models.PositiveIntegerField(blank=True, null=True)),
                ("continuous", models.BooleanField(default=False)),
                ("buffer_minutes", models.PositiveSmallIntegerField(default=0)),
                ("min_run_minutes", models.PositiveSmallIntegerField(default=0)),
                (
                    "price_limit",
                    models.DecimalField(
                        blank=True,
                        decimal_places=5,
                        max_digits=12,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0)],
                    ),
                ),
                ("random_delay_minutes", models.PositiveSmallIntegerField(default=0)),
                ("charge_now", models.BooleanField(default=False)),
                ("skipped", models.DateTimeField(blank=True, null=True)),
                ("paused_until", models.DateTimeField(blank=True, null=True)),
                ("pause_reason", models.CharField(blank=True, max_length=20)),
                ("plugged_since", models.DateTimeField(blank=True, null=True)),
                ("plan", models.JSONField(blank=True, default=dict)),
                ("plan_key", models.CharField(blank=True, max_length=64)),
                (
                    "plan_at",
                    models.DateTimeField(blank=True, db_index=True, default=django.utils.timezone.now, null=True),
                ),
                (
                    "car",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="schedules",
                        to="charging.car",
                    ),
                ),
                (
                    "connector",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="schedules",
                        to="charging.connector",
                    ),
                ),
                (
                    "id_tag",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="charging.idtag",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="schedules",
                        to="accounts.organization",
                    ),
                ),
                (
                    "station",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="schedules",
                        to="charging.chargingstation",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="schedules",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ScheduleRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.CharField(max_length=80)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("planned", "Planned"),
                            ("holding", "Held back"),
                            ("sent", "Sent"),
                            ("running", "Charging"),
                            ("ending", "Ending"),
                            ("resting", "Held after its end"),
                            ("done", "Done"),
                            ("missed", "Missed"),
                            ("failed", "Failed"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="planned",
                        max_length=10,
                    ),
                ),
                ("begin_at", models.DateTimeField()),
                ("end_at", models.DateTimeField()),
                ("due_at", models.DateTimeField(blank=True, db_index=True, null=True)),
                ("open_ended", models.BooleanField(default=False)),
                ("limit_w", models.PositiveIntegerField(blank=True, null=True)),
                ("energy_wh", models.FloatField(blank=True, null=True)),
                ("cost", models.DecimalField(blank=True, decimal_places=5, max_digits=12, null=True)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("held", models.BooleanField(default=False)),
                ("watch_until", models.DateTimeField(blank=True, null=True)),
                ("sent_at", models.DateTimeField(blank=True, null=True)),
                ("answered_at", models.DateTimeField(blank=True, null=True)),
                ("effect_at", models.DateTimeField(blank=True, null=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("steps", models.JSONField(blank=True, default=list)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "command",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="charging.command",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.organization"
                    ),
                ),
                (
                    "schedule",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="runs",
                        to="charging.schedule",
                    ),
                ),
                (
                    "transaction",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="schedule_runs",
                        to="charging.transaction",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="schedule",
            index=models.Index(fields=["organization", "station"], name="schedule_org_station"),
        ),
        migrations.AddIndex(
            model_name="schedulerun",
            index=models.Index(fields=["schedule", "-begin_at"], name="schedule_run_begin"),
        ),
        migrations.AddConstraint(
            model_name="schedulerun",
            constraint=models.UniqueConstraint(fields=("schedule", "key"), name="schedule_run_once"),
        ),
    ]
