"""One commit for many messages: what one of them breaks, what another process does meanwhile, what it costs."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import DatabaseError, OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext

from charging.facts import MeterRead, Stamp, StatusChanged
from charging.ledger import hours
from charging.ledger.core import Ledger, NotApplied, OutcomeUnknown, is_rolled_back
from charging.models import (
    Change,
    Connector,
    MeterReading,
    OcppMessage,
    QuarantinedMessage,
    Transaction,
    TransactionEvent,
)
from tests.ledger import harness
from tests.ledger.conftest import NewBench
from tests.ledger.harness import BEGIN, TAG, Bench, event, meter_16, start_16, stop_16

pytestmark = pytest.mark.django_db


def begin(bench: Bench, wh: float = 1_000, minutes: float = 0) -> int:
    return int(json.loads(bench.feed([start_16(minutes, wh)])[0].text)[2]["transactionId"])


def test_one_bad_message_of_twenty_harms_only_itself(bench: NewBench):
    one = bench()
    known = begin(one)
    works = [one.work(*meter_16(minute, 1_000 + minute, known)) for minute in range(1, 21)]
    bad = works[7].fact
    assert isinstance(bad, MeterRead)
    works[7].fact = replace(bad, readings=[replace(bad.readings[0], samples=[object()])])  # type: ignore[list-item]
    one.ledger._commit(works)
    assert [work.error for work in works] == [None] * 20
    assert [json.loads(work.text)[:2] for work in works] == [[3, "m"]] * 20
    assert MeterReading.objects.filter(station=one.station).count() == 19
    (kept,) = QuarantinedMessage.objects.filter(station=one.station)
    assert json.loads(kept.payload["raw"])[2] == "MeterValues"
    assert OcppMessage.objects.filter(station=one.station, action="MeterValues").count() == 20
    assert one.transactions()[0].energy_wh == 20


def test_a_bad_start_is_kept_and_answered_with_a_number(bench: NewBench):
    one = bench()
    work = one.work(*start_16(0, 1_000))
    work.fact = replace(work.fact, meter_wh="none")
    one.ledger._commit([work])
    assert work.error is None
    assert json.loads(work.text)[2]["transactionId"] > 0
    assert not one.transactions()
    assert QuarantinedMessage.objects.filter(station=one.station).count() == 1


def test_a_bad_message_that_is_no_transaction_message_is_an_own_failure(bench: NewBench):
    one = bench()
    now = datetime.now(UTC)
    good = one.work(*start_16(0, 1_000))
    bad = one.work(*start_16(0, 2_000))
    bad.fact = StatusChanged(1, 1, object(), Stamp(now, now))  # type: ignore[arg-type]
    one.ledger._commit([bad, good])
    assert isinstance(bad.error, NotApplied)
    assert good.error is None
    assert len(one.transactions()) == 1
    assert QuarantinedMessage.objects.count() == 0


def test_a_reading_that_another_process_has_written_is_found(bench: NewBench):
    one = bench()
    known = begin(one)
    one.feed([meter_16(10, 1_500, known)])
    with harness.ledger() as other:
        copy_of(one, other).feed([meter_16(20, 2_000, known)])
    one.feed([meter_16(20, 2_000, known), meter_16(30, 2_500, known)], size=2)
    assert MeterReading.objects.filter(station=one.station).count() == 3
    assert one.transactions()[0].energy_wh == 1_500
    assert QuarantinedMessage.objects.count() == 0


def copy_of(bench: Bench, other: Ledger) -> Bench:
    """The same station as another process's ledger sees it."""
    elsewhere = object.__new__(Bench)
    elsewhere.__dict__.update(bench.__dict__, ledger=other)
    return elsewhere


def test_a_transaction_that_another_process_has_closed_is_not_booked_twice(bench: NewBench, monkeypatch):
    """The first ledger remembers it as running, with energy that the second one has booked and closed."""
    monkeypatch.setattr(hours, "BOOK_EVERY_S", 0.0)
    one = bench()
    known = begin(one)
    one.feed([meter_16(20, 2_000, known)])
    with harness.ledger() as other:
        copy_of(one, other).feed([stop_16(40, 3_000, known)])
    assert one.transactions()[0].state == "ended"
    one.feed([meter_16(30, 2_500, known)])
    one.feed([stop_16(40, 3_000, known)])
    (row,) = one.transactions()
    assert (row.state, row.energy_wh) == ("ended", 2_000)
    assert sum(one.hours().values()) == pytest.approx(2_000)
    assert sum(row.hourly_wh.values()) == pytest.approx(2_000)


