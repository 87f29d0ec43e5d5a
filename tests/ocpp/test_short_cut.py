"""What a call that is taken past the reader does when the usual does not happen."""

import asyncio
import functools
import json
from collections.abc import Callable, Coroutine
from types import SimpleNamespace
from typing import Any, cast

import pytest

from charging.ledger.core import NotApplied, OutcomeUnknown, Work
from charging.models import ChargingStation
from mobility.websocket import Inbox, ShortCutProtocol
from ocpp_gateway.connection import Connection

HEARTBEAT = '[2,"7","Heartbeat",{}]'
TAG = '[2,"8","DataTransfer",{"vendorId":"A"}]'


def in_a_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


class Line:
    """A connection whose ledger does what the test says, on a line that takes answers at once, or not."""

    def __init__(self) -> None:
        self.posted: list[tuple[Work, Callable[[Work], None]]] = []
        self.sent: list[str] = []
        self.writable = True
        self.inbox = Inbox(asyncio.get_running_loop())
        self.short_cut = SimpleNamespace(inbox=self.inbox, write_text=self.write_text, listener=None)
        ledger = SimpleNamespace(post=lambda work, then: self.posted.append((work, then)))
        admitted = SimpleNamespace(station=ChargingStation(pk=1, identity="A"), protocol="1.6", subprotocol="ocpp1.6")
        self.connection = Connection(
            cast(Any, SimpleNamespace(ledger=ledger)),
            cast(Any, admitted),
            "127.0.0.1",
            self.inbox.get,
            self.send,
            cast(ShortCutProtocol, self.short_cut),
        )
        self.reader = asyncio.create_task(self.connection.read())

    def write_text(self, text: str) -> bool:
        if self.writable:
            self.sent.append(text)
        return self.writable

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message["text"])

    async def turn(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    def finish(self, error: Exception | None = None) -> None:
        work, then = self.posted.pop(0)
        work.error, work.text = error, "stored"
        then(work)


@in_a_loop
async def test_one_call_is_in_work_at_a_time() -> None:
    line = Line()
    await line.turn()
    take = line.short_cut.listener
    assert take is not None
    assert take(HEARTBEAT)
    assert not take(TAG)
    line.finish()
    assert line.sent == ["stored"]
    assert take(TAG)
    line.finish()
    assert not take(TAG), "it came again, and is answered from memory by the reader"
    line.reader.cancel()


@pytest.mark.parametrize("text", ["[2", '[3,"1",{}]', '[2,"1","NoSuch",{}]', '[2,"1","Authorize",{}]', ""])
@in_a_loop
async def test_what_is_not_usual_is_left_to_the_reader(text: str) -> None:
    line = Line()
    await line.turn()
    assert not line.short_cut.listener(text)
    assert line.posted == []
    line.reader.cancel()


@in_a_loop
async def test_an_answer_that_the_line_does_not_take_is_sent_before_anything_else() -> None:
    line = Line()
    await line.turn()
    line.writable = False
    assert line.short_cut.listener(HEARTBEAT)
    line.finish()
    assert line.sent == []
    await line.turn()
    assert line.sent == ["stored"]
    assert line.short_cut.listener(HEARTBEAT), "the reader waits again"
    line.inbox.put_nowait({"type": "websocket.disconnect", "code": 1000})
    await line.turn()
    assert not line.reader.done(), "the call in work is answered first"
    line.finish()
    await line.turn()
    assert line.sent == ["stored", "stored"]
    assert line.reader.done()


@in_a_loop
async def test_what_is_not_applied_is_an_internal_error() -> None:
    line = Line()
    await line.turn()
    assert line.short_cut.listener(HEARTBEAT)
    line.finish(NotApplied("the disk is full"))
    assert json.loads(line.sent[0])[:3] == [4, "7", "InternalError"]
    line.reader.cancel()


@in_a_loop
async def test_an_unknown_outcome_is_not_answered_and_ends_the_connection() -> None:
    line = Line()
    await line.turn()
    assert line.short_cut.listener(HEARTBEAT)
    line.finish(OutcomeUnknown("the line to the database broke"))
    with pytest.raises(OutcomeUnknown):
        await line.reader
    assert line.sent == []
