"""One WebSocket connection to the server: OCPP-J frames, one CALL outstanding each way, every frame judged."""

import asyncio
import base64
import json
import uuid
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NoReturn

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage, InvalidStatus, NegotiationError

from mobility.simulator import schemas
from mobility.simulator.outbox import CallFailed, NoAnswer, Offline, Payload
from mobility.simulator.settings import Settings

CALL, CALLRESULT, CALLERROR, CALLRESULTERROR = 2, 3, 4, 5


@dataclass(frozen=True)
class Problem:
    """A break of the protocol by the server.

    `kind`: schema, unknown_id, callerror, internal_error, security_error, no_answer, two_calls, frame, direction,
    subprotocol, repeated_id, discarded, doubled.
    """

    identity: str
    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.identity}: {self.text}"


class Refused(Exception):
    """The server refused the handshake. `status` is the HTTP status, 0 for a wrong answer to the upgrade."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Broken(Exception):
    """The handshake itself broke the protocol."""


@dataclass(frozen=True)
class Reject:
    """An answer with CALLERROR to a CALL of the server."""

    code: str
    description: str = ""


@dataclass(frozen=True)
class Reply:
    """An answer to a CALL of the server, and what the station does once it is sent."""

    payload: Payload
    then: Callable[[], Awaitable[None]] | None = None


Handler = Callable[[str, Payload], Reply | Reject]


@dataclass
class _Pending:
    message_id: str
    action: str
    outcome: "asyncio.Future[Payload | Exception]"


ADVICE = {
    400: "the server does not take this identity or none of the subprotocols: check --identity and --protocol",
    401: "the password is wrong or missing: check --password (the user name is the identity)",
    403: "the station needs a higher security profile (wss), or the server lets nobody in here",
    404: "the server does not know this station: create it, or adopt it under waiting stations, and try again",
    429: "too many failed attempts: wait and try again",
    503: "the server is not ready: try again later",
}


def basic(identity: str, password: str | bytes) -> str:
    """The value of the Authorization header (OCPP-J 1.6 §6.2.2, 2.0.1 A00.FR.204)."""
    secret = password if isinstance(password, bytes) else password.encode()
    return "Basic " + base64.b64encode(identity.encode() + b":" + secret).decode()


async def open_socket(settings: Settings, password: str | bytes | None, ping_interval_s: float) -> ClientConnection:
    """Connect. Raises Refused, Broken, or OSError/TimeoutError when nobody answers."""
    headers = {} if password is None else {"Authorization": basic(settings.identity, password)}
    deflate = settings.protocol != "1.6" if settings.compression is None else settings.compression
    try:
        socket = await connect(
            settings.station_url,
            subprotocols=[settings.subprotocol],  # type: ignore[list-item]
            additional_headers=headers,
            compression="deflate" if deflate else None,
            ping_interval=ping_interval_s or None,
            ping_timeout=max(20.0, ping_interval_s),
            open_timeout=20,
            close_timeout=2,
            max_size=2**22,
            proxy=None,
            ssl=settings.ssl_context if settings.url.startswith("wss:") else None,
        )
    except InvalidStatus as error:
        _refuse(error)
    except NegotiationError as error:
        raise Broken(f"offered {settings.subprotocol}, the server chose another: {error}") from error
    except InvalidMessage:
        # The line broke before there was an answer, as when the server is restarted: nobody refused anything.
        raise
    except InvalidHandshake as error:
        raise Refused(0, f"no WebSocket upgrade: {error}") from error
    if socket.subprotocol is None:
        await socket.close()
        raise Broken(f"offered {settings.subprotocol}, the server upgraded without choosing a subprotocol")
    return socket


def _refuse(error: InvalidStatus) -> NoReturn:
    status = error.response.status_code
    body = (error.response.body or b"").decode(errors="replace").strip().splitlines()
    said = f" The server says: {body[0][:200]}" if body else ""
    raise Refused(status, f"HTTP {status}: {ADVICE.get(status, 'the connection was refused')}.{said}") from error


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


class Link:
    """Speaks OCPP-J over one socket.

    `handle` answers CALLs, `report` takes (kind, text) of each problem, `lose` says of an answer whether it gets
    lost together with the connection.
    """

    def __init__(
        self,
        socket: ClientConnection,
        version: str,
        *,
        handle: Handler,
        report: Callable[[str, str], None],
        spawn: Callable[[Awaitable[Any]], None],
        lose: Callable[[str, Payload], bool],
        answer_delay_s: float,
    ) -> None:
        self._socket = socket
        self._version = version
        self._handle = handle
        self._report = report
        self._spawn = spawn
        self._lose = lose
        self._answer_delay_s = answer_delay_s
        self._turn = asyncio.Lock()
        self._pending: _Pending | None = None
        self._given_up: deque[str] = deque(maxlen=20)
        self._server_ids: deque[str] = deque(maxlen=100)
        self._serving = 0
        self._closed = False

    # -- our calls

    async def call(self, action: str, payload: Payload, timeout_s: float) -> Payload:
        """Send a CALL when it is its turn and wait. Raises CallFailed, NoAnswer or Offline.

        A caller that is cancelled gives the turn back only when the answer has come: the next CALL must wait.
        """
        await self._turn.acquire()
        if self._closed:
            self._turn.release()
            raise Offline
        outcome: asyncio.Future[Payload | Exception] = asyncio.get_running_loop().create_future()
        pending = _Pending(uuid.uuid4().hex, action, outcome)
        self._pending = pending
        outcome.add_done_callback(lambda _: self._end(pending))
        timer = asyncio.get_running_loop().call_later(timeout_s, self._expire, pending, timeout_s)
        outcome.add_done_callback(lambda _: timer.cancel())
        try:
            await self._socket.send(json.dumps([CALL, pending.message_id, action, payload], separators=(",", ":")))
        except ConnectionClosed:
            self._settle(outcome, Offline())
        result = await asyncio.shield(outcome)
        if isinstance(result, Exception):
            raise result
        return result

    def _end(self, pending: _Pending) -> None:
        if self._pending is pending:
            self._pending = None
        self._turn.release()

    def _expire(self, pending: _Pending, timeout_s: float) -> None:
        if not pending.outcome.done():
            self._given_up.append(pending.message_id)
            self._report("no_answer", f"no answer to {pending.action} within {timeout_s:g} s on a living connection")
            self._settle(pending.outcome, NoAnswer(pending.action))

    @staticmethod
    def _settle(outcome: "asyncio.Future[Payload | Exception]", result: Payload | Exception) -> None:
        if not outcome.done():
            outcome.set_result(result)

    # -- the socket

    async def read(self) -> None:
        """Read until the connection ends, then fail what waits."""
        try:
            async for frame in self._socket:
                self._receive(frame)
        except ConnectionClosed:
            pass
        finally:
            self._closed = True
            if self._pending is not None:
                self._settle(self._pending.outcome, Offline())

    async def close(self) -> None:
        self._closed = True
        await self._socket.close()

    def abort(self) -> None:
        """Lose the connection without a word, as a pulled plug does."""
        self._closed = True
        self._socket.transport.abort()

    def _receive(self, frame: str | bytes) -> None:
        if isinstance(frame, bytes):
            self._report("frame", "a binary frame; OCPP-J frames are text")
            return
        try:
            message = json.loads(frame, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            self._report("frame", f"a frame that is not JSON ({error}): {frame[:80]!r}")
            return
        if not isinstance(message, list) or len(message) < 3 or not isinstance(message[1], str):
            self._report("frame", f"a frame that is no OCPP-J message: {frame[:80]!r}")
            return
        kind, message_id = message[0], message[1]
        if kind == CALL and len(message) == 4 and isinstance(message[2], str):
            self._receive_call(message_id, message[2], message[3])
        elif kind == CALLRESULT and len(message) == 3:
            self._receive_result(message_id, message[2])
        elif kind == CALLERROR and len(message) == 5:
            self._receive_error(message_id, message[2], message[3], message[4])
        elif kind == CALLRESULTERROR and self._version == "2.1":
            self._report("callerror", f"the server finds our answer wrong: {message[2]}")
        else:
            self._report("frame", f"a frame of an unknown or misshaped message type: {frame[:80]!r}")

    # -- answers to our calls

    def _waiting(self, message_id: str, what: str) -> _Pending | None:
        if self._pending is not None and self._pending.message_id == message_id:
            return self._pending
        if message_id in self._given_up:
            self._given_up.remove(message_id)
        else:
            self._report("unknown_id", f"a {what} for message id {message_id[:40]!r}, which no CALL of ours waits for")
        return None

    def _receive_result(self, message_id: str, payload: Any) -> None:
        pending = self._waiting(message_id, "CALLRESULT")
        if pending is None:
            return
        fault = schemas.answer_fault(self._version, pending.action, payload)
        if fault:
            self._report("schema", f"the answer to {pending.action} breaks the {self._version} schema: {fault}")
            self._settle(pending.outcome, CallFailed("FormatViolation", fault))
            return
        if self._lose(pending.action, payload):
            self.abort()
            self._settle(pending.outcome, Offline())
            return
        self._settle(pending.outcome, payload)

    def _receive_error(self, message_id: str, code: Any, description: Any, details: Any) -> None:
        pending = self._waiting(message_id, "CALLERROR")
        if not isinstance(code, str) or not isinstance(description, str) or not isinstance(details, dict):
            self._report("frame", f"a misshaped CALLERROR: {code!r}"[:200])
            code, description = str(code), str(description)
        if pending is None:
            return
        kind = {"InternalError": "internal_error", "SecurityError": "security_error"}.get(code, "callerror")
        self._report(kind, f"CALLERROR {code} to a valid {pending.action}: {description}"[:300])
        self._settle(pending.outcome, CallFailed(code, description))

    # -- calls of the server

    def _receive_call(self, message_id: str, action: str, payload: Any) -> None:
        if message_id in self._server_ids:
            self._report("repeated_id", f"the server uses the message id {message_id[:40]!r} twice ({action})")
        if not 0 < len(message_id) <= 36:
            self._report("frame", f"a message id of {len(message_id)} characters (1 to 36 are allowed)")
        self._server_ids.append(message_id)
        if self._serving:
            self._report("two_calls", f"the server sends {action} before its previous CALL is answered")
        self._serving += 1
        self._spawn(self._answer(message_id, action, payload))

    async def _answer(self, message_id: str, action: str, payload: Any) -> None:
        try:
            await asyncio.sleep(self._answer_delay_s)
            answer = self._judge(action, payload)
            if isinstance(answer, Reject):
                frame = [CALLERROR, message_id, answer.code, answer.description[:255], {}]
            else:
                frame = [CALLRESULT, message_id, answer.payload]
        finally:
            self._serving -= 1
        with suppress(ConnectionClosed):
            await self._socket.send(json.dumps(frame, separators=(",", ":")))
        if isinstance(answer, Reply) and answer.then is not None:
            self._spawn(answer.then())

    def _judge(self, action: str, payload: Any) -> Reply | Reject:
        if not schemas.known(self._version, action):
            self._report("direction", f"the server sends {action[:50]}, which OCPP {self._version} does not have")
            return Reject("NotImplemented", "unknown action")
        if not schemas.from_server(self._version, action):
            self._report("direction", f"the server sends {action}, which only a station sends")
            return Reject("NotSupported", "not for a station")
        fault = schemas.request_fault(self._version, action, payload)
        if fault:
            self._report("schema", f"the CALL {action} breaks the {self._version} schema: {fault}")
            return Reject("FormationViolation" if self._version == "1.6" else "FormatViolation", fault)
        return self._handle(action, payload)