def test_what_another_process_has_booked_is_not_booked_again(bench: NewBench):
    """Both remember it as running, as when a station's connection moves while frames are on their way."""
    one = bench()
    known = begin(one)
    with harness.ledger() as other:
        elsewhere = copy_of(one, other)
        elsewhere.feed([meter_16(20, 2_000, known), meter_16(10, 1_500, known)])
        assert sum(one.hours().values()) == pytest.approx(1_000)
        one.feed([stop_16(40, 3_000, known)])
    assert sum(one.hours().values()) == pytest.approx(2_000)


def test_a_transaction_that_another_process_has_closed_is_not_reopened(bench: NewBench):
    """Its stop was lost; a value that comes late settles it again, as closed."""
    one = bench()
    known = begin(one)
    one.feed([meter_16(20, 2_000, known)])
    with harness.ledger() as other:
        elsewhere = copy_of(one, other)
        begin(elsewhere, wh=2_000, minutes=60)
    assert [row.state for row in one.transactions()] == ["superseded", "charging"]
    one.feed([meter_16(10, 1_500, known)])
    assert [row.state for row in one.transactions()] == ["superseded", "charging"]


@pytest.mark.django_db(transaction=True)
def test_a_message_that_no_database_takes_now_is_neither_kept_nor_answered(bench: NewBench, monkeypatch):
    """Refused by the database again and again is not the message's fault: the station is told to try again."""
    one = bench()
    one.feed([start_16(0, 1_000)])

    def busy(*_: Any) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr("charging.ledger.core.time.sleep", lambda _: None)
    monkeypatch.setattr("charging.live.store", busy)
    work = one.work(*start_16(60, 2_000))
    one.ledger._commit([work])
    assert isinstance(work.error, NotApplied)
    assert not one.ledger.healthy
    monkeypatch.undo()
    assert len(one.transactions()) == 1
    assert QuarantinedMessage.objects.count() == 0
    one.feed([start_16(60, 2_000)])
    assert one.ledger.healthy
    assert len(one.transactions()) == 2


@pytest.mark.django_db(transaction=True)
def test_a_commit_of_unknown_outcome_is_not_answered(bench: NewBench, monkeypatch):
    class Broken(transaction.Atomic):
        def __exit__(self, *error: Any) -> None:
            super().__exit__(*error)
            raise OperationalError("server closed the connection unexpectedly")

    one = bench()
    broken = SimpleNamespace(atomic=lambda: Broken(None, True, False))
    monkeypatch.setattr("charging.ledger.core.transaction", broken)
    work = one.work(*start_16(0, 1_000))
    one.ledger._commit([work])
    assert isinstance(work.error, OutcomeUnknown)
    monkeypatch.undo()
    one.feed([start_16(0, 1_000)])
    assert len(one.transactions()) == 1


@pytest.mark.parametrize(("sqlstate", "known"), [("40P01", True), ("53100", True), ("57P01", False), (None, False)])
def test_a_commit_that_the_database_undid_is_known_to_be_undone(sqlstate, known):
    class Cause(Exception):
        pass

    cause, error = Cause(), DatabaseError()
    cause.sqlstate = sqlstate  # type: ignore[attr-defined]
    error.__cause__ = cause
    assert is_rolled_back(error) is known


def test_a_number_that_a_station_gives_to_two_events_drops_neither(bench: NewBench):
    one = bench("2.0.1")
    one.feed([event("Started", 0, 0, 1_000), event("Updated", 0, 10, 1_500), event("Ended", 0, 20, 2_000)])
    one.feed([event("Ended", 0, 20, 2_000)])
    (row,) = one.transactions()
    assert (row.state, row.energy_wh) == ("ended", 1_000)
    assert TransactionEvent.objects.filter(transaction=row).count() == 3


def test_a_remote_start_id_that_is_used_again_marks_the_first_transaction_only(bench: NewBench):
    one = bench("2.0.1")
    for index, name in enumerate(("a", "b")):
        info = {"remoteStartId": 7}
        one.feed([event("Started", 0, index * 60, 1_000, transaction=name, info=info, token=TAG)])
        one.feed([event("Ended", 1, index * 60 + 30, 1_500, transaction=name)])
    assert [(row.remote_start_id, row.energy_wh) for row in one.transactions()] == [(7, 500), (None, 500)]
    assert QuarantinedMessage.objects.count() == 0


