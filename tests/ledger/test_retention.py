"""Readings that have served go; what a session comes to stays, whatever still comes for it."""

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from charging import retention
from charging.actions.corrections import correct_transaction, undo_correction
from charging.boards.transaction import TransactionBoard
from charging.models import MeterReading, Pulse
from charging.retention import prune_readings
from mobility.errors import Conflict
from tests.ledger.conftest import NewBench
from tests.ledger.harness import Bench, event, meter_16, start_16, stop_16
from tests.ledger.test_corrections import held, person

pytestmark = pytest.mark.django_db
LATER = timedelta(days=500)


def charge(one: Bench, *, end: bool = True) -> int:
    """A session of 1.5 kWh with three readings; its transaction id."""
    known = int(json.loads(one.feed([start_16(0, 1_000)])[0].text)[2]["transactionId"])
    one.feed([meter_16(minutes, wh, known) for minutes, wh in ((10, 1_200), (20, 2_000), (30, 2_400))])
    if end:
        one.feed([stop_16(40, 2_500, known)])
    return known


def left(one: Bench) -> list[int]:
    return [round(row.energy_wh or 0) for row in MeterReading.objects.filter(station=one.station).order_by("pk")]


def stands(one: Bench) -> tuple[Any, ...]:
    (row,) = one.transactions()
    return row.state, row.energy_wh, row.cost, row.hourly_wh, row.flags, row.final, one.hours(), one.hourly_cost()


def test_readings_go_and_the_session_stays(bench: NewBench) -> None:
    one = bench()
    known = charge(one)
    one.feed([meter_16(50, 2_600, None)])
    before = stands(one)
    assert before[1:3] == (1_500, Decimal("0.44"))
    assert prune_readings(timezone.now()) == 0
    assert prune_readings(timezone.now() + LATER) == 4
    assert (left(one), stands(one)) == ([], before)
    # What comes late is kept and moves nothing: from it alone the session would come to something else.
    one.feed([meter_16(15, 1_900, known), stop_16(45, 9_000, known)])
    assert (left(one), stands(one)) == ([1_900], before)
    (row,) = one.transactions()
    board = TransactionBoard(person(one, "viewer"), {"transaction": str(row.pk)})
    board.fill()
    assert (board.is_without_curve, board.curves) == (True, [])


def test_what_runs_or_is_held_back_keeps_them(bench: NewBench) -> None:
    running, waiting = bench(), bench()
    charge(running, end=False)
    row = held(waiting)
    waiting.feed([meter_16(20, 11_000, int(row.transaction_id))])
    assert prune_readings(timezone.now() + LATER) == 0
    assert (left(running), left(waiting)) == ([1_200, 2_000, 2_400], [11_000])
    # The session that runs is counted on, and settled when it ends.
    running.feed([meter_16(60, 3_000, int(running.transactions()[0].transaction_id))])
    assert running.transactions()[0].energy_wh == 2_000


def test_the_ends_stay(bench: NewBench) -> None:
    one = bench("2.0.1")
    one.feed([event("Started", 0, 0, 1_000), event("Updated", 1, 10, 1_700), event("Ended", 2, 20, 2_000)])
    before = stands(one)
    assert prune_readings(timezone.now() + LATER) == 1
    contexts = [row.samples[0][5] for row in MeterReading.objects.filter(station=one.station).order_by("pk")]
    assert (contexts, stands(one)) == (["Transaction.Begin", "Transaction.End"], before)


def test_an_undone_correction_would_need_them(bench: NewBench) -> None:
    one = bench()
    row, manager = held(one), person(one, "manager")
    correct_transaction(manager, transaction=row, reason="The meter was swapped", energy_wh=6_000)
    before = stands(one)
    prune_readings(timezone.now() + LATER)
    with pytest.raises(Conflict) as refused:
        undo_correction(manager, transaction=row)
    assert refused.value.code == "readings_gone"
    assert stands(one) == before


def test_slice_by_slice_once_a_day_and_never_back(
    bench: NewBench, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "SLICE", 2)
    one = bench()
    one.feed([meter_16(minutes, minutes, None) for minutes in range(1, 8)])
    # The key follows time: the newer ones came a day later.
    keys = list(MeterReading.objects.order_by("pk").values_list("pk", flat=True))
    now = timezone.now()
    MeterReading.objects.filter(pk__in=keys[5:]).update(received_at=now + timedelta(days=1))
    settings.METER_READING_DAYS = 30
    assert prune_readings(now + timedelta(days=30, hours=1)) == 5
    until = Pulse.objects.get(name=retention.MARK).at
    assert prune_readings(now + timedelta(days=30, hours=20)) == 0
    settings.METER_READING_DAYS = 400
    assert prune_readings(now + timedelta(days=40)) == 0
    assert Pulse.objects.get(name=retention.MARK).at == until
    settings.METER_READING_DAYS = 0
    assert prune_readings(now + LATER) == 0
    settings.METER_READING_DAYS = 30
    assert prune_readings(now + timedelta(days=32)) == 2
