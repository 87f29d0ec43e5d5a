"""Reservations, and jobs of firmware and diagnostics."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("charging", "0010_transaction_lists"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="FirmwareFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100)),
                ("version", models.CharField(blank=True, max_length=100)),
                ("size", models.PositiveBigIntegerField()),
                ("sha256", models.CharField(max_length=64)),
                ("path", models.CharField(max_length=100)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
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
            ],
        ),
        migrations.CreateModel(
            name="JobGroup",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=10)),
                ("parallel", models.PositiveSmallIntegerField(default=5)),
                ("spread_s", models.PositiveIntegerField(default=0)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
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
            ],
        ),
        migrations.CreateModel(
            name="Reservation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField(help_text="reservationId on the wire")),
                ("id_token", models.CharField(help_text="the tag as the station is told it", max_length=255)),
                ("group_tag", models.CharField(blank=True, max_length=255)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("planned", "Planned"),
                            ("requested", "Requested"),
                            ("accepted", "Reserved"),
                            ("refused", "Refused"),
                            ("used", "Used"),
                            ("cancelled", "Cancelled"),
                            ("expired", "Expired"),
                            ("failed", "Failed"),
                        ],
                        default="requested",
                        max_length=10,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=500)),
                ("starts_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("due_at", models.DateTimeField(blank=True, db_index=True, null=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("answered_at", models.DateTimeField(blank=True, null=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
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
                    "connector",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="reservations",
                        to="charging.connector",
                    ),
                ),
                (
                    "id_tag",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="reservations",
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
                    "station",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="reservations",
                        to="charging.chargingstation",
                    ),
                ),
                (
                    "transaction",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="reservations",
                        to="charging.transaction",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="reservations",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="StationJob",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(choices=[("firmware", "Firmware update"), ("log", "Log upload")], max_length=10),
                ),
                (
                    "log_type",
                    models.CharField(
                        blank=True,
                        choices=[("diagnostics", "Diagnostics"), ("security", "Security log")],
                        max_length=12,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "Waiting"),
                            ("asked", "Asked"),
                            ("accepted", "Accepted"),
                            ("downloading", "Downloading"),
                            ("downloaded", "Downloaded"),
                            ("installing", "Installing"),
                            ("checking", "Restart awaited"),
                            ("uploading", "Uploading"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                            ("timed_out", "Timed out"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="waiting",
                        max_length=12,
                    ),
                ),
                ("progress", models.PositiveSmallIntegerField(default=0)),
                ("error", models.CharField(blank=True, max_length=500)),
                ("steps", models.JSONField(blank=True, default=list)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("location", models.CharField(blank=True, max_length=1000)),
                ("sealed", models.TextField(blank=True)),
                (
                    "version",
                    models.CharField(
                        blank=True, help_text="the firmware that the station should have then", max_length=100
                    ),
                ),
                ("retrieve_at", models.DateTimeField(blank=True, null=True)),
                ("install_at", models.DateTimeField(blank=True, null=True)),
                ("retries", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("retry_interval_s", models.PositiveIntegerField(blank=True, null=True)),
                ("signing_certificate", models.TextField(blank=True)),
                ("signature", models.CharField(blank=True, max_length=800)),
                ("oldest_at", models.DateTimeField(blank=True, null=True)),
                ("latest_at", models.DateTimeField(blank=True, null=True)),
                ("request_id", models.PositiveIntegerField(blank=True, null=True)),
                ("version_before", models.CharField(blank=True, max_length=100)),
                ("version_after", models.CharField(blank=True, max_length=100)),
                (
                    "booted_at",
                    models.DateTimeField(blank=True, help_text="the first boot since it began to install", null=True),
                ),
                ("token_hash", models.CharField(blank=True, max_length=64)),
                ("file_name", models.CharField(blank=True, max_length=100)),
                ("file_path", models.CharField(blank=True, max_length=100)),
                ("file_size", models.PositiveBigIntegerField(blank=True, null=True)),
                ("file_sha256", models.CharField(blank=True, max_length=64)),
                ("file_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("begin_at", models.DateTimeField(default=django.utils.timezone.now, help_text="not before")),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("due_at", models.DateTimeField(blank=True, db_index=True, null=True)),
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
                    "firmware",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="jobs",
                        to="charging.firmwarefile",
                    ),
                ),
                (
                    "group",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="jobs",
                        to="charging.jobgroup",
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
                        related_name="jobs",
                        to="charging.chargingstation",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="firmwarefile",
            index=models.Index(fields=["organization", "-created_at"], name="firmware_file_org_created"),
        ),
        migrations.AddIndex(
            model_name="reservation",
            index=models.Index(fields=["station", "status"], name="reservation_station_status"),
        ),
        migrations.AddIndex(
            model_name="reservation",
            index=models.Index(fields=["organization", "-starts_at"], name="reservation_org_starts"),
        ),
        migrations.AddIndex(
            model_name="reservation",
            index=models.Index(fields=["user", "-starts_at"], name="reservation_user_starts"),
        ),
        migrations.AddConstraint(
            model_name="reservation",
            constraint=models.UniqueConstraint(fields=("station", "number"), name="reservation_once"),
        ),
        migrations.AddIndex(
            model_name="stationjob",
            index=models.Index(fields=["station", "kind", "state"], name="station_job_station_state"),
        ),
        migrations.AddIndex(
            model_name="stationjob",
            index=models.Index(fields=["state", "begin_at"], name="station_job_state_begin"),
        ),
        migrations.AddIndex(
            model_name="stationjob",
            index=models.Index(fields=["organization", "-created_at"], name="station_job_org_created"),
        ),
        migrations.AddConstraint(
            model_name="stationjob",
            constraint=models.UniqueConstraint(
                condition=models.Q(("token_hash__gt", "")), fields=("token_hash",), name="station_job_token_once"
            ),
        ),
    ]