def test_a_baseline_that_only_a_later_event_tells(bench: NewBench):
    """2.x stations often send Transaction.Begin and Transaction.End together, with the end."""
    one = bench("2.0.1")
    _, last = event("Ended", 1, 40, 3_000)
    begun = {"value": 1_000, "context": "Transaction.Begin"}
    last["meterValue"][0]["sampledValue"].append(begun)
    one.feed([event("Started", 0, 0), ("TransactionEvent", last)])
    (row,) = one.transactions()
    assert (row.energy_wh, row.meter_start_wh, row.final) == (2_000, 1_000, True)


def test_a_baseline_of_0_is_replaced_by_what_transaction_data_says(bench: NewBench):
    one = bench()
    known = begin(one, wh=0)
    samples = [{"value": "910000", "context": "Transaction.Begin"}, {"value": "910083", "context": "Transaction.End"}]
    data = [{"timestamp": harness.stamp(40), "sampledValue": samples}]
    one.feed([stop_16(40, 910_083, known, transactionData=data)])
    (row,) = one.transactions()
    assert (row.energy_wh, row.flags, row.final) == (83, ["baseline_replaced"], True)


def test_a_nonsensical_register_is_shown_and_holds_the_bill(bench: NewBench):
    one = bench()
    known = begin(one)
    one.feed([meter_16(10, 1e300, known), stop_16(40, 2**62, known)])
    (row,) = one.transactions()
    assert (row.state, row.final) == ("ended", False)
    assert "implausible_energy" in row.flags
    assert QuarantinedMessage.objects.count() == 0


def test_values_without_an_id_belong_to_the_session_of_their_time(bench: NewBench):
    one = bench()
    known = begin(one)
    one.feed([meter_16(10, 1_500, None), stop_16(40, 3_000, known)])
    one.feed([meter_16(20, 2_000, None), meter_16(60, 3_500, None)])
    (row,) = one.transactions()
    assert sorted(r.energy_wh or 0 for r in MeterReading.objects.filter(transaction=row)) == [1_500, 2_000]
    assert MeterReading.objects.filter(station=one.station, transaction=None).count() == 1


def test_an_unusable_id_never_stops_the_next_session(bench: NewBench):
    one = bench()
    begin(one)
    one.feed([stop_16(30, 2_000, -1)])
    assert one.transactions()[0].state == "ended"
    begin(one, wh=2_000, minutes=60)
    one.feed([stop_16(30, 2_000, -1)])
    assert [row.state for row in one.transactions()] == ["ended", "charging"]


def test_a_foreign_id_touches_nothing(bench: NewBench):
    one, other = bench(), bench()
    known = begin(one)
    other.feed([stop_16(30, 2_000, known), meter_16(30, 2_000, known)])
    assert one.transactions()[0].state == "charging"
    assert not MeterReading.objects.filter(station=one.station).exists()
    assert other.station.security_events.filter(type="ForeignTransactionId").exists()


# --- What it costs --------------------------------------------------------------------------------------------------


def queries_of(bench: Bench, *messages: harness.Message) -> list[str]:
    works = [bench.work(*message) for message in messages]
    with CaptureQueriesContext(
        connection,
    ) as captured:
        bench.ledger._commit(works)
    assert not any(work.error for work in works)
    return [query["sql"] for query in captured.captured_queries if "SAVEPOINT" not in query["sql"]]


def selects(queries: list[str]) -> list[str]:
    return [sql for sql in queries if sql.lstrip().upper().startswith("SELECT")]


def test_meter_values_in_order_ask_nothing(bench: NewBench):
    one = bench()
    known = begin(one)
    one.feed([meter_16(minute, 1_000 + minute, known) for minute in range(1, 4)])
    alone = queries_of(one, meter_16(5, 1_010, known))
    assert selects(alone) == []
    fifty = queries_of(one, *(meter_16(5 + n / 60, 1_010 + n, known) for n in range(1, 51)))
    assert selects(fifty) == []
    assert len(fifty) == len(alone) <= 8, fifty


