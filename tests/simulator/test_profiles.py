"""Charging profiles and the limit they leave."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mobility.simulator.profiles import ProfileStore, parse

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def profile(purpose: str = "TxDefaultProfile", limit: float = 10, **more: Any) -> dict[str, Any]:
    schedule = {
        "chargingRateUnit": more.pop("unit", "A"),
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}],
    }
    schedule.update(more.pop("schedule", {}))
    base = {
        "chargingProfileId": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Absolute",
        "chargingSchedule": {"startSchedule": NOON.isoformat(), **schedule},
    }
    return {**base, **more}


def store(*profiles: tuple[int, dict[str, Any]]) -> ProfileStore:
    held = ProfileStore()
    for connector_id, raw in profiles:
        held.set(connector_id, parse(raw))
    return held


def watts(held: ProfileStore, moment: datetime = NOON, *, started: datetime | None = NOON, tx: str = "5") -> float:
    return held.limit(1, moment, started=started, tx=tx).watts(230, 3)


def test_it_works() -> None:
    assert watts(store()) == math.inf
    assert watts(store((1, profile()))) == 6_900
    assert watts(store((1, profile(unit="W", limit=5_000)))) == 5_000
    assert watts(store((0, profile()))) == 6_900
    assert watts(store((2, profile()))) == math.inf


def test_one_phase_of_an_ampere_limit() -> None:
    periods = [{"startPeriod": 0, "limit": 10, "numberPhases": 1}]
    assert watts(store((1, profile(schedule={"chargingSchedulePeriod": periods})))) == 2_300


def test_a_transaction_profile_overrules_the_default_even_upwards() -> None:
    held = store((1, profile(limit=6)), (1, profile("TxProfile", 16, chargingProfileId=2, transactionId=5)))
    assert watts(held) == 11_040
    assert watts(held, tx="6") == 4_140
    held.end_transaction(1)
    assert watts(held) == 4_140


def test_the_higher_stack_level_leads() -> None:
    held = store((1, profile(limit=6)), (1, profile(limit=12, stackLevel=3, chargingProfileId=2)))
    assert watts(held) == 8_280


def test_the_station_has_its_own_limit() -> None:
    held = store((0, profile("ChargePointMaxProfile", 20_000, unit="W")))
    assert held.station_limit(NOON).limit_w == 20_000
    assert watts(held) == math.inf


def test_periods_and_duration() -> None:
    periods = [{"startPeriod": 0, "limit": 6}, {"startPeriod": 600, "limit": 16}]
    held = store((1, profile(schedule={"chargingSchedulePeriod": periods, "duration": 1200})))
    assert watts(held, NOON + timedelta(seconds=599)) == 4_140
    assert watts(held, NOON + timedelta(seconds=600)) == 11_040
    assert watts(held, NOON + timedelta(seconds=1200)) == math.inf
    assert watts(held, NOON - timedelta(seconds=1)) == math.inf
    assert held.limit(1, NOON, started=NOON, tx=None).until == NOON + timedelta(seconds=600)


def test_recurring_and_relative() -> None:
    daily = store((1, profile(chargingProfileKind="Recurring", recurrencyKind="Daily", schedule={"duration": 3600})))
    assert watts(daily, NOON + timedelta(days=3, minutes=30)) == 6_900
    assert watts(daily, NOON + timedelta(days=3, minutes=90)) == math.inf
    relative = store((1, profile(chargingProfileKind="Relative", schedule={"duration": 60})))
    assert watts(relative, NOON + timedelta(days=9), started=NOON + timedelta(days=9)) == 6_900
    assert watts(relative, NOON, started=None) == math.inf


def test_validity() -> None:
    held = store((1, profile(validFrom="2026-05-04T13:00:00Z", validTo="2026-05-04T14:00:00Z")))
    assert watts(held) == math.inf
    assert watts(held, NOON + timedelta(minutes=61)) == 6_900
    assert watts(held, NOON + timedelta(minutes=121)) == math.inf


def test_the_same_id_or_place_is_replaced() -> None:
    held = store((1, profile(limit=6)), (2, profile(limit=8)), (2, profile(limit=9, chargingProfileId=4)))
    assert [(c, p.profile_id) for c, p in held.find()] == [(2, 4)]
    held.remove(held.find(purpose="TxDefaultProfile", stack_level=0))
    assert len(held) == 0


def test_composite() -> None:
    periods = [{"startPeriod": 0, "limit": 6}, {"startPeriod": 600, "limit": 32}]
    held = store((1, profile(schedule={"chargingSchedulePeriod": periods})))
    found = held.composite(1, NOON, 1800, started=NOON, tx=None, volts=230, phases=3, rated_w=11_000)
    assert found == [(0, 4_140), (600, 11_000)]


@pytest.mark.parametrize(
    "raw",
    [
        profile("LocalGeneration"),
        profile(chargingProfileKind="Dynamic"),
        profile(schedule={"chargingSchedulePeriod": [{"startPeriod": 5, "limit": 6}]}),
        profile(chargingSchedule=[{}, {}]),
    ],
)
def test_what_it_cannot_follow(raw: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        parse(raw)
