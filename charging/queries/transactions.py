"""Reading transactions and their meter values."""

from typing import Any

from django.db.models import QuerySet

from accounts.actors import Actor
from charging.chart import powers, thinned
from charging.models import ChargingStation, MeterReading, Transaction
from charging.queries.scope import iso, one, own_for_drivers
from charging.queries.stations import money


def visible(actor: Actor) -> QuerySet[Transaction]:
    """The organization's transactions; a driver's own."""
    rows = Transaction.objects.select_related("station", "id_tag", "user", "car", "tariff_version__tariff")
    return own_for_drivers(actor, rows)


def open_ones(actor: Actor, station: ChargingStation | None = None) -> QuerySet[Transaction]:
    """Those that run, of one station if given, the oldest first."""
    rows = visible(actor).filter(state__in=Transaction.OPEN).order_by("pk")
    return rows if station is None else rows.filter(station=station)


def get(actor: Actor, pk: object) -> Transaction:
    """Raises NotFound."""
    return one(visible(actor), "transaction", pk=pk)


def meter_values(actor: Actor, transaction: Transaction) -> QuerySet[MeterReading]:
    """The readings of a transaction that the actor can see, in the order of the meter's time."""
    return MeterReading.objects.filter(
        transaction=transaction, transaction__in=visible(actor).filter(pk=transaction.pk)
    ).order_by("measured_at", "pk")


def curve(actor: Actor, transaction: Transaction, most: int) -> list[dict[str, Any]]:
    """At most so many moments of a transaction: power in W, energy in Wh since its first reading, the battery."""
    rows = thinned(list(meter_values(actor, transaction).defer("samples")), most)
    if not rows:
        return []
    first = next((row.energy_wh for row in rows if row.energy_wh is not None), 0.0)
    return [
        {
            "at": iso(row.measured_at),
            "power_w": power_w,
            "energy_wh": None if row.energy_wh is None else max(row.energy_wh - first, 0.0),
            "soc_percent": row.soc_percent,
        }
        for row, power_w in zip(rows, powers(rows), strict=True)
    ]


def as_json(transaction: Transaction) -> dict[str, Any]:
    """A transaction as REST and live events give it. Costs no query for one of `visible`."""
    return {
        "id": transaction.pk,
        "organization": transaction.organization_id,
        "station": transaction.station.identity,
        "station_name": str(transaction.station),
        "evse_id": transaction.evse_number or None,
        "connector_id": transaction.connector_number or None,
        "transaction_id": transaction.transaction_id,
        "id_tag": transaction.id_tag.id_tag if transaction.id_tag else transaction.id_token,
        "user": transaction.user_id,
        "user_name": transaction.user.display_name if transaction.user else None,
        "car": transaction.car_id,
        "car_name": transaction.car.name if transaction.car else None,
        "state": str(transaction.state),
        "charging_state": transaction.charging_state,
        "started": iso(transaction.started),
        "ended": iso(transaction.ended),
        "meter_start_wh": transaction.meter_start_wh,
        "meter_stop_wh": transaction.meter_stop_wh,
        "energy_wh": transaction.energy_wh,
        "price_per_kwh": money(transaction.price_per_kwh),
        "tariff": transaction.tariff_version.tariff.name if transaction.tariff_version else None,
        "cost": f"{transaction.cost:.2f}" if transaction.cost is not None else None,
        "cost_lines": transaction.cost_lines,
        "currency": transaction.currency,
        "stop_reason": transaction.stop_reason,
        "flags": transaction.flags,
        "final": transaction.final,
        "corrected": transaction.corrected,
    }


def reading_as_json(reading: MeterReading) -> dict[str, Any]:
    """One moment of the meter, with the canonical samples as objects."""
    names = ("measurand", "value", "unit", "phase", "location", "context")
    return {
        "measured_at": iso(reading.measured_at),
        "station_time": iso(reading.station_time),
        "evse_id": reading.evse_number or None,
        "connector_id": reading.connector_number or None,
        "energy_wh": reading.energy_wh,
        "power_w": reading.power_w,
        "current_a": reading.current_a,
        "voltage_v": reading.voltage_v,
        "soc_percent": reading.soc_percent,
        "samples": [dict(zip(names, sample, strict=False)) for sample in reading.samples or []],
    }
