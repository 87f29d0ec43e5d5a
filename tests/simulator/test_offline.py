"""Without the network: queue, order, retries."""

from typing import Any

import pytest

from mobility.simulator import Station
from tests.simulator.conftest import in_loop, quick
from tests.simulator.csms import Csms
from tests.simulator.test_session import EVERY_VERSION, VERSIONS_2


def message_ids(csms: Csms, *actions: str) -> list[tuple[str, str]]:
    return [(frame[1], frame[2]) for frame in csms.frames if frame[2] in actions]


@in_loop
async def test_a_whole_session_offline_in_1_6() -> None:
    async with Csms() as csms:
        async with Station(quick(csms.url)) as station:
            await station.wait_until(lambda s: s.online)
            station.cut()
            await station.wait_until(lambda s: not s.online)
            await station.plug_in(1)
            transaction = await station.start(1)
            assert transaction is not None
            station.sample(station.connectors[1], transaction, "Sample.Periodic")
            await station.stop(1)
            assert transaction.transaction_id is None
            assert [m.action for m in station.outbox] == ["StartTransaction", "MeterValues", "StopTransaction"]
            station.restore()
            await station.settled()
            assert transaction.delivered
        assert [f[2] for f in csms.frames if f[2] in ("StartTransaction", "MeterValues", "StopTransaction")] == [
            "StartTransaction",
            "MeterValues",
            "StopTransaction",
        ]
        assert csms.sent("MeterValues")[0]["transactionId"] == 1000
        assert csms.sent("StopTransaction")[0]["transactionId"] == 1000
        assert len(csms.sent("BootNotification")) == 1
        assert csms.faults == [] == station.problems


@VERSIONS_2
@in_loop
async def test_a_whole_session_offline_in_2(protocol: str) -> None:
    async with Csms() as csms:
        async with Station(quick(csms.url, protocol=protocol)) as station:
            await station.wait_until(lambda s: s.online)
            station.cut()
            await station.wait_until(lambda s: not s.online)
            await station.plug_in(1)
            await station.start(1)
            await station.stop(1)
            station.restore()
            await station.settled()
        events = csms.sent("TransactionEvent")
        assert [(e["eventType"], e["seqNo"], e["offline"]) for e in events] == [
            ("Started", 0, True),
            ("Ended", 1, True),
        ]
        assert csms.faults == [] == station.problems


LOST: dict[str, list[str]] = {
    "1.6": ["StartTransaction", "MeterValues", "StopTransaction"],
    "2.0.1": ["TransactionEvent", "TransactionEvent", "TransactionEvent"],
    "2.1": ["TransactionEvent", "TransactionEvent", "TransactionEvent"],
}


@EVERY_VERSION
@in_loop
async def test_after_a_lost_answer_the_same_goes_out_under_a_new_id(protocol: str) -> None:
    async with Csms() as csms:
        async with Station(quick(csms.url, protocol=protocol)) as station:
            await station.wait_until(lambda s: s.online)
            await station.plug_in(1)
            start, values, stop = LOST[protocol]
            station.lose_answer_to(start)
            transaction = await station.start(1)
            assert transaction is not None
            await station.outbox.drained()
            station.lose_answer_to(values)
            station.sample(station.connectors[1], transaction, "Sample.Periodic")
            await station.outbox.drained()
            station.lose_answer_to(stop)
            await station.stop(1)
            await station.settled()
            assert transaction.delivered
        sent = [f for f in csms.frames if f[2] in LOST[protocol]]
        assert len(sent) == 6
        for first, second in zip(sent[::2], sent[1::2], strict=True):
            assert first[3] == second[3]
            assert first[1] != second[1]
        assert station.problems == []


@in_loop
async def test_a_server_that_makes_two_transactions_of_a_retry_is_caught() -> None:
    async with Csms() as csms:
        numbers = iter(range(1, 9))
        csms.answers["StartTransaction"] = lambda _: {
            "transactionId": next(numbers),
            "idTagInfo": {"status": "Accepted"},
        }
        async with Station(quick(csms.url)) as station:
            await station.wait_until(lambda s: s.online)
            await station.plug_in(1)
            station.lose_answer_to("StartTransaction")
            await station.start(1)
            await station.outbox.drained()
        assert [p.kind for p in station.problems] == ["doubled"]


@in_loop
async def test_one_id_for_two_transactions_is_caught() -> None:
    async with Csms() as csms:
        csms.answers["StartTransaction"] = lambda _: {"transactionId": 7, "idTagInfo": {"status": "Accepted"}}
        async with Station(quick(csms.url, connectors=2)) as station:
            await station.wait_until(lambda s: s.online)
            for n in (1, 2):
                await station.plug_in(n)
                await station.start(n)
            await station.outbox.drained()
        assert [p.kind for p in station.problems] == ["doubled"]


@EVERY_VERSION
@in_loop
async def test_a_callerror_is_retried_and_then_the_message_is_discarded(protocol: str) -> None:
    action = "StartTransaction" if protocol == "1.6" else "TransactionEvent"
    async with Csms() as csms:
        csms.answers[action] = lambda _: ["InternalError", "database is gone", {}]
        async with Station(quick(csms.url, protocol=protocol, attempts=3)) as station:
            await station.wait_until(lambda s: s.online)
            await station.plug_in(1)
            await station.start(1)
            await station.outbox.drained()
        assert len(csms.sent(action)) == 3
        assert len({frame[1] for frame in csms.frames if frame[2] == action}) == 3
        assert [p.kind for p in station.problems] == ["internal_error"] * 3 + ["discarded"]


@in_loop
async def test_a_silent_server_gets_it_again() -> None:
    async with Csms() as csms:
        answers: list[Any] = [None, {"transactionId": 5, "idTagInfo": {"status": "Accepted"}}]
        csms.answers["StartTransaction"] = lambda _: answers.pop(0)
        async with Station(quick(csms.url, call_timeout_s=0.2)) as station:
            await station.wait_until(lambda s: s.online)
            await station.plug_in(1)
            await station.start(1)
            await station.outbox.drained()
            assert station.sessions[0].transaction_id == 5
        assert [p.kind for p in station.problems] == ["no_answer"]


@pytest.mark.parametrize("status", ["Blocked", "Accepted"])
@in_loop
async def test_offline_the_local_list_decides(status: str) -> None:
    async with Csms() as csms, Station(quick(csms.url)) as station:
        await station.wait_until(lambda s: s.online)
        entry = {"idTag": "LISTED", "idTagInfo": {"status": status}}
        update = {"listVersion": 1, "updateType": "Full", "localAuthorizationList": [entry]}
        assert (await csms.ask("SendLocalList", update))["status"] == "Accepted"
        station.cut()
        assert (await station.authorize("LISTED")).status == status
        assert (await station.authorize("NEVER-SEEN")).status == "Accepted"
        station.options.allow_offline_unknown = False
        assert (await station.authorize("NEVER-SEEN")).status == "Unknown"


@EVERY_VERSION
@in_loop
async def test_a_status_that_changed_meanwhile_is_told(protocol: str) -> None:
    async with Csms() as csms, Station(quick(csms.url, protocol=protocol, connectors=2)) as station:
        await station.wait_until(lambda s: s.online)
        await station.settled()
        before = len(csms.sent("StatusNotification"))
        station.cut()
        await station.plug_in(2)
        station.restore()
        await station.wait_until(lambda s: s.online)
        await station.settled()
        told = csms.sent("StatusNotification")[before:]
        assert [t["connectorId"] if protocol == "1.6" else t["evseId"] for t in told] == [2]
