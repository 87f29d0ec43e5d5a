"""When to charge: a pure function from prices, power, energy and a deadline to slots.

`Options.continuous` finds the one stretch that costs least; otherwise the cheapest slots are taken, of equally cheap
ones the earlier, so that something that goes wrong is found while there is still time. Energy that a slot has to spare
is left at the side where no other chosen slot begins. A slot whose price is not known counts as the dearest known one,
and comes after it; under a price limit it is not used. Both ways are optimal: no other choice of slots gives the energy
before the deadline for less.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice
from operator import sub
from typing import Protocol

from charging.stretches import HOUR, Part, Piece, Pieces, piece_of, stretch

#: Wh below which nothing is missing: the rounding of seconds and of floats.
TOLERANCE_WH = 0.5
WH_PER_KWH = 1000
UNKNOWN = Decimal(0)


class PriceSlot(Protocol):
    """A stretch of time with one price: the shape of `charging.queries.prices.Slot`."""

    @property
    def begin(self) -> datetime: ...
    @property
    def end(self) -> datetime: ...
    @property
    def price_per_kwh(self) -> Decimal: ...
    @property
    def known(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Limit:
    """The power that may flow from `begin` to `end`, in W."""

    begin: datetime
    end: datetime
    power_w: float


@dataclass(frozen=True, slots=True)
class Options:
    """How to choose. `price_limit` is per kWh; `min_run` the least length of a stretch when slots are chosen freely."""

    continuous: bool = False
    buffer: timedelta = timedelta(0)
    price_limit: Decimal | None = None
    min_run: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Chosen:
    """A stretch of charging; neighbours are joined."""

    begin: datetime
    end: datetime
    energy_wh: float
    cost: Decimal


@dataclass(frozen=True, slots=True)
class Plan:
    """What the planner decided, and the parts of the sentence that says why.

    `powers` is what flows when: the slots, cut where the power changes.

    `reason` is `nothing` (no energy is wanted), `over_limit` (nothing is cheap enough), `too_late` (all the time there
    is, and it is not enough), `all_of_it` (all that is below the limit), `no_prices`, `flat` (one price, hence at
    once), `stretch` (continuous) or `cheapest`.
    """

    slots: tuple[Chosen, ...]
    energy_wh: float
    cost: Decimal
    wanted_wh: float
    reason: str
    deadline: datetime
    prices_known: bool = True
    powers: tuple[Limit, ...] = ()

    @property
    def missing_wh(self) -> float:
        missing = self.wanted_wh - self.energy_wh
        return missing if missing > TOLERANCE_WH else 0.0

    @property
    def duration(self) -> timedelta:
        return sum((slot.end - slot.begin for slot in self.slots), timedelta(0))


def plan(
    slots: Sequence[PriceSlot],
    power_w: float,
    wanted_wh: float,
    deadline: datetime,
    now: datetime,
    options: Options | None = None,
    limits: Sequence[Limit] = (),
) -> Plan:
    """Choose when to charge.

    Args:
        slots: prices in the order of time, without overlaps; a gap between them is time whose price is not known.
        power_w: what the car, the connector and the station allow together, in W.
        wanted_wh: energy to be charged between `now` and `deadline`.
        limits: stretches in which less may flow; without overlaps, in the order of time.
    """
    options = options or Options()
    if wanted_wh <= TOLERANCE_WH or deadline <= now or power_w <= 0:
        return Plan(
            (), 0.0, Decimal(0), max(wanted_wh, 0.0), "nothing" if wanted_wh <= TOLERANCE_WH else "too_late", deadline
        )
    early = deadline - options.buffer
    pieces = usable(slots, power_w, now, early, options.price_limit, limits)
    if options.buffer and sum(pieces.energy_wh) < wanted_wh - TOLERANCE_WH:
        # The buffer is a wish; the deadline is not.
        pieces = usable(slots, power_w, now, deadline, options.price_limit, limits)
    if not pieces:
        return Plan((), 0.0, Decimal(0), wanted_wh, "over_limit", deadline)
    capacity_wh = sum(pieces.energy_wh)
    short = capacity_wh <= wanted_wh + TOLERANCE_WH
    if short:
        parts = [(piece, piece.begin, piece.end) for piece in pieces]
    elif options.continuous:
        parts = stretch(pieces, wanted_wh)
    elif options.min_run:
        parts = runs(pieces, wanted_wh, options.min_run)
    else:
        parts = cheapest(pieces, wanted_wh)
    chosen = joined(parts)
    return Plan(
        chosen,
        sum(slot.energy_wh for slot in chosen),
        sum((slot.cost for slot in chosen), Decimal(0)),
        wanted_wh,
        reason_of(pieces, short, options),
        deadline,
        all(piece.known for piece, _, _ in parts),
        powers_of(parts),
    )


def powers_of(parts: list[Part]) -> tuple[Limit, ...]:
    """What flows when; neighbours of one power are joined."""
    found: list[Limit] = []
    for piece, begin, end in parts:
        if found and found[-1].end == begin and found[-1].power_w == piece.power_w:
            begin = found.pop().begin
        found.append(Limit(begin, end, piece.power_w))
    return tuple(found)


def reason_of(pieces: Pieces, short: bool, options: Options) -> str:
    if short:
        return "all_of_it" if options.price_limit is not None else "too_late"
    if not any(pieces.known):
        return "no_prices"
    if all(price == pieces.price[0] for price in pieces.price):
        return "flat"
    return "stretch" if options.continuous else "cheapest"


def usable(
    slots: Sequence[PriceSlot],
    power_w: float,
    begin: datetime,
    end: datetime,
    price_limit: Decimal | None,
    limits: Sequence[Limit],
) -> Pieces:
    """What of the slots may be used, gaps filled, cut where the power changes."""
    found = whole(slots, power_w, begin, end)
    if found is None:
        pieces = filled(slots, power_w, begin, end)
        if not all(piece.known for piece in pieces):
            assumed = max((slot.price_per_kwh for slot in slots if slot.known), default=UNKNOWN)
            pieces = [piece if piece.known else piece._replace(price=assumed) for piece in pieces]
        found = Pieces.of(pieces)
    if price_limit is not None:
        found = Pieces.of([piece for piece in found if piece.known and piece.price <= price_limit])
    return Pieces.of(limited(found, limits)) if limits else found


def whole(slots: Sequence[PriceSlot], power_w: float, begin: datetime, end: datetime) -> Pieces | None:
    """The slots as columns where they are known from `begin` to `end` without a gap, which is the usual case."""
    ends = [slot.end for slot in slots]
    first = bisect_right(ends, begin)
    begins = [slot.begin for slot in slots[first:]]
    last = bisect_left(begins, end)
    begins, ends, inner = begins[:last], ends[first : first + last], slots[first : first + last]
    if not begins or begins[0] > begin or ends[-1] < end or begins[1:] != ends[:-1]:
        return None
    begins[0], ends[-1] = begin, end
    known = [slot.known for slot in inner]
    if not all(known):
        return None
    spans = list(map(sub, ends, begins))
    if len(spans) > 2 and spans.count(spans[1]) >= len(spans) - 2:
        # As a rule all last alike, but for the first and the last, which are cut.
        energy = [power_w * (spans[1] / HOUR)] * len(spans)
        energy[0], energy[-1] = power_w * (spans[0] / HOUR), power_w * (spans[-1] / HOUR)
    else:
        energy = [power_w * (span / HOUR) for span in spans]
    return Pieces(begins, ends, [slot.price_per_kwh for slot in inner], known, [power_w] * len(spans), energy)


def filled(slots: Sequence[PriceSlot], power_w: float, begin: datetime, end: datetime) -> list[Piece]:
    """The slots from `begin` to `end`, with what lies between them as pieces whose price is not known."""
    found: list[Piece] = []
    at = begin
    for slot in slots:
        if slot.end <= at:
            continue
        if slot.begin >= end:
            break
        if slot.begin > at:
            found.append(piece_of(at, slot.begin, UNKNOWN, False, power_w))
            at = slot.begin
        last = min(slot.end, end)
        found.append(piece_of(at, last, slot.price_per_kwh, slot.known, power_w))
        at = last
    if at < end:
        found.append(piece_of(at, end, UNKNOWN, False, power_w))
    return found


def limited(pieces: Pieces, limits: Sequence[Limit]) -> list[Piece]:
    """The pieces cut where a limit begins and ends, without what may not be used at all."""
    found = []
    passed = 0
    for piece in pieces:
        at = piece.begin
        while passed < len(limits) and limits[passed].end <= at:
            passed += 1
        for limit in islice(limits, passed, None):
            if limit.begin >= piece.end:
                break
            if limit.begin > at:
                found.append(piece_of(at, limit.begin, piece.price, piece.known, piece.power_w))
                at = limit.begin
            until = min(limit.end, piece.end)
            power_w = min(limit.power_w, piece.power_w)
            if power_w > 0:
                found.append(piece_of(at, until, piece.price, piece.known, power_w))
            at = until
        if at < piece.end:
            found.append(piece_of(at, piece.end, piece.price, piece.known, piece.power_w))
    return found


def cheapest(pieces: Pieces, wanted_wh: float) -> list[Part]:
    """The cheapest pieces, whole, and of the dearest of them what is still wanted."""
    # Sorting keeps the order of equals: a known price before an assumed one, the earlier one first.
    order = list(range(len(pieces)))
    if not all(pieces.known):
        order.sort(key=lambda index: not pieces.known[index])
    order.sort(key=pieces.price.__getitem__)
    left = wanted_wh
    taken: list[int] = []
    for index in order:
        taken.append(index)
        left -= pieces.energy_wh[index]
        if left <= 0:
            break
    last, spare_wh = taken[-1], -left
    taken.sort()
    chosen = set(taken)
    parts = []
    for index in taken:
        piece = pieces[index]
        begin, end = piece.begin, piece.end
        if index == last and spare_wh > 0:
            spare = timedelta(hours=spare_wh / piece.power_w)
            if index + 1 in chosen and index - 1 not in chosen and pieces.begin[index + 1] == end:
                begin += spare
            else:
                end -= spare
        parts.append((piece, begin, end))
    return parts


def runs(pieces: Pieces, wanted_wh: float, min_run: timedelta) -> list[Part]:
    """The cheapest set of whole pieces in which every stretch lasts at least `min_run`.

    Of the last stretch what is not needed is cut off, as long as it stays long enough. States are walked piece by
    piece: the energy so far (whole Wh, no more than wanted) and how long the current stretch lasts (no more than
    `min_run`); of the same state the cheaper way is kept.
    """
    least_s, need = min_run.total_seconds(), round(wanted_wh)
    # (energy, seconds of the current stretch) -> (cost, chosen pieces as a chain)
    states: dict[tuple[int, float], tuple[float, tuple | None]] = {(0, 0.0): (0.0, None)}
    for index, piece in enumerate(pieces):
        after: dict[tuple[int, float], tuple[float, tuple | None]] = {}
        follows = index > 0 and pieces[index - 1].end == piece.begin
        lasts_s = (piece.end - piece.begin).total_seconds()
        price = piece.energy_wh * float(piece.price)
        for (energy, run_s), (cost, chain) in states.items():
            if run_s == 0 or run_s >= least_s:
                keep(after, (energy, 0.0), (cost, chain))
            if follows or run_s == 0 or run_s >= least_s:
                before_s = run_s if follows else 0.0
                key = (min(need, energy + round(piece.energy_wh)), min(least_s, before_s + lasts_s))
                keep(after, key, (cost + price, (index, chain)))
        states = after
    full = [value for (energy, run_s), value in states.items() if energy >= need and (run_s == 0 or run_s >= least_s)]
    if not full:
        # No stretch can be that long before the deadline: energy goes before wear.
        return cheapest(pieces, wanted_wh)
    chain = min(full, key=lambda value: value[0])[1]
    taken: list[int] = []
    while chain is not None:
        taken.append(chain[0])
        chain = chain[1]
    return cut(pieces, sorted(taken), wanted_wh, min_run)


def keep(
    states: dict[tuple[int, float], tuple[float, tuple | None]],
    key: tuple[int, float],
    value: tuple[float, tuple | None],
) -> None:
    known = states.get(key)
    if known is None or value[0] < known[0] - 1e-9:
        states[key] = value


def cut(pieces: Pieces, taken: list[int], wanted_wh: float, min_run: timedelta) -> list[Part]:
    """Cut what is not needed off the end of the last stretch."""
    parts = [(pieces[index], pieces[index].begin, pieces[index].end) for index in taken]
    spare_wh = sum(piece.energy_wh for piece, _, _ in parts) - wanted_wh
    piece, begin, end = parts[-1]
    start = begin
    for _piece, one_begin, one_end in reversed(parts[:-1]):
        if one_end != start:
            break
        start = one_begin
    room = min(end - begin, end - start - min_run, timedelta(hours=max(spare_wh, 0.0) / piece.power_w))
    if room > timedelta(0):
        parts[-1] = (piece, begin, end - room)
    return [part for part in parts if part[1] < part[2]]


def joined(parts: list[Part]) -> tuple[Chosen, ...]:
    """Stretches with their energy and cost; times are whole seconds, rounded outwards at the end."""
    found: list[Chosen] = []
    for piece, begin, end in parts:
        energy_wh = piece.power_w * (end - begin).total_seconds() / 3600
        cost = Decimal(str(round(energy_wh, 3))) * piece.price / WH_PER_KWH
        if found and found[-1].end == begin:
            before = found[-1]
            found[-1] = Chosen(before.begin, end, before.energy_wh + energy_wh, before.cost + cost)
        else:
            found.append(Chosen(begin, end, energy_wh, cost))
    return tuple(found)
