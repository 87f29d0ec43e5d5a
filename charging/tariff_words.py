"""A tariff in words: one sentence per part, and one line for a station's card."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils import formats
from django.utils.dates import WEEKDAYS_ABBR
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from charging.tariff_terms import Part, Terms

#: What the lines of a bill are called.
LINES: dict[str, Any] = {
    "energy": gettext_lazy("Energy"),
    "time": gettext_lazy("Charging time"),
    "idle": gettext_lazy("Idle time"),
    "session": gettext_lazy("Session fee"),
    "minimum": gettext_lazy("Up to the minimum"),
    "maximum": gettext_lazy("Down to the maximum"),
    "correction": gettext_lazy("Corrected by hand"),
}
UNITS: dict[str, Any] = {
    "kwh": gettext_lazy("kWh"),
    "minute": gettext_lazy("min"),
    "hour": gettext_lazy("h"),
    "session": gettext_lazy("session"),
}
WEEKDAYS = tuple(WEEKDAYS_ABBR.values())


def number(value: Decimal, least: int = 0) -> str:
    """A number in the reader's notation without trailing zeros, but with so many places at least."""
    exact = value.normalize()
    places = max(least, -int(exact.as_tuple().exponent))
    return formats.number_format(exact, decimal_pos=places)


def price_of(part: Part, currency: str) -> str:
    """`0.30 EUR/kWh`; a dynamic one as what it is made of."""
    unit = UNITS[part.per]
    if not part.zone:
        return f"{number(part.price, 2)} {currency}/{unit}"
    text = _("the price of %(zone)s") % {"zone": part.zone}
    if part.factor != 1:
        text = f"{text} × {number(part.factor)}"
    if part.markup:
        text = f"{text} {'+' if part.markup > 0 else '−'} {number(abs(part.markup), 2)} {currency}/{unit}"
    fallback = _("%(price)s while it is unknown") % {"price": f"{number(part.price, 2)} {currency}/{unit}"}
    return f"{text} ({fallback})"


def conditions(part: Part) -> list[str]:
    """When it holds, each condition in a few words."""
    found = []
    if part.from_time or part.to_time:
        begin = f"{part.from_time:%H:%M}" if part.from_time else "00:00"
        end = f"{part.to_time:%H:%M}" if part.to_time else "24:00"
        found.append(f"{begin}–{end}")
    if part.weekdays:
        found.append(", ".join(str(WEEKDAYS[day - 1]) for day in sorted(part.weekdays)))
    if part.from_day or part.to_day:
        found.append(_season(part.from_day, part.to_day))
    if part.holidays:
        found.append(_("on holidays") if part.holidays == "only" else _("except on holidays"))
    for low, high, unit in (
        (part.from_kwh, part.to_kwh, UNITS["kwh"]),
        (part.from_minutes, part.to_minutes, UNITS["minute"]),
    ):
        if low and high is not None:
            found.append(_("from %(low)s to %(high)s %(unit)s") % _bounds(low, high, unit))
        elif low:
            found.append(_("from %(low)s %(unit)s on") % _bounds(low, low, unit))
        elif high is not None:
            found.append(_("up to %(high)s %(unit)s") % _bounds(high, high, unit))
    return found


def _bounds(low: Decimal, high: Decimal, unit: Any) -> dict[str, str]:
    return {"low": number(low), "high": number(high), "unit": str(unit)}


def _season(begin: str, end: str) -> str:
    if begin and end:
        return _("%(begin)s to %(end)s") % {"begin": _day(begin), "end": _day(end)}
    return _("from %(begin)s") % {"begin": _day(begin)} if begin else _("until %(end)s") % {"end": _day(end)}


def _day(text: str) -> str:
    if len(text) == 10:
        return str(formats.date_format(date.fromisoformat(text), "SHORT_DATE_FORMAT"))
    return str(formats.date_format(date.fromisoformat(f"2024-{text}"), "MONTH_DAY_FORMAT"))


def sentences(terms: Terms) -> list[str]:
    """The whole tariff, one sentence per part, the tax and the limits last."""
    found = []
    for part in terms.parts:
        when = conditions(part)
        text = f"{LINES[part.kind]}: {price_of(part, terms.currency)}"
        if part.tax_percent is not None and part.tax_percent != terms.tax_percent:
            when.append(_("%(percent)s %% tax") % {"percent": number(part.tax_percent)})
        found.append(f"{text} ({'; '.join(when)})" if when else text)
    if not terms.of("energy"):
        found.append(_("Energy itself costs nothing."))
    found.append(tax(terms))
    if terms.minimum is not None:
        found.append(_("At least %(amount)s per session.") % {"amount": f"{number(terms.minimum, 2)} {terms.currency}"})
    if terms.maximum is not None:
        found.append(_("At most %(amount)s per session.") % {"amount": f"{number(terms.maximum, 2)} {terms.currency}"})
    return found


def tax(terms: Terms) -> str:
    if not terms.tax_percent:
        return _("Prices include tax, if any.") if terms.prices_include_tax else _("No tax is added.")
    percent = {"percent": number(terms.tax_percent)}
    if terms.prices_include_tax:
        return _("Prices include %(percent)s %% tax.") % percent
    return _("Prices are without tax; %(percent)s %% are added.") % percent


def one_line(terms: Terms) -> str:
    """`0.30–0.40 EUR/kWh · 0.10 EUR/min idle from 30 min on · 1.00 EUR/session · plus 19 % tax`."""
    found = []
    for kind in ("energy", "time", "idle", "session"):
        parts = [part for _index, part in terms.of(kind)]
        found += [_short(kind, parts, terms.currency)] if parts else []
    if not terms.prices_include_tax and terms.tax_percent:
        found.append(_("plus %(percent)s %% tax") % {"percent": number(terms.tax_percent)})
    return " · ".join(found)


def _short(kind: str, parts: list[Part], currency: str) -> str:
    text = _range(parts, currency)
    if kind == "time":
        return _("%(price)s charging") % {"price": text}
    if kind == "idle":
        grace = min(part.from_minutes or Decimal(0) for part in parts)
        if grace:
            return _("%(price)s idle, from %(minutes)s min on") % {"price": text, "minutes": number(grace)}
        return _("%(price)s idle") % {"price": text}
    return text


def _range(parts: Iterable[Part], currency: str) -> str:
    parts = list(parts)
    if any(part.zone for part in parts):
        zones = ", ".join(sorted({part.zone for part in parts if part.zone}))
        return _("dynamic price of %(zone)s") % {"zone": zones}
    by_unit: dict[str, list[Decimal]] = {}
    for part in parts:
        by_unit.setdefault(part.per, []).append(part.price)
    found = []
    for unit, prices in by_unit.items():
        low, high = min(prices), max(prices)
        amount = number(low, 2) if low == high else f"{number(low, 2)}–{number(high, 2)}"
        found.append(f"{amount} {currency}/{UNITS[unit]}")
    return ", ".join(found)
