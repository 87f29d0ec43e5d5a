"""Boot, reset, passwords, refusals."""

import pytest

from mobility.simulator import Refused, Station, Unreachable
from tests.simulator.conftest import PASSWORD, in_loop, quick
from tests.simulator.csms import Csms
from tests.simulator.test_session import EVERY_VERSION, VERSIONS_2


@EVERY_VERSION
@in_loop
async def test_pending_says_nothing_else(protocol: str) -> None:
    async with Csms() as csms:
        csms.boot, csms.interval = ["Rejected", "Pending", "Accepted"], 1
        async with Station(quick(csms.url, protocol=protocol)) as station:
            await csms.until(lambda: len(csms.sent("BootNotification")) == 2)
            assert [f[2] for f in csms.frames] == ["BootNotification"] * 2
            trigger = await csms.ask("TriggerMessage", {"requestedMessage": "BootNotification"})
            assert trigger["status"] == "Accepted"
            await station.wait_until(lambda s: s.online)
        assert csms.faults == [] == station.problems


@EVERY_VERSION
@in_loop
async def test_no_remote_start_while_pending(protocol: str) -> None:
    async with Csms() as csms:
        csms.boot = ["Pending"]
        async with Station(quick(csms.url, protocol=protocol)):
            await csms.until(lambda: csms.sent("BootNotification"))
            if protocol == "1.6":
                answer = await csms.ask("RemoteStartTransaction", {"idTag": "T"})
            else:
                token = {"idToken": "T", "type": "Central"}
                answer = await csms.ask("RequestStartTransaction", {"remoteStartId": 1, "idToken": token})
            assert answer["status"] == "Rejected"
        assert csms.faults == []


@pytest.mark.parametrize(("kind", "reason"), [("Soft", "SoftReset"), ("Hard", "HardReset")])
@in_loop
async def test_reset_in_1_6(kind: str, reason: str) -> None:
    async with Csms() as csms, Station(quick(csms.url)) as station:
        await station.wait_until(lambda s: s.online)
        await station.plug_in(1)
        await station.start(1)
        await station.outbox.drained()
        assert (await csms.ask("Reset", {"type": kind}))["status"] == "Accepted"
        await station.wait_until(lambda s: s.boots == 2 and s.online)
        await station.settled()
        assert csms.sent("StopTransaction")[0]["reason"] == reason
        assert csms.connections == 2
        assert station.sessions[0].delivered
        assert station.connectors[1].status == "Preparing"


@VERSIONS_2
@in_loop
async def test_reset_in_2(protocol: str) -> None:
    async with Csms() as csms, Station(quick(csms.url, protocol=protocol)) as station:
        await station.wait_until(lambda s: s.online)
        await station.plug_in(1)
        await station.start(1)
        assert (await csms.ask("Reset", {"type": "OnIdle"}))["status"] == "Scheduled"
        assert station.boots == 1
        await station.stop(1)
        await station.wait_until(lambda s: s.boots == 2 and s.online)
        assert csms.sent("BootNotification")[1]["reason"] == "ScheduledReset"
        await station.start(1)
        assert (await csms.ask("Reset", {"type": "Immediate"}))["status"] == "Accepted"
        await station.wait_until(lambda s: s.boots == 3 and s.online)
        await station.settled()
        assert csms.sent("TransactionEvent")[-1]["transactionInfo"]["stoppedReason"] == "ImmediateReset"
        assert csms.faults == [] == station.problems


@EVERY_VERSION
@in_loop
async def test_a_new_password(protocol: str) -> None:
    secret = "00112233445566778899aabbccddeeff" if protocol == "1.6" else "a-new-password-of-24-char"
    on_the_wire = bytes.fromhex(secret) if protocol == "1.6" else secret.encode()
    async with Csms() as csms, Station(quick(csms.url, protocol=protocol)) as station:
        await station.wait_until(lambda s: s.online)
        csms.passwords["SIM-1"] = [PASSWORD, on_the_wire]
        await set_password(csms, protocol, secret)
        await csms.until(lambda: csms.connections == 2)
        assert csms.seen_passwords[-1] == on_the_wire
        await station.wait_until(lambda s: s.online)
        assert len(csms.sent("BootNotification")) == 1


@EVERY_VERSION
@in_loop
async def test_a_new_password_that_is_refused_gives_way_to_the_old_one(protocol: str) -> None:
    async with Csms() as csms, Station(quick(csms.url, protocol=protocol)) as station:
        await station.wait_until(lambda s: s.online)
        await set_password(csms, protocol, "sixteen-or-more-characters")
        await csms.until(lambda: csms.connections == 2)
        assert csms.seen_passwords[-2:] == [b"sixteen-or-more-characters", PASSWORD.encode()]
        await station.wait_until(lambda s: s.online)


async def set_password(csms: Csms, protocol: str, secret: str) -> None:
    if protocol == "1.6":
        answer = await csms.ask("ChangeConfiguration", {"key": "AuthorizationKey", "value": secret})
        assert answer["status"] == "Accepted"
        return
    place = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
    answer = await csms.ask("SetVariables", {"setVariableData": [{**place, "attributeValue": secret}]})
    assert answer["setVariableResult"][0]["attributeStatus"] == "Accepted"


@in_loop
async def test_a_server_that_comes_back_is_found_again() -> None:
    async with Csms() as csms, Station(quick(csms.url)) as station:
        await station.wait_until(lambda s: s.online)
        assert csms.socket is not None
        await csms.socket.close(1012, "restart")
        await csms.until(lambda: csms.connections == 2)
        await station.wait_until(lambda s: s.online)
        assert [e["code"] for e in station.events if e["event"] == "disconnected"] == [1012]


@pytest.mark.parametrize(("identity", "status"), [("SIM-1", 401), ("NOBODY", 404)])
@in_loop
async def test_a_refusal_says_what_to_do(identity: str, status: int) -> None:
    async with Csms() as csms:
        with pytest.raises(Refused) as refused:
            async with Station(quick(csms.url, identity=identity, password="wrong")) as station:
                await station.wait_until(lambda s: s.online)
        assert refused.value.status == status
        assert ("--password" if status == 401 else "adopt") in str(refused.value)


@in_loop
async def test_a_patient_station_waits_for_its_adoption() -> None:
    async with Csms() as csms, Station(quick(csms.url, identity="NEW", retry_refused=True)) as station:
        await station.wait_until(lambda s: any(e["event"] == "refused" for e in s.events))
        csms.passwords["NEW"] = [PASSWORD]
        await station.wait_until(lambda s: s.online)


@in_loop
async def test_nobody_there() -> None:
    with pytest.raises(Unreachable):
        async with Station(quick("ws://127.0.0.1:1/OCPP", never_connected_s=0.01)) as station:
            await station.wait_until(lambda s: s.online)


@EVERY_VERSION
@in_loop
async def test_it_beats_at_the_interval_of_the_answer(protocol: str) -> None:
    async with Csms() as csms:
        csms.interval = 1
        async with Station(quick(csms.url, protocol=protocol)):
            await csms.until(lambda: len(csms.sent("Heartbeat")) == 2)
        assert csms.faults == []
