"""The endless scenarios, run inside another program."""

import asyncio
from typing import Any

import pytest

from mobility.simulator import Plan, Refused, ScenarioFailed, run_station
from tests.simulator.conftest import in_loop, quick
from tests.simulator.csms import Csms


@pytest.mark.parametrize("scenario", ["idle", "plugged"])
@in_loop
async def test_remotely_started_and_stopped_twice(scenario: str) -> None:
    async with Csms() as csms:
        play = asyncio.ensure_future(run_station(quick(csms.url), scenario))
        await csms.until(lambda: len(csms.sent("StatusNotification")) >= 2)
        for n in (1, 2):
            assert (await csms.ask("RemoteStartTransaction", {"idTag": "T", "connectorId": 1}))["status"] == "Accepted"
            await csms.until(lambda n=n: len(csms.sent("StartTransaction")) == n)  # type: ignore[misc]
            assert (await csms.ask("RemoteStopTransaction", {"transactionId": 999 + n}))["status"] == "Accepted"
            last = "Available" if scenario == "idle" else "Finishing"
            await csms.until(lambda n=n: len(csms.stops) == n)  # type: ignore[misc]
            await csms.until(lambda last=last: csms.sent("StatusNotification")[-1]["status"] == last)  # type: ignore[misc]
        play.cancel()
        await asyncio.gather(play, return_exceptions=True)
        assert csms.faults == []


@in_loop
async def test_stopping_delivers_what_runs() -> None:
    async with Csms() as csms:
        stopping, events = asyncio.Event(), []

        def heard(event: dict[str, Any]) -> None:
            events.append(event["event"])

        play = asyncio.ensure_future(run_station(quick(csms.url), "charge", on_event=heard, stopping=stopping))
        await csms.until(lambda: csms.sent("StartTransaction"))
        stopping.set()
        station = await play
        assert station.sessions[0].delivered
        assert csms.stops[1000]["meterStop"] == station.sessions[0].meter_stop_wh
        assert events[-1] == "disconnected"


@in_loop
async def test_a_refusal_ends_it() -> None:
    async with Csms() as csms:
        with pytest.raises(Refused):
            await run_station(quick(csms.url, password="wrong"), "charge")


@in_loop
async def test_a_refused_tag_fails_the_scenario() -> None:
    async with Csms() as csms:
        csms.tags["SIMTAG01"] = "Expired"
        with pytest.raises(ScenarioFailed, match="Expired"):
            await run_station(quick(csms.url), "retry", Plan(duration_s=1))
