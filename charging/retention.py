"""How long meter readings are kept, and what stands once they are gone.

A session that is final needs its curve no more: its energy, cost, hours, register values and events are stored beside
it. Readings of the beginning and the end stay with it. What comes for it later is kept and moves nothing: computed
anew without its curve it would come to something else.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q, QuerySet

from charging.models import MeterReading, Pulse, Transaction

#: The pulse that says up to when readings have been removed; it never goes back.
MARK = "readings-removed"
#: A session's readings are removed together when it ended this long after the first of them came, or sooner.
LONGEST_SESSION = timedelta(days=7)
ONCE_IN = timedelta(days=1)
SLICE = 5000
#: Contexts of samples that belong to a bill (1.6 §7.33, 2.0.1 ReadingContextEnumType).
OF_THE_BILL = ("Transaction.Begin", "Transaction.End")


def removed_until() -> datetime | None:
    """Readings that came before this have been removed; None while all are there."""
    return Pulse.objects.filter(name=MARK).values_list("at", flat=True).first()


def is_without_curve(row: Transaction) -> bool:
    """Whether the readings of a closed transaction may be gone, so that it stands as it is."""
    if row.is_open or not row.final or row.ended is None:
        return False
    until = removed_until()
    return until is not None and row.ended <= until


def prune_readings(now: datetime) -> int:
    """Remove readings that came METER_READING_DAYS ago: those of final sessions, and those of none.

    Once a day; each slice is a short transaction of its own, found by the primary key, which follows time.
    """
    if not settings.METER_READING_DAYS:
        return 0
    until = now - timedelta(days=settings.METER_READING_DAYS)
    before = removed_until()
    if before is not None and until - before < ONCE_IN:
        return 0
    # From here on nothing is settled anew from readings that are about to go.
    Pulse.objects.update_or_create(name=MARK, defaults={"at": until})
    first = 0 if before is None else _first_since(before - LONGEST_SESSION)
    return _remove(first, _first_since(until), until)


def _first_since(at: datetime) -> int:
    """The key of the first reading that came at that time or later; one more than the last where there is none."""
    rows = MeterReading.objects.order_by("pk").values_list("pk", "received_at")
    lowest, last = rows.first(), rows.last()
    if lowest is None or last is None:
        return 0
    low, high = lowest[0], last[0] + 1
    while low < high:
        middle = (low + high) // 2
        found = rows.filter(pk__gte=middle).first()
        if found is None or found[1] >= at:
            high = middle
        else:
            low = found[0] + 1
    return low


def _remove(first: int, end: int, until: datetime) -> int:
    served = Q(transaction__isnull=True) | Q(transaction__final=True, transaction__ended__lte=until) & ~Q(
        transaction__state__in=Transaction.OPEN
    )
    removed = 0
    while True:
        keys = MeterReading.objects.filter(pk__gte=first, pk__lt=end).order_by("pk")
        slice_ = list(keys.values_list("pk", flat=True)[:SLICE])
        if not slice_:
            return removed
        rows = MeterReading.objects.filter(served, pk__gte=slice_[0], pk__lte=slice_[-1])
        removed += _without_the_bills(rows)
        first = slice_[-1] + 1


def _without_the_bills(rows: "QuerySet[MeterReading]") -> int:
    gone = [
        pk for pk, samples in rows.values_list("pk", "samples") if not any(s[5] in OF_THE_BILL for s in samples or [])
    ]
    return MeterReading.objects.filter(pk__in=gone).delete()[0] if gone else 0
