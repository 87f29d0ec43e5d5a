"""What a plan costs, as a multiple of what sorting its slots costs: both in one process, in turns."""

import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from charging.planner import Options, plan

BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
WEEK = 7 * 96


@dataclass(frozen=True, slots=True)
class Slot:
    begin: datetime
    end: datetime
    price_per_kwh: Decimal
    known: bool = True


def week() -> list[Slot]:
    """A week of quarter hours with prices as an exchange gives them: all different, in no order."""
    draw = random.Random("prices")
    prices = [Decimal(draw.randrange(1_000, 60_000)) / 100_000 for _ in range(WEEK)]
    return [Slot(BEGIN + n * QUARTER, BEGIN + (n + 1) * QUARTER, price) for n, price in enumerate(prices)]


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def times_sorting(rounds: int = 200) -> dict[str, float]:
    """Median over the rounds, for the cheapest slots and for the cheapest stretch: 60 kWh at 11 kW within the week."""
    slots, deadline = week(), BEGIN + WEEK * QUARTER
    kinds = {"cheapest slots": Options(), "cheapest stretch": Options(continuous=True)}
    found: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(rounds):
        for name, options in kinds.items():
            sorting = seconds(lambda: sorted(slots, key=lambda slot: (slot.price_per_kwh, slot.begin)))
            planning = seconds(lambda options=options: plan(slots, 11_000, 60_000, deadline, BEGIN, options))  # type: ignore[misc]
            found[name].append(planning / sorting)
    return {name: statistics.median(ratios) for name, ratios in found.items()}


def row() -> str:
    shown = ", ".join(f"{name} {ratio:.1f}" for name, ratio in times_sorting().items())
    return f"a week of quarter-hour prices planned, times what sorting its slots costs: {shown}"
