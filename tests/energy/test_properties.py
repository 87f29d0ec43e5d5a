"""What must hold of the energy of any session, whatever its values."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import accumulate

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from charging.energy import EnergyFold, cost_of, energy_by_hour, session_energy, split_by_hour

START = datetime(2025, 3, 1, 22, 17, 5, tzinfo=UTC)
STEP = timedelta(minutes=15)
Readings = list[tuple[datetime, float]]

#: What a connector of 400 kW or less delivers in a quarter of an hour.
steps = st.lists(st.integers(0, 90_000), max_size=12)
registers = st.integers(1, 5_000_000)
anything = st.floats(0, 1e9, allow_nan=False)


def at(index: float) -> datetime:
    return START + index * STEP


def readings_of(levels: list[float]) -> Readings:
    return [(at(index), level) for index, level in enumerate(levels, start=1)]


def levels_of(begin: float, taken: list[int]) -> list[float]:
    return list(accumulate(taken, initial=begin))[1:]


@given(begin=registers, taken=steps, last=st.integers(0, 90_000))
def test_without_faults_the_energy_is_exactly_stop_minus_start(begin, taken, last):
    values = readings_of(levels_of(begin, taken))
    end = begin + sum(taken) + last
    assert session_energy(values, begin_wh=begin, begin_at=START, end_wh=end, end_at=at(20)) == (end - begin, [])


@given(begin=registers, taken=steps)
def test_without_a_stop_it_is_the_last_value_minus_the_start(begin, taken):
    values = readings_of(levels_of(begin, taken))
    assert session_energy([*values, (START, begin)], begin_wh=begin, begin_at=START)[0] == sum(taken)


@given(data=st.data(), begin=st.none() | anything, levels=st.lists(anything, max_size=10), end=st.none() | anything)
def test_any_order_of_the_same_readings_gives_the_same_energy(data, begin, levels, end):
    values = readings_of(levels)
    shuffled = data.draw(st.permutations(values))
    known = {"begin_wh": begin, "begin_at": START, "end_wh": end, "end_at": at(20)}
    assert session_energy(values, **known) == session_energy(shuffled, **known)


@given(begin=st.none() | anything, levels=st.lists(anything, max_size=10))
def test_a_running_session_has_at_each_value_the_energy_of_its_readings_so_far(begin, levels):
    values = readings_of(levels)
    fold = EnergyFold(begin_wh=begin, begin_at=START)
    for count, (moment, wh) in enumerate(values, start=1):
        fold.add(moment, wh)
        assert fold.energy_wh() == session_energy(values[:count], begin_wh=begin, begin_at=START)[0]


@given(begin=st.none() | anything, levels=st.lists(anything, max_size=10), end=st.none() | anything)
def test_energy_is_never_negative_and_a_running_one_never_falls(begin, levels, end):
    fold = EnergyFold(begin_wh=begin, begin_at=START, keep_curve=True)
    before = 0.0
    for moment, wh in readings_of(levels):
        fold.add(moment, wh)
        assert fold.energy_wh() >= before
        before = fold.energy_wh()
    assert [wh for _, wh in fold.curve] == sorted(wh for _, wh in fold.curve)
    assert fold.finish(at(20), end)[0] >= 0


@given(begin=registers, taken=steps, last=st.integers(0, 9_000), where=st.integers(0, 12), dip=st.data())
def test_one_dip_changes_nothing(begin, taken, last, where, dip):
    levels = levels_of(begin, taken)
    where = min(where, len(levels))
    low = dip.draw(st.floats(0, ([begin, *levels][where]) / 2, exclude_max=True), label="the dip")
    whole = readings_of(levels)
    dipped = [*whole[:where], (at(where + 0.5), low), *whole[where:]]
    for end in (None, levels[-1] + last if levels else begin + last):
        known = {"begin_wh": begin, "begin_at": START, "end_wh": end, "end_at": at(20)}
        assert session_energy(dipped, **known)[0] == session_energy(whole, **known)[0]


@given(begin=registers, first=steps, second=steps, last=st.integers(0, 9_000))
def test_a_session_split_by_a_restart_adds_up(begin, first, second, last):
    before = levels_of(begin, first)
    level = before[-1] if before else begin
    # What rises above the old level at once cannot be told from a dip.
    after = levels_of(0, second)
    rising = next((wh for wh in [*after, (after[-1] if after else 0) + last] if wh > 0), 0)
    assume(0 < rising < level)
    values = readings_of([*before, 0, *after])
    end = (after[-1] if after else 0) + last
    energy, flags = session_energy(values, begin_wh=begin, begin_at=START, end_wh=end, end_at=at(30))
    # A final register in line with the first one is read as such where the live values count per session.
    assume(end < begin)
    assert energy == sum(first) + end
    assert "meter_restarted" in flags


@given(energy=st.decimals(0, 200_000, places=3, allow_nan=False), price=st.decimals(0, 3, places=5, allow_nan=False))
def test_cost_is_rounded_half_up_once(energy, price):
    exact = energy * price / 1000
    cost = cost_of(float(energy), price)
    assert cost is not None
    assert cost.as_tuple().exponent == -2
    assert exact - Decimal("0.005") < cost <= exact + Decimal("0.005")


def test_half_a_cent_is_a_cent():
    assert cost_of(50, Decimal("0.30")) == Decimal("0.02")
    assert cost_of(49.999, Decimal("0.30")) == Decimal("0.01")
    assert cost_of(16_483, Decimal("0.30")) == Decimal("4.94")
    assert cost_of(1_000, None) is None


@given(
    begin=st.datetimes(datetime(2025, 1, 1), datetime(2025, 12, 1), timezones=st.just(UTC)),
    seconds=st.floats(0, 200_000),
    energy=st.floats(0, 200_000),
)
def test_the_hours_of_an_interval_sum_up_and_stay_inside(begin, seconds, energy):
    end = begin + timedelta(seconds=seconds)
    parts = split_by_hour(begin, end, energy)
    assert abs(sum(parts.values()) - energy) < 1e-6
    for hour, wh in parts.items():
        assert hour.minute == hour.second == hour.microsecond == 0
        assert begin - timedelta(hours=1) < hour <= end
        assert 0 <= wh <= energy * (1 + 1e-9)


def test_energy_up_to_the_full_hour_belongs_to_the_hour_before():
    ten, eleven = START.replace(hour=10, minute=30, second=0), START.replace(hour=11, minute=0, second=0)
    assert split_by_hour(ten, eleven, 500) == {START.replace(hour=10, minute=0, second=0): 500}


def test_a_nonsensical_register_still_has_a_cost_that_can_be_stored():
    assert cost_of(1e300, Decimal("0.30")) == Decimal("9999999999.99")


@given(
    st.lists(st.tuples(st.integers(-60, 7_200), st.floats(-50, 5_000)), max_size=30),
    st.floats(0, 20_000),
)
def test_the_energy_of_a_curve_by_hour_is_that_of_its_steps(steps, total):
    """Also with times and energies that go back, which count nothing."""
    curve, at, reached = [], START, 0.0
    for seconds, wh in steps:
        at, reached = at + timedelta(seconds=seconds), reached + wh
        curve.append((at, reached))
    expected: dict[datetime, float] = {}
    before, counted = START, 0.0
    for until, cumulative in curve:
        until = max(until, before)
        if min(cumulative, total) > counted:
            for hour, wh in split_by_hour(before, until, min(cumulative, total) - counted).items():
                expected[hour] = expected.get(hour, 0.0) + wh
            counted = min(cumulative, total)
        before = until
    found = energy_by_hour(START, curve, total)
    assert {hour: pytest.approx(wh, abs=1e-6) for hour, wh in expected.items()} == found
