"""Energy by the hour is the energy of the transactions, however late the news that moves it."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from charging.ledger import hours, lost
from charging.models import Connector, Transaction
from tests.ledger.conftest import NewBench
from tests.ledger.harness import BEGIN, Bench, event, meter_16, start_16, stop_16

pytestmark = pytest.mark.django_db
examples = settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])


def agree(bench: Bench) -> None:
    """Each hour of the connector is the sum of what its transactions have in it, and their sum their energy."""
    rows = bench.transactions()
    expected: dict[str, float] = {}
    cost = Decimal(0)
    for row in rows:
        assert sum(row.hourly_wh.values()) == pytest.approx(row.energy_wh, abs=1e-3)
        for hour, wh in row.hourly_wh.items():
            expected[hour] = expected.get(hour, 0.0) + wh
            cost += hours.cost_in_hour(wh, row.price_per_kwh or Decimal(0))
    assert bench.hours() == {hour: pytest.approx(wh, abs=1e-3) for hour, wh in expected.items() if wh > 1e-6}
    assert bench.hourly_cost() == cost
    assert abs(cost - sum((row.cost or Decimal(0) for row in rows), Decimal(0))) <= Decimal("0.006") * len(rows)


def test_it_works(bench: NewBench):
    """Ten minutes before the hour, forty after it."""
    one = bench()
    known = json.loads(one.feed([start_16(0, 1_000)])[0].text)[2]["transactionId"]
    one.feed([meter_16(10, 1_600, known), meter_16(40, 2_000, known), stop_16(50, 2_400, known)])
    assert one.hours() == {
        BEGIN.replace(minute=0).isoformat(): 600,
        (BEGIN + timedelta(hours=1)).replace(minute=0).isoformat(): 800,
    }
    agree(one)


@examples
@given(
    taken=st.lists(st.integers(0, 20_000), min_size=1, max_size=12),
    minutes=st.integers(1, 45),
    data=st.data(),
    price=st.decimals(0, 2, places=5),
)
def test_whatever_comes_in_whatever_order(bench: NewBench, taken, minutes, data, price):
    one = bench("2.0.1", price_per_kwh=price)
    register, messages = 1_000, [event("Started", 0, 0, 1_000)]
    for index, wh in enumerate(taken, start=1):
        register += wh
        messages.append(event("Updated", index, index * minutes, register))
    messages.append(event("Ended", len(taken) + 1, (len(taken) + 1) * minutes, register))
    one.feed(data.draw(st.permutations(messages)), size=data.draw(st.integers(1, 4)))
    assert one.transactions()[0].energy_wh == sum(taken)
    agree(one)


def test_many_small_bookings_add_up_to_the_cost_of_their_sum(bench: NewBench, monkeypatch):
    """Each of them rounds away half of what it costs."""
    monkeypatch.setattr(hours, "BOOK_EVERY_S", 0.0)
    one = bench(price_per_kwh=Decimal("0.12345"))
    known = json.loads(one.feed([start_16(0, 1_000)])[0].text)[2]["transactionId"]
    for index in range(1, 61):
        one.feed([meter_16(index / 60, 1_000 + index * 10, known)])
    assert one.hourly_cost() == hours.cost_in_hour(600, Decimal("0.12345")) == Decimal("0.07407")
    one.feed([stop_16(2, 1_600, known)])
    agree(one)


def test_a_later_correction_moves_the_hours(bench: NewBench):
    """Closed without its stop, then stopped after all; then a value comes that makes a dip of what was a restart."""
    one = bench()
    known = json.loads(one.feed([start_16(0, 50_000)])[0].text)[2]["transactionId"]
    one.feed([meter_16(20, 51_000, known)])
    row = one.transactions()[0]
    Connector.objects.filter(station=one.station).update(
        status="Available", status_received_at=row.created_at + timedelta(seconds=1)
    )
    assert lost.close(row.pk, row.created_at + timedelta(minutes=10))
    one.ledger.states.clear()
    (row,) = one.transactions()
    assert (row.state, row.energy_wh, row.flags, row.final) == ("lost", 1_000, ["stop_lost"], False)
    assert row.ended == BEGIN + timedelta(minutes=20)
    agree(one)
    one.feed([stop_16(90, 54_000, known)])
    (row,) = one.transactions()
    assert (row.state, row.energy_wh, row.flags, row.final) == ("ended", 4_000, [], True)
    assert row.ended == BEGIN + timedelta(minutes=90)
    agree(one)


def test_values_that_come_late_for_a_lost_stop_still_count(bench: NewBench):
    one = bench()
    known = json.loads(one.feed([start_16(0, 50_000)])[0].text)[2]["transactionId"]
    Transaction.objects.update(state="lost", ended=BEGIN)
    one.ledger.states.clear()
    one.feed([meter_16(20, 51_000, known), meter_16(30, 52_000, known)])
    (row,) = one.transactions()
    assert (row.state, row.energy_wh, row.ended) == ("lost", 2_000, BEGIN + timedelta(minutes=30))
    agree(one)


def test_what_a_dropped_state_had_not_booked_is_booked_in_the_end(bench: NewBench):
    """As after a crash: energy that was counted, and not yet booked to its hour, is only remembered in memory."""
    one = bench()
    known = json.loads(one.feed([start_16(0, 1_000)])[0].text)[2]["transactionId"]
    one.feed([meter_16(minute, 1_000 + minute * 100, known) for minute in (1, 2, 3)])
    one.ledger.states.clear()
    one.feed([meter_16(5, 1_500, known), stop_16(6, 1_600, known)])
    assert one.transactions()[0].energy_wh == 600
    agree(one)
