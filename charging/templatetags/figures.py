"""Figures as people read them: watts as kW, watt-hours as kWh, money with its currency, times that JavaScript keeps."""

import json
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django import template
from django.utils import formats, timezone
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from charging.cards import Button

register = template.Library()

SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "CHF": "CHF", "JPY": "¥"}
NOTHING = "–"


@register.filter
def kilo(value: Any, places: int = 1) -> str:
    """W as kW, Wh as kWh; a dash where nothing is known."""
    if value is None or value == "":
        return NOTHING
    return str(formats.number_format(round(float(value) / 1000, places), places, force_grouping=True))


@register.filter
def money(amount: Any, currency: str = "EUR") -> str:
    """`3.70 €`; a dash where the price is unknown."""
    if amount in (None, ""):
        return NOTHING
    try:
        exact = Decimal(str(amount))
    except InvalidOperation:
        return NOTHING
    return f"{formats.number_format(exact, 2, force_grouping=True)} {SYMBOLS.get(currency, currency)}"


@register.filter
def symbol(currency: str) -> str:
    """What stands behind an amount: € for EUR; the code itself where there is no sign."""
    return SYMBOLS.get(currency, currency)


@register.filter
def price(amount: Any) -> str:
    """A price per kWh: at least two decimals, more only where they count."""
    if amount in (None, ""):
        return ""
    rounded = f"{Decimal(str(amount)):.5f}"
    places = max(2, len(rounded.partition(".")[2].rstrip("0")))
    return str(formats.number_format(Decimal(rounded), places))


@register.filter
def per_kwh(amount: Any, currency: str) -> str:
    """`0.39 €/kWh`."""
    return f"{price(amount)} {SYMBOLS.get(currency, currency)}/kWh"


def as_time(value: Any) -> datetime | None:
    if isinstance(value, str):
        return parse_datetime(value)
    return value if isinstance(value, datetime) else None


def short(at: datetime) -> str:
    # Translators: how a date and time is written, in Django's format letters.
    return str(formats.date_format(timezone.localtime(at), gettext("j M Y, H:i")))


@register.simple_tag
def ago(value: Any) -> SafeString | str:
    """A time as "3 min. ago", kept current by the page."""
    at = as_time(value)
    return format_html('<time datetime="{}" data-ago>{}</time>', at.isoformat(), short(at)) if at else NOTHING


@register.simple_tag
def since(value: Any) -> SafeString | str:
    """The time that has passed since then, as a running clock."""
    at = as_time(value)
    if at is None:
        return NOTHING
    return format_html('<time datetime="{}" data-since>{}</time>', at.isoformat(), lasted(at, timezone.now()))


@register.simple_tag
def moment(value: Any) -> SafeString | str:
    """Date and time in the reader's time zone."""
    at = as_time(value)
    return format_html('<time datetime="{}">{}</time>', at.isoformat(), short(at)) if at else NOTHING


@register.simple_tag
def exact(value: Any) -> str:
    """A time with its seconds; the date only where it is not today."""
    at = as_time(value)
    if at is None:
        return NOTHING
    local = timezone.localtime(at)
    if local.date() == timezone.localdate():
        return f"{local:%H:%M:%S}"
    # Translators: a date and time with seconds, in Django's format letters.
    return str(formats.date_format(local, gettext("j M Y, H:i:s")))


@register.simple_tag
def took(begin: Any, end: Any) -> str:
    start, stop = as_time(begin), as_time(end)
    return lasted(start, stop) if start and stop else NOTHING


def lasted(begin: datetime, end: datetime) -> str:
    seconds = max(0, int((end - begin).total_seconds()))
    hours, minutes = seconds // 3600, seconds // 60 % 60
    return f"{hours}:{minutes:02}:{seconds % 60:02}" if hours else f"{minutes:02}:{seconds % 60:02}"


@register.simple_tag
def button_values(button: Button, place: str, pk: int) -> str:
    """What a press of the button sends, as JSON for hx-vals; the template escapes it."""
    return json.dumps({"command": button.command, "place": f"{place}-{pk}", **dict(button.params)})


@register.simple_tag
def ring_dash(percent: Any) -> str:
    """The dash of a ring of radius 32 that is filled to so many percent."""
    length = 201.06
    filled = max(0.0, min(100.0, float(percent or 0))) / 100 * length
    return f"{filled:.1f} {length - filled:.1f}"
