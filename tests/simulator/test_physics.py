"""Energy, power and state of charge."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobility.simulator.physics import EFFICIENCY, Evse, Vehicle

socs = st.floats(0, 1)
watts = st.floats(0, 50_000)
seconds = st.floats(0, 50_000)


def evse(**more: object) -> Evse:
    settings: dict[str, object] = {"rated_power_w": 11_040.0, "closed": True, "vehicle": Vehicle(), **more}
    return Evse(**settings)  # type: ignore[arg-type]


def test_it_works() -> None:
    charging = evse()
    charging.advance(3600)
    assert charging.read().energy_wh == 11_040
    assert charging.read().power_w == 11_040
    assert charging.read().current_a == 16
    assert charging.read().soc_percent == pytest.approx(30 + 11_040 * EFFICIENCY / 600, abs=0.1)


@given(socs, watts, seconds, seconds)
def test_one_long_step_is_two_short_ones(soc: float, limit_w: float, first: float, second: float) -> None:
    one, two = Vehicle(soc=soc), Vehicle(soc=soc)
    taken = two.charge(first, limit_w) + two.charge(second, limit_w)
    assert one.charge(first + second, limit_w) == pytest.approx(taken, abs=0.01)
    assert one.soc == pytest.approx(two.soc, abs=1e-6)


@given(socs, watts, seconds)
def test_energy_is_plausible(soc: float, limit_w: float, duration_s: float) -> None:
    car = Vehicle(soc=soc)
    taken_wh = car.charge(duration_s, limit_w)
    assert 0 <= taken_wh <= min(limit_w, car.max_power_w) * duration_s / 3600 + 1e-6
    assert (car.soc - soc) * car.battery_wh == pytest.approx(taken_wh * EFFICIENCY, abs=0.01)
    assert soc <= car.soc <= 1


@given(st.floats(0, 0.99), st.floats(1500, 50_000))
def test_full_when_foretold(soc: float, limit_w: float) -> None:
    car = Vehicle(soc=soc)
    until_full_s = car.seconds_to_full(limit_w)
    car.charge(until_full_s * 0.999, limit_w)
    assert not car.full
    car.charge(until_full_s * 0.002, limit_w)
    assert car.full
    assert car.charge(3600, limit_w) == 0


def test_power_falls_above_80_percent() -> None:
    powers = [Vehicle(soc=soc).accepted_w() for soc in (0.1, 0.8, 0.9, 0.99, 1.0)]
    assert powers[0] == powers[1] == 11_040
    assert powers[1] > powers[2] > powers[3] > powers[4] == 0


def test_the_lowest_limit_counts() -> None:
    assert evse(rated_power_w=22_000.0).power_w() == 11_040
    assert evse(rated_power_w=7_000.0).power_w() == 7_000
    assert evse(offered_w=5_000.0).power_w() == 5_000
    assert evse(offered_a=10.0).power_w() == 6_900
    assert evse(offered_a=10.0, offered_phases=1).power_w() == 2_300
    assert evse(offered_a=10.0, vehicle=Vehicle(phases=1)).power_w() == 2_300


def test_below_six_ampere_nothing_flows() -> None:
    paused = evse(offered_a=5.9)
    paused.advance(3600)
    assert paused.read().energy_wh == 0
    assert paused.seconds_to_full() == math.inf
    assert evse(offered_a=6.0).power_w() == 4_140
    assert evse(offered_w=100.0, dc=True).power_w() == 100


def test_an_open_contactor_meters_nothing() -> None:
    for idle in (evse(closed=False), evse(vehicle=None)):
        idle.advance(3600)
        assert idle.read().energy_wh == 0


@given(st.lists(st.tuples(seconds, watts), max_size=20))
def test_the_register_never_falls(steps: list[tuple[float, float]]) -> None:
    charging, at_s, before = evse(register_wh=500.0), 0.0, 500
    for duration_s, limit_w in steps:
        at_s += duration_s
        charging.advance(at_s)
        charging.advance(at_s - 10)
        assert charging.read().energy_wh >= before
        before = charging.read().energy_wh
        charging.offered_w = limit_w
