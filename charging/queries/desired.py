"""Reading what settings of stations should be, and where they have drifted."""

from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from accounts.actors import Actor
from charging.models import ChargingStation, DesiredValue
from charging.queries.scope import iso, never_for_drivers, one


def visible(actor: Actor) -> QuerySet[DesiredValue]:
    """The desired settings of the organization's stations; nothing for a driver."""
    return never_for_drivers(actor, DesiredValue.objects.select_related("station", "actor"))


def of_station(actor: Actor, station: ChargingStation) -> QuerySet[DesiredValue]:
    """Those of one station, the drifted ones first."""
    return visible(actor).filter(station=station).order_by(F("drifted_since").asc(nulls_last=True), "key")


def get(actor: Actor, pk: object, station: ChargingStation) -> DesiredValue:
    """One of the station's. Raises NotFound."""
    return one(of_station(actor, station), "desired value", pk=pk)


def drifted(actor: Actor) -> QuerySet[DesiredValue]:
    """Those that their station reports otherwise, the oldest drift first."""
    return visible(actor).filter(drifted_since__isnull=False).order_by("drifted_since", "pk")


def by_drift(drifts: bool) -> Q:
    return Q(drifted_since__isnull=not drifts)


def has_drift(actor: Actor) -> Exists:
    """The condition for stations that have drifted."""
    return Exists(drifted(actor).order_by().filter(station=OuterRef("pk")))


def as_json(row: DesiredValue) -> dict[str, Any]:
    """A desired setting as REST gives it. Costs no query for one of `visible`."""
    return {
        "id": row.pk,
        "station": row.station.identity,
        "key": row.path,
        "value": row.value,
        "reported": row.reported if row.compared_at else None,
        "compared": iso(row.compared_at),
        "drifted_since": iso(row.drifted_since),
        "user": row.actor_id,
        "set": iso(row.set_at),
    }
