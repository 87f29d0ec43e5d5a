"""A dishonest server: every break of the protocol is recorded, and honest behaviour is not."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from websockets.asyncio.server import serve
from websockets.typing import Subprotocol

from mobility.simulator import Refused, Station
from tests.simulator.conftest import in_loop, quick
from tests.simulator.csms import Csms, now

HEARTBEAT_FAULTS: list[tuple[str, Callable[[dict[str, Any]], Any]]] = [
    ("schema", lambda _: {"currentTime": now(), "extra": 1}),
    ("schema", lambda _: {}),
    ("schema", lambda _: {"currentTime": "yesterday"}),
    ("schema", lambda _: {"currentTime": 5}),
    ("callerror", lambda _: ["GenericError", "no", {}]),
    ("security_error", lambda _: ["SecurityError", "who are you", {}]),
    ("internal_error", lambda _: ["InternalError", "", {}]),
    ("no_answer", lambda _: None),
]


@pytest.mark.parametrize("protocol", ["1.6", "2.0.1", "2.1"])
@pytest.mark.parametrize(("kind", "answer"), HEARTBEAT_FAULTS)
@in_loop
async def test_a_wrong_answer(kind: str, answer: Callable[[dict[str, Any]], Any], protocol: str) -> None:
    async with Csms() as csms:
        csms.answers["Heartbeat"] = answer
        async with Station(quick(csms.url, protocol=protocol, call_timeout_s=0.3)) as station:
            await station.wait_until(lambda s: s.online)
            await station.settled()
            await station.heartbeat()
            assert [p.kind for p in station.problems] == [kind]
            assert "Heartbeat" in station.problems[0].text
            del csms.answers["Heartbeat"]
            await station.heartbeat()
            assert len(station.problems) == 1


FRAMES: list[tuple[str, Any]] = [
    ("frame", "hello"),
    ("frame", '{"a": 1}'),
    ("frame", "[]"),
    ("frame", '[2, 7, "Reset", {"type": "Soft"}]'),
    ("frame", '[2, "x", "Reset"]'),
    ("frame", '[3, "x", {}, {}]'),
    ("frame", '[9, "x", {}]'),
    ("frame", '[3, "x", NaN]'),
    ("frame", "[" * 100_000),
    ("frame", b'[3, "x", {}]'),
    ("unknown_id", '[3, "nobody-asked", {}]'),
    ("unknown_id", '[4, "nobody-asked", "GenericError", "", {}]'),
    ("direction", '[2, "a", "MakeCoffee", {}]'),
    ("direction", '[2, "a", "Heartbeat", {}]'),
    ("schema", '[2, "a", "Reset", {"type": "Gentle"}]'),
    ("schema", '[2, "a", "Reset", {"type": "Soft", "extra": 1}]'),
    ("schema", '[2, "a", "Reset", []]'),
]


@pytest.mark.parametrize(("kind", "frame"), FRAMES, ids=[str(f)[:40] for _, f in FRAMES])
@in_loop
async def test_a_wrong_frame(kind: str, frame: Any) -> None:
    async with Csms() as csms, Station(quick(csms.url)) as station:
        await station.wait_until(lambda s: s.online)
        await csms.send(frame)
        await station.wait_until(lambda s: s.problems)
        assert [p.kind for p in station.problems] == [kind]
        await station.heartbeat()
        assert station.online


@in_loop
async def test_two_calls_at_once() -> None:
    async with Csms() as csms, Station(quick(csms.url)) as station:
        await station.wait_until(lambda s: s.online)
        answers = await asyncio.gather(csms.ask("ClearCache", {}), csms.ask("GetLocalListVersion", {}))
        assert list(answers) == [{"status": "Accepted"}, {"listVersion": 0}]
        assert [p.kind for p in station.problems] == ["two_calls"]


@in_loop
async def test_one_call_after_the_other_is_honest() -> None:
    async with Csms() as csms, Station(quick(csms.url)) as station:
        await station.wait_until(lambda s: s.online)
        for _ in range(5):
            await csms.ask("ClearCache", {})
        assert station.problems == []


@in_loop
async def test_a_message_id_twice() -> None:
    async with Csms() as csms, Station(quick(csms.url)) as station:
        await station.wait_until(lambda s: s.online)
        await csms.ask("ClearCache", {})
        await csms.send(json.dumps([2, "1", "ClearCache", {}]))
        await station.wait_until(lambda s: s.problems)
        assert [p.kind for p in station.problems] == ["repeated_id"]


@in_loop
async def test_the_station_answers_while_it_waits_itself() -> None:
    async with Csms() as csms:
        csms.answers["Heartbeat"] = lambda _: None
        async with Station(quick(csms.url)) as station:
            await station.wait_until(lambda s: s.online)
            beat = asyncio.ensure_future(station.heartbeat())
            await csms.until(lambda: csms.sent("Heartbeat"))
            assert (await csms.ask("ClearCache", {}))["status"] == "Accepted"
            assert not beat.done()
            frame = next(f for f in csms.frames if f[2] == "Heartbeat")
            await csms.send(json.dumps([3, frame[1], {"currentTime": now()}]))
            await beat
            assert station.problems == []


@in_loop
async def test_a_late_answer_is_one_problem_not_two() -> None:
    async with Csms() as csms:
        csms.answers["Heartbeat"] = lambda _: None
        async with Station(quick(csms.url, call_timeout_s=0.2)) as station:
            await station.wait_until(lambda s: s.online)
            await station.heartbeat()
            frame = next(f for f in csms.frames if f[2] == "Heartbeat")
            await csms.send(json.dumps([3, frame[1], {"currentTime": now()}]))
            del csms.answers["Heartbeat"]
            await station.heartbeat()
            assert [p.kind for p in station.problems] == ["no_answer"]


@in_loop
async def test_the_station_has_one_call_outstanding() -> None:
    async with Csms() as csms:
        open_calls: list[int] = []
        csms.answers["DataTransfer"] = lambda _: open_calls.append(1)
        async with Station(quick(csms.url)) as station:
            await station.wait_until(lambda s: s.online)
            calls = [asyncio.ensure_future(station.call("DataTransfer", {"vendorId": str(n)})) for n in range(5)]
            for n in range(5):
                await csms.until(lambda n=n: len(csms.sent("DataTransfer")) == n + 1)  # type: ignore[misc]
                if n == 1:
                    calls[1].cancel()
                frame = [f for f in csms.frames if f[2] == "DataTransfer"][n]
                await csms.send(json.dumps([3, frame[1], {"status": "Accepted"}]))
            await asyncio.gather(*calls, return_exceptions=True)
            assert station.problems == []


@pytest.mark.parametrize("chosen", [None, Subprotocol("ocpp1.6"), Subprotocol("mqtt")])
@in_loop
async def test_a_wrong_subprotocol(chosen: Subprotocol | None) -> None:
    async with serve(
        lambda socket: socket.wait_closed(), "127.0.0.1", 0, select_subprotocol=lambda *_: chosen
    ) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/OCPP"
        station = Station(quick(url, protocol="2.0.1"))
        with pytest.raises(Refused):
            async with station:
                await station.wait_until(lambda s: s.online)
        assert [p.kind for p in station.problems] == ["subprotocol"]
