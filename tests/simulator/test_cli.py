"""The command line: scenarios, summaries, exit codes."""

import asyncio
import itertools
import json
import signal
import sys
from typing import Any

import pytest

from tests.simulator.conftest import PASSWORD, in_loop
from tests.simulator.csms import Csms
from tests.simulator.test_session import EVERY_VERSION

FAST = ("--duration", "3600", "--speed", "7200", "--meter-interval", "600")


async def start(csms: Csms, *arguments: str, module: tuple[str, ...] = ("-m", "mobility.simulator")) -> Any:
    base = ("--url", csms.url, "--identity", "SIM-1", "--password", PASSWORD)
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(sys.executable, *module, *base, *arguments, stdout=pipe, stderr=pipe)


async def simulate(csms: Csms, *arguments: str, **more: Any) -> tuple[int, list[dict[str, Any]], str]:
    """(exit code, JSON lines, text)."""
    process = await start(csms, *arguments, **more)
    out, err = await asyncio.wait_for(process.communicate(), 45)
    return process.returncode, [json.loads(line) for line in out.decode().splitlines()], err.decode()


@EVERY_VERSION
@pytest.mark.parametrize("scenario", ["once", "offline", "flaky", "retry"])
@in_loop
async def test_a_finite_scenario(scenario: str, protocol: str) -> None:
    async with Csms() as csms:
        code, lines, text = await simulate(csms, "--protocol", protocol, "--scenario", scenario, *FAST)
        assert code == 0, text
        assert csms.faults == []
        assert len(lines) == (2 if scenario == "offline" else 1)
        for line in lines:
            assert line["event"] == "summary"
            assert line["delivered"]
            assert line["energy_wh"] == line["meter_stop_wh"] - line["meter_start_wh"] > 9_000
            if protocol == "1.6":
                assert csms.stops[line["transactionId"]]["meterStop"] == line["meter_stop_wh"]
            else:
                ended = [e for e in csms.sent("TransactionEvent") if e["eventType"] == "Ended"]
                meters = {
                    e["transactionInfo"]["transactionId"]: e["meterValue"][0]["sampledValue"][0]["value"] for e in ended
                }
                assert meters[line["transactionId"]] == line["meter_stop_wh"]


@in_loop
async def test_by_manage_py() -> None:
    async with Csms() as csms:
        code, lines, text = await simulate(csms, "--scenario", "once", *FAST, module=("manage.py", "simulate"))
        assert code == 0, text
        assert lines[0]["identity"] == "SIM-1"


@in_loop
async def test_many_stations_and_connectors() -> None:
    async with Csms() as csms:
        csms.passwords = {f"SIM-1-{n:04d}": [PASSWORD] for n in range(1, 13)}
        code, lines, text = await simulate(csms, "--count", "12", "--connectors", "2", "--scenario", "once", *FAST)
        assert code == 0, text
        assert sorted(line["identity"] for line in lines) == sorted([*csms.passwords] * 2)
        assert len(csms.stops) == 24


@in_loop
async def test_charging_until_interrupted() -> None:
    async with Csms() as csms:
        process = await start(csms, "--scenario", "charge", "--json")
        await csms.until(lambda: csms.sent("StartTransaction"))
        process.send_signal(signal.SIGINT)
        out, err = await asyncio.wait_for(process.communicate(), 20)
        assert process.returncode == 0, err.decode()
        events = [json.loads(line)["event"] for line in out.decode().splitlines()]
        assert {"connected", "boot", "transaction_started", "session"} <= set(events)
        assert csms.stops


@in_loop
async def test_cycles() -> None:
    async with Csms() as csms:
        code, lines, text = await simulate(csms, "--scenario", "charge", "--sessions", "3", *FAST)
        assert code == 0, text
        assert len(lines) == len(csms.stops) == 3
        for earlier, later in itertools.pairwise(lines):
            assert earlier["ended"] <= later["started"]
            assert earlier["meter_stop_wh"] == later["meter_start_wh"]


@in_loop
async def test_a_dishonest_server_is_exit_3() -> None:
    async with Csms() as csms:
        csms.answers["StatusNotification"] = lambda _: {"extra": True}
        code, _, text = await simulate(csms, "--scenario", "once", *FAST)
        assert code == 3
        assert "StatusNotification breaks the 1.6 schema" in text


@in_loop
async def test_refusals_are_exit_4() -> None:
    async with Csms() as csms:
        code, _, text = await simulate(csms, "--password", "wrong")
        assert code == 4
        assert "401" in text
        assert "--password" in text
        code, _, text = await simulate(csms, "--identity", "NOBODY")
        assert code == 4
        assert "404" in text
        assert "adopt" in text


@in_loop
async def test_nobody_there_is_exit_4() -> None:
    async with Csms() as csms:
        code, _, text = await simulate(csms, "--url", "ws://127.0.0.1:1/OCPP", "--wait", "0.1")
    assert code == 4
    assert "nobody answers" in text


@in_loop
async def test_a_refused_tag_is_exit_5() -> None:
    async with Csms() as csms:
        csms.tags["SIMTAG01"] = "Blocked"
        code, _, text = await simulate(csms, "--scenario", "once")
        assert code == 5
        assert "Blocked" in text


@in_loop
async def test_a_wrong_command_line_is_exit_2() -> None:
    async with Csms() as csms:
        for wrong in (("--connectors", "0"), ("--speed", "-1"), ("--scenario", "dance")):
            code, _, text = await simulate(csms, *wrong)
            assert (code, text != "") == (2, True)
