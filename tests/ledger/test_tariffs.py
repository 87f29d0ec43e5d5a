"""The cost of a session under a tariff: kept with its version, current while it runs, exact at its end, and the hours
add up to it."""

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from charging.idle_costs import tick
from charging.ledger import tariffs as ledger_tariffs
from charging.models import Connector, IdTag, PriceSlot, Site, Tariff, TariffAssignment, TariffVersion, Transaction
from charging.queries.tariffs import key_of
from tests.ledger.conftest import NewBench
from tests.ledger.harness import BEGIN, TAG, Bench, event, meter_16, start_16, stop_16

pytestmark = pytest.mark.django_db
examples = settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
LONG_AGO = BEGIN - timedelta(days=400)
ENERGY = {"kind": "energy", "price": "0.40"}
IDLE = {"kind": "idle", "price": "0.10", "from_minutes": "10"}
FEE = {"kind": "session", "price": "1.00"}


def tariff(bench: Bench, *parts: dict[str, Any], name: str = "Usual", **version: Any) -> Tariff:
    made = Tariff.objects.create(organization=bench.station.organization, name=name)
    TariffVersion.objects.create(tariff=made, number=1, valid_from=LONG_AGO, parts=list(parts), **version)
    return made


def assign(bench: Bench, made: Tariff, scope: str = "organization", target: object = "") -> None:
    TariffAssignment.objects.create(
        organization=bench.station.organization, tariff=made, scope=scope, key=key_of(scope, target)
    )


def priced(bench: Bench, *parts: dict[str, Any], **version: Any) -> Tariff:
    made = tariff(bench, *parts, **version)
    assign(bench, made)
    return made


def begin(bench: Bench, minutes: float = 0) -> int:
    return int(json.loads(bench.feed([start_16(minutes, 1_000)])[0].text)[2]["transactionId"])


def only(bench: Bench) -> Transaction:
    (row,) = bench.transactions()
    return row


def agree(bench: Bench) -> None:
    rows = bench.transactions()
    assert bench.hourly_cost() == sum((row.cost or Decimal(0) for row in rows), Decimal(0))
    for row in rows:
        assert sum(Decimal(line["gross"]) for line in row.cost_lines) == row.cost


def test_it_works(bench: NewBench):
    """Ten minutes before the hour and twenty after it 2 kWh flow, then the car stands for half an hour."""
    one = bench()
    priced(one, ENERGY, IDLE, FEE, tax_percent=19)
    known = begin(one)
    one.feed([meter_16(10, 2_000, known), meter_16(30, 3_000, known), meter_16(45, 3_000, known)])
    one.feed([stop_16(60, 3_000, known)])
    row = only(one)
    assert [(line["part"], line["quantity"], line["gross"]) for line in row.cost_lines] == [
        ("energy", "2", "0.80"),
        ("idle", "20", "2.00"),
        ("session", "1", "1.00"),
    ]
    assert (row.cost, row.price_per_kwh, row.final) == (Decimal("3.80"), None, True)
    assert {line["tax_percent"] for line in row.cost_lines} == {"19.00"}
    agree(one)


def test_the_running_cost_follows_at_intervals(bench: NewBench, monkeypatch):
    one = bench()
    priced(one, ENERGY, FEE)
    known = begin(one)
    one.feed([meter_16(5, 2_000, known)])
    assert only(one).cost == Decimal("1.40")
    one.feed([meter_16(6, 3_000, known)])
    assert (only(one).energy_wh, only(one).cost) == (2_000, Decimal("1.40")), "not yet computed again"
    monkeypatch.setattr(ledger_tariffs, "PRICE_EVERY_S", 0.0)
    one.feed([meter_16(12, 4_000, known)])
    assert only(one).cost == Decimal("2.20")
    agree(one)
    # As after a restart.
    one.ledger.states.clear()
    one.feed([meter_16(13, 5_000, known)])
    assert only(one).cost == Decimal("2.60")
    one.feed([stop_16(14, 5_000, known)])
    agree(one)


def test_a_session_keeps_the_version_it_began_with(bench: NewBench):
    one = bench()
    made = priced(one, ENERGY)
    known = begin(one)
    TariffVersion.objects.create(tariff=made, number=2, valid_from=LONG_AGO, parts=[ENERGY | {"price": "9"}])
    one.feed([stop_16(30, 2_000, known)])
    assert only(one).cost == Decimal("0.40")
    other = begin(one, 40)
    one.feed([stop_16(50, 2_000, other)])
    assert [row.cost for row in one.transactions()] == [Decimal("0.40"), Decimal("9.00")]
    agree(one)


def test_a_version_to_come_does_not_hold_yet(bench: NewBench):
    one = bench()
    made = priced(one, ENERGY)
    TariffVersion.objects.filter(tariff=made).update(valid_from=BEGIN + timedelta(minutes=5))
    known = begin(one)
    one.feed([stop_16(10, 2_000, known)])
    assert (only(one).cost, only(one).tariff_version, only(one).cost_lines) == (Decimal("0.29"), None, [])


def test_the_more_particular_assignment_wins(bench: NewBench):
    one = bench()
    site = Site.objects.create(organization=one.station.organization, name="S", time_zone="Europe/Berlin")
    one.station.site = site
    one.station.save()
    user = User.objects.create_user("driver@example.com", "x")
    tag = IdTag.objects.get(organization=one.station.organization, id_tag=TAG)
    IdTag.objects.filter(pk=tag.pk).update(user=user, parent_id_tag="Fleet 1")
    targets: list[tuple[str, object]] = [
        ("organization", ""),
        ("site", site.pk),
        ("station", one.station.pk),
        ("tag_group", "FLEET1"),
        ("id_tag", tag.pk),
        ("user", user.pk),
    ]
    for index, (scope, target) in enumerate(targets, start=1):
        assign(one, tariff(one, FEE | {"price": str(index)}, name=scope), scope, target)
        known = begin(one, index * 10)
        one.feed([stop_16(index * 10 + 5, 1_500, known)])
        assert one.transactions()[-1].cost == index, scope
    agree(one)


