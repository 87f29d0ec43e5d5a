"""Energy and cost over time, from the hourly sums: the cost of a question does not grow with the history."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.db.models import Count, Q, QuerySet, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.actors import Actor, Role
from charging.models import ChargingStation, HourlyEnergy, Transaction
from charging.queries import transactions
from charging.queries.scope import iso, never_for_drivers
from mobility.errors import Invalid

BUCKETS = ("hour", "day", "week", "month")
MOST = 2000
#: What is shown when no period is asked for.
USUAL_DAYS = {"hour": 2, "day": 30, "week": 84, "month": 365}
#: How many buckets a page shows up to today.
RECENT = {"day": 14, "week": 12, "month": 12}
#: No site's day begins or ends further away from UTC's.
FARTHEST = timedelta(hours=14)


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


def slot_of(bucket: str, hour: datetime | None, day: date) -> Any:
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
        raise Invalid(_("The period is empty."), fields={"from": _("This is not before the end of the period.")})
    per = timedelta(hours=1) if bucket == "hour" else timedelta(days=1)
    if (end - start) / per > MOST * (31 if bucket == "month" else 7 if bucket == "week" else 1):
        raise Invalid(_("The period is too long for this bucket."), fields={"bucket": _("Choose a longer one.")})
    return Period(start, end, bucket)


def ceiling(at: datetime) -> datetime:
    floor = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return floor if floor == at else floor + timedelta(hours=1)


def midnight(at: datetime, *, up: bool = False) -> datetime:
    floor = datetime.combine(at.date(), time(), UTC)
    return floor + timedelta(days=1) if up and at.time() != time() else floor


@dataclass(frozen=True, slots=True)
class Amount:
    """What flowed, and what it costs."""

    energy_wh: float = 0.0
    cost: Decimal = Decimal(0)

    def __add__(self, other: "Amount") -> "Amount":
        return Amount(self.energy_wh + other.energy_wh, self.cost + other.cost)


@dataclass(frozen=True, slots=True)
class History:
    """A period's buckets in their order, what they add up to, and what the period before added up to."""

    period: Period
    buckets: dict[Any, Amount]
    total: Amount
    before: Amount

    @property
    def energy_trend(self) -> float | None:
        return trend(self.total.energy_wh, self.before.energy_wh)

    @property
    def cost_trend(self) -> float | None:
        return trend(float(self.total.cost), float(self.before.cost))


