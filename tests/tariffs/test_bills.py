"""What a session costs under a tariff, as a pure function."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charging.energy import cost_of
from charging.tariff_terms import Terms, as_json, parse_parts
from charging.tariffs import Bill, Session, bill, energy_prices

BERLIN = ZoneInfo("Europe/Berlin")
BEGIN = datetime(2026, 6, 1, 8, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
examples = settings(max_examples=60)


def terms(*parts: dict[str, Any], **more: Any) -> Terms:
    return Terms(parse_parts(parts), "EUR", **more)


def even(kwh: float, hours: float, *, begin: datetime = BEGIN, idle_hours: float = 0) -> Session:
    """So much energy at an even pace, read every quarter of an hour, then an idle car."""
    quarters = round(hours * 4)
    curve = [(begin + HOUR * index / 4, kwh * 1000 * index / quarters) for index in range(1, quarters + 1)]
    curve += [(begin + HOUR * (hours + index / 4), kwh * 1000) for index in range(1, round(idle_hours * 4) + 1)]
    return Session(begin, begin + HOUR * (hours + idle_hours), kwh * 1000, curve)


def told(found: Bill) -> list[tuple[str, str, str]]:
    return [(line.part, f"{line.quantity:f}", f"{line.gross}") for line in found.lines]


def test_it_works() -> None:
    found = bill(
        even(20, 2, idle_hours=1),
        terms(
            {"kind": "energy", "price": "0.40"},
            {"kind": "time", "price": "0.50", "per": "hour"},
            {"kind": "idle", "price": "0.10", "from_minutes": 15},
            {"kind": "session", "price": "1"},
        ),
    )
    assert told(found) == [
        ("energy", "20", "8.00"),
        ("time", "2", "1.00"),
        ("idle", "45", "4.50"),
        ("session", "1", "1.00"),
    ]
    assert (found.total, found.idle_from) == (Decimal("14.50"), BEGIN + 2 * HOUR)


def test_the_first_part_that_holds_applies() -> None:
    weekend = {"kind": "energy", "price": "0.10", "weekdays": [6, 7]}
    summer = {"kind": "energy", "price": "0.20", "from_day": "06-01", "to_day": "08-31"}
    usual = {"kind": "energy", "price": "0.30"}
    prices = terms(weekend, summer, usual)
    for day, price in ((date(2026, 6, 6), "0.10"), (date(2026, 6, 1), "0.20"), (date(2026, 9, 1), "0.30")):
        at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        assert bill(even(1, 1, begin=at), prices).total == Decimal(price)


def test_days_past_new_year_holidays_and_single_days() -> None:
    for part, day, holds in (
        ({"from_day": "11-15", "to_day": "02-15"}, "2026-12-31", True),
        ({"from_day": "11-15", "to_day": "02-15"}, "2026-02-16", False),
        ({"from_day": "2026-12-24", "to_day": "2026-12-26"}, "2026-12-26", True),
        ({"from_day": "2026-12-24", "to_day": "2026-12-26"}, "2027-12-24", False),
        ({"holidays": "only"}, "2026-12-25", True),
        ({"holidays": "except"}, "2026-12-25", False),
    ):
        at = datetime.fromisoformat(f"{day}T12:00:00+00:00")
        found = bill(
            Session(at, at + HOUR, 0),
            terms({"kind": "session", "price": 1, **part}),
            holidays=frozenset({date(2026, 12, 25)}),
        )
        assert bool(found.lines) is holds, (part, day)


def test_steps_of_energy_and_time() -> None:
    steps = terms(
        {"kind": "energy", "price": "0.50", "to_kwh": "2.5"},
        {"kind": "energy", "price": "0.40", "from_kwh": "2.5"},
        {"kind": "time", "price": "0.01", "to_minutes": 30},
        {"kind": "time", "price": "0.02", "from_minutes": 30, "to_minutes": 90},
    )
    assert told(bill(even(10, 2), steps)) == [
        ("energy", "2.5", "1.25"),
        ("energy", "7.5", "3.00"),
        ("time", "30", "0.30"),
        ("time", "60", "1.20"),
    ]


@pytest.mark.parametrize(
    ("begin", "night_kwh"),
    [
        # From 0:00 to 6:00 by the clock: five hours in March, seven in October, six otherwise.
        (datetime(2026, 3, 29, tzinfo=BERLIN), 5),
        (datetime(2026, 10, 25, tzinfo=BERLIN), 7),
        (datetime(2026, 6, 1, tzinfo=BERLIN), 6),
    ],
)
def test_days_on_which_the_clock_is_changed(begin: datetime, night_kwh: int) -> None:
    prices = terms(
        {"kind": "energy", "price": "0.20", "from_time": "22:00", "to_time": "06:00"},
        {"kind": "energy", "price": "0.30"},
    )
    begin = begin.astimezone(UTC)
    assert told(bill(even(10, 10, begin=begin), prices, zone=BERLIN)) == [
        ("energy", f"{night_kwh}", f"{night_kwh * Decimal('0.20')}"),
        ("energy", f"{10 - night_kwh}", f"{(10 - night_kwh) * Decimal('0.30')}"),
    ]


def test_an_hour_that_comes_twice_or_not_at_all() -> None:
    prices = terms({"kind": "time", "price": 1, "per": "hour", "from_time": "02:00", "to_time": "03:00"})
    for day, hours in ((29, 0), (25, 2)):
        begin = datetime(2026, 3 if day == 29 else 10, day, tzinfo=BERLIN).astimezone(UTC)
        found = bill(Session(begin, begin + 8 * HOUR, 1_000), prices, zone=BERLIN)
        assert found.total == hours


def test_prices_without_tax_and_parts_with_another_rate() -> None:
    parts = ({"kind": "energy", "price": "0.333"}, {"kind": "session", "price": "1", "tax_percent": 7})
    found = bill(even(10, 1), terms(*parts, prices_include_tax=False, tax_percent=Decimal(19)))
    assert [(line.net, line.tax, line.gross) for line in found.lines] == [
        (Decimal("3.33"), Decimal("0.63"), Decimal("3.96")),
        (Decimal("1.00"), Decimal("0.07"), Decimal("1.07")),
    ]
    found = bill(even(10, 1), terms(*parts, tax_percent=Decimal(19)))
    assert next((line.net, line.tax, line.gross) for line in found.lines) == (
        Decimal("2.80"),
        Decimal("0.53"),
        Decimal("3.33"),
    )


def test_idle_time_begins_with_the_last_noticeable_energy() -> None:
    """A car that tops up its 12 V battery stands idle all the same; one that pauses and goes on does not."""
    idle = terms({"kind": "idle", "price": 1, "per": "hour"})
    curve = [(BEGIN + HOUR, 10_000.0), (BEGIN + 2 * HOUR, 10_020.0), (BEGIN + 3 * HOUR, 10_040.0)]
    assert bill(Session(BEGIN, BEGIN + 3 * HOUR, 10_040, curve), idle).total == 2
    curve = [(BEGIN + HOUR, 10_000.0), (BEGIN + 2 * HOUR, 10_000.0), (BEGIN + 3 * HOUR, 20_000.0)]
    assert bill(Session(BEGIN, BEGIN + 3 * HOUR, 20_000, curve), idle).total == 0
    assert bill(Session(BEGIN, BEGIN + 9 * HOUR, 500), idle).total == 0, "no reading tells"


def test_dynamic_prices_and_the_price_without_them() -> None:
    part = {"kind": "energy", "price": "0.50", "dynamic": {"zone": "Z", "factor": "1.2", "markup": "0.05"}}
    slots = {"Z": [(BEGIN, BEGIN + HOUR, Decimal("0.10")), (BEGIN + HOUR, BEGIN + 2 * HOUR, Decimal("-0.3"))]}
    found = bill(even(3, 3), terms(part), slots=slots)
    assert (found.total, found.without_price_kwh) == (Decimal("0.67"), Decimal(1))
    assert found.lines[0].average
    prices = energy_prices(terms(part), BEGIN, BEGIN + 3 * HOUR, slots=slots)
    assert [(price, known) for _begin, _end, price, known in prices] == [
        (Decimal("0.17"), True),
        (Decimal("0"), True),
        (Decimal("0.50"), False),
    ]


# --- Properties -------------------------------------------------------------------------------------------------------

amounts = st.decimals(0, 3, places=5)
times = st.sampled_from(["00:00", "00:07", "02:30", "06:15", "12:00", "22:00", "23:59"])


@st.composite
def parts(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(["energy", "time", "idle", "session"]))
    part: dict[str, Any] = {"kind": kind, "price": draw(amounts)}
    if draw(st.booleans()):
        part |= {"from_time": draw(times), "to_time": draw(times)}
    if draw(st.booleans()):
        part["weekdays"] = draw(st.lists(st.integers(1, 7), min_size=1, max_size=7))
    if draw(st.booleans()):
        part["from_minutes"] = draw(st.integers(0, 300))
    if draw(st.booleans()):
        part["to_kwh"] = draw(st.decimals("0.001", 30, places=3))
    if kind == "energy" and draw(st.booleans()):
        part["dynamic"] = {"zone": "Z", "factor": draw(amounts), "markup": draw(st.decimals(-1, 1, places=5))}
    return part


@st.composite
def sessions(draw: st.DrawFn) -> Session:
    begin = draw(
        st.sampled_from([BEGIN, datetime(2026, 3, 28, 21, tzinfo=UTC), datetime(2026, 10, 24, 20, tzinfo=UTC)])
    )
    begin += timedelta(seconds=draw(st.integers(0, 86_400)))
    at, wh, curve = begin, 0, []
    for minutes, more in draw(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 20_000)), max_size=12)):
        at, wh = at + MINUTE * minutes, wh + more
        curve.append((at, float(wh)))
    return Session(begin, at + MINUTE * draw(st.integers(0, 600)), float(wh), curve)


tariffs = st.builds(
    lambda found, included, percent: terms(*found, prices_include_tax=included, tax_percent=Decimal(percent)),
    st.lists(parts(), min_size=1, max_size=6),
    st.booleans(),
    st.integers(0, 30),
)
SLOTS = {
    "Z": [(BEGIN + HOUR * index, BEGIN + HOUR * (index + 1), Decimal(index % 7 - 2) / 10) for index in range(0, 60, 2)]
}


@examples
@given(session=sessions(), prices=tariffs)
def test_lines_add_up_and_nothing_is_negative(session: Session, prices: Terms) -> None:
    found = bill(session, prices, zone=BERLIN, slots=SLOTS)
    assert found.total == sum(line.gross for line in found.lines) == sum(found.by_hour.values())
    assert all(line.net + line.tax == line.gross >= 0 and line.tax >= 0 for line in found.lines)
    assert all(amount >= 0 for amount in found.by_hour.values())
    assert sum(line.quantity for line in found.lines if line.part == "energy") <= Decimal(str(session.energy_wh)) / 1000
    assert session.started <= found.idle_from <= session.ended
    assert (
        bill(
            session,
            Terms(
                parse_parts([as_json(part) for part in prices.parts]),
                "EUR",
                prices.prices_include_tax,
                prices.tax_percent,
            ),
            zone=BERLIN,
            slots=SLOTS,
        )
        == found
    )


@examples
@given(session=sessions(), prices=tariffs, least=st.integers(0, 20), more=st.integers(0, 20))
def test_the_minimum_and_the_maximum_are_kept(session: Session, prices: Terms, least: int, more: int) -> None:
    low, high = Decimal(least), Decimal(least + more)
    free = bill(session, prices, zone=BERLIN).total
    limits = (prices.prices_include_tax, prices.tax_percent, low, high)
    found = bill(session, Terms(prices.parts, "EUR", *limits), zone=BERLIN)
    assert found.total == min(max(free, low), high)
    assert found.total == sum(line.gross for line in found.lines) == sum(found.by_hour.values())
    assert all(line.net + line.tax == line.gross for line in found.lines)
    assert sum(line.tax for line in found.lines) >= 0


@examples
@given(
    wh=st.lists(st.integers(0, 30_000), min_size=2, max_size=8),
    cut=st.integers(0, 7),
    price=amounts,
    night=amounts,
)
def test_splitting_a_session_does_not_change_its_energy_cost(
    wh: list[int], cut: int, price: Decimal, night: Decimal
) -> None:
    """But for the rounding of what is then two lines more."""
    prices = terms(
        {"kind": "energy", "price": night, "from_time": "08:20", "to_time": "09:10"}, {"kind": "energy", "price": price}
    )
    curve = [(BEGIN + MINUTE * 17 * (index + 1), float(sum(wh[: index + 1]))) for index in range(len(wh))]
    whole = bill(Session(BEGIN, curve[-1][0], curve[-1][1], curve), prices)
    at, reached = curve[cut % len(curve)]
    first = bill(Session(BEGIN, at, reached, [point for point in curve if point[0] <= at]), prices)
    rest = [(then, value - reached) for then, value in curve if then > at]
    second = bill(Session(at, curve[-1][0], curve[-1][1] - reached, rest), prices)
    lines = len(first.lines) + len(second.lines) + len(whole.lines)
    assert abs(first.total + second.total - whole.total) <= Decimal("0.005") * lines
    energy = [sum(line.quantity for line in part.lines) for part in (first, second, whole)]
    assert energy[0] + energy[1] == energy[2]


@examples
@given(session=sessions(), price=st.decimals(0, 2, places=5))
def test_one_price_costs_what_the_price_of_a_station_costs(session: Session, price: Decimal) -> None:
    assert bill(session, terms({"kind": "energy", "price": price})).total == cost_of(session.energy_wh, price)
