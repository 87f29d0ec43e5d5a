"""The admin pages of libraries: in the same look where they are useful, away where the code decides."""

from axes.admin import AccessAttemptAdmin as AxesAttemptAdmin
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib import admin
from django.http import HttpRequest
from django_celery_beat import models as beat

from accounts.admin import PlatformAdmin, Record

# What runs when is written in the settings; a schedule changed by hand would be overwritten at the next start.
for model in (beat.ClockedSchedule, beat.CrontabSchedule, beat.IntervalSchedule, beat.PeriodicTask, beat.SolarSchedule):
    admin.site.unregister(model)
for model in (AccessAttempt, AccessFailureLog, AccessLog):
    admin.site.unregister(model)


@admin.register(beat.PeriodicTask)
class PeriodicTaskAdmin(Record):
    list_display = ("name", "task", "enabled", "interval", "crontab", "last_run_at", "total_run_count")
    list_select_related = ("interval", "crontab")
    search_fields = ("name",)


@admin.register(AccessAttempt)
class AccessAttemptAdmin(AxesAttemptAdmin, PlatformAdmin):
    """Failed sign-ins; deleting one lets the person try again at once."""

    list_display = ("attempt_time", "username", "ip_address", "failures_since_start", "path_info")
    list_filter = ()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(AccessLog)
class AccessLogAdmin(Record):
    list_display = ("attempt_time", "logout_time", "username", "ip_address", "user_agent")
    search_fields = ("username", "ip_address")
    exclude = ("session_hash",)
