"""Django admin of what is kept beside commands: reservations and jobs. They can be read."""

from django.contrib import admin

from accounts.admin import Record
from charging.models import FirmwareFile, JobGroup, Reservation, StationJob


@admin.register(Reservation)
class ReservationAdmin(Record):
    list_display = ("number", "station", "connector", "id_token", "user", "status", "starts_at", "expires_at")
    list_select_related = ("station", "connector__station", "user")
    search_fields = ("station__identity", "id_token", "user__email")


@admin.register(StationJob)
class StationJobAdmin(Record):
    list_display = ("station", "kind", "state", "progress", "version", "error", "actor", "created_at")
    list_select_related = ("station", "actor")
    search_fields = ("station__identity", "version")
    exclude = ("sealed", "token_hash")


@admin.register(JobGroup)
class JobGroupAdmin(Record):
    list_display = ("kind", "organization", "parallel", "spread_s", "actor", "created_at")
    list_select_related = ("organization", "actor")


@admin.register(FirmwareFile)
class FirmwareFileAdmin(Record):
    list_display = ("name", "version", "size", "sha256", "organization", "actor", "created_at")
    list_select_related = ("organization", "actor")
    search_fields = ("name", "version", "sha256")
