"""The offline queue: transaction-related messages, in order, never lost (OCPP 1.6 §3.7.2, 2.0.1 E12 and E13)."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

Payload = dict[str, Any]


class CallFailed(Exception):
    """The server answered CALLERROR (`code` is its error code)."""

    def __init__(self, code: str, description: str = "") -> None:
        super().__init__(f"{code}: {description}" if description else code)
        self.code = code
        self.description = description


class NoAnswer(Exception):
    """No answer within the message time-out, although the connection lives."""


class Offline(Exception):
    """There is no connection, or it ended before the answer."""


@dataclass
class Message:
    """A transaction-related message. `finish` completes what is known only at sending (the 1.6 transactionId)."""

    action: str
    payload: Payload
    finish: Callable[[Payload], Payload] | None = None
    on_answer: Callable[[Payload], None] | None = None
    on_discard: Callable[[CallFailed], None] | None = None
    attempts: int = 0


class Outbox:
    """Delivers messages strictly one after the other.

    A lost connection or a missing answer keeps the message at the head: the same content goes out again
    under a new message id. Only CALLERRORs count as attempts: after attempt n the wait is n times
    `interval_s`; after `attempts` of them the message is discarded, as both specifications ask.
    """

    def __init__(
        self,
        *,
        attempts: Callable[[], int],
        interval_s: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._attempts = attempts
        self._interval_s = interval_s
        self._sleep = sleep
        self._messages: deque[Message] = deque()
        self._filled = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self.delivered = 0
        self.discarded = 0

    def __len__(self) -> int:
        return len(self._messages)

    def __iter__(self) -> Any:
        return iter(self._messages)

    def put(self, message: Message) -> None:
        self._messages.append(message)
        self._filled.set()
        self._empty.clear()

    async def drained(self) -> None:
        """Wait until everything is delivered or discarded."""
        await self._empty.wait()

    async def deliver(self, send: Callable[[str, Payload], Awaitable[Payload]]) -> None:
        """Send what is queued, for ever. Offline from `send` ends it and leaves the queue as it is."""
        while True:
            await self._filled.wait()
            message = self._messages[0]
            payload = message.finish(message.payload) if message.finish else message.payload
            try:
                answer = await send(message.action, payload)
            except NoAnswer:
                await self._sleep(self._interval_s())
                continue
            except CallFailed as error:
                message.attempts += 1
                if message.attempts < self._attempts():
                    await self._sleep(self._interval_s() * message.attempts)
                    continue
                self.discarded += 1
                self._pop()
                if message.on_discard:
                    message.on_discard(error)
                continue
            self.delivered += 1
            self._pop()
            if message.on_answer:
                message.on_answer(answer)

    def _pop(self) -> None:
        self._messages.popleft()
        if not self._messages:
            self._filled.clear()
            self._empty.set()
