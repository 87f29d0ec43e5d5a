"""What real registers do, and the energy that is billed for it (field quirk 14)."""

from datetime import UTC, datetime, timedelta

import pytest

from charging.energy import EnergyFold, session_energy

START = datetime(2025, 3, 1, 12, 0, tzinfo=UTC)
Values = list[tuple[float, float]]


def settled(values: Values, begin: float | None = None, end: float | None = None, **more) -> tuple[float, list[str]]:
    """Energy and flags of a session of (minutes, Wh) with a baseline and a final value."""
    minutes = max([0.0, *(at for at, _ in values)]) + 1
    return session_energy(
        [(START + timedelta(minutes=at), wh) for at, wh in values],
        begin_wh=begin,
        begin_at=START,
        end_wh=end,
        end_at=START + timedelta(minutes=minutes),
        **more,
    )


def test_it_works():
    assert settled([(10, 1_500), (20, 2_000)], begin=1_000, end=2_250) == (1_250, [])


def test_without_live_values_the_session_is_stop_minus_start():
    assert settled([], begin=1_000, end=2_250) == (1_250, [])


def test_without_a_stop_the_last_live_value_counts():
    assert settled([(10, 1_500), (20, 2_000)], begin=1_000) == (1_000, [])


def test_without_a_baseline_the_first_live_value_is_it():
    assert settled([(10, 1_500), (20, 2_000)], end=2_250) == (750, [])


def test_a_session_of_which_nothing_is_known_has_no_energy():
    assert settled([]) == (0, ["no_meter_values"])
    assert settled([], begin=1_000) == (0, ["no_meter_values"])


def test_a_register_that_restarts_at_0_goes_on_counting():
    values: Values = [(10, 50_400), (20, 50_800), (30, 0), (40, 300), (50, 700)]
    assert settled(values, begin=50_000, end=900) == (800 + 900, ["meter_restarted"])


def test_a_register_that_restarts_is_known_by_its_final_value_too():
    assert settled([(10, 50_400), (20, 30)], begin=50_000, end=90) == (400 + 90, ["meter_restarted"])
    assert settled([(10, 50_400), (20, 30)], begin=50_000, end=30) == (400 + 30, ["meter_restarted"])


def test_a_restart_passes_where_the_session_began():
    values: Values = [(10, 1_400), (20, 0), (30, 700), (40, 1_500)]
    assert settled(values, begin=1_000, end=1_600) == (400 + 1_600, ["meter_restarted"])


def test_a_restart_before_the_first_live_value():
    assert settled([(10, 200), (20, 500), (30, 900)], begin=910_000, end=1_000) == (1_000, ["meter_restarted"])


def test_two_restarts_in_one_session():
    values: Values = [(10, 1_400), (20, 0), (30, 300), (40, 10), (50, 60)]
    assert settled(values, begin=1_000) == (400 + 300 + 60, ["meter_restarted"])


@pytest.mark.parametrize("low", [0, 1, 700])
def test_a_single_dip_is_dropped(low):
    assert settled([(10, 1_500), (20, low), (30, 2_000)], begin=1_000, end=2_250) == (1_250, ["dip_dropped"])


def test_a_dip_of_two_samples_is_dropped():
    assert settled([(10, 1_500), (20, 0), (30, 0), (40, 2_000)], begin=1_000) == (1_000, ["dip_dropped"])


def test_a_dip_as_the_first_and_as_the_last_value_is_dropped():
    assert settled([(10, 0), (20, 2_000), (30, 0)], begin=1_000)[0] == 1_000
    assert settled([(10, 0), (20, 2_000), (30, 0)], begin=1_000, end=2_250) == (1_250, ["dip_dropped"])


def test_two_meters_a_few_watt_hours_apart_do_not_count_twice():
    values: Values = [(10, 1_500), (11, 1_498), (12, 1_499), (20, 2_000), (21, 1_998), (22, 1_999)]
    assert settled(values, begin=1_000)[0] == 1_000


def test_live_values_that_count_per_session_beside_a_register_that_counts_for_ever():
    values: Values = [(0, 0), (10, 700), (20, 1_400), (30, 2_100)]
    assert settled(values, begin=910_000, end=912_200) == (2_200, [])
    assert settled(values, begin=910_000)[0] == 2_100


def test_a_register_that_counts_per_session_from_start_to_stop():
    assert settled([(10, 700), (20, 1_400)], begin=0, end=2_100) == (2_100, [])


def test_a_baseline_of_0_before_a_large_register_is_replaced():
    values: Values = [(0.1, 910_000), (10, 910_050)]
    assert settled(values, begin=0, end=910_083) == (83, ["baseline_replaced"])
    assert settled(values, begin=0) == (50, ["baseline_replaced"])


def test_a_baseline_of_0_is_replaced_however_long_the_first_value_took():
    assert settled([(600, 910_000), (610, 910_050)], begin=0, end=910_083) == (83, ["baseline_replaced"])


def test_a_first_live_value_of_0_before_a_large_register_is_replaced():
    assert settled([(0, 0), (1, 910_000), (10, 910_050)], end=910_083) == (83, ["baseline_replaced"])
    assert settled([(0, 0), (1, 910_000), (10, 910_050)], begin=0, end=910_083) == (83, ["baseline_replaced"])


def test_a_small_charger_makes_a_smaller_register_implausible():
    values: Values = [(1, 20_000), (10, 20_500)]
    assert settled(values, begin=0, end=20_600, rated_power_w=11_000) == (600, ["baseline_replaced"])
    assert settled([(60, 20_000)], begin=0, end=20_600, rated_power_w=22_000) == (20_600, [])


def test_only_a_baseline_of_0_is_ever_replaced():
    assert settled([(1, 910_000)], begin=500, end=910_083) == (909_583, [])


def test_a_large_register_without_live_values_is_shown_and_flagged():
    assert settled([], begin=0, end=910_083) == (910_083, ["implausible_energy"])


def test_a_stop_below_the_start_takes_what_the_live_values_say():
    assert settled([(10, 1_500), (20, 2_000)], begin=1_000, end=0) == (1_000, ["stop_below_start"])
    assert settled([], begin=1_000, end=400) == (0, ["stop_below_start"])


def test_a_stop_below_the_last_live_value_takes_nothing_away():
    assert settled([(10, 1_500), (20, 2_000)], begin=1_000, end=1_900) == (1_000, ["stop_below_last_value"])


def test_a_stop_of_0_does_not_turn_a_dip_into_a_restart():
    assert settled([(10, 1_500), (20, 0)], begin=1_000, end=0) == (500, ["stop_below_start"])


def test_a_value_from_before_the_start_counts_nothing():
    assert settled([(-5, 990), (10, 1_500)], begin=1_000, end=1_600)[0] == 600


def test_the_curve_ends_where_the_energy_stands():
    fold = EnergyFold(begin_wh=1_000, begin_at=START, keep_curve=True)
    for minute, wh in ((10, 1_500), (20, 0), (30, 2_000), (40, 10), (50, 60)):
        fold.add(START + timedelta(minutes=minute), wh)
    assert [wh for _, wh in fold.curve] == [500, 1_000, 1_060]
    assert fold.energy_wh() == 1_060
