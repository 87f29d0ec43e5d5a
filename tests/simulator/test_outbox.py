"""The offline queue: in order, nothing lost, retries as specified."""

import asyncio
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mobility.simulator.outbox import CallFailed, Message, NoAnswer, Offline, Outbox, Payload
from tests.simulator.conftest import in_loop


class Line:
    """A connection with a script: for each sending, "ok", "lost", "silent" or "error"."""

    def __init__(self, script: list[str]) -> None:
        self.script = list(script)
        self.arrived: list[Payload] = []

    async def send(self, action: str, payload: Payload) -> Payload:
        await asyncio.sleep(0)
        self.arrived.append(payload)
        outcome = self.script.pop(0) if self.script else "ok"
        if outcome == "lost":
            raise Offline
        if outcome == "silent":
            raise NoAnswer
        if outcome == "error":
            raise CallFailed("InternalError")
        return {"answer": payload["n"]}


def box(waits: list[float], attempts: int = 3) -> Outbox:
    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        await asyncio.sleep(0)

    return Outbox(attempts=lambda: attempts, interval_s=lambda: 10.0, sleep=sleep)


async def deliver_all(outbox: Outbox, line: Line) -> None:
    """Reconnect until the outbox is empty."""
    while len(outbox):
        work = asyncio.ensure_future(outbox.deliver(line.send))
        empty = asyncio.ensure_future(outbox.drained())
        ends: set[asyncio.Future[Any]] = {work, empty}
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        work.cancel()
        empty.cancel()
        await asyncio.gather(work, empty, return_exceptions=True)


@given(st.lists(st.sampled_from(["ok", "lost", "silent"]), max_size=30), st.integers(1, 10))
def test_nothing_is_lost_and_the_order_holds(script: list[str], count: int) -> None:
    async def play() -> None:
        outbox, answers = box([]), []
        for n in range(count):
            outbox.put(Message("MeterValues", {"n": n}, on_answer=lambda a: answers.append(a["answer"])))
        line = Line(script)
        await deliver_all(outbox, line)
        assert answers == list(range(count))
        assert sorted(line.arrived, key=lambda p: p["n"]) == line.arrived
        assert outbox.discarded == 0

    asyncio.run(play())


@in_loop
async def test_errors_wait_longer_each_time_and_end_in_a_discard() -> None:
    waits: list[float] = []
    outbox, refused = box(waits), []
    outbox.put(Message("StopTransaction", {"n": 1}, on_discard=lambda error: refused.append(error.code)))
    outbox.put(Message("StartTransaction", {"n": 2}))
    line = Line(["error", "error", "error"])
    await deliver_all(outbox, line)
    assert waits == [10, 20]
    assert refused == ["InternalError"]
    assert [p["n"] for p in line.arrived] == [1, 1, 1, 2]
    assert (outbox.delivered, outbox.discarded) == (1, 1)


@in_loop
async def test_what_is_missing_is_filled_in_at_sending() -> None:
    outbox = box([])
    known: dict[str, int] = {}
    outbox.put(Message("StartTransaction", {"n": 7}, on_answer=lambda answer: known.update(id=answer["answer"])))
    outbox.put(Message("StopTransaction", {"n": 8}, finish=lambda payload: {**payload, "transactionId": known["id"]}))
    line = Line([])
    await deliver_all(outbox, line)
    assert line.arrived[1] == {"n": 8, "transactionId": 7}
