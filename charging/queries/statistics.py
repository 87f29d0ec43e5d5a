"""Energy and cost over time, from the hourly sums: the cost of a question does not grow with the history."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Q, Sum

from accounts.actors import Actor, Role
from charging.models import ChargingStation, HourlyEnergy, Transaction
from charging.queries.scope import iso, never_for_drivers
from mobility.errors import Invalid

BUCKETS = ("hour", "day", "week", "month")
MOST = 2000
#: What is shown when no period is asked for.
USUAL_DAYS = {"hour": 2, "day": 30, "week": 84, "month": 365}

Sums = dict[Any, tuple[float, Decimal]]


@dataclass(frozen=True, slots=True)
class Period:
    """Half open, in UTC. Days and longer are the sites' local days, so only the dates count there."""

    start: datetime
    end: datetime
    bucket: str

    @property
    def before(self) -> "Period":
        """The period of the same length that ends where this one begins."""
        return Period(self.start - (self.end - self.start), self.start, self.bucket)

    def slots(self) -> list[Any]:
        """The key of every bucket: the hour's UTC time, or the first local day."""
        found: list[Any] = []
        step = timedelta(hours=1) if self.bucket == "hour" else timedelta(days=1)
        at = self.start
        while at < self.end:
            key = slot_of(self.bucket, at, at.date())
            if not found or found[-1] != key:
                found.append(key)
            at += step
        return found


def slot_of(bucket: str, hour: datetime, day: date) -> Any:
    if bucket == "hour":
        return hour
    if bucket == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if bucket == "month" else day


def period_of(bucket: str, start: datetime | None, end: datetime | None, now: datetime) -> Period:
    """Complete and round the period that is asked for.

    Raises:
        Invalid: it is empty, or has more than 2,000 buckets.
    """
    if bucket == "hour":
        end = ceiling(end or now)
        start = (start or end - timedelta(days=USUAL_DAYS[bucket])).astimezone(UTC)
        start = start.replace(minute=0, second=0, microsecond=0)
    else:
        end = midnight(end or now, up=True)
        start = midnight(start or end - timedelta(days=USUAL_DAYS[bucket]))
    if start >= end:
        raise Invalid("The period is empty.", fields={"from": "This is not before the end of the period."})
    per = timedelta(hours=1) if bucket == "hour" else timedelta(days=1)
    if (end - start) / per > MOST * (31 if bucket == "month" else 7 if bucket == "week" else 1):
        raise Invalid("The period is too long for this bucket.", fields={"bucket": "Choose a longer one."})
    return Period(start, end, bucket)


def ceiling(at: datetime) -> datetime:
    floor = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return floor if floor == at else floor + timedelta(hours=1)


def midnight(at: datetime, *, up: bool = False) -> datetime:
    floor = datetime.combine(at.date(), time(), UTC)
    return floor + timedelta(days=1) if up and at.time() != time() else floor


def sums(actor: Actor, period: Period, station: ChargingStation | None) -> Sums:
    """Energy and cost per bucket: of the organizations where the actor sees all, and of a driver's own charging."""
    rows = never_for_drivers(actor, HourlyEnergy.objects.all())
    if period.bucket == "hour":
        rows = rows.filter(hour__gte=period.start, hour__lt=period.end)
    else:
        rows = rows.filter(local_day__gte=period.start.date(), local_day__lt=period.end.date())
    if station is not None:
        rows = rows.filter(station=station)
    key = "hour" if period.bucket == "hour" else "local_day"
    found: Sums = defaultdict(lambda: (0.0, Decimal(0)))
    for at, energy, cost in rows.values_list(key).annotate(Sum("energy_wh"), Sum("cost")):
        slot = slot_of(period.bucket, at, at)
        found[slot] = (found[slot][0] + (energy or 0.0), found[slot][1] + (cost or Decimal(0)))
    add_own(actor, period, station, found)
    return found


def add_own(actor: Actor, period: Period, station: ChargingStation | None, found: Sums) -> None:
    """A driver's own transactions, each at its start."""
    driven = [pk for pk, role in actor.memberships.items() if role == Role.DRIVER]
    if actor.is_platform_admin or actor.user is None or not driven:
        return
    mine = Q(organization_id__in=driven, user=actor.user, started__gte=period.start, started__lt=period.end)
    rows = Transaction.objects.filter(mine)
    if station is not None:
        rows = rows.filter(station=station)
    for started, energy, cost in rows.values_list("started", "energy_wh", "cost"):
        assert started is not None
        hour = started.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        slot = slot_of(period.bucket, hour, hour.date())
        found[slot] = (found[slot][0] + energy, found[slot][1] + (cost or Decimal(0)))


def shown(slot: Any) -> str:
    return iso(slot) or "" if isinstance(slot, datetime) else slot.isoformat()


def trend(total: float, before: float) -> float | None:
    """The change in percent; None when there was nothing before."""
    return round((total - before) / before * 100, 1) if before else None


def energy(actor: Actor, period: Period, station: ChargingStation | None = None) -> dict[str, Any]:
    found, earlier = sums(actor, period, station), sums(actor, period.before, station)
    total = sum(energy for energy, _ in found.values())
    before = sum(energy for energy, _ in earlier.values())
    return {
        "from": iso(period.start),
        "to": iso(period.end),
        "bucket": period.bucket,
        "buckets": [{"start": shown(slot), "energy_wh": round(found[slot][0], 3)} for slot in period.slots()],
        "total_wh": round(total, 3),
        "previous_total_wh": round(before, 3),
        "trend_percent": trend(total, before),
    }


def costs(actor: Actor, period: Period, station: ChargingStation | None = None) -> dict[str, Any]:
    found, earlier = sums(actor, period, station), sums(actor, period.before, station)
    total = sum((cost for _, cost in found.values()), Decimal(0))
    before = sum((cost for _, cost in earlier.values()), Decimal(0))
    return {
        "from": iso(period.start),
        "to": iso(period.end),
        "bucket": period.bucket,
        "currency": settings.CURRENCY,
        "buckets": [{"start": shown(slot), "cost": f"{found[slot][1]:.2f}"} for slot in period.slots()],
        "total": f"{total:.2f}",
        "previous_total": f"{before:.2f}",
        "trend_percent": trend(float(total), float(before)),
    }
