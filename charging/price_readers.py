"""Readers of day-ahead prices: what asks a source for the prices of a zone.

A reader is a function `read(url, zone, begin, end)` that returns (begin, end, price per kWh) with aware times, and
raises CannotRead with a sentence for a person. `PRICE_READERS` in the settings and entry points of the group
`mobility.price_readers` name further ones. The built-in `json` understands the usual shapes of public price services.
"""

import http.client
import itertools
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from importlib.metadata import entry_points
from typing import Any, Protocol
from urllib.parse import quote

from django.conf import settings
from django.utils.dateparse import parse_datetime
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from accounts import outbound

Row = tuple[datetime, datetime, Decimal]
MOST_BYTES = 4_000_000
TOTAL_S = 20
BEGIN = ("begin", "start", "start_timestamp", "from", "time", "timestamp", "hour", "startsAt", "time_start")
END = ("end", "end_timestamp", "to", "endsAt", "time_end")
LISTS = ("data", "prices", "slots", "results", "unix_seconds", "price")
PER_KWH = ("price_per_kwh", "total", "EUR_per_kWh")
PER_MWH = ("price_per_mwh", "marketprice", "price_eur_mwh")
ANY = ("price", "value")


class CannotRead(Exception):
    """The source gave no usable prices; the text says why."""


class PriceReader(Protocol):
    def __call__(self, url: str, zone: str, begin: datetime, end: datetime) -> Sequence[Row]: ...


def names() -> list[str]:
    """The readers that there are."""
    plugged = {entry.name for entry in entry_points(group="mobility.price_readers")}
    return sorted({"json", *settings.PRICE_READERS, *plugged})


def reader(name: str) -> PriceReader:
    """Raises CannotRead."""
    try:
        if path := settings.PRICE_READERS.get(name):
            found: PriceReader = import_string(path)
            return found
        for entry in entry_points(group="mobility.price_readers", name=name):
            plugged: PriceReader = entry.load()
            return plugged
    except ImportError as error:
        raise CannotRead(_("The reader %(name)s cannot be loaded: %(why)s") % {"name": name, "why": error}) from error
    if name == "json":
        return read_json
    raise CannotRead(_("There is no reader %(name)s.") % {"name": name})


def read_json(url: str, zone: str, begin: datetime, end: datetime) -> list[Row]:
    """GET an address; in it `{zone}`, `{from}`, `{to}` (days), `{from_ms}` and `{to_ms}` are filled in."""
    filled = url
    for name, value in (
        ("zone", quote(zone, safe="")),
        ("from", f"{begin:%Y-%m-%d}"),
        ("to", f"{end:%Y-%m-%d}"),
        ("from_ms", str(int(begin.timestamp() * 1000))),
        ("to_ms", str(int(end.timestamp() * 1000))),
    ):
        filled = filled.replace("{" + name + "}", value)
    body = fetch(filled)
    try:
        document = json.loads(body, parse_float=Decimal, parse_int=Decimal)
    except (ValueError, RecursionError):
        raise CannotRead(_("The answer is no JSON.")) from None
    return rows_of(document)


def fetch(url: str) -> bytes:
    """The body at an address of the public internet, without redirects and within a limited time and size."""
    try:
        with outbound.exchange("GET", url, {"Accept": "application/json"}, total_s=TOTAL_S) as response:
            if response.status != 200:
                raise CannotRead(_("The source answered with status %(status)s.") % {"status": response.status})
            body = response.read(MOST_BYTES + 1)
    except outbound.Refused as why:
        raise CannotRead(str(why)) from None
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        raise CannotRead(_("The source gave no answer: %(why)s") % {"why": error}) from error
    if len(body) > MOST_BYTES:
        raise CannotRead(_("The answer is too long."))
    return body


# --- What is in an answer ---------------------------------------------------------------------------------------------


def rows_of(document: Any) -> list[Row]:
    """The prices of a parsed answer: a list of objects, one below `data`, `prices`, `slots` or `results`, or two lists
    `unix_seconds` and `price`. Raises CannotRead."""
    try:
        unit = str(document.get("unit", "")) if isinstance(document, dict) else ""
        found = sorted(_entries(document, unit), key=lambda entry: entry[0])
    except (ValueError, TypeError, KeyError, AttributeError, InvalidOperation, OverflowError):
        raise CannotRead(_("The answer has a time or a price that cannot be read.")) from None
    if not found:
        raise CannotRead(_("The answer has no prices."))
    step = min((after[0] - before[0] for before, after in itertools.pairwise(found)), default=timedelta(0))
    usual = step if timedelta(minutes=1) <= step <= timedelta(hours=1) else timedelta(hours=1)
    return [(begin, end or begin + usual, price) for begin, end, price in found]


def _entries(document: Any, unit: str) -> Iterator[tuple[datetime, datetime | None, Decimal]]:
    if isinstance(document, dict) and isinstance(document.get("unix_seconds"), list):
        pairs = zip(document["unix_seconds"], document["price"], strict=True)
        yield from ((_time(at), None, _per_kwh(price, unit)) for at, price in pairs if price is not None)
        return
    if isinstance(document, dict):
        document = next((document[name] for name in LISTS if isinstance(document.get(name), list)), [])
    for entry in document:
        begin = next((entry[name] for name in BEGIN if entry.get(name) is not None), None)
        end = next((entry[name] for name in END if entry.get(name) is not None), None)
        yield _time(begin), None if end is None else _time(end), _price(entry, unit)


def _price(entry: dict[str, Any], unit: str) -> Decimal:
    for wanted, known in ((PER_KWH, "kWh"), (PER_MWH, "MWh"), (ANY, str(entry.get("unit") or unit))):
        for name in wanted:
            if entry.get(name) is not None:
                return _per_kwh(entry[name], str(entry.get("unit") or known))
    raise KeyError("price")


def _per_kwh(price: Any, unit: str) -> Decimal:
    """Prices without a unit are per kWh."""
    exact = Decimal(str(price))
    if not exact.is_finite():
        raise ValueError(price)
    return exact / 1000 if "mwh" in unit.lower() else exact


def _time(value: Any) -> datetime:
    """ISO 8601, or seconds or milliseconds since 1970; without a zone UTC."""
    if isinstance(value, Decimal):
        seconds = float(value)
        return datetime.fromtimestamp(seconds / 1000 if seconds > 1e11 else seconds, UTC)
    found = parse_datetime(str(value))
    if found is None:
        raise ValueError(value)
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