def test_a_tag_that_is_told_late_decides_all_the_same(bench: NewBench):
    """2.x: plugged in first, authorized then; what was booked at the station's price goes with it."""
    one = bench("2.0.1")
    tag = IdTag.objects.get(organization=one.station.organization, id_tag=TAG)
    assign(one, tariff(one, ENERGY, FEE), "id_tag", tag.pk)
    one.feed([event("Started", 0, 0, 1_000), event("Updated", 1, 30, 2_000)])
    assert only(one).cost == Decimal("0.29")
    one.feed([event("Updated", 2, 31, 3_000, token=TAG)])
    one.due()
    assert only(one).cost == Decimal("1.80")
    agree(one)
    one.feed([event("Ended", 3, 40, 4_000)])
    assert only(one).cost == Decimal("2.20")
    agree(one)


def test_dynamic_prices_by_the_quarter_and_the_price_without_them(bench: NewBench):
    one = bench()
    part = ENERGY | {"dynamic": {"zone": "DE-LU", "factor": "2", "markup": "0.10"}}
    priced(one, part)
    for quarter, price in enumerate((Decimal("0.10"), Decimal("-0.20"))):
        at = BEGIN + timedelta(minutes=10 + 15 * quarter)
        PriceSlot.objects.create(
            organization=one.station.organization,
            zone="DE-LU",
            begin=at,
            end=at + timedelta(minutes=15),
            price_per_kwh=price,
        )
    known = begin(one)
    # 1 kWh each: no slot (0.40), 0.30, below nothing, no slot.
    one.feed([meter_16(m, wh, known) for m, wh in ((10, 2_000), (25, 3_000), (40, 4_000))])
    one.feed([stop_16(50, 5_000, known)])
    row = only(one)
    assert row.cost == Decimal("1.10")
    assert (row.cost_lines[0]["average"], row.cost_lines[0]["price"]) == (True, "0.27500")
    agree(one)


@examples
@given(
    taken=st.lists(st.integers(0, 20_000), min_size=1, max_size=10),
    minutes=st.integers(1, 45),
    included=st.booleans(),
    data=st.data(),
)
def test_whatever_comes_in_whatever_order(bench: NewBench, taken, minutes, included, data):
    one = bench("2.0.1")
    night = ENERGY | {"price": "0.123", "from_time": "10:05", "to_time": "12:00"}
    terms: dict[str, Any] = {"prices_include_tax": included, "tax_percent": 19, "minimum": Decimal(2)}
    priced(one, night, ENERGY, IDLE, FEE, **terms)
    register, messages = 1_000, [event("Started", 0, 0, 1_000)]
    for index, wh in enumerate(taken, start=1):
        register += wh
        messages.append(event("Updated", index, index * minutes, register))
    messages.append(event("Ended", len(taken) + 1, (len(taken) + 1) * minutes, register))
    one.feed(messages)
    agree(one)
    expected = only(one)
    other = bench("2.0.1")
    priced(other, night, ENERGY, IDLE, FEE, **terms)
    other.feed(data.draw(st.permutations(messages)), size=data.draw(st.integers(1, 4)))
    assert (only(other).cost, only(other).cost_lines) == (expected.cost, expected.cost_lines)
    assert only(other).hourly_cost == expected.hourly_cost
    agree(other)


def test_idle_time_costs_by_the_minute_without_a_meter_value(bench: NewBench, monkeypatch):
    """What is shown grows while nothing is heard, and is at every moment what the bill would be."""
    monkeypatch.setattr(ledger_tariffs, "PRICE_EVERY_S", 0.0)
    one = bench()
    priced(one, ENERGY, IDLE, FEE)
    known = begin(one)
    one.feed([meter_16(10, 2_000, known), meter_16(30, 3_000, known)])
    assert only(one).cost == Decimal("1.80")
    Connector.objects.update(power_w=0)

    def shown(minutes: float) -> Decimal | None:
        tick(BEGIN + timedelta(minutes=minutes))
        return only(one).cost

    assert shown(30.5) == Decimal("1.80"), "heard of late"
    assert shown(39) == Decimal("1.80"), "the grace of ten minutes"
    assert [shown(41), shown(42), shown(55)] == [Decimal("1.90"), Decimal("2.00"), Decimal("3.30")]
    # A car that charges again costs nothing for standing, whatever was shown.
    Connector.objects.update(power_w=7_000)
    assert tick(BEGIN + timedelta(minutes=59)) == 0
    Connector.objects.update(power_w=0)
    assert shown(60) == Decimal("3.80")
    one.feed([meter_16(60, 3_000, known)])
    assert only(one).cost == Decimal("3.80")
    agree(one)
    Connector.objects.update(power_w=0)
    assert shown(75) == Decimal("5.30")
    one.feed([stop_16(75, 3_000, known)])
    assert only(one).cost == Decimal("5.30")
    agree(one)
    assert tick(BEGIN + timedelta(minutes=90)) == 0, "it has ended"


def test_a_tariff_without_idle_time_and_a_price_per_kwh_have_nothing_to_count(bench: NewBench):
    one = bench()
    priced(one, ENERGY, FEE)
    known = begin(one)
    one.feed([meter_16(10, 2_000, known)])
    Connector.objects.update(power_w=0)
    assert tick(BEGIN + timedelta(hours=3)) == 0
