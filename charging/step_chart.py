"""A limit over time as a step curve in SVG coordinates: drawn on the server, so that a page needs no script for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import formats, timezone

from charging.chart import ceiling, label
from charging.composite import Step

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 800, 240, 52, 16, 14, 30
PARTS = 4


@dataclass(frozen=True, slots=True)
class StepChart:
    """Polylines in a box of WIDTH × HEIGHT; `rules` are (y, label), `ticks` (x, label)."""

    lines: dict[str, list[str]]
    rules: list[tuple[str, str, str]]
    ticks: list[tuple[str, str, str]]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT


def chart_of(curves: dict[str, Sequence[Step]], begin: datetime, duration_s: int) -> StepChart:
    """Each curve as the polylines of its stretches with a limit; a stretch without one is a gap."""
    top = ceiling(max((step.limit for steps in curves.values() for step in steps if step.limit), default=0.0))

    def x_of(second: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * min(second, duration_s) / duration_s

    def y_of(value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * min(value / top, 1.0)

    def polylines(steps: Sequence[Step]) -> list[str]:
        found: list[list[str]] = [[]]
        ends = [*(step.start_s for step in steps[1:]), duration_s]
        for step, end in zip(steps, ends, strict=True):
            if step.limit is None:
                found.append([])
                continue
            y = y_of(step.limit)
            found[-1] += [f"{x_of(step.start_s):.1f},{y:.1f}", f"{x_of(end):.1f},{y:.1f}"]
        return [" ".join(points) for points in found if points]

    rules = [
        (f"{y_of(top * part / PARTS):.1f}", f"{y_of(top * part / PARTS) + 4:.1f}", label(top * part / PARTS))
        for part in range(PARTS + 1)
    ]
    ticks = []
    for part in range(PARTS + 1):
        at = timezone.localtime(begin + timedelta(seconds=duration_s * part / PARTS))
        anchor = "start" if part == 0 else "end" if part == PARTS else "middle"
        form = "H:i" if duration_s <= 86_400 * 2 else "D H:i"
        ticks.append((f"{x_of(duration_s * part / PARTS):.1f}", anchor, formats.date_format(at, form)))
    return StepChart({name: polylines(steps) for name, steps in curves.items()}, rules, ticks)
