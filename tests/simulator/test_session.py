"""One session against an honest server, in every version."""

import pytest

from mobility.simulator import NotStarted, Station
from tests.simulator.conftest import in_loop, quick
from tests.simulator.csms import Csms

EVERY_VERSION = pytest.mark.parametrize("protocol", ["1.6", "2.0.1", "2.1"])
VERSIONS_2 = pytest.mark.parametrize("protocol", ["2.0.1", "2.1"])


async def session(csms: Csms, protocol: str, **more: object) -> Station:
    """An hour of charging at 11 kW, at a speed of 36,000."""
    settings = quick(csms.url, protocol=protocol, speed=36_000, meter_interval_s=900, **more)
    async with Station(settings) as station:
        await station.wait_until(lambda s: s.online)
        await station.settled()
        await station.plug_in(1)
        transaction = await station.start(1, id_tag="TAG-1")
        assert transaction is not None
        await station.wait_until(lambda s: sum(e["event"] == "meter" for e in s.events) >= 4)
        await station.stop(1)
        await station.unplug(1)
        await station.settled()
    return station


@EVERY_VERSION
@in_loop
async def test_it_works(protocol: str) -> None:
    async with Csms() as csms:
        station = await session(csms, protocol)
    assert csms.faults == []
    assert station.problems == []
    truth = station.sessions[0]
    assert truth.delivered
    assert truth.meter_start_wh == 1000
    hours = ((truth.ended or truth.started) - truth.started).total_seconds() / 3600
    assert truth.energy_wh == pytest.approx(11_000 * hours, rel=0.02)


@in_loop
async def test_a_1_6_session_on_the_wire() -> None:
    async with Csms() as csms:
        station = await session(csms, "1.6")
    truth = station.sessions[0]
    start, stop = csms.sent("StartTransaction")[0], csms.sent("StopTransaction")[0]
    assert (start["connectorId"], start["idTag"], start["meterStart"]) == (1, "TAG-1", 1000)
    assert (stop["transactionId"], stop["meterStop"], stop["reason"]) == (1000, truth.meter_stop_wh, "Local")
    assert truth.transaction_id == 1000
    assert all(values["transactionId"] == 1000 for values in csms.sent("MeterValues"))
    statuses = [s["status"] for s in csms.sent("StatusNotification") if s["connectorId"] == 1]
    assert statuses == ["Available", "Preparing", "Charging", "Finishing", "Available"]
    samples = {s["measurand"]: s for s in csms.sent("MeterValues")[0]["meterValue"][0]["sampledValue"]}
    assert samples["Power.Active.Import"]["value"] == "11000"
    assert int(samples["Energy.Active.Import.Register"]["value"]) > 1000
    assert set(samples) == {"Energy.Active.Import.Register", "Power.Active.Import", "Current.Import", "Voltage", "SoC"}


@VERSIONS_2
@in_loop
async def test_a_2_session_on_the_wire(protocol: str) -> None:
    async with Csms() as csms:
        station = await session(csms, protocol)
    events = csms.sent("TransactionEvent")
    assert [e["seqNo"] for e in events] == list(range(len(events)))
    assert events[0]["eventType"] == "Started"
    assert events[-1]["eventType"] == "Ended"
    assert {e["eventType"] for e in events[1:-1]} == {"Updated"}
    assert {e["transactionInfo"]["transactionId"] for e in events} == {station.sessions[0].key}
    assert events[0]["evse"] == {"id": 1, "connectorId": 1}
    assert events[-1]["transactionInfo"]["stoppedReason"] == "Local"
    assert not any("offline" in e for e in events)
    last = events[-1]["meterValue"][0]["sampledValue"][0]
    assert last["value"] == station.sessions[0].meter_stop_wh
    assert [s["connectorStatus"] for s in csms.sent("StatusNotification")] == ["Available", "Occupied", "Available"]


