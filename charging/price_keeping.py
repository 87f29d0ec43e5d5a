"""Keeping dynamic prices: checked as a whole, then written so that the same again changes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from charging.models import PriceSlot
from mobility.errors import Conflict, Invalid

#: A year of quarter-hours.
MOST_SLOTS = 40_000
SHORTEST, LONGEST = timedelta(minutes=1), timedelta(days=1)
MOST_PRICE = Decimal(1000)
AT_ONCE = 400
CHANGED = ["end", "price_per_kwh", "currency", "received_at"]


@dataclass(frozen=True, slots=True)
class PriceRow:
    """One price: from `begin` to `end` (aware) a kilowatt-hour costs so much; it may be negative."""

    begin: datetime
    end: datetime
    price_per_kwh: Decimal


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of prices that came in."""

    zone: str
    added: int
    changed: int
    unchanged: int

    def __str__(self) -> str:
        return f"prices of {self.zone}"


def keep_prices(organization_id: int, zone: str, rows: Sequence[PriceRow], currency: str = "") -> Recorded:
    """What `record_prices` and the daily readers do. Raises Invalid."""
    zone = checked_zone(zone)
    currency = checked_currency(currency)
    wanted = {row.begin: row for row in checked(rows)}
    if not wanted:
        return Recorded(zone, 0, 0, 0)
    first, last = min(wanted), max(row.end for row in wanted.values())
    of_zone = PriceSlot.objects.filter(organization=organization_id, zone=zone)
    stored = {slot.begin: slot for slot in of_zone.filter(begin__gte=first, begin__lt=last)}
    now = timezone.now()
    new, changed = [], []
    for begin, row in wanted.items():
        slot = stored.get(begin)
        values = (row.end, row.price_per_kwh, currency)
        if slot is None:
            slot = PriceSlot(organization_id=organization_id, zone=zone, begin=begin)
            new.append(slot)
        elif (slot.end, slot.price_per_kwh, slot.currency) != values:
            changed.append(slot)
        else:
            continue
        slot.end, slot.price_per_kwh, slot.currency = values
        slot.received_at = now
    try:
        with transaction.atomic():
            _forget(stored, wanted)
            PriceSlot.objects.bulk_create(new, batch_size=AT_ONCE)
            PriceSlot.objects.bulk_update(changed, CHANGED, batch_size=AT_ONCE // 4)
    except IntegrityError:
        why = _("Prices of this zone are being written at this moment. Try again.")
        raise Conflict(why, code="already_exists", fields={"zone": why}) from None
    return Recorded(zone, len(new), len(changed), len(wanted) - len(new) - len(changed))


def _forget(stored: dict[datetime, PriceSlot], wanted: dict[datetime, PriceRow]) -> None:
    """Quarters make room for an hour that covers them."""
    covered: list[int] = []
    until = min(wanted)
    for begin in sorted({*stored, *wanted}):
        if begin in wanted:
            until = wanted[begin].end
        elif begin < until:
            covered.append(stored[begin].pk)
    for index in range(0, len(covered), AT_ONCE):
        PriceSlot.objects.filter(pk__in=covered[index : index + AT_ONCE]).delete()


def checked_zone(zone: Any) -> str:
    text = zone.strip() if isinstance(zone, str) else ""
    if not text or len(text) > 40 or not text.isprintable():
        why = _("A zone has a name of at most 40 characters, such as DE-LU.")
        raise Invalid(why, fields={"zone": why})
    return text


def checked_currency(currency: str) -> str:
    text = (currency or settings.CURRENCY).upper()
    if len(text) != 3 or not text.isascii() or not text.isalpha():
        why = _("A currency has three letters, such as EUR.")
        raise Invalid(why, fields={"currency": why})
    return str(text)


def checked(rows: Sequence[PriceRow]) -> list[PriceRow]:
    if len(rows) > MOST_SLOTS:
        why = _("At most %(count)s prices at once.") % {"count": MOST_SLOTS}
        raise Invalid(why, fields={"slots": why})
    wrong: dict[str, str] = {}
    ordered = sorted(enumerate(rows), key=lambda item: item[1].begin)
    before: PriceRow | None = None
    for index, row in ordered:
        if not SHORTEST <= row.end - row.begin <= LONGEST:
            wrong[f"slots.{index}.end"] = _("A price holds from a minute to a day.")
        elif before is not None and row.begin < before.end:
            wrong[f"slots.{index}.begin"] = _("This overlaps the price before it.")
        if not -MOST_PRICE <= row.price_per_kwh <= MOST_PRICE:
            wrong[f"slots.{index}.price_per_kwh"] = _("This is no price of a kilowatt-hour.")
        before = row
    if wrong:
        few = dict(list(wrong.items())[:20])
        raise Invalid(_("Some prices are not usable. None of them is kept."), fields=few)
    return [PriceRow(row.begin, row.end, row.price_per_kwh.quantize(Decimal("0.00001"))) for row in rows]
