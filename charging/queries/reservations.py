"""Reading reservations."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from accounts.actors import Actor
from charging.live import Event
from charging.models import ChargingStation, ConfigurationValue, Connector, Reservation
from charging.models.id_tags import canonical_id_tag
from charging.queries.scope import iso, one, own_for_drivers
from charging.said import said

#: What says that a station takes no reservation at all: (key of the setting, the values that say so).
SWITCHES = ("reservationctrlr/enabled", "reservationctrlr/available")
WHOLE_STATION = {"1.6": "reserveconnectorzerosupported", "": "reservationctrlr/nonevsespecific"}


def visible(actor: Actor) -> QuerySet[Reservation]:
    """The organization's reservations; a driver's own."""
    rows = Reservation.objects.select_related("station", "connector", "id_tag", "user")
    return own_for_drivers(actor, rows)


def get(actor: Actor, pk: object) -> Reservation:
    """Raises NotFound."""
    return one(visible(actor), "reservation", pk=pk)


def held(actor: Actor, stations: Iterable[ChargingStation | int]) -> QuerySet[Reservation]:
    """What the actor sees of the reservations that stations hold right now."""
    rows = visible(actor).filter(station__in=stations, status=Reservation.Status.ACCEPTED)
    return rows.order_by("expires_at", "pk")


def own_at(actor: Actor, station: ChargingStation, connector: Connector | None) -> Reservation | None:
    """The reservation by which the actor may charge at a connector, or anywhere at the station."""
    if actor.user is None:
        return None
    rows = held(actor, [station]).filter(user=actor.user, id_tag__isnull=False).select_related("id_tag")
    if connector is not None:
        rows = rows.filter(Q(connector=None) | Q(connector__evse_number=connector.evse_number))
    # That of the connector first: one of the whole station may be used anywhere.
    return rows.order_by("connector", "expires_at").last() if connector is not None else rows.first()


def overlapping(station: ChargingStation, starts_at: datetime, expires_at: datetime) -> list[Reservation]:
    """The reservations of a station that hold, or will hold, at some time between two moments."""
    rows = Reservation.objects.select_related("connector").filter(station=station, status__in=Reservation.OPEN)
    return list(rows.filter(starts_at__lt=expires_at, expires_at__gt=starts_at).order_by("starts_at", "pk"))


def refuses_all(station: ChargingStation) -> bool:
    """Whether the station has said in its configuration that it takes no reservation (2.x: ReservationCtrlr; 1.6:
    SupportedFeatureProfiles without Reservation)."""
    if station.protocol == "1.6":
        profiles = _setting(station, "supportedfeatureprofiles")
        return profiles is not None and profiles != "" and "reservation" not in profiles
    return any(_setting(station, key) == "false" for key in SWITCHES)


def refuses_whole(station: ChargingStation) -> bool:
    """Whether it has said that a connector must be named (1.6: ReserveConnectorZeroSupported; 2.x:
    ReservationCtrlr.NonEvseSpecific)."""
    key = WHOLE_STATION["1.6"] if station.protocol == "1.6" else WHOLE_STATION[""]
    return _setting(station, key) == "false"


def _setting(station: ChargingStation, key: str) -> str | None:
    value = ConfigurationValue.objects.filter(station=station, key=key).values_list("value", flat=True).first()
    return None if value is None else value.strip().lower()


def fits(reservation: Reservation, text: str, group: str = "") -> bool:
    """Whether a presented tag is that of the reservation, or one of its group (1.6 §5.13, 2.0.1 H03)."""
    canonical = canonical_id_tag(text)
    if canonical and canonical == canonical_id_tag(reservation.id_token):
        return True
    wanted = canonical_id_tag(reservation.group_tag)
    return bool(wanted) and wanted in (canonical_id_tag(group), canonical)


def as_json(row: Reservation) -> dict[str, Any]:
    """A reservation as REST and live events give it. Costs no query for one of `visible`."""
    return {
        "id": row.pk,
        "organization": row.organization_id,
        "station": row.station.identity,
        "station_name": str(row.station),
        "evse_id": row.connector.evse_number if row.connector else None,
        "connector_id": row.connector.number if row.connector else None,
        "reservation_id": row.number,
        "id_tag": row.id_token,
        "id_tag_name": row.id_tag.name if row.id_tag else "",
        "group_tag": row.group_tag or None,
        "user": row.user_id,
        "user_name": row.user.display_name if row.user else None,
        "status": str(row.status),
        "reason": row.reason,
        "starts": iso(row.starts_at),
        "expires": iso(row.expires_at),
        "created": iso(row.created_at),
        "answered": iso(row.answered_at),
        "ended": iso(row.ended_at),
        "command": row.command_id,
        "transaction": row.transaction_id,
    }


def spoken(data: dict[str, Any]) -> dict[str, Any]:
    """The JSON with its reason in the reader's language."""
    return {**data, "reason": said(data["reason"])}


def event(row: Reservation) -> Event:
    station = row.station
    return Event(
        "reservation.updated", row.organization_id, station.pk, station.identity, as_json(row), user_id=row.user_id
    )
