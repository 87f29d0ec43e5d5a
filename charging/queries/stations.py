"""Reading charging stations, with their EVSEs and connectors."""

from datetime import datetime
from typing import Any

from django.db.models import Exists, Max, OuterRef, Prefetch, QuerySet
from django.utils import timezone

from accounts.actors import Actor
from charging.models import (
    EVSE,
    ChargingStation,
    ConfigurationValue,
    Connector,
    QuarantinedMessage,
    TariffAssignment,
    Violation,
)
from charging.queries import connectors
from charging.queries.scope import everything, iso, never_for_drivers, one


def visible(actor: Actor) -> QuerySet[ChargingStation]:
    """Every station of the actor's organizations."""
    return everything(actor, ChargingStation.objects.select_related("site"))


def with_connectors(actor: Actor) -> QuerySet[ChargingStation]:
    """The same with EVSEs and connectors loaded, in three queries however many there are, and `has_tariffs`: whether
    their organization has assigned any."""
    outlets = Connector.objects.order_by("evse_number", "number")
    parts = EVSE.objects.order_by("number").prefetch_related(Prefetch("connectors", queryset=outlets))
    assigned = Exists(TariffAssignment.objects.filter(organization=OuterRef("organization")))
    return visible(actor).annotate(has_tariffs=assigned).prefetch_related(Prefetch("evses", queryset=parts))


def get(actor: Actor, identity: str) -> ChargingStation:
    """The station of that exact identity, with its connectors. Raises NotFound."""
    return one(with_connectors(actor), "station", identity=str(identity).replace("\x00", "\ufffd"))


def learning(actor: Actor) -> QuerySet[ChargingStation]:
    """The stations that listen for an unknown tag right now, and for whom; nothing where the actor is a driver."""
    rows = ChargingStation.objects.select_related("learn_tag_for").filter(
        learn_tag_for__isnull=False, learn_tag_until__gt=timezone.now()
    )
    return never_for_drivers(actor, rows).order_by("pk")


def configuration(actor: Actor, station: ChargingStation) -> QuerySet[ConfigurationValue]:
    """What the station last reported about its configuration (1.6) or device model (2.x)."""
    rows = ConfigurationValue.objects.filter(station=station).order_by("key")
    return never_for_drivers(actor, rows, "station__organization")


def configured_at(actor: Actor, station: ChargingStation) -> datetime | None:
    """When the station last reported a setting; None while it has not."""
    newest: datetime | None = configuration(actor, station).aggregate(at=Max("reported_at"))["at"]
    return newest


def violations(actor: Actor, station: ChargingStation) -> QuerySet[Violation]:
    """The kinds of wrong data the station sends, the newest first."""
    rows = Violation.objects.filter(station=station).order_by("-last_at")
    return everything(actor, rows, "station__organization")


def quarantine(actor: Actor, station: ChargingStation) -> QuerySet[QuarantinedMessage]:
    """Transaction messages that were answered and could not be applied."""
    rows = QuarantinedMessage.objects.filter(station=station).order_by("-at")
    return never_for_drivers(actor, rows, "station__organization")


def as_json(station: ChargingStation, *, evses: bool = True) -> dict[str, Any]:
    """A station as REST gives it. Without `evses`, what `station.updated` carries.

    Costs no query for a station of `with_connectors`; without `evses` for any.
    """
    found: dict[str, Any] = {
        "id": station.pk,
        "identity": station.identity,
        "name": station.name,
        "organization": station.organization_id,
        "site": station.site_id,
        "protocol": station.protocol,
        "protocol_pin": station.protocol_pin,
        "vendor": station.vendor,
        "model": station.model,
        "serial_number": station.serial_number,
        "firmware_version": station.firmware_version,
        "firmware_status": station.firmware_status,
        "registration": str(station.registration),
        "security_profile": station.security_profile,
        "online": station.online,
        "status": station.status,
        "error_code": station.error_code,
        "last_seen": iso(station.last_seen),
        "connected_at": iso(station.connected_at),
        "booted_at": iso(station.booted_at),
        "clock_drift_s": station.clock_drift_s,
        "price_per_kwh": money(station.price_per_kwh),
        "cost_center": station.cost_center,
        "rated_power_w": station.rated_power_w,
        "heartbeat_interval_s": station.heartbeat_interval_s,
        "call_timeout_s": station.call_timeout_s,
        "idle_timeout_s": station.idle_timeout_s,
        "latitude": station.latitude,
        "longitude": station.longitude,
        "plan_x_percent": station.plan_x_percent,
        "plan_y_percent": station.plan_y_percent,
        "created_at": iso(station.created_at),
    }
    if evses:
        found["evses"] = [
            {"evse_id": evse.number, "connectors": [connectors.as_json(outlet) for outlet in evse.connectors.all()]}
            for evse in station.evses.all()
        ]
    return found


def money(amount: Any) -> str | None:
    """A decimal string without trailing zeros beyond the cent: 0.30000 is "0.30", 0.29995 stays."""
    if amount is None:
        return None
    whole, _, rest = f"{amount:.5f}".partition(".")
    return f"{whole}.{rest.rstrip('0').ljust(2, '0')}"
