"""A corrected bill stays what a person said, whatever still comes; undone, it is what the messages say."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.actors import Actor, actor_of
from accounts.models import Audit, Membership, User
from charging.actions.corrections import correct_transaction, undo_correction
from charging.models import Correction, Transaction
from mobility.errors import Conflict, Forbidden, Invalid, NotFound
from tests.ledger.conftest import NewBench
from tests.ledger.harness import BEGIN, Bench, event, meter_16, start_16, stop_16
from tests.ledger.test_tariffs import ENERGY, FEE, priced

pytestmark = pytest.mark.django_db


def person(bench: Bench, role: str) -> Actor:
    user = User.objects.create_user(f"{role}@example.com", "x")
    Membership.objects.create(organization=bench.station.organization, user=user, role=role)
    return actor_of(user)


def held(bench: Bench) -> Transaction:
    """0.29 a kWh; from 9:50 to 10:40 by its messages, whose stop is below its start."""
    known = json.loads(bench.feed([start_16(0, 10_000)])[0].text)[2]["transactionId"]
    bench.feed([stop_16(50, 4_000, known)])
    (row,) = bench.transactions()
    assert (row.energy_wh, row.final) == (0, False)
    assert "stop_below_start" in row.flags
    return row


def values(bench: Bench) -> tuple[float, Decimal | None, bool, bool]:
    (row,) = bench.transactions()
    return row.energy_wh, row.cost, row.final, row.corrected


def test_a_held_bill_is_corrected_and_undone(bench: NewBench) -> None:
    one = bench()
    row, manager = held(one), person(one, "manager")
    made = correct_transaction(manager, transaction=row, reason=" The meter was swapped ", energy_wh=6_000)
    assert values(one) == (6_000, Decimal("1.74"), True, True)
    assert (made.said_energy_wh, made.said_cost, made.reason) == (0, Decimal("0.00"), "The meter was swapped")
    # Ten of fifty minutes lie before the full hour.
    hour = BEGIN.replace(minute=0)
    assert one.hours() == {hour.isoformat(): 1_200, (hour + timedelta(hours=1)).isoformat(): 4_800}
    assert one.hourly_cost() == Decimal("1.74")
    audit = Audit.objects.get(action="transaction.correct")
    assert (audit.actor, audit.details["energy_wh"], audit.details["reason"]) == (
        manager.user,
        6_000,
        " The meter was swapped ",
    )
    undo_correction(manager, transaction=row)
    assert values(one) == (0, Decimal("0.00"), False, False)
    assert one.hours() == {}
    assert one.hourly_cost() == 0
    assert Correction.objects.get().undone_by == manager.user
    # And once more, with all of it.
    end = BEGIN + timedelta(minutes=5)
    correct_transaction(
        manager, transaction=row, reason="As agreed", energy_wh="7000.5", ended=end, cost=Decimal("5.00")
    )
    assert values(one) == (7_000.5, Decimal("5.00"), True, True)
    assert one.transactions()[0].ended == end
    assert (one.hours(), one.hourly_cost()) == ({hour.isoformat(): 7_000.5}, Decimal("5.00"))


def test_what_comes_late_is_kept_and_changes_nothing_that_shows(bench: NewBench) -> None:
    one = bench("2.0.1")
    messages = [event("Started", 0, 0, 1_000), event("Updated", 1, 20, 2_000), event("Ended", 3, 40, 3_000)]
    one.feed(messages)
    (row,) = one.transactions()
    assert (row.flags, row.final) == (["seq_gap"], False)
    manager = person(one, "manager")
    correct_transaction(manager, transaction=row, reason="By the car's display", energy_wh=1_500)
    assert values(one) == (1_500, Decimal("0.44"), True, True)
    one.ledger.states.clear()
    one.feed([event("Updated", 2, 30, 2_400), event("Ended", 4, 60, 9_000)])
    assert values(one) == (1_500, Decimal("0.44"), True, True)
    assert sum(one.hours().values()) == pytest.approx(1_500)
    assert one.hourly_cost() == Decimal("0.44")
    (row,) = one.transactions()
    assert row.flags == []
    assert row.ended == BEGIN + timedelta(minutes=40)
    said = Correction.objects.get()
    assert (said.said_energy_wh, said.said_ended) == (8_000, BEGIN + timedelta(minutes=60))
    undo_correction(manager, transaction=row)
    assert values(one) == (8_000, Decimal("2.32"), True, False)
    assert sum(one.hours().values()) == pytest.approx(8_000)
    assert one.hourly_cost() == Decimal("2.32")


def test_a_bill_under_a_tariff_and_its_hours(bench: NewBench) -> None:
    """The cost that is left out follows the tariff; the hours add up to whatever the bill says."""
    one = bench("2.0.1")
    priced(one, ENERGY, FEE)
    one.feed([event("Started", 0, 0, 1_000), event("Updated", 1, 20, 2_000), event("Ended", 3, 40, 3_000)])
    (row,) = one.transactions()
    assert (row.cost, row.final) == (Decimal("1.80"), False)
    manager = person(one, "manager")
    correct_transaction(manager, transaction=row, reason="By the car's display", energy_wh=5_000)
    assert values(one) == (5_000, Decimal("3.00"), True, True)
    assert one.hourly_cost() == Decimal("3.00")
    one.feed([event("Ended", 4, 50, 4_000)])
    assert one.hourly_cost() == Decimal("3.00")
    undo_correction(manager, transaction=row)
    assert values(one) == (3_000, Decimal("2.20"), False, False)
    assert one.hourly_cost() == Decimal("2.20")


def test_a_bill_is_confirmed_as_it_stands(bench: NewBench) -> None:
    one = bench("2.0.1")
    one.feed([event("Started", 0, 0, 1_000), event("Ended", 2, 40, 3_000)])
    (row,) = one.transactions()
    correct_transaction(person(one, "owner"), transaction=row, reason="Looks right")
    assert values(one) == (2_000, Decimal("0.58"), True, True)


def test_who_and_what_is_refused(bench: NewBench) -> None:
    one = bench()
    running = json.loads(one.feed([start_16(0, 10_000, connector=2)])[0].text)[2]["transactionId"]
    (row,) = one.transactions()
    manager, driver = person(one, "manager"), person(one, "driver")
    with pytest.raises(Conflict) as conflict:
        correct_transaction(manager, transaction=row, reason="Too early")
    assert conflict.value.code == "transaction_running"
    one.feed([meter_16(10, 11_000, running, connector=2), stop_16(20, 12_000, running)])
    with pytest.raises(Conflict) as conflict:
        correct_transaction(manager, transaction=row, reason="All is well")
    assert conflict.value.code == "bill_final"
    Transaction.objects.update(final=False)
    with pytest.raises(Forbidden):
        correct_transaction(driver, transaction=row, reason="Cheaper", cost=0)
    with pytest.raises(NotFound):
        correct_transaction(actor_of(User.objects.create_user("s@example.com", "x")), transaction=row, reason="Mine")
    late = timezone.now() + timedelta(days=1)
    with pytest.raises(Invalid) as invalid:
        correct_transaction(manager, transaction=row, reason=" ", energy_wh="-1", cost="1.234", ended=late)
    assert set(invalid.value.fields) == {"energy_wh", "cost", "ended", "reason"}
    with pytest.raises(Conflict):
        undo_correction(manager, transaction=row)
    correct_transaction(manager, transaction=row, reason="By hand")
    with pytest.raises(Conflict) as conflict:
        correct_transaction(manager, transaction=row, reason="By hand again")
    assert conflict.value.code == "already_corrected"
