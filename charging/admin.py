"""Django admin of the domain: settings can be changed, the ledger can be read."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from accounts.admin import PlatformAdmin, Record
from charging import admin_kept  # noqa: F401 - registers what is in it
from charging.models import (
    EVSE,
    Car,
    Change,
    ChargingStation,
    Command,
    ConfigurationValue,
    Connector,
    Correction,
    DesiredValue,
    DriverPreference,
    FeedHead,
    Holiday,
    HourlyEnergy,
    IdTag,
    IdTagAlias,
    MeterReading,
    OcppMessage,
    PriceSlot,
    PriceSource,
    Pulse,
    QuarantinedMessage,
    RefusedHandshake,
    SecurityEvent,
    SetUp,
    Site,
    Tariff,
    TariffAssignment,
    TariffVersion,
    Transaction,
    TransactionEvent,
    Violation,
    WaitingStation,
)

#: What an operator sets; the rest of a station is what it said about itself.
STATION_SETTINGS = (
    "identity",
    "organization",
    "site",
    "name",
    "registration",
    "security_profile",
    "learn_password",
    "protocol_pin",
    "price_per_kwh",
    "rated_power_w",
    "heartbeat_interval_s",
    "call_timeout_s",
    "idle_timeout_s",
    "latitude",
    "longitude",
    "plan_x_percent",
    "plan_y_percent",
)
STATION_SECRETS = ("password_hash", "pending_password_hash")


@admin.register(Site)
class SiteAdmin(PlatformAdmin):
    list_display = ("name", "organization", "address", "time_zone")
    list_select_related = ("organization",)
    search_fields = ("name", "address")
    autocomplete_fields = ("organization",)


@admin.register(ChargingStation)
class ChargingStationAdmin(PlatformAdmin):
    """Made and given passwords in the portal, where the password can be shown once."""

    list_display = ("identity", "name", "organization", "protocol", "online", "last_seen", "model", "firmware_version")
    list_select_related = ("organization",)
    list_filter = ("online", "protocol", "registration", "security_profile")
    search_fields = ("identity_folded__startswith", "name", "serial_number")
    autocomplete_fields = ("organization", "site")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return ((None, {"fields": STATION_SETTINGS}), ("What it reports", {"fields": reported_fields()}))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("identity", "organization", *reported_fields())

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def reported_fields() -> tuple[str, ...]:
    hidden = {*STATION_SETTINGS, *STATION_SECRETS, "id", "identity_folded", "learn_tag_for", "learn_tag_until"}
    return tuple(field.name for field in ChargingStation._meta.concrete_fields if field.name not in hidden)


@admin.register(EVSE)
class EvseAdmin(Record):
    list_display = ("station", "number")
    list_select_related = ("station",)
    search_fields = ("station__identity",)


@admin.register(Connector)
class ConnectorAdmin(Record):
    list_display = ("station", "evse_number", "number", "status", "error_code", "power_w", "energy_wh", "measured_at")
    list_select_related = ("station",)
    list_filter = ("status",)
    search_fields = ("station__identity",)


@admin.register(WaitingStation)
class WaitingStationAdmin(Record):
    list_display = ("identity", "attempts", "last_seen", "source_ip", "subprotocols", "had_credentials")
    search_fields = ("identity",)
    ordering = ("-last_seen",)


@admin.register(RefusedHandshake)
class RefusedHandshakeAdmin(Record):
    list_display = ("identity", "status", "reason", "attempts", "last_seen", "source_ip", "subprotocols")
    list_filter = ("status",)
    search_fields = ("identity", "source_ip")
    ordering = ("-last_seen",)


@admin.register(IdTag)
class IdTagAdmin(PlatformAdmin):
    list_display = ("id_tag", "name", "organization", "user", "blocked", "expires")
    list_select_related = ("organization", "user")
    list_filter = ("blocked",)
    search_fields = ("canonical", "name", "user__email")
    autocomplete_fields = ("organization", "user")


@admin.register(IdTagAlias)
class IdTagAliasAdmin(PlatformAdmin):
    list_display = ("canonical", "id_tag", "organization")
    list_select_related = ("id_tag", "organization")
    search_fields = ("canonical",)
    autocomplete_fields = ("organization", "id_tag")


@admin.register(Car)
class CarAdmin(PlatformAdmin):
    list_display = ("name", "organization", "user", "license_plate", "battery_wh", "max_power_w")
    list_select_related = ("organization", "user")
    search_fields = ("name", "license_plate", "user__email")
    autocomplete_fields = ("organization", "user")


@admin.register(DriverPreference)
class DriverPreferenceAdmin(PlatformAdmin):
    list_display = ("user", "default_car", "default_id_tag")
    list_select_related = ("user", "default_car", "default_id_tag")
    search_fields = ("user__email",)
    autocomplete_fields = ("user", "default_car", "default_id_tag")


@admin.register(Transaction)
class TransactionAdmin(Record):
    list_display = ("transaction_id", "station", "state", "started", "ended", "energy_wh", "cost", "user", "final")
    list_select_related = ("station", "user")
    list_filter = ("state", "final")
    search_fields = ("transaction_id", "station__identity", "id_token", "user__email")
    ordering = ("-started",)


@admin.register(TransactionEvent)
class TransactionEventAdmin(Record):
    list_display = ("transaction", "kind", "seq_no", "station_time", "received_at", "meter_wh", "offline")
    list_select_related = ("transaction__station",)
    list_filter = ("kind",)
    search_fields = ("transaction__transaction_id", "station__identity")


@admin.register(MeterReading)
class MeterReadingAdmin(Record):
    list_display = ("station", "evse_number", "measured_at", "energy_wh", "power_w", "soc_percent")
    list_select_related = ("station",)
    search_fields = ("station__identity", "transaction__transaction_id")
    ordering = ("-pk",)


@admin.register(HourlyEnergy)
class HourlyEnergyAdmin(Record):
    list_display = ("station", "connector", "hour", "energy_wh", "cost")
    list_select_related = ("station", "connector__station")
    search_fields = ("station__identity",)
    ordering = ("-pk",)


@admin.register(Command)
class CommandAdmin(Record):
    list_display = ("created_at", "station", "kind", "action", "status", "actor", "answered_at", "error")
    list_select_related = ("station", "actor")
    list_filter = ("status", "kind")
    search_fields = ("station__identity", "action")
    exclude = ("sealed",)
    ordering = ("-pk",)


@admin.register(ConfigurationValue)
class ConfigurationValueAdmin(Record):
    list_display = ("station", "component", "variable", "value", "readonly", "reported_at")
    list_select_related = ("station",)
    search_fields = ("station__identity", "key")


@admin.register(OcppMessage)
class OcppMessageAdmin(Record):
    list_display = ("at", "station", "sender", "action", "outcome", "message_id")
    list_select_related = ("station",)
    list_filter = ("sender",)
    search_fields = ("station__identity", "action")
    ordering = ("-pk",)


@admin.register(SecurityEvent)
class SecurityEventAdmin(Record):
    list_display = ("at", "type", "station", "organization", "critical", "reported_by_station", "source_ip")
    list_select_related = ("station", "organization")
    list_filter = ("critical", "reported_by_station")
    search_fields = ("type", "station__identity")
    ordering = ("-at",)


@admin.register(Correction)
class CorrectionAdmin(Record):
    list_display = ("transaction", "energy_wh", "ended", "cost", "reason", "actor", "made_at", "undone_at")
    list_select_related = ("transaction__station", "actor")
    search_fields = ("transaction__transaction_id", "reason")


@admin.register(Tariff)
class TariffAdmin(Record):
    list_display = ("name", "organization", "currency", "created_at")
    list_select_related = ("organization",)
    search_fields = ("name",)


@admin.register(TariffVersion)
class TariffVersionAdmin(Record):
    list_display = ("tariff", "number", "valid_from", "tax_percent", "note")
    list_select_related = ("tariff",)
    search_fields = ("tariff__name",)


@admin.register(TariffAssignment)
class TariffAssignmentAdmin(Record):
    list_display = ("key", "tariff", "organization")
    list_select_related = ("tariff", "organization")
    search_fields = ("key", "tariff__name")


@admin.register(Holiday)
class HolidayAdmin(Record):
    list_display = ("day", "name", "organization")
    list_select_related = ("organization",)
    search_fields = ("name",)


@admin.register(PriceSlot)
class PriceSlotAdmin(Record):
    list_display = ("zone", "begin", "end", "price_per_kwh", "currency", "organization")
    list_select_related = ("organization",)
    search_fields = ("zone",)
    ordering = ("-begin",)


@admin.register(PriceSource)
class PriceSourceAdmin(Record):
    list_display = ("zone", "url", "reader", "read_at", "error", "organization")
    list_select_related = ("organization",)
    search_fields = ("zone",)


@admin.register(DesiredValue)
class DesiredValueAdmin(Record):
    list_display = ("station", "path", "value", "reported", "drifted_since")
    list_select_related = ("station",)
    search_fields = ("station__identity", "path")


@admin.register(Violation)
class ViolationAdmin(Record):
    list_display = ("station", "kind", "count", "last_at", "example")
    list_select_related = ("station",)
    search_fields = ("station__identity", "kind")


@admin.register(QuarantinedMessage)
class QuarantinedMessageAdmin(Record):
    list_display = ("at", "station", "action", "reason", "count")
    list_select_related = ("station",)
    search_fields = ("station__identity", "action")


@admin.register(Change)
class ChangeAdmin(Record):
    list_display = ("cursor", "event", "station", "organization", "at")
    list_select_related = ("station", "organization")
    search_fields = ("event",)
    ordering = ("-cursor",)


@admin.register(FeedHead)
class FeedHeadAdmin(Record):
    list_display = ("value",)


@admin.register(SetUp)
class SetUpAdmin(PlatformAdmin):
    list_display = ("organization", "site", "station", "price_per_kwh", "put_away_at")
    list_select_related = ("organization", "site", "station")
    autocomplete_fields = ("organization", "site", "station")


@admin.register(Pulse)
class PulseAdmin(Record):
    list_display = ("name", "at")