def test_updated_events_ask_for_their_key_and_nothing_else(bench: NewBench):
    one = bench("2.0.1")
    one.feed([event("Started", 0, 0, 1_000), event("Updated", 1, 1, 1_100)])
    queries = queries_of(one, event("Updated", 2, 2, 1_200, evse=None))
    assert len(selects(queries)) == 1, selects(queries)
    assert len(queries) <= 9, queries


def test_a_backlog_of_late_values_is_counted_once(bench: NewBench):
    """A line was down: a value of now comes first, then those of the hours before, one frame each."""
    one = bench()
    known = begin(one)
    one.feed([meter_16(200, 9_000, known)])
    for minute in range(2, 100):
        queries = queries_of(one, meter_16(minute, 1_000 + minute * 10, known))
        assert len(selects(queries)) <= 1, "whether the value is known, and nothing else"
    first = BEGIN.replace(minute=0).isoformat()
    assert one.hours()[first] == 400, "an even share of what has flowed by then"
    assert one.due() == 1
    (row,) = one.transactions()
    assert (row.is_open, row.energy_wh, one.hours()[first]) == (True, 8_000, 100)
    assert one.due() == 0


def test_a_backlog_of_late_events_is_counted_once(bench: NewBench):
    one = bench("2.0.1")
    one.feed([event("Started", 0, 0, 1_000), event("Updated", 99, 200, 9_000, info={"chargingState": "SuspendedEV"})])
    for number in range(2, 99):
        late = event("Updated", number, number, 1_000 + number * 10, info={"chargingState": "Charging"}, offline=True)
        queries = queries_of(one, late)
        assert len(selects(queries)) <= 2, queries
    assert one.due() == 1
    (row,) = one.transactions()
    assert (row.state, row.energy_wh, next(iter(row.hourly_wh.values()))) == ("suspended", 8_000, 100)
    one.feed([event("Ended", 100, 210, 9_100)])
    (row,) = one.transactions()
    assert (row.state, row.energy_wh) == ("ended", 8_100)


def test_a_backlog_that_the_end_follows_at_once(bench: NewBench):
    one = bench()
    known = begin(one)
    one.feed([meter_16(50, 5_000, known), meter_16(20, 2_000, known), stop_16(60, 6_000, known)])
    (row,) = one.transactions()
    assert (row.state, row.energy_wh) == ("ended", 5_000)
    assert one.due() == 1, "what was put off finds nothing to do"
    assert one.transactions()[0].energy_wh == 5_000


def test_start_and_stop_cost_a_bounded_number_of_queries(bench: NewBench):
    one = bench()
    one.feed([meter_16(-10, 1_000, None)])
    started = queries_of(one, start_16(0, 1_000))
    assert len(started) <= 26, started
    known = int(one.transactions()[0].transaction_id)
    one.feed([meter_16(minute, 1_000 + minute, known) for minute in range(1, 40)], size=50)
    stopped = queries_of(one, stop_16(40, 3_000, known))
    assert len(stopped) <= 26, stopped


# --- The feed -------------------------------------------------------------------------------------------------------


def test_changes_are_numbered_without_a_gap_and_readings_leave_none(bench: NewBench):
    one = bench()
    known = begin(one)
    one.feed([meter_16(minute, 1_000 + minute, known) for minute in range(1, 4)])
    one.feed([stop_16(40, 3_000, known)])
    rows = list(Change.objects.order_by("cursor").values_list("cursor", "event"))
    cursors = [cursor for cursor, _ in rows]
    assert cursors == list(range(cursors[0], cursors[0] + len(cursors)))
    names = [name for _, name in rows]
    assert [name for name in names if name.startswith("transaction.")] == ["transaction.started", "transaction.ended"]


def test_a_connector_is_free_again_after_its_session(bench: NewBench):
    one = bench()
    known = begin(one)
    assert Connector.objects.get(station=one.station).transaction is not None
    one.feed([stop_16(40, 3_000, known)])
    connector = Connector.objects.get(station=one.station)
    assert (connector.transaction, connector.power_w) == (None, 0)


def test_a_session_that_never_moved_is_over_and_final(bench: NewBench):
    one = bench()
    one.feed([stop_16(40, 1_000, begin(one))])
    (row,) = one.transactions()
    assert (row.state, row.energy_wh, row.final, str(row.cost)) == ("ended", 0, True, "0.00")
    assert Transaction.objects.get(pk=row.pk).ended - row.started == timedelta(minutes=40)  # type: ignore[operator]
