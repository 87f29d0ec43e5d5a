"""The composite schedule, by hand and against the simulated station's own computation."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from charging.composite import Period, Profile, Step, composite, differences, limit_at
from mobility.simulator import profiles as simulated

NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)
HOUR = 3600


def flat(purpose: str, limit: float, level: int = 0, **more: Any) -> Profile:
    return Profile(purpose, more.pop("kind", "relative"), level, more.pop("unit", "A"), (Period(0, limit),), **more)


def amps(profiles: list[Profile], *, started: datetime | None = NOON, **more: Any) -> float | None:
    return limit_at(profiles, 1, NOON, unit="A", started=started, **more)[0]


def test_the_lowest_of_the_purposes_counts() -> None:
    always: dict[str, Any] = {"kind": "absolute", "starts_at": NOON - timedelta(days=1)}
    station, default, own = flat("station_max", 20, **always), flat("default", 10), flat("transaction", 32)
    assert amps([]) is None
    assert amps([station]) == 20
    assert amps([station, default]) == 10
    assert amps([station, default, own]) == 20, "the transaction's own one overrules the default, not the maximum"
    assert amps([default, own], started=None) is None, "a relative one needs a transaction"
    assert amps([own, flat("default", 8)], transaction_id="7") == 32
    assert amps([flat("transaction", 9, transaction_id="8"), default], transaction_id="7") == 10


def test_the_highest_valid_level_leads() -> None:
    low, high = flat("default", 6), flat("default", 16, 3, valid_to=NOON + timedelta(hours=1))
    assert amps([low, high]) == 16
    steps = composite([low, high], 1, NOON, 2 * HOUR, started=NOON)
    assert [(step.start_s, step.limit) for step in steps] == [(0, 16), (HOUR, 6)]
    assert amps([low, flat("default", 9, evse=1)]) == 9, "the connector's own one leads over the station's"
    assert amps([low, flat("default", 9, evse=2)]) == 6


def test_a_day_recurs_and_a_fallback_follows() -> None:
    nights = Profile(
        "default",
        "recurring",
        1,
        "A",
        (Period(0, 32), Period(6 * HOUR, 8)),
        recurrency="daily",
        starts_at=datetime(2026, 1, 1, 22, tzinfo=UTC),
        duration_s=12 * HOUR,
    )
    floor = flat("default", 16, kind="absolute", starts_at=NOON - timedelta(days=9))
    steps = composite([nights, floor], 1, NOON, 24 * HOUR)
    assert [(step.start_s // HOUR, step.limit) for step in steps] == [(0, 16), (10, 32), (16, 8), (22, 16)]


def test_watts_and_amperes_are_compared() -> None:
    watts = flat("default", 4140, unit="W")
    assert amps([watts]) == 6
    assert amps([watts], phases=1) == 18
    assert limit_at([flat("default", 10)], 1, NOON, unit="W", started=NOON)[0] == 6900


def test_differences_are_named() -> None:
    ours, theirs = [Step(0, 16), Step(60, 8)], [Step(0, 16.05), Step(90, 8), Step(120, None)]
    assert differences(ours, theirs, 180) == [(60, 90, 8, 16.05), (120, 180, 8, None)]
    assert differences(ours, ours, 180) == []


@st.composite
def stored(draw: st.DrawFn) -> Profile:
    kind = draw(st.sampled_from(["absolute", "recurring", "relative"]))
    starts = sorted(draw(st.sets(st.integers(1, 40), max_size=3)))
    near = st.integers(-90, 90).map(lambda minutes: NOON + timedelta(minutes=minutes))
    return Profile(
        purpose=draw(st.sampled_from(["station_max", "default", "transaction"])),
        kind=kind,
        stack_level=draw(st.integers(0, 2)),
        unit="A",
        periods=tuple(Period(start * 60, float(draw(st.integers(0, 32)))) for start in [0, *starts]),
        evse=draw(st.sampled_from([0, 1])),
        recurrency="daily" if kind == "recurring" else "",
        starts_at=None if kind == "relative" else draw(near),
        duration_s=draw(st.sampled_from([float("inf"), 30 * 60, 3600])),
        valid_to=draw(st.none() | near),
    )


def held(profile: Profile) -> simulated.Profile:
    purposes = {"station_max": "ChargePointMaxProfile", "default": "TxDefaultProfile", "transaction": "TxProfile"}
    return simulated.Profile(
        profile_id=id(profile),
        stack_level=profile.stack_level,
        purpose=simulated.PURPOSES[purposes[profile.purpose]],
        kind=profile.kind.title(),
        recurrency=profile.recurrency.title() or None,
        valid_from=None,
        valid_to=profile.valid_to,
        transaction_id=None,
        start=profile.starts_at,
        duration_s=profile.duration_s,
        unit="A",
        periods=tuple((period.start_s, period.limit, None) for period in profile.periods),
        raw={},
    )


@given(st.lists(stored(), max_size=4, unique_by=lambda p: (p.purpose, p.stack_level, p.evse)))
@settings(max_examples=80)
def test_it_agrees_with_a_station(profiles: list[Profile]) -> None:
    profiles = [profile for profile in profiles if profile.purpose != "station_max" or profile.evse == 0]
    started = NOON - timedelta(minutes=15)
    store = simulated.ProfileStore()
    for profile in profiles:
        store.set(profile.evse, held(profile))
    steps = composite(profiles, 1, NOON, HOUR, unit="W", started=started, volts=230, phases=3)
    theirs = store.composite(1, NOON, HOUR, started=started, tx="5", volts=230, phases=3, rated_w=22080)
    ours = [Step(step.start_s, 22080.0 if step.limit is None else min(22080.0, step.limit)) for step in steps]
    assert differences(ours, [Step(start, limit) for start, limit in theirs], HOUR) == []
