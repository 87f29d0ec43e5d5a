"""Day-ahead prices, read from their sources every day, and again every hour while something is missing."""

import logging
from datetime import datetime, timedelta

from django.db.models import Max, Q
from django.utils.translation import gettext as _

from charging.models import PriceSlot, PriceSource
from charging.price_keeping import PriceRow, keep_prices
from charging.price_readers import CannotRead, reader
from mobility.errors import Problem

log = logging.getLogger("charging.daily_prices")

EVERY = timedelta(hours=23)
RETRY_AFTER = timedelta(minutes=50)
#: So far are prices wanted: those of tomorrow are published around noon.
BACK, AHEAD = timedelta(hours=25), timedelta(hours=49)
PUBLISHED_UTC_HOUR = 12


def due(now: datetime) -> list[PriceSource]:
    """Sources not read for a day; of those that failed, or lack tomorrow's prices after noon, once an hour."""
    rows = PriceSource.objects.filter(Q(read_at__isnull=True) | Q(read_at__lte=now - RETRY_AFTER)).order_by("pk")
    return [row for row in rows if row.read_at is None or row.error or now - row.read_at >= EVERY or _lacks(row, now)]


def _lacks(source: PriceSource, now: datetime) -> bool:
    if now.hour < PUBLISHED_UTC_HOUR:
        return False
    slots = PriceSlot.objects.filter(organization=source.organization_id, zone=source.zone)
    last = slots.aggregate(at=Max("end"))["at"]
    tomorrow = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return last is None or last < tomorrow + timedelta(hours=12)


def read_due(now: datetime) -> int:
    """Read all sources that are due; how many. What one of them does never keeps the others from being read."""
    rows = due(now)
    for source in rows:
        # Claimed first, so that a second run leaves it alone.
        claimed = PriceSource.objects.filter(pk=source.pk, read_at=source.read_at).update(read_at=now)
        if claimed:
            read(source, now)
    return len(rows)


def read(source: PriceSource, now: datetime) -> str:
    """Read a source and keep its prices; what went wrong, or nothing. It is kept with the source, too."""
    error = ""
    try:
        found = reader(source.reader)(source.url, source.zone, now - BACK, now + AHEAD)
        kept = keep_prices(source.organization_id, source.zone, [PriceRow(*row) for row in found], source.currency)
    except CannotRead as why:
        error = str(why)
    except Problem as problem:
        error = " ".join([problem.message, *list(problem.fields.values())[:2]])
    except Exception:
        log.exception("The price reader %s failed", source.reader)
        error = _("The reader itself failed; the server's log says more.")
    else:
        log.info("Prices of %s: %s new, %s changed", source.zone, kept.added, kept.changed)
    PriceSource.objects.filter(pk=source.pk).update(read_at=now, error=error[:300])
    source.read_at, source.error = now, error[:300]
    return error
