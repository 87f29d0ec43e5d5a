"""Pieces of time as columns, and the one stretch of them that costs least: what `planner.py` chooses from.

Columns are lists of plain values, since a week of quarter hours is 672 pieces, and an object for each of them would
cost more than choosing among them does.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import accumulate, pairwise, repeat
from operator import add, mul, sub
from typing import NamedTuple

HOUR = timedelta(hours=1)
#: Two costs that differ by less are the same: sums of floats.
NEARLY = 1e-6


class Piece(NamedTuple):
    """A usable part of a price slot: between now and the deadline, below the price limit, with one power."""

    begin: datetime
    end: datetime
    price: Decimal
    known: bool
    power_w: float
    energy_wh: float


#: A piece, and from when to when it is used.
Part = tuple[Piece, datetime, datetime]


def piece_of(begin: datetime, end: datetime, price: Decimal, known: bool, power_w: float) -> Piece:
    return Piece(begin, end, price, known, power_w, power_w * ((end - begin) / HOUR))


@dataclass(frozen=True, slots=True)
class Pieces:
    """Pieces in the order of time, each field a column."""

    begin: Sequence[datetime]
    end: Sequence[datetime]
    price: Sequence[Decimal]
    known: Sequence[bool]
    power_w: Sequence[float]
    energy_wh: Sequence[float]

    @staticmethod
    def of(pieces: Iterable[Piece]) -> "Pieces":
        columns = list(zip(*pieces, strict=True))
        return Pieces(*columns) if columns else Pieces((), (), (), (), (), ())

    def __len__(self) -> int:
        return len(self.begin)

    def __getitem__(self, index: int) -> Piece:
        return Piece(*(column[index] for column in self.columns()))  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[Piece]:
        return map(Piece, *self.columns())

    def columns(self) -> tuple[Sequence[object], ...]:
        return self.begin, self.end, self.price, self.known, self.power_w, self.energy_wh

    def cut(self, first: int, last: int) -> "Pieces":
        return Pieces(*(column[first:last] for column in self.columns()))  # type: ignore[arg-type]

    def blocks(self) -> list["Pieces"]:
        """Pieces that follow each other without a pause."""
        if self.begin[1:] == self.end[:-1]:
            return [self]
        edges = [0, *(at for at in range(1, len(self)) if self.begin[at] != self.end[at - 1]), len(self)]
        return [self.cut(first, last) for first, last in pairwise(edges)]


def stretch(pieces: Pieces, wanted_wh: float) -> list[Part]:
    """The one stretch that costs least: the window slides from one edge of a piece to the next.

    Between two edges the cost of a stretch changes evenly as it moves: a cheapest one begins or ends at an edge.
    """
    best: tuple[float, list[Part]] | None = None
    blocks = pieces.blocks()
    for block in blocks:
        energy = [0.0, *accumulate(block.energy_wh)]
        if energy[-1] < wanted_wh:
            continue
        cost, begin = cheapest_start(energy, block, wanted_wh)
        if best is None or cost < best[0] - NEARLY:
            best = (cost, between(block, energy, begin, begin + wanted_wh))
    if best is not None:
        return best[1]
    # No stretch is long enough, though all of them together are.
    longest = max(blocks, key=lambda block: sum(block.energy_wh))
    return [(piece, piece.begin, piece.end) for piece in longest]


def cheapest_start(energy: list[float], block: Pieces, wanted_wh: float) -> tuple[float, float]:
    """(cost in price × Wh, energy before it) of the cheapest stretch, of equal ones the earliest."""
    steps = block.energy_wh
    if len(steps) > 3 and steps[1:-1].count(steps[1]) == len(steps) - 2:
        found = even(energy, steps[1], block.price, wanted_wh)
    else:
        found = uneven(energy, [float(price) for price in block.price], wanted_wh)
    least = min(cost for cost, _ in found) + NEARLY
    return min((pair for pair in found if pair[0] <= least), key=lambda pair: pair[1])


def even(energy: list[float], step_wh: float, prices: Sequence[Decimal], wanted_wh: float) -> list[tuple[float, float]]:
    """Candidates where all pieces but the first and the last carry the same energy: sums of whole pieces, in C.

    A stretch within the alike ones is some whole pieces, and a part of the one after them or before them.
    """
    count, exact = len(prices), Decimal(0)
    sums = [exact, *accumulate(prices)]
    cost = Cost(energy, step_wh, prices, sums)
    starts = edges_of_ends(energy, prices, wanted_wh)
    found = [(cost(begin + wanted_wh) - cost(begin), begin) for begin in starts]
    whole = int(wanted_wh / step_wh)
    part = Decimal(wanted_wh / step_wh - whole)
    last = count - 1 - whole  # The edge after which `whole` alike pieces no longer fit.
    if last >= 2:
        full = list(map(sub, sums[1 + whole : count], sums[1 : last + 1]))
        after = list(map(add, full, map(mul, prices[1 + whole : count - 1], repeat(part))))
        before = list(map(add, full[1:], map(mul, prices[1:], repeat(part))))
        for costs, first_wh in ((after, energy[1]), (before, energy[2] - float(part) * step_wh)):
            least = min(costs)
            found.append((step_wh * float(least), first_wh + costs.index(least) * step_wh))
    return found


class Cost:
    """What the energy up to a place costs, in price × Wh, where all pieces but the first and the last are alike."""

    def __init__(self, energy: list[float], step_wh: float, prices: Sequence[Decimal], sums: list[Decimal]) -> None:
        self.energy, self.step_wh, self.prices, self.sums = energy, step_wh, prices, sums
        self.first = energy[1] * float(prices[0])

    def __call__(self, place_wh: float) -> float:
        index = min(bisect_right(self.energy, place_wh), len(self.prices)) - 1
        within = (place_wh - self.energy[index]) * float(self.prices[index])
        if index == 0:
            return within
        return self.first + self.step_wh * float(self.sums[index] - self.sums[1]) + within


def edges_of_ends(energy: list[float], prices: Sequence[Decimal], wanted_wh: float) -> list[float]:
    """Where stretches begin that reach into the first or the last piece and begin or end at an edge."""
    total, count = energy[-1], len(prices)
    ends = energy[bisect_right(energy, wanted_wh) : bisect_right(energy, wanted_wh + energy[1])]
    begins = energy[bisect_left(energy, energy[count - 1] - wanted_wh) : bisect_right(energy, total - wanted_wh)]
    return [0.0, *(end - wanted_wh for end in ends), *begins, total - wanted_wh]


def uneven(energy: list[float], prices: list[float], wanted_wh: float) -> list[tuple[float, float]]:
    """Candidates for pieces of any energy: the window at each edge, begun or ended there."""
    steps = map(mul, prices, map(sub, energy[1:], energy))
    cost = [0.0, *accumulate(steps)]
    found: list[tuple[float, float]] = []
    last, total = 0, energy[-1]
    for begin, before in zip(energy, cost, strict=True):
        end = begin + wanted_wh
        if end > total:
            break
        while energy[last + 1] < end:
            last += 1
        found.append((cost[last] + (end - energy[last]) * prices[last] - before, begin))
    first, most = 0, len(prices) - 1
    for end, after in zip(energy, cost, strict=True):
        begin = end - wanted_wh
        if begin < 0.0:
            continue
        while first < most and energy[first + 1] <= begin:
            first += 1
        found.append((after - cost[first] - (begin - energy[first]) * prices[first], begin))
    return found


def between(block: Pieces, energy: list[float], low_wh: float, high_wh: float) -> list[Part]:
    """The parts of a block from one amount of energy to another."""
    parts = []
    for index in range(max(0, bisect_right(energy, low_wh) - 1), min(len(block), bisect_left(energy, high_wh) + 1)):
        begin_wh, end_wh = energy[index], energy[index + 1]
        first, last = max(low_wh, begin_wh), min(high_wh, end_wh)
        if last - first > NEARLY:
            piece = block[index]
            begin = piece.begin + timedelta(hours=(first - begin_wh) / piece.power_w)
            end = piece.end if last == end_wh else piece.begin + timedelta(hours=(last - begin_wh) / piece.power_w)
            parts.append((piece, begin, end))
    return parts
