"""Three weeks of past sessions, so that lists, totals and curves have something to show."""

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

from django.utils import timezone

from accounts.models import Organization
from charging.energy import cost_of, split_by_hour
from charging.models import (
    Car,
    ChargingStation,
    Connector,
    HourlyEnergy,
    IdTag,
    MeterReading,
    Transaction,
    TransactionEvent,
)
from mobility.simulator import Vehicle

DAYS = 21
STEP = timedelta(minutes=5)
ZONE = ZoneInfo("Europe/Berlin")


@dataclass(frozen=True, slots=True)
class Point:
    """One moment of a session: the meter's register, the power and the battery."""

    at: datetime
    energy_wh: float
    power_w: float
    soc_percent: float


def load_past_sessions(organization: Organization, stations: Iterable[ChargingStation]) -> None:
    """Write the sessions of the last weeks, ended and settled. The same every time: drawn from a fixed seed."""
    draw = random.Random("demo")  # noqa: S311 - plausible, not secret
    tags = list(IdTag.objects.filter(organization=organization).select_related("user").order_by("pk"))
    cars = {car.user_id: car for car in Car.objects.filter(organization=organization)}
    today = timezone.now().astimezone(ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
    hours: dict[tuple[int, datetime], list[float]] = defaultdict(lambda: [0.0])
    for station in stations:
        for connector in Connector.objects.filter(station=station).order_by("evse_number"):
            meter_wh = float(draw.randrange(800_000, 4_000_000))
            for back in range(DAYS, 0, -1):
                if draw.random() > (0.55 if back % 7 in (0, 1) else 0.8):
                    continue
                begin = today - timedelta(days=back) + timedelta(minutes=draw.randrange(6 * 60, 19 * 60))
                tag = draw.choice(tags)
                points = list(course(draw, station.rated_power_w or 11_000, meter_wh, begin))
                meter_wh = points[-1].energy_wh
                write(station, connector, tag, cars.get(tag.user_id), points, len(hours) * 31 + back, hours)
            Connector.objects.filter(pk=connector.pk).update(energy_wh=meter_wh)
    write_hours(organization, stations, hours)


def course(draw: random.Random, rated_power_w: int, meter_wh: float, begin: datetime) -> Iterator[Point]:
    """A car that charges until it leaves: constant power, then the taper of a filling battery."""
    car = Vehicle(
        battery_wh=draw.choice([45_000.0, 58_000.0, 77_000.0]),
        soc=draw.uniform(0.1, 0.5),
        max_power_w=min(float(rated_power_w), draw.choice([7_400.0, 11_000.0, 11_000.0, 22_000.0])),
    )
    if rated_power_w > 43_000:
        car.max_power_w = draw.uniform(80_000.0, 140_000.0)
    leaves_at = draw.uniform(max(car.soc + 0.15, 0.6), 0.97)
    at = begin
    while True:
        yield Point(at, round(meter_wh), round(car.accepted_w()), round(car.soc * 100, 1))
        if car.soc >= leaves_at:
            return
        step = STEP if rated_power_w <= 43_000 else STEP / 5
        meter_wh += car.charge(step.total_seconds(), float(rated_power_w))
        at += step


def write(
    station: ChargingStation,
    connector: Connector,
    tag: IdTag,
    car: Car | None,
    points: list[Point],
    number: int,
    hours: dict[tuple[int, datetime], list[float]],
) -> None:
    first, last = points[0], points[-1]
    energy_wh = last.energy_wh - first.energy_wh
    booked: dict[datetime, float] = defaultdict(float)
    for before, after in pairwise(points):
        for hour, wh in split_by_hour(before.at, after.at, after.energy_wh - before.energy_wh).items():
            booked[hour] += wh
    row = Transaction.objects.create(
        organization_id=station.organization_id,
        station=station,
        connector=connector,
        evse_number=connector.evse_number,
        connector_number=connector.number,
        transaction_id=f"demo-{station.pk}-{connector.evse_number}-{number}",
        id_token=tag.id_tag,
        id_tag=tag,
        authorization="Accepted",
        user=tag.user,
        car=car,
        state=Transaction.State.ENDED,
        started=first.at,
        ended=last.at,
        created_at=first.at,
        last_event_at=last.at,
        meter_start_wh=first.energy_wh,
        meter_stop_wh=last.energy_wh,
        energy_wh=energy_wh,
        hourly_wh={hour.isoformat(): wh for hour, wh in booked.items()},
        stop_reason="EVDisconnected",
        final=True,
        price_per_kwh=station.price_per_kwh,
        cost=cost_of(energy_wh, station.price_per_kwh),
        currency="EUR",
    )
    TransactionEvent.objects.bulk_create(
        [
            event(row, TransactionEvent.Kind.STARTED, 0, first),
            event(row, TransactionEvent.Kind.ENDED, len(points) - 1, last),
        ]
    )
    MeterReading.objects.bulk_create(reading(row, point) for point in points)
    for hour, wh in booked.items():
        hours[connector.pk, hour][0] += wh


def event(row: Transaction, kind: str, number: int, point: Point) -> TransactionEvent:
    return TransactionEvent(
        station=row.station,
        transaction=row,
        key=f"{row.pk}-{kind}"[:32],
        kind=kind,
        seq_no=number,
        station_time=point.at,
        received_at=point.at,
        meter_wh=point.energy_wh,
    )


def reading(row: Transaction, point: Point) -> MeterReading:
    return MeterReading(
        station=row.station,
        transaction=row,
        evse_number=row.evse_number,
        connector_number=row.connector_number,
        station_time=point.at,
        measured_at=point.at,
        received_at=point.at,
        energy_wh=point.energy_wh,
        power_w=point.power_w,
        current_a=round(point.power_w / 690, 1),
        voltage_v=230.0,
        soc_percent=point.soc_percent,
        samples=[
            ["Energy.Active.Import.Register", point.energy_wh, "Wh", "", "Outlet", "Sample.Periodic"],
            ["Power.Active.Import", point.power_w, "W", "", "Outlet", "Sample.Periodic"],
            ["SoC", point.soc_percent, "Percent", "", "EV", "Sample.Periodic"],
        ],
    )


def write_hours(
    organization: Organization,
    stations: Iterable[ChargingStation],
    hours: dict[tuple[int, datetime], list[float]],
) -> None:
    of_connector = {pk: station for station in stations for pk in station.connectors.values_list("pk", flat=True)}
    HourlyEnergy.objects.bulk_create(
        HourlyEnergy(
            organization=organization,
            station=of_connector[connector],
            connector_id=connector,
            hour=hour,
            local_day=hour.astimezone(ZONE).date(),
            energy_wh=wh,
            cost=(of_connector[connector].price_per_kwh or Decimal(0)) * Decimal(round(wh)) / 1000,
        )
        for (connector, hour), (wh,) in hours.items()
    )
