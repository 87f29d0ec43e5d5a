"""The same messages, in any order and however often, end in the same rows (field quirks 8, 9, 10, 14, 20)."""

import json
from collections.abc import Sequence
from itertools import islice, permutations
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.ledger.conftest import NewBench
from tests.ledger.harness import TAG, Bench, Message, event, meter_16, stamp, start_16, stop_16

pytestmark = pytest.mark.django_db
examples = settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])


def run_16(bench: Bench, order: Sequence[int], *, faulty: bool = False, size: int = 1) -> dict[str, Any]:
    """A session of 1.6: its start, then the other messages by number (0 is the start again)."""
    start = start_16(0, 1_000)
    answer = json.loads(bench.feed([start])[0].text)[2]
    known = answer["transactionId"]
    data = [{"timestamp": stamp(30), "sampledValue": [{"value": "2500", "context": "Sample.Periodic"}]}]
    messages: list[Message] = [
        start,
        meter_16(10, 1_500, known),
        meter_16(20, 0 if faulty else 2_000, known),
        meter_16(30, 2_500, known),
        stop_16(40, 3_000, known, transactionData=data, reason="Local"),
    ]
    for work in bench.feed([messages[index] for index in order], size=size):
        if work.exchange and work.exchange[2] == "StartTransaction":
            assert json.loads(work.text)[2] == answer
    return bench.state()


def test_it_works(bench: NewBench):
    (row,) = run_16(bench(), [1, 2, 3, 4])["transactions"]
    assert (row["state"], row["energy_wh"], str(row["cost"]), row["final"]) == ("ended", 2_000, "0.58", True)
    assert (row["flags"], sum(row["hourly_wh"].values())) == ([], 2_000)


@pytest.mark.parametrize("faulty", [False, True])
def test_every_order_of_a_16_session(bench: NewBench, faulty):
    expected = run_16(bench(), [1, 2, 3, 4], faulty=faulty)
    for count, order in enumerate(permutations([1, 2, 3, 4])):
        assert run_16(bench(), order, faulty=faulty, size=1 + count % 4) == expected, order


@examples
@given(
    order=st.permutations([1, 2, 3, 4]).flatmap(
        lambda all_of_them: st.lists(st.sampled_from(range(5)), max_size=6).flatmap(
            lambda again: st.permutations([*all_of_them, *again])
        )
    ),
    size=st.integers(1, 5),
)
def test_a_16_session_with_repetitions(bench: NewBench, order, size):
    assert run_16(bench(), order, size=size) == run_16(bench(), [1, 2, 3, 4])


def session_2x() -> list[Message]:
    """Six events: the evse and the token are said once, the second value is a dip."""
    return [
        event("Started", 0, 0, 1_000, token=TAG, evse=1, info={"chargingState": "EVConnected"}),
        event("Updated", 1, 10, 1_500, evse=None, info={"chargingState": "Charging"}),
        event("Updated", 2, 20, 0, evse=None),
        event("Updated", 3, 30, 2_500, evse=None),
        event("Ended", 4, 40, 3_000, evse=None, info={"stoppedReason": "Local"}),
    ]


@pytest.mark.parametrize(("protocol", "step"), [("2.0.1", 3), ("2.1", 13)])
def test_every_order_of_a_2x_session(bench: NewBench, protocol, step):
    messages = session_2x()
    expected = None
    for count, order in enumerate(islice(permutations(messages), 0, None, step)):
        one = bench(protocol)
        one.feed(order, size=1 + count % 5)
        found = one.state()
        expected = expected or found
        assert found == expected, [message[1]["seqNo"] for message in order]
    assert expected is not None
    (row,) = expected["transactions"]
    assert (row["state"], row["energy_wh"], str(row["cost"]), row["final"]) == ("ended", 2_000, "0.58", True)
    assert (row["flags"], row["evse_number"], row["id_token"]) == (["dip_dropped"], 1, TAG)


@examples
@given(
    order=st.lists(st.sampled_from(range(5)), max_size=6).flatmap(
        lambda again: st.permutations([0, 1, 2, 3, 4, *again])
    ),
    size=st.integers(1, 5),
)
def test_a_2x_session_with_repetitions(bench: NewBench, order, size):
    messages, one, other = session_2x(), bench("2.0.1"), bench("2.0.1")
    one.feed([messages[index] for index in order], size=size)
    other.feed(messages)
    assert one.state() == other.state()


@pytest.mark.parametrize("missing", [0, 1, 4])
def test_every_order_of_a_2x_session_of_which_a_message_never_comes(bench: NewBench, missing):
    messages = session_2x()
    del messages[missing]
    expected = None
    for order in permutations(messages):
        one = bench("2.0.1")
        one.feed(order)
        found = one.state()
        expected = expected or found
        assert found == expected, [message[1]["seqNo"] for message in order]
    assert expected is not None
    assert not expected["transactions"][0]["final"]


def test_two_sessions_on_one_connector_in_every_order(bench: NewBench):
    """The first one never stops: the second supersedes it, whichever is heard of first."""
    messages = [
        event("Started", 0, 0, 1_000, transaction="a"),
        event("Updated", 1, 10, 1_500, transaction="a"),
        event("Started", 0, 60, 2_000, transaction="b"),
        event("Ended", 1, 90, 3_000, transaction="b"),
    ]
    expected = None
    for order in permutations(messages):
        one = bench("2.0.1")
        one.feed(order)
        found = one.state()
        expected = expected or found
        assert found == expected, [(m[1]["transactionInfo"]["transactionId"], m[1]["seqNo"]) for m in order]
    assert expected is not None
    first, second = expected["transactions"]
    assert (first["state"], first["energy_wh"], first["flags"]) == ("superseded", 500, ["superseded"])
    assert (second["state"], second["energy_wh"]) == ("ended", 1_000)


def test_values_of_a_session_that_come_after_its_stop_still_count(bench: NewBench):
    """Without a final register the live values are all there is."""
    one = bench("2.0.1")
    one.feed([event("Started", 0, 0, 1_000), event("Ended", 3, 40)])
    assert one.transactions()[0].energy_wh == 0
    one.feed([event("Updated", 2, 30, 2_500), event("Updated", 1, 10, 1_500)])
    row = one.transactions()[0]
    assert (row.state, row.energy_wh, row.flags, row.final) == ("ended", 1_500, [], True)


def test_values_from_after_the_stop_count_nothing_and_reopen_nothing(bench: NewBench):
    one = bench()
    known = json.loads(one.feed([start_16(0, 1_000)])[0].text)[2]["transactionId"]
    one.feed([meter_16(10, 1_500, known), stop_16(20, 2_000, known)])
    before = one.state()
    one.feed([meter_16(30, 9_000, known)])
    assert one.state()["transactions"] == before["transactions"]
    assert one.hours() == before["hours"]


def test_values_from_after_the_stop_count_nothing_when_they_come_before_it(bench: NewBench):
    one = bench("2.0.1")
    one.feed([event("Started", 0, 0, 1_000), event("Updated", 1, 10, 1_500), event("Updated", 3, 30, 9_000)])
    one.feed([event("Ended", 2, 20)])
    (row,) = one.transactions()
    assert (row.state, row.energy_wh) == ("ended", 500)
