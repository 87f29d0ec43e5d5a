"""The terms of a tariff's version: its parts and their conditions, read strictly from what is stored or sent.

A part prices energy (per kWh), time (per minute or hour of charging), idle time (per minute or hour after charging has
ended) or the session as a whole. Of each kind, the first part in the list whose conditions all hold applies at any
moment; where none holds, nothing is charged for that kind. Days, weekdays and times are those of the site's clock.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _

UNITS = {"energy": ("kwh",), "time": ("minute", "hour"), "idle": ("minute", "hour"), "session": ("session",)}
HOLIDAYS = ("", "only", "except")
FIELDS = {
    "kind",
    "price",
    "per",
    "dynamic",
    "from_time",
    "to_time",
    "weekdays",
    "from_day",
    "to_day",
    "holidays",
    "from_kwh",
    "to_kwh",
    "from_minutes",
    "to_minutes",
    "tax_percent",
}
#: A bill stays readable, and a list of parts is walked for each moment of a session.
MOST_PARTS = 40
MOST = Decimal(1_000_000)
DAY = re.compile(r"(?:\d{4}-)?(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")


class Unusable(ValueError):
    """A part that cannot be read: `field` says where, as `parts.0.price`."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field, self.message = field, message


@dataclass(frozen=True, slots=True)
class Part:
    """One price and when it holds.

    Attributes:
        price: per `per`; for a dynamic part what holds while a slot's price is not known.
        zone: of the dynamic prices; empty for a fixed price. Then the price is slot × `factor` + `markup`, never
            below 0.
        from_time, to_time: local times of the day; a range past midnight has `to_time` before `from_time`.
        weekdays: ISO, 1 is Monday; empty means all.
        from_day, to_day: both included; `2026-12-24` or, every year, `12-24`.
        from_kwh, to_kwh: of the session's energy so far.
        from_minutes, to_minutes: since the session's start; for idle time since charging ended, so that
            `from_minutes` is the grace.
        tax_percent: where it differs from the version's.
    """

    kind: str
    price: Decimal
    per: str
    zone: str = ""
    factor: Decimal = Decimal(1)
    markup: Decimal = Decimal(0)
    from_time: time | None = None
    to_time: time | None = None
    weekdays: frozenset[int] = frozenset()
    from_day: str = ""
    to_day: str = ""
    holidays: str = ""
    from_kwh: Decimal | None = None
    to_kwh: Decimal | None = None
    from_minutes: Decimal | None = None
    to_minutes: Decimal | None = None
    tax_percent: Decimal | None = None

    @property
    def by_clock(self) -> bool:
        """Whether the local time or day decides about it."""
        return bool(self.from_time or self.to_time or self.weekdays or self.from_day or self.to_day or self.holidays)

    def holds(self, local: datetime, holidays: frozenset[date], kwh: Decimal, minutes: Decimal) -> bool:
        """Whether all conditions hold at a local moment, after so much energy and time of the session."""
        if self.by_clock and not self._holds_by_clock(local, holidays):
            return False
        if (self.from_kwh is not None and kwh < self.from_kwh) or (self.to_kwh is not None and kwh >= self.to_kwh):
            return False
        if self.from_minutes is not None and minutes < self.from_minutes:
            return False
        return self.to_minutes is None or minutes < self.to_minutes

    def _holds_by_clock(self, local: datetime, holidays: frozenset[date]) -> bool:
        day, clock = local.date(), local.time()
        if self.weekdays and day.isoweekday() not in self.weekdays:
            return False
        if self.holidays and (day in holidays) != (self.holidays == "only"):
            return False
        if not within(clock, self.from_time or time.min, self.to_time or time.min):
            return False
        return in_season(day, self.from_day, self.to_day)


def within(clock: time, begin: time, end: time) -> bool:
    """Whether a time of the day lies in a range; `end` at or before `begin` reaches past midnight."""
    return begin <= clock < end if begin < end else clock >= begin or clock < end


