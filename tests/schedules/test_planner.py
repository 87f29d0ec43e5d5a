"""The planner against brute force on small cases, and the clock of a site on the two days on which it changes."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from itertools import accumulate, combinations, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charging.planner import Limit, Options, Plan, plan, usable
from charging.stretches import even, uneven
from charging.windows import Span, Window, next_deadline, overlapping, spans

NOW = datetime(2026, 3, 2, 18, 0, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
POWER_W = 4000.0
SLOT_WH = 1000.0
BERLIN = ZoneInfo("Europe/Berlin")


@dataclass(frozen=True)
class Slot:
    begin: datetime
    end: datetime
    price_per_kwh: Decimal
    known: bool = True


def slots_of(prices: list[int]) -> list[Slot]:
    """Quarter hours from NOW, prices in cents."""
    return [Slot(NOW + n * QUARTER, NOW + (n + 1) * QUARTER, Decimal(price) / 100) for n, price in enumerate(prices)]


def planned(prices: list[int], wanted_wh: float, **options: object) -> Plan:
    slots = slots_of(prices)
    return plan(slots, POWER_W, wanted_wh, slots[-1].end, NOW, Options(**options))  # type: ignore[arg-type]


def check(found: Plan, wanted_wh: float, deadline: datetime) -> None:
    """What every plan has to be: in order, without overlaps, in time, and with the energy that it says."""
    edges = [edge for slot in found.slots for edge in (slot.begin, slot.end)]
    assert edges == sorted(edges) and (not edges or (edges[0] >= NOW and edges[-1] <= deadline))
    assert all(before.end < after.begin for before, after in pairwise(found.slots))
    hours = sum((slot.end - slot.begin).total_seconds() for slot in found.slots) / 3600
    assert hours * POWER_W == pytest.approx(found.energy_wh, abs=1)
    assert found.energy_wh + found.missing_wh == pytest.approx(wanted_wh, abs=1)


small = st.lists(st.integers(-5, 9), min_size=1, max_size=7)
wanted = st.integers(1, 7000).map(float)


@settings(max_examples=150)
@given(small, wanted)
def test_no_choice_of_slots_is_cheaper(prices: list[int], wanted_wh: float) -> None:
    found = planned(prices, wanted_wh)
    check(found, wanted_wh, NOW + len(prices) * QUARTER)
    energy = min(wanted_wh, len(prices) * SLOT_WH)
    # Any set of whole slots and a part of one more.
    whole, part = divmod(energy, SLOT_WH)
    costs = []
    for chosen in combinations(range(len(prices)), int(whole)):
        base = sum(prices[index] for index in chosen) * SLOT_WH
        rest = [prices[index] for index in range(len(prices)) if index not in chosen]
        costs += [base + price * part for price in rest] if part else [base]
    assert float(found.cost) == pytest.approx(min(costs) / 100 / 1000, abs=1e-4)


@settings(max_examples=150)
@given(small, wanted)
def test_no_stretch_is_cheaper(prices: list[int], wanted_wh: float) -> None:
    found = planned(prices, wanted_wh, continuous=True)
    check(found, wanted_wh, NOW + len(prices) * QUARTER)
    energy = min(wanted_wh, len(prices) * SLOT_WH)
    assert len(found.slots) == 1

    def cost(begin_wh: float) -> float:
        end_wh = begin_wh + energy
        return sum(
            price * max(0.0, min(end_wh, (n + 1) * SLOT_WH) - max(begin_wh, n * SLOT_WH))
            for n, price in enumerate(prices)
        )

    room = len(prices) * SLOT_WH - energy
    tried = [room * step / 400 for step in range(401)]
    tried += [n * SLOT_WH for n in range(len(prices)) if n * SLOT_WH <= room]
    assert float(found.cost) <= min(map(cost, tried)) / 100 / 1000 + 1e-4


@settings(max_examples=150)
@given(
    st.lists(st.integers(-5, 9), min_size=4, max_size=9), st.integers(1, 8999), st.integers(0, 14), st.integers(0, 14)
)
def test_a_stretch_costs_the_same_however_it_is_counted(
    prices: list[int], wanted_wh: int, late: int, early: int
) -> None:
    """Sums of slots that are alike, but for the first and the last, against the walk over all edges."""
    slots = slots_of(prices)
    now, deadline = NOW + timedelta(minutes=late), slots[-1].end - timedelta(minutes=early)
    found = usable(slots, POWER_W, now, deadline, None, ())
    energy = [0.0, *accumulate(found.energy_wh)]
    if wanted_wh > energy[-1]:
        return
    floats = [float(price) for price in found.price]
    one = min(even(energy, found.energy_wh[1], found.price, wanted_wh))[0]
    assert one == pytest.approx(min(uneven(energy, floats, wanted_wh))[0], abs=1e-6)


@settings(max_examples=100)
@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(0, 4)), min_size=2, max_size=6),
    st.integers(1, 5000),
    st.booleans(),
)
def test_a_plan_never_uses_more_power_than_there_is(
    rows: list[tuple[int, int]], wanted_wh: int, continuous: bool
) -> None:
    """Each slot with its price and the power that is left in it, in kW."""
    slots = slots_of([price for price, _ in rows])
    limits = [Limit(slot.begin, slot.end, kilowatts * 1000.0) for slot, (_, kilowatts) in zip(slots, rows, strict=True)]
    found = plan(slots, POWER_W, wanted_wh, slots[-1].end, NOW, Options(continuous=continuous), limits)
    for limit in limits:
        most_wh = limit.power_w * 0.25
        used = [part.power_w for part in found.powers if part.begin < limit.end and part.end > limit.begin]
        assert all(power_w <= limit.power_w + 1e-6 for power_w in used), (limit, most_wh)
    by_power = sum(part.power_w * (part.end - part.begin).total_seconds() / 3600 for part in found.powers)
    assert by_power == pytest.approx(found.energy_wh, abs=1)
    if not continuous:
        assert found.energy_wh == pytest.approx(min(wanted_wh, sum(limit.power_w / 4 for limit in limits)), abs=1)


def stretches(chosen: tuple[int, ...]) -> Iterator[int]:
    """The lengths of the stretches of neighbours in a choice."""
    length = 0
    for before, index in zip((None, *chosen), chosen, strict=False):
        if before is not None and index == before + 1:
            length += 1
        else:
            if length:
                yield length
            length = 1
    if length:
        yield length


@settings(max_examples=80)
@given(st.lists(st.integers(0, 9), min_size=2, max_size=7), st.integers(1, 6), st.integers(2, 3))
def test_stretches_are_long_enough_and_no_other_ones_are_cheaper(
    prices: list[int], wanted_slots: int, least: int
) -> None:
    wanted_wh = wanted_slots * SLOT_WH
    found = planned(prices, wanted_wh, min_run=least * QUARTER)
    good = [
        chosen
        for size in range(wanted_slots, len(prices) + 1)
        for chosen in combinations(range(len(prices)), size)
        if all(length >= least for length in stretches(chosen))
    ]
    if wanted_slots >= len(prices) or not good:
        return
    assert all(slot.end - slot.begin >= least * QUARTER for slot in found.slots)
    assert float(found.cost) <= min(sum(prices[n] for n in chosen) for chosen in good) * SLOT_WH / 100 / 1000 + 1e-4
    assert found.energy_wh >= wanted_wh - 1


def test_of_equal_prices_the_earlier_slots_are_taken_and_the_sentence_says_so() -> None:
    found = planned([5, 5, 5, 5], 2000)
    assert [(slot.begin, slot.end) for slot in found.slots] == [(NOW, NOW + 2 * QUARTER)]
    assert found.reason == "flat"
    assert planned([9, 5, 5, 9], 1000).slots[0].begin == NOW + QUARTER


def test_what_is_not_needed_of_a_slot_is_left_where_no_other_begins() -> None:
    found = planned([9, 3, 1, 9], 1500)
    assert [(slot.begin, slot.end) for slot in found.slots] == [(NOW + 1.5 * QUARTER, NOW + 3 * QUARTER)]


def test_the_price_limit_is_kept_and_what_is_missing_is_said() -> None:
    found = planned([30, 10, 40, 20], 3000, price_limit=Decimal("0.20"))
    assert (found.reason, found.missing_wh) == ("all_of_it", 1000)
    assert [slot.begin for slot in found.slots] == [NOW + QUARTER, NOW + 3 * QUARTER]
    assert planned([30, 40], 1000, price_limit=Decimal("0.20")).reason == "over_limit"


def test_the_buffer_gives_way_before_the_deadline_does() -> None:
    early = planned([9, 9, 1, 1], 2000, buffer=2 * QUARTER)
    assert early.slots[-1].end == NOW + 2 * QUARTER
    late = planned([9, 9, 1, 1], 3000, buffer=2 * QUARTER)
    assert late.missing_wh == 0 and late.slots[-1].end == NOW + 4 * QUARTER
    assert planned([9, 9], 3000).reason == "too_late"


def test_unknown_prices_come_after_every_known_one() -> None:
    slots = [slot for slot in slots_of([4, 0, 9, 2]) if slot.price_per_kwh]
    found = plan(slots, POWER_W, 3000, NOW + 4 * QUARTER, NOW)
    assert found.prices_known
    assert [(slot.begin, slot.end) for slot in found.slots] == [
        (NOW, NOW + QUARTER),
        (NOW + 2 * QUARTER, NOW + 4 * QUARTER),
    ]
    assert not plan(slots, POWER_W, 3500, NOW + 4 * QUARTER, NOW).prices_known
    assert plan([], POWER_W, 1000, NOW + 4 * QUARTER, NOW).reason == "no_prices"


def test_less_power_takes_more_time() -> None:
    slots = slots_of([1, 1, 5, 5])
    found = plan(slots, POWER_W, 2000, slots[-1].end, NOW, limits=[Limit(NOW, NOW + 2 * QUARTER, POWER_W / 2)])
    assert found.slots[0].end == NOW + 3 * QUARTER


# --- Windows ---------------------------------------------------------------------------------------------------------


def span(window: Window, day: datetime) -> Span | None:
    found = spans([window], BERLIN, day.astimezone(UTC), day.astimezone(UTC) + timedelta(days=2))
    return found[0] if found else None


@pytest.mark.parametrize(
    ("day", "hours"),
    [(datetime(2026, 3, 28, 12), 7), (datetime(2026, 10, 24, 12), 9), (datetime(2026, 6, 6, 12), 8)],
)
def test_a_night_lasts_as_long_as_the_clock_makes_it(day: datetime, hours: int) -> None:
    found = span(Window(5, 22 * 60, 6 * 60), day.replace(tzinfo=BERLIN))
    assert found is not None and found.end - found.begin == timedelta(hours=hours)
    assert (found.begin.astimezone(BERLIN).hour, found.end.astimezone(BERLIN).hour) == (22, 6)


def test_a_time_that_is_skipped_is_the_moment_of_the_change() -> None:
    sunday = datetime(2026, 3, 29, tzinfo=BERLIN)
    assert span(Window(6, 150, 240), sunday) == Span(
        datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 3, 29, 2, tzinfo=UTC)
    )
    # A window that the change swallows whole is none.
    assert span(Window(6, 130, 170), sunday) is None


def test_a_time_that_comes_twice_begins_with_its_first_and_ends_with_its_second() -> None:
    found = span(Window(6, 150, 165), datetime(2026, 10, 25, tzinfo=BERLIN))
    assert found == Span(datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 45, tzinfo=UTC))


@pytest.mark.parametrize(
    ("windows", "both"),
    [
        ([Window(0, 1320, 360), Window(1, 300, 400)], (0, 1)),
        ([Window(0, 1320, 360), Window(1, 360, 400)], None),
        ([Window(6, 1320, 360), Window(0, 0, 60)], (0, 1)),
        ([Window(2, 0, 0), Window(2, 600, 660)], (0, 1)),
    ],
)
def test_windows_that_overlap_are_found_past_midnight_and_past_sunday(windows: list[Window], both: object) -> None:
    assert overlapping(windows) == both


def test_the_next_deadline_is_a_local_time() -> None:
    before = datetime(2026, 3, 28, 23, tzinfo=UTC)
    assert next_deadline(time(7), BERLIN, before) == datetime(2026, 3, 29, 5, tzinfo=UTC)
    assert next_deadline(time(7), BERLIN, datetime(2026, 3, 29, 5, tzinfo=UTC)) == datetime(2026, 3, 30, 5, tzinfo=UTC)
