"""Prices over time: what a kilowatt-hour costs at a station when, and the dynamic prices of a zone."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from accounts.actors import Actor
from charging import tariffs
from charging.models import ChargingStation, PriceSlot, PriceSource
from charging.queries import tariffs as tariff_queries
from charging.queries.scope import everything, iso, never_for_drivers, one
from charging.queries.stations import money


@dataclass(frozen=True, slots=True)
class Slot:
    """A time with one price per kWh, tax included; not `known`: a dynamic price is missing, and this is the
    fallback."""

    begin: datetime
    end: datetime
    price_per_kwh: Decimal
    known: bool = True


def price_slots(station: ChargingStation, begin: datetime, end: datetime) -> list[Slot]:
    """What the next kilowatt-hour costs at a station from `begin` to `end`, without gaps, one slot per change.

    It is that of the station's tariff (its own, its site's, its organization's), whose dynamic parts give a slot per
    price slot; else the station's price per kWh. Nothing where neither is set.
    """
    if end <= begin:
        return []
    keys = tariff_queries.keys_for(station_id=station.pk, site_id=station.site_id)
    version = tariff_queries.effective(station.organization_id, keys, begin)
    if version is None:
        return [] if station.price_per_kwh is None else [Slot(begin, end, station.price_per_kwh)]
    pricing = tariff_queries.pricing(version, station.organization_id, tariff_queries.zone_of_site(station.site))
    pricing.learn_slots(begin, end)
    found = tariffs.energy_prices(
        pricing.terms, begin, end, zone=pricing.zone, holidays=pricing.holidays, slots=pricing.slots
    )
    return [Slot(*slot) for slot in found]


def slot_as_json(slot: Slot) -> dict[str, Any]:
    return {
        "begin": iso(slot.begin),
        "end": iso(slot.end),
        "price_per_kwh": money(slot.price_per_kwh),
        "known": slot.known,
    }


def visible(actor: Actor) -> QuerySet[PriceSlot]:
    """The dynamic prices of the actor's organizations."""
    return everything(actor, PriceSlot.objects.all()).order_by("zone", "begin")


def zones(actor: Actor) -> list[str]:
    """The zones that have prices or a source."""
    found = set(everything(actor, PriceSlot.objects.all()).values_list("zone", flat=True).distinct())
    return sorted(found | set(sources(actor).values_list("zone", flat=True)))


def of_day(actor: Actor, zone: str, day: date) -> QuerySet[PriceSlot]:
    """The prices of a zone on a day of the reader's zone."""
    begin = timezone.make_aware(datetime.combine(day, time.min))
    end = timezone.make_aware(datetime.combine(day + timedelta(days=1), time.min))
    return visible(actor).filter(zone=zone, begin__gte=begin, begin__lt=end)


def sources(actor: Actor) -> QuerySet[PriceSource]:
    """Where prices are read from every day; nothing where the actor is a driver."""
    return never_for_drivers(actor, PriceSource.objects.all()).order_by("zone")


def get_source(actor: Actor, pk: object) -> PriceSource:
    """Raises NotFound."""
    return one(sources(actor), "price source", pk=pk)


def as_json(slot: PriceSlot) -> dict[str, Any]:
    return {
        "organization": slot.organization_id,
        "zone": slot.zone,
        "begin": iso(slot.begin),
        "end": iso(slot.end),
        "price_per_kwh": money(slot.price_per_kwh),
        "currency": slot.currency,
    }


def source_as_json(source: PriceSource) -> dict[str, Any]:
    return {
        "id": source.pk,
        "organization": source.organization_id,
        "zone": source.zone,
        "url": source.url,
        "reader": source.reader,
        "currency": source.currency,
        "read_at": iso(source.read_at),
        "error": source.error,
    }