def in_season(day: date, begin: str, end: str) -> bool:
    """Whether a day lies between two days, both included; two days without a year reach past New Year."""
    yearly = len(begin or end) == 5
    text = day.strftime("%m-%d") if yearly else day.isoformat()
    if yearly and begin and end and begin > end:
        return text >= begin or text <= end
    return (not begin or text >= begin) and (not end or text <= end)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a version says. Prices include tax where `prices_include_tax`; `minimum` and `maximum` always do."""

    parts: tuple[Part, ...]
    currency: str
    prices_include_tax: bool = True
    tax_percent: Decimal = Decimal(0)
    minimum: Decimal | None = None
    maximum: Decimal | None = None

    def of(self, kind: str) -> list[tuple[int, Part]]:
        return [(index, part) for index, part in enumerate(self.parts) if part.kind == kind]

    @property
    def zones(self) -> set[str]:
        return {part.zone for part in self.parts if part.zone}

    @property
    def by_holiday(self) -> bool:
        return any(part.holidays for part in self.parts)

    def tax_of(self, part: Part) -> Decimal:
        return self.tax_percent if part.tax_percent is None else part.tax_percent


def first_holding(
    parts: Iterable[tuple[int, Part]],
    local: datetime,
    holidays: frozenset[date],
    kwh: Decimal = Decimal(0),
    minutes: Decimal = Decimal(0),
) -> tuple[int, Part] | None:
    """The part that applies, with its place in the list."""
    return next(((index, part) for index, part in parts if part.holds(local, holidays, kwh, minutes)), None)


# --- Reading what is stored or sent -----------------------------------------------------------------------------------


def parse_parts(raw: Any) -> tuple[Part, ...]:
    """The parts of a version from JSON. Raises Unusable."""
    if not isinstance(raw, Sequence) or isinstance(raw, str) or not raw:
        raise Unusable("parts", _("A tariff has at least one part."))
    if len(raw) > MOST_PARTS:
        raise Unusable("parts", _("A tariff has at most %(count)s parts.") % {"count": MOST_PARTS})
    return tuple(parse_part(part, f"parts.{index}") for index, part in enumerate(raw))


def parse_part(raw: Any, at: str) -> Part:
    if not isinstance(raw, Mapping):
        raise Unusable(at, _("A part is an object with kind and price."))
    if unknown := sorted(map(str, raw.keys() - FIELDS)):
        raise Unusable(f"{at}.{unknown[0]}"[:100], _("A part has no such field."))
    kind = raw.get("kind")
    if kind not in UNITS:
        raise Unusable(f"{at}.kind", _("Choose one of %(choices)s.") % {"choices": ", ".join(UNITS)})
    per = raw.get("per") or UNITS[kind][0]
    if per not in UNITS[kind]:
        raise Unusable(f"{at}.per", _("Choose one of %(choices)s.") % {"choices": ", ".join(UNITS[kind])})
    zone, factor, markup = _dynamic(raw.get("dynamic"), kind, f"{at}.dynamic")
    holidays = raw.get("holidays") or ""
    if holidays not in HOLIDAYS:
        raise Unusable(f"{at}.holidays", _("This is only, except, or left out."))
    price = _number(raw, "price", at)
    if price is None:
        raise Unusable(f"{at}.price", _("A part needs a price; a dynamic one the price while none is known."))
    part = Part(
        kind=kind,
        price=price,
        per=per,
        zone=zone,
        factor=factor,
        markup=markup,
        from_time=_time(raw, "from_time", at),
        to_time=_time(raw, "to_time", at),
        weekdays=_weekdays(raw.get("weekdays"), f"{at}.weekdays"),
        from_day=_day(raw, "from_day", at),
        to_day=_day(raw, "to_day", at),
        holidays=holidays,
        from_kwh=_number(raw, "from_kwh", at),
        to_kwh=_number(raw, "to_kwh", at),
        from_minutes=_number(raw, "from_minutes", at),
        to_minutes=_number(raw, "to_minutes", at),
        tax_percent=_number(raw, "tax_percent", at, most=Decimal(100)),
    )
    _check_ranges(part, at)
    return part


def _check_ranges(part: Part, at: str) -> None:
    for low, high, name in (
        (part.from_kwh, part.to_kwh, "to_kwh"),
        (part.from_minutes, part.to_minutes, "to_minutes"),
    ):
        if low is not None and high is not None and high <= low:
            raise Unusable(f"{at}.{name}", _("The end of a range is above its beginning."))
    if part.from_day and part.to_day and len(part.from_day) != len(part.to_day):
        raise Unusable(f"{at}.to_day", _("Both days have a year, or none has."))
    if len(part.from_day) == 10 and part.to_day and part.to_day < part.from_day:
        raise Unusable(f"{at}.to_day", _("The last day is not before the first."))


def _dynamic(raw: Any, kind: str, at: str) -> tuple[str, Decimal, Decimal]:
    if raw is None or raw == {}:
        return "", Decimal(1), Decimal(0)
    if kind != "energy" or not isinstance(raw, Mapping):
        raise Unusable(at, _("Only a part for energy is dynamic; this is an object with zone, factor and markup."))
    zone = raw.get("zone")
    if not isinstance(zone, str) or not (zone := zone.strip()) or len(zone) > 40 or not zone.isprintable():
        raise Unusable(f"{at}.zone", _("A zone has a name of at most 40 characters, such as DE-LU."))
    factor = _number(raw, "factor", at)
    markup = _number(raw, "markup", at, least=-MOST)
    return zone, Decimal(1) if factor is None else factor, markup or Decimal(0)


def _number(
    raw: Mapping[str, Any], name: str, at: str, *, least: Decimal = Decimal(0), most: Decimal = MOST
) -> Decimal | None:
    value = raw.get(name)
    if value is None or value == "":
        return None
    try:
        number = Decimal(str(value)) if not isinstance(value, bool) else Decimal("NaN")
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or not least <= number <= most:
        bounds = {"least": f"{least:f}", "most": f"{most:f}"}
        raise Unusable(f"{at}.{name}", _("This is a number from %(least)s to %(most)s.") % bounds)
    if number != number.quantize(Decimal("0.00001")):
        raise Unusable(f"{at}.{name}", _("This has at most five decimal places."))
    return number


def _time(raw: Mapping[str, Any], name: str, at: str) -> time | None:
    value = raw.get(name)
    if value is None or value == "":
        return None
    if value == "24:00":
        return time.min
    try:
        return time.fromisoformat(value if re.fullmatch(r"\d\d:\d\d", value) else "")
    except (ValueError, TypeError):
        raise Unusable(f"{at}.{name}", _("This is a time of the day such as 06:30.")) from None


def _day(raw: Mapping[str, Any], name: str, at: str) -> str:
    value = raw.get(name)
    if value is None or value == "":
        return ""
    try:
        if not isinstance(value, str) or not DAY.fullmatch(value):
            raise ValueError
        date.fromisoformat(value if len(value) == 10 else f"2024-{value}")
    except ValueError:
        raise Unusable(f"{at}.{name}", _("This is a day such as 2026-12-24, or 12-24 for every year.")) from None
    return value


def _weekdays(raw: Any, at: str) -> frozenset[int]:
    if raw is None or raw == "":
        return frozenset()
    if not isinstance(raw, list) or any(type(day) is not int or not 1 <= day <= 7 for day in raw):
        raise Unusable(at, _("This is a list of days, 1 for Monday to 7 for Sunday."))
    return frozenset() if len(set(raw)) == 7 else frozenset(raw)


def as_json(part: Part) -> dict[str, Any]:
    """The part as it is stored: only what it says."""
    found: dict[str, Any] = {"kind": part.kind, "price": f"{part.price:f}", "per": part.per}
    if part.zone:
        found["dynamic"] = {"zone": part.zone, "factor": f"{part.factor:f}", "markup": f"{part.markup:f}"}
    for name in ("from_time", "to_time"):
        if (clock := getattr(part, name)) is not None:
            found[name] = f"{clock:%H:%M}"
    if part.weekdays:
        found["weekdays"] = sorted(part.weekdays)
    for name in ("from_day", "to_day", "holidays"):
        if text := getattr(part, name):
            found[name] = text
    for name in ("from_kwh", "to_kwh", "from_minutes", "to_minutes", "tax_percent"):
        if (number := getattr(part, name)) is not None:
            found[name] = f"{number:f}"
    return found