def recent(bucket: str, today: date) -> Period:
    """The days, weeks or months up to today, whole ones at the beginning."""
    count = RECENT[bucket]
    first = slot_of(bucket, None, today)
    if bucket == "month":
        months = first.year * 12 + first.month - count
        first = date(months // 12, months % 12 + 1, 1)
    else:
        first -= timedelta(days=(count - 1) * (7 if bucket == "week" else 1))
    tomorrow = today + timedelta(days=1)
    return Period(datetime.combine(first, time(), UTC), datetime.combine(tomorrow, time(), UTC), bucket)


def history(actor: Actor, period: Period, station: ChargingStation | None = None) -> History:
    """Energy and cost per bucket: of the organizations where the actor sees all, and of a driver's own charging."""
    buckets = {slot: Amount() for slot in period.slots()}
    total, before = Amount(), Amount()
    start = period.start if period.bucket == "hour" else period.start.date()
    for at, amount in moments(actor, Period(period.before.start, period.end, period.bucket), station):
        if at < start:
            before += amount
            continue
        total += amount
        day = at.date() if isinstance(at, datetime) else at
        slot = slot_of(period.bucket, at, day)
        buckets[slot] = buckets.get(slot, Amount()) + amount
    return History(period, buckets, total, before)


def moments(actor: Actor, period: Period, station: ChargingStation | None) -> Iterator[tuple[Any, Amount]]:
    """What flowed in each hour (UTC) or on each local day of the period."""
    key = "hour" if period.bucket == "hour" else "local_day"
    rows = never_for_drivers(actor, HourlyEnergy.objects.all())
    if station is not None:
        rows = rows.filter(station=station)
    if key == "hour":
        rows = rows.filter(hour__gte=period.start, hour__lt=period.end)
    else:
        # The hours are what is indexed, the days are what counts.
        rows = rows.filter(hour__gte=period.start - FARTHEST, hour__lt=period.end + FARTHEST)
        rows = rows.filter(local_day__gte=period.start.date(), local_day__lt=period.end.date())
    for at, energy_wh, cost in rows.values_list(key).annotate(Sum("energy_wh"), Sum("cost")):
        yield at, Amount(energy_wh or 0.0, cost or Decimal(0))
    yield from own_moments(actor, period, station)


def own_moments(actor: Actor, period: Period, station: ChargingStation | None) -> Iterator[tuple[Any, Amount]]:
    """A driver's own transactions, each at its start."""
    driven = [pk for pk, role in actor.memberships.items() if role == Role.DRIVER]
    if actor.is_platform_admin or actor.user is None or not driven:
        return
    mine = Q(organization_id__in=driven, user=actor.user)
    rows = Transaction.objects.filter(
        mine, started__gte=period.start - FARTHEST, started__lt=period.end + FARTHEST
    ).values_list("started", "energy_wh", "cost", "station__site__time_zone")
    if station is not None:
        rows = rows.filter(station=station)
    first, end = (period.start, period.end) if period.bucket == "hour" else (period.start.date(), period.end.date())
    for started, energy_wh, cost, zone in rows:
        assert started is not None
        hour = started.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        at = hour if period.bucket == "hour" else started.astimezone(zone_of(zone)).date()
        if first <= at < end:
            yield at, Amount(energy_wh, cost or Decimal(0))


def zone_of(name: str | None) -> tzinfo:
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


@dataclass(frozen=True, slots=True)
class SessionDay:
    """The sessions that began on one day."""

    day: date
    count: int
    amount: Amount


def session_days(actor: Actor, first: date, end: date, station: ChargingStation | None = None) -> list[SessionDay]:
    """Every day from `first` to before `end` in the reader's time zone, with the sessions that began on it.

    One sum for each day, of a range that the index knows: no database cuts days in a zone as the others do.
    """
    found = []
    for number in range((end - first).days):
        day = first + timedelta(days=number)
        rows = sessions_between(actor, day, day + timedelta(days=1), station).order_by()
        sums = rows.aggregate(
            count=Count("pk"), energy_wh=Sum("energy_wh"), cost=Sum("cost", filter=Q(currency=settings.CURRENCY))
        )
        amount = Amount(sums["energy_wh"] or 0.0, sums["cost"] or Decimal(0))
        found.append(SessionDay(day, sums["count"], amount))
    return found


def sessions_between(
    actor: Actor, first: date, end: date, station: ChargingStation | None = None
) -> QuerySet[Transaction]:
    """The transactions that began on these days in the reader's time zone, the latest first."""
    begin, until = (timezone.make_aware(datetime.combine(day, time())) for day in (first, end))
    rows = transactions.visible(actor).filter(started__gte=begin, started__lt=until)
    if station is not None:
        rows = rows.filter(station=station)
    return rows.order_by("-started", "-pk")


def shown(slot: Any) -> str:
    return iso(slot) or "" if isinstance(slot, datetime) else slot.isoformat()


def trend(total: float, before: float) -> float | None:
    """The change in percent; None when there was nothing before."""
    return round((total - before) / before * 100, 1) if before else None


def energy(actor: Actor, period: Period, station: ChargingStation | None = None) -> dict[str, Any]:
    found = history(actor, period, station)
    return {
        "from": iso(period.start),
        "to": iso(period.end),
        "bucket": period.bucket,
        "buckets": [
            {"start": shown(slot), "energy_wh": round(amount.energy_wh, 3)} for slot, amount in found.buckets.items()
        ],
        "total_wh": round(found.total.energy_wh, 3),
        "previous_total_wh": round(found.before.energy_wh, 3),
        "trend_percent": found.energy_trend,
    }


def costs(actor: Actor, period: Period, station: ChargingStation | None = None) -> dict[str, Any]:
    found = history(actor, period, station)
    return {
        "from": iso(period.start),
        "to": iso(period.end),
        "bucket": period.bucket,
        "currency": settings.CURRENCY,
        "buckets": [{"start": shown(slot), "cost": f"{amount.cost:.2f}"} for slot, amount in found.buckets.items()],
        "total": f"{found.total.cost:.2f}",
        "previous_total": f"{found.before.cost:.2f}",
        "trend_percent": found.cost_trend,
    }
