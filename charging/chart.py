"""The curve of a session as SVG coordinates: drawn on the server, so that a page needs no script for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from django.utils import formats, timezone

from charging.models import MeterReading

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 800, 260, 56, 60, 14, 30
#: More points than pixels help nobody.
MOST_POINTS = 400
STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Line:
    """A horizontal rule with the label of its value."""

    y: float
    left: str
    right: str

    @property
    def label_y(self) -> float:
        return self.y + 4


@dataclass(frozen=True, slots=True)
class Chart:
    """Paths in a box of WIDTH × HEIGHT: power in kW (left scale), energy in kWh (right scale), SoC in percent."""

    power: str
    power_area: str
    energy: str
    soc: str
    lines: list[Line]
    hours: list[tuple[float, str]]
    peak_w: float
    width: int = WIDTH
    height: int = HEIGHT


def chart_of(readings: Sequence[MeterReading]) -> Chart | None:
    """None while there are fewer than two readings."""
    rows = thinned(list(readings))
    if len(rows) < 2 or rows[0].measured_at == rows[-1].measured_at:
        return None
    begin, end = rows[0].measured_at, rows[-1].measured_at
    span = (end - begin).total_seconds()
    registers = [row.energy_wh for row in rows if row.energy_wh is not None]
    base = registers[0] if registers else 0.0
    power = [(row.measured_at, w) for row, w in zip(rows, powers(rows), strict=True) if w is not None]
    energy = [(row.measured_at, max(row.energy_wh - base, 0.0)) for row in rows if row.energy_wh is not None]
    soc = [(row.measured_at, row.soc_percent) for row in rows if row.soc_percent is not None]
    peak_w = max((value for _, value in power), default=0.0)
    top_kw, top_kwh = ceiling(peak_w / 1000), ceiling(max((value for _, value in energy), default=0.0) / 1000)

    def path(points: list[tuple[datetime, float]], top: float) -> str:
        return " ".join(f"{x_of(at, begin, span):.1f},{y_of(value, top):.1f}" for at, value in points)

    curve = path(power, top_kw * 1000)
    area = ""
    if len(power) > 1:
        floor = y_of(0, 1)
        area = f"{x_of(power[0][0], begin, span):.1f},{floor} {curve} {x_of(power[-1][0], begin, span):.1f},{floor}"
    lines = [Line(y_of(part, 4), label(top_kw * part / 4), label(top_kwh * part / 4)) for part in range(5)]
    return Chart(curve, area, path(energy, top_kwh * 1000), path(soc, 100), lines, ticks(begin, end), peak_w)


def label(value: float) -> str:
    """What stands at a rule: no more digits than it needs, as the reader writes decimals."""
    return str(formats.localize(f"{value:g}" if value == int(value) else float(f"{value:g}")))


def thinned(rows: list[MeterReading], most: int = MOST_POINTS) -> list[MeterReading]:
    """The first, the last, and what lies evenly between them: `most` of them, two at least."""
    if len(rows) <= most:
        return rows
    step = (len(rows) - 1) / (most - 1)
    return [rows[round(number * step)] for number in range(most)]


def powers(rows: Sequence[MeterReading]) -> list[float | None]:
    """The power of each reading in W; where the station sends none at all, the slope of its register."""
    if any(row.power_w is not None for row in rows):
        return [row.power_w for row in rows]
    found: list[float | None] = [None]
    for before, after in pairwise(rows):
        hours = (after.measured_at - before.measured_at).total_seconds() / 3600
        if before.energy_wh is None or after.energy_wh is None or hours <= 0:
            found.append(None)
        else:
            found.append(max(after.energy_wh - before.energy_wh, 0.0) / hours)
    return found


def ceiling(value: float) -> float:
    """The next round number for the top of a scale."""
    if value <= 0:
        return 1.0
    size = 10.0 ** (len(str(int(value))) - 1) if value >= 1 else 0.1
    return next((step * size for step in STEPS if step * size >= value), 10.0 * size)


def x_of(at: datetime, begin: datetime, span: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * (at - begin).total_seconds() / span


def y_of(value: float, top: float) -> float:
    return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * min(value / top, 1.0), 1)


def ticks(begin: datetime, end: datetime) -> list[tuple[float, str]]:
    """Five moments along the time axis."""
    span = end - begin
    form = "%H:%M" if span.total_seconds() > 600 else "%H:%M:%S"
    moments = [begin + span * part / 4 for part in range(5)]
    return [(x_of(at, begin, span.total_seconds()), timezone.localtime(at).strftime(form)) for at in moments]
