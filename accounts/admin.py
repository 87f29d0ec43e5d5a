"""Django admin: for platform admins only, with what the system keeps as a record read-only and secrets never shown."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import ReadOnlyPasswordHashWidget
from django.contrib.auth.models import Group
from django.db.models import Model
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts.models import (
    ApiKey,
    Audit,
    Invitation,
    Membership,
    Notification,
    Organization,
    TokenFamily,
    User,
    Webhook,
    WebhookDelivery,
)

admin.site.unregister(Group)


class PlatformAdmin(ModelAdmin):
    """What every page of the admin shares."""

    show_full_result_count = False
    list_per_page = 50
    list_fullwidth = True

    def has_module_permission(self, request: HttpRequest) -> bool:
        return is_platform_admin(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_platform_admin(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_platform_admin(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_platform_admin(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_platform_admin(request)


class Record(PlatformAdmin):
    """Rows that say what happened: to be read, never to be changed by hand."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def is_platform_admin(request: HttpRequest) -> bool:
    user = request.user
    return bool(user.is_authenticated and user.is_active and user.is_superuser)


class MembershipInline(TabularInline):
    model: type[Model] = Membership
    extra = 0
    autocomplete_fields = ("user", "organization")
    fields = ("user", "organization", "role")


class WithoutHash(ReadOnlyPasswordHashWidget):
    """The way to a new password, and nothing of the old one."""

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        return {**super().get_context(name, value, attrs), "summary": []}


class UserForm(UserChangeForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].widget = WithoutHash()


@admin.register(User)
class UserAdmin(DjangoUserAdmin, PlatformAdmin):
    form = UserForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("email", "name", "is_active", "is_superuser", "last_login")
    list_filter = ("is_active", "is_superuser")
    search_fields = ("email", "name")
    ordering = ("email",)
    filter_horizontal = ()
    readonly_fields = ("last_login", "date_joined")
    inlines = (MembershipInline,)
    fieldsets = (
        (None, {"fields": ("email", "password", "name")}),
        ("Access", {"fields": ("is_active", "is_staff", "is_superuser")}),
        ("Preferences", {"fields": ("language", "time_zone", "theme")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"classes": ("wide",), "fields": ("email", "name", "password1", "password2")}),)


@admin.register(Organization)
class OrganizationAdmin(PlatformAdmin):
    list_display = ("name", "created_at")
    search_fields = ("name",)
    inlines = (MembershipInline,)


@admin.register(Membership)
class MembershipAdmin(PlatformAdmin):
    list_display = ("user", "organization", "role", "created_at")
    list_filter = ("role",)
    list_select_related = ("user", "organization")
    search_fields = ("user__email", "organization__name")
    autocomplete_fields = ("user", "organization")


@admin.register(Invitation)
class InvitationAdmin(Record):
    list_display = ("email", "organization", "role", "sent_at", "expires_at", "accepted_at", "revoked_at")
    list_select_related = ("organization",)
    search_fields = ("email", "organization__name")
    exclude = ("token_hash",)


@admin.register(ApiKey)
class ApiKeyAdmin(Record):
    list_display = ("name", "prefix", "organization", "user", "role", "last_used_at", "expires_at", "revoked_at")
    list_select_related = ("organization", "user")
    search_fields = ("prefix", "name", "user__email")
    exclude = ("hash",)


@admin.register(TokenFamily)
class TokenFamilyAdmin(Record):
    list_display = ("user", "device", "source_ip", "created_at", "expires_at", "revoked_at")
    list_select_related = ("user",)
    search_fields = ("user__email",)
    fields = ("user", "device", "source_ip", "created_at", "rotated_at", "expires_at", "revoked_at")


@admin.register(Audit)
class AuditAdmin(Record):
    list_display = ("at", "actor_name", "action", "target", "organization", "source_ip")
    list_select_related = ("organization", "actor")
    list_filter = ("action",)
    search_fields = ("actor_name", "target")
    date_hierarchy = "at"
    ordering = ("-at",)


@admin.register(Notification)
class NotificationAdmin(Record):
    list_display = ("created_at", "user", "kind", "title", "in_portal", "read_at")
    list_select_related = ("user",)
    list_filter = ("kind",)
    search_fields = ("user__email", "title")
    ordering = ("-created_at",)


@admin.register(Webhook)
class WebhookAdmin(Record):
    list_display = ("url", "organization", "description", "active", "created_at")
    list_select_related = ("organization",)
    search_fields = ("url", "description", "organization__name")
    exclude = ("sealed_secret",)


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(Record):
    list_display = ("created_at", "webhook", "event", "status", "attempts", "response_status", "error")
    list_select_related = ("webhook",)
    list_filter = ("status", "event")
    ordering = ("-pk",)