@EVERY_VERSION
@in_loop
async def test_a_refused_tag_does_not_charge(protocol: str) -> None:
    async with Csms() as csms:
        csms.tags["TAG-1"] = "Blocked"
        async with Station(quick(csms.url, protocol=protocol)) as station:
            await station.wait_until(lambda s: s.online)
            await station.plug_in(1)
            with pytest.raises(NotStarted, match="Blocked"):
                await station.start(1, id_tag="TAG-1")
    assert csms.sent("StartTransaction") == csms.sent("TransactionEvent") == []


@EVERY_VERSION
@in_loop
async def test_a_tag_refused_at_the_start_ends_the_transaction(protocol: str) -> None:
    async with Csms() as csms:
        async with Station(quick(csms.url, protocol=protocol)) as station:
            await station.wait_until(lambda s: s.online)
            await station.plug_in(1)
            csms.answers["Authorize"] = lambda _: (
                {"idTagInfo": {"status": "Accepted"}} if protocol == "1.6" else {"idTokenInfo": {"status": "Accepted"}}
            )
            csms.tags["TAG-1"] = "Blocked"
            await station.start(1, id_tag="TAG-1")
            await station.wait_until(lambda s: s.sessions[0].delivered)
        assert station.sessions[0].stop_reason == "DeAuthorized"
        if protocol == "1.6":
            assert csms.sent("StopTransaction")[0]["reason"] == "DeAuthorized"
        else:
            assert csms.sent("TransactionEvent")[-1]["triggerReason"] == "Deauthorized"
        assert csms.faults == []


@EVERY_VERSION
@in_loop
async def test_a_full_car_suspends(protocol: str) -> None:
    async with Csms() as csms:
        settings = quick(csms.url, protocol=protocol, speed=36_000, soc_percent=99)
        async with Station(settings) as station:
            await station.wait_until(lambda s: s.online)
            await station.plug_in(1)
            await station.start(1)
            await station.wait_until(lambda s: s.connectors[1].status == "SuspendedEV")
            await station.settled()
            await station.unplug(1)
            await station.settled()
    assert station.sessions[0].stop_reason == "EVDisconnected"
    if protocol == "1.6":
        assert "SuspendedEV" in [s["status"] for s in csms.sent("StatusNotification")]
    else:
        changed = [e for e in csms.sent("TransactionEvent") if e["triggerReason"] == "ChargingStateChanged"]
        assert changed[0]["transactionInfo"]["chargingState"] == "SuspendedEV"
    assert csms.faults == []


@EVERY_VERSION
@in_loop
async def test_a_tag_first_then_the_cable(protocol: str) -> None:
    async with Csms() as csms, Station(quick(csms.url, protocol=protocol)) as station:
        await station.wait_until(lambda s: s.online)
        assert await station.start(1) is None
        assert station.connectors[1].status == "Preparing"
        await station.plug_in(1)
        assert station.connectors[1].status == "Charging"
        await station.settled()
        assert csms.faults == []


@EVERY_VERSION
@in_loop
async def test_nobody_plugs_in(protocol: str) -> None:
    async with Csms() as csms, Station(quick(csms.url, protocol=protocol, speed=36_000)) as station:
        await station.wait_until(lambda s: s.online)
        await station.start(1)
        await station.wait_until(lambda s: s.connectors[1].status == "Available")
        assert station.sessions == []


@in_loop
async def test_the_meter_of_a_later_run_begins_above() -> None:
    async with Csms() as csms:
        registers = []
        for _ in range(2):
            station = Station(quick(csms.url, energy_wh=None))
            registers.append(station.connectors[1].evse.register_wh)
            async with station:
                await station.wait_until(lambda s: s.online)
        assert registers[1] > registers[0] > 0


@in_loop
async def test_connectors_charge_side_by_side() -> None:
    async with Csms() as csms:
        async with Station(quick(csms.url, connectors=3)) as station:
            await station.wait_until(lambda s: s.online)
            for n in (1, 2, 3):
                await station.plug_in(n)
                await station.start(n, id_tag=f"TAG-{n}")
            with pytest.raises(NotStarted):
                await station.start(2)
            await station.outbox.drained()
        assert [t.transaction_id for t in station.sessions] == [1000, 1001, 1002]
        assert station.problems == []
