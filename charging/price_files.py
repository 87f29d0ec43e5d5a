"""Prices from a CSV file: `begin`, `end` (may be left out) and `price_per_kwh` or `price_per_mwh`."""

import csv
import io
import itertools
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal, InvalidOperation

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from charging.price_keeping import MOST_SLOTS, PriceRow
from mobility.errors import Invalid

MOST_BYTES = 5_000_000
HOUR = timedelta(hours=1)


def rows_of_csv(body: bytes, zone: tzinfo) -> list[PriceRow]:
    """The prices of a file; times without a zone are those of `zone`, both of an hour that comes twice in its order.

    Raises:
        Invalid: naming the line that cannot be read.
    """
    if len(body) > MOST_BYTES:
        raise _refused(_("The file is larger than 5 MB."))
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = body.decode("latin-1")
    first = text.split("\n", 1)[0]
    delimiter = max(";,\t", key=first.count)
    reader = csv.DictReader(io.StringIO(text), delimiter=delimiter)
    names = {name.strip().lower(): name for name in reader.fieldnames or [] if name}
    per = next((name for name in ("price_per_kwh", "price_per_mwh") if name in names), None)
    if "begin" not in names or per is None:
        raise _refused(_("The first line names the columns begin, end and price_per_kwh or price_per_mwh."))
    found: list[tuple[datetime, datetime | None, Decimal]] = []
    for number, line in enumerate(reader, start=2):
        if not any(value for value in line.values() if isinstance(value, str) and value.strip()):
            continue
        if len(found) >= MOST_SLOTS:
            raise _refused(_("At most %(count)s prices at once.") % {"count": MOST_SLOTS})
        try:
            begin = _moment(line[names["begin"]], zone, found[-1][0] if found else None)
            text = line[names["end"]] if "end" in names else ""
            end = _moment(text, zone, begin) if text and text.strip() else None
            price = Decimal((line[names[per]] or "").strip().replace(",", "."))
            if not price.is_finite():
                raise ValueError(price)
        except (ValueError, InvalidOperation, TypeError, OverflowError):
            raise _refused(
                _("Line %(number)s has a time or a price that cannot be read.") % {"number": number}
            ) from None
        found.append((begin, end, price / 1000 if per == "price_per_mwh" else price))
    if not found:
        raise _refused(_("The file has no prices."))
    return _ended(found)


def _ended(found: list[tuple[datetime, datetime | None, Decimal]]) -> list[PriceRow]:
    """What has no end holds until the next begins, an hour at most."""
    begins = sorted(begin for begin, _end, _price in found)
    following = dict(itertools.pairwise(begins))
    steps = [after - before for before, after in following.items() if after > before]
    usual = min([HOUR, *steps])
    return [
        PriceRow(begin, end or min(following.get(begin, begin + usual), begin + HOUR), price)
        for begin, end, price in found
    ]


def _moment(text: str | None, zone: tzinfo, after: datetime | None) -> datetime:
    found = parse_datetime((text or "").strip())
    if found is None:
        raise ValueError(text)
    if found.tzinfo is None:
        local = found.replace(tzinfo=zone)
        found = local.astimezone(UTC)
        if after is not None and found <= after:
            # The hour that comes twice when the clock is set back.
            found = max(found, local.replace(fold=1).astimezone(UTC))
    return found.astimezone(UTC)


def _refused(why: str) -> Invalid:
    return Invalid(why, fields={"file": why})
