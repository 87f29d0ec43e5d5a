"""The curves of a session, by phase: what its charts and the tables behind them show. Pure functions of readings."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.utils import formats, timezone
from django.utils.translation import gettext as _

from charging.chart import powers
from charging.models import MeterReading

PHASES = ("L1", "L2", "L3")
#: How a line looks: its colour, and a dash, so that colour is not all that tells lines apart.
LOOKS = {"": "--primary", "L1": "--bad", "L2": "--wait", "L3": "--held", "energy": "--tertiary", "soc": "--ok"}
DASHES = {"L2": "6 3", "L3": "2 3", "energy": "10 4"}
POWER, CURRENT, VOLTAGE = "Power.Active.Import", "Current.Import", "Voltage"
NOT_LIVE = ("Transaction.Begin", "Transaction.End")


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure as the chart takes it ("" where there is none), and as people read it."""

    value: str
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    key: str
    label: str
    unit: str
    colour: str
    values: Sequence[float | None]
    axis: str = "left"
    places: int = 1

    @property
    def dash(self) -> str:
        return DASHES.get(self.key, "")

    def cell(self, index: int) -> Cell:
        value = self.values[index]
        if value is None:
            return Cell("", "–")
        return Cell(f"{value:.4f}", str(formats.number_format(value, self.places, force_grouping=True)))


@dataclass(frozen=True, slots=True)
class Curves:
    """One chart: its lines over the same moments."""

    key: str
    title: str
    moments: Sequence[datetime]
    lines: Sequence[Line]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """A row per moment: the place on the axis in ms (the reader's clock as if it were UTC), its name, the cells."""
        found = []
        for index, at in enumerate(self.moments):
            local = timezone.localtime(at)
            found.append(
                {
                    "x": int(local.replace(tzinfo=UTC).timestamp() * 1000),
                    "short": f"{local:%H:%M}",
                    "name": f"{local:%H:%M:%S}",
                    "cells": [line.cell(index) for line in self.lines],
                }
            )
        return found


def curves_of(rows: Sequence[MeterReading], started: datetime | None = None) -> list[Curves]:
    """Power and energy, current, voltage and battery: each where the session's readings tell of it at two moments.

    Args:
        rows: readings in the order of time, no more than are to be drawn.
    """
    if len(rows) < 2:
        return []
    moments = [row.measured_at for row in rows]
    phases = [by_phase(row) for row in rows]
    watts = powers(rows)
    first = next((row.energy_wh for row in rows if row.energy_wh is not None), None)
    energy = [None if row.energy_wh is None or first is None else max(row.energy_wh - first, 0) / 1000 for row in rows]
    charts = [
        Curves(
            "power",
            _("Power and energy"),
            moments,
            [
                Line("", _("Power"), "kW", LOOKS[""], [None if w is None else w / 1000 for w in watts], places=2),
                *_phase_lines(phases, POWER, "kW", lambda value: value / 1000, 2),
                Line("energy", _("Energy"), "kWh", LOOKS["energy"], energy, "right", 2),
            ],
        ),
        Curves("current", _("Current"), moments, _of(phases, rows, CURRENT, "A", "current_a", 1)),
        Curves("voltage", _("Voltage"), moments, _of(phases, rows, VOLTAGE, "V", "voltage_v", 0)),
        Curves(
            "soc", _("Battery"), moments, [Line("soc", _("Battery"), "%", LOOKS["soc"], _typed(rows, "soc_percent"))]
        ),
    ]
    told = []
    for chart in charts:
        lines = [line for line in chart.lines if sum(value is not None for value in line.values) > 1]
        if lines:
            told.append(Curves(chart.key, chart.title, chart.moments, lines))
    return told


def by_phase(row: MeterReading) -> dict[tuple[str, str], float]:
    """(measurand, phase) -> value, of the outlet and while it charges. What is no such sample is left out."""
    found: dict[tuple[str, str], float] = {}
    for sample in row.samples or []:
        if len(sample) < 6 or not isinstance(sample[1], (int, float)):
            continue
        measurand, value, _unit, phase, location, context = sample[:6]
        name = str(phase or "").removesuffix("-N")
        if name in PHASES and location in ("", None, "Outlet") and context not in NOT_LIVE:
            found.setdefault((str(measurand), name), float(value))
    return found


def _phase_lines(
    phases: Sequence[dict[tuple[str, str], float]],
    measurand: str,
    unit: str,
    turn: Callable[[float], float],
    places: int,
) -> list[Line]:
    lines = []
    for phase in PHASES:
        values = [turn(found[measurand, phase]) if (measurand, phase) in found else None for found in phases]
        if any(value is not None for value in values):
            lines.append(Line(phase, phase, unit, LOOKS[phase], values, places=places))
    return lines


def _of(
    phases: Sequence[dict[tuple[str, str], float]],
    rows: Sequence[MeterReading],
    measurand: str,
    unit: str,
    column: str,
    places: int,
) -> list[Line]:
    """The phases, or what the reading says as a whole where it tells of no phase."""
    lines = _phase_lines(phases, measurand, unit, lambda value: value, places)
    if lines:
        return lines
    label = _("Current") if column == "current_a" else _("Voltage")
    return [Line("", label, unit, LOOKS[""], _typed(rows, column), places=places)]


def _typed(rows: Sequence[MeterReading], column: str) -> list[float | None]:
    return [getattr(row, column) for row in rows]
