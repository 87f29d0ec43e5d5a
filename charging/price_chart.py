"""Prices over time with the chosen slots, as SVG coordinates: drawn on the server, so that a page needs no script."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import number_format

from charging.planner import PriceSlot

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 200, 60, 8, 10, 26
#: Bars thinner than this are joined.
MOST_BARS = 400


@dataclass(frozen=True, slots=True)
class Bar:
    """A price over its time; `chosen` marks where it charges. Coordinates are texts: no locale writes commas there."""

    x: str
    y: str
    width: str
    height: str
    known: bool
    label: str


@dataclass(frozen=True, slots=True)
class PriceChart:
    bars: list[Bar]
    chosen: list[Bar]
    lines: list[tuple[str, str]]
    hours: list[tuple[str, str]]
    zero: str
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT


def price_chart(
    slots: Sequence[PriceSlot], chosen: Sequence[dict[str, Any]], begin: datetime, end: datetime
) -> PriceChart | None:
    """None while there is nothing to draw. `chosen` are the slots of a plan, as JSON."""
    rows = [slot for slot in slots if slot.end > begin and slot.begin < end][:MOST_BARS]
    if not rows or end <= begin:
        return None
    span = (end - begin).total_seconds()
    prices = [float(slot.price_per_kwh) for slot in rows]
    top, low = max(*prices, 0.01) * 1.1, min(*prices, 0.0) * 1.1
    inner = HEIGHT - TOP - BOTTOM

    def x_of(at: datetime) -> float:
        share = (max(begin, min(at, end)) - begin).total_seconds() / span
        return LEFT + (WIDTH - LEFT - RIGHT) * share

    def y_of(price: float) -> float:
        return TOP + inner * (top - price) / (top - low)

    def bar(first: datetime, last: datetime, price: float, known: bool) -> Bar:
        x, width = x_of(first), x_of(last) - x_of(first)
        y, bottom = sorted((y_of(price), y_of(0.0)))
        local = timezone.localtime(first)
        label = f"{local:%H:%M}: {number_format(round(price, 4))}"
        return Bar(f"{x:.1f}", f"{y:.1f}", f"{max(width - 0.5, 0.5):.1f}", f"{max(bottom - y, 1):.1f}", known, label)

    marked = []
    for piece in chosen:
        first, last = parse_datetime(piece["begin"]), parse_datetime(piece["end"])
        if first and last:
            over = [(max(first, slot.begin), min(last, slot.end), slot) for slot in rows]
            marked += [bar(a, b, float(slot.price_per_kwh), slot.known) for a, b, slot in over if a < b]
    levels = [top * part / 1.1 / 2 for part in range(3)]
    lines = [(f"{y_of(level):.1f}", str(number_format(round(level, 2), 2))) for level in levels]
    bars = [bar(slot.begin, slot.end, float(slot.price_per_kwh), slot.known) for slot in rows]
    return PriceChart(bars, marked, lines, hours_of(begin, end, x_of), f"{y_of(0.0):.1f}")


def hours_of(begin: datetime, end: datetime, x_of: Any) -> list[tuple[str, str]]:
    """About six full hours along the axis."""
    step = max(1, round((end - begin).total_seconds() / 3600 / 6))
    at = timezone.localtime(begin).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    found = []
    while at <= end:
        if at.hour % step == 0 and LEFT + 14 < x_of(at) < WIDTH - RIGHT - 14:
            found.append((f"{x_of(at):.1f}", f"{at:%H:%M}"))
        at += timedelta(hours=1)
    return found
