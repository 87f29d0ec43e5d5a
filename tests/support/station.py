"""An OCPP-J client that sends exactly what it is told, and a bare handshake for what no client library would send.

It runs on a thread of its own, so a test reads from top to bottom and may drive a browser beside it.
"""

import base64
import contextlib
import json
import secrets
import socket
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.support.server import Server

PASSWORD = "Sixteen-Chars-Pw"
#: As an answer: say nothing, ever (or answer later by hand with `Station.reply`).
SILENT = object()


@dataclass(frozen=True)
class Refuse:
    """As an answer: a CALLERROR."""

    code: str
    description: str = ""
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """A CALL that the server sent."""

    message_id: str
    action: str
    payload: Any


Answer = Any  # a payload, `Refuse`, `SILENT`, or a function of the request's payload that returns one of these


def basic(identity: str, password: str) -> str:
    """The value of an Authorization header."""
    return "Basic " + base64.b64encode(f"{identity}:{password}".encode()).decode()


class Station:
    """One station's socket.

    CALLs of the server are answered from `answers` (action -> Answer); what has no answer there gets NotImplemented.
    `expect_call` hands them out in the order in which they came. `odd` keeps frames that answer nothing.
    """

    def __init__(
        self,
        server: Server,
        identity: str,
        protocol: str | Sequence[str] | None = "ocpp1.6",
        password: str | None = PASSWORD,
        *,
        path: str | None = None,
        answers: Mapping[str, Answer] | None = None,
        headers: Mapping[str, str] | None = None,
        compression: str | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        scheme = "wss" if tls else "ws"
        self.url = f"{scheme}://127.0.0.1:{server.ocpp_port}" + (path or f"/OCPP/{identity}")
        self.identity, self.compression, self.tls = identity, compression, tls
        self.protocols = [protocol] if isinstance(protocol, str) else list(protocol or [])
        self.answers: dict[str, Answer] = dict(answers or {})
        self.headers = dict(headers or {})
        if password is not None:
            self.headers.setdefault("Authorization", basic(identity, password))
        self.calls: list[Call] = []
        self.odd: list[Any] = []
        self._seen = 0
        self._results: dict[str, Any] = {}
        self._news = threading.Condition()
        self._open = False
        self.socket: ClientConnection

    @property
    def protocol(self) -> str | None:
        """The subprotocol the server chose."""
        return self.socket.subprotocol

    def connect(self) -> "Station":
        """Open the socket; raises websockets' InvalidStatus when the server refuses."""
        opening = connect(
            self.url,
            subprotocols=[Subprotocol(name) for name in self.protocols] or None,
            additional_headers=self.headers,
            compression=self.compression,
            ssl=self.tls,
            open_timeout=30,
            ping_interval=None,
            max_size=2**24,
            proxy=None,
        )
        self._stack = contextlib.ExitStack()
        self.socket = self._stack.enter_context(opening)
        self._open = True
        self._reader = threading.Thread(target=self._read, args=(self.socket,), daemon=True)
        self._reader.start()
        return self

    def close(self) -> None:
        """Close the socket as a station does that shuts down."""
        self._stack.close()
        self._reader.join(10)

    def cut(self) -> None:
        """Reset the TCP connection without a close frame, as a lost network does in the end."""
        raw = self.socket.socket
        with contextlib.suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
            raw.shutdown(socket.SHUT_RDWR)
        self._reader.join(10)

    def again(self) -> "Station":
        """Connect anew, as after a lost network."""
        self.cut()
        return self.connect()

    def __enter__(self) -> "Station":
        return self if self._open else self.connect()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read(self, socket_: ClientConnection) -> None:
        try:
            with contextlib.suppress(ConnectionClosed):
                for text in socket_:
                    self._take(json.loads(text))
        finally:
            with self._news:
                # What ended may be the line before this one.
                self._open = self._open and socket_ is not self.socket
                self._news.notify_all()

    def _take(self, frame: Any) -> None:
        if isinstance(frame, list) and frame[0] == 2:
            call = Call(frame[1], frame[2], frame[3])
            answer = self.answers.get(call.action, Refuse("NotImplemented"))
            if callable(answer):
                answer = answer(call.payload)
            with self._news:
                self.calls.append(call)
                self._news.notify_all()
            self.reply(call, answer)
            return
        with self._news:
            known = isinstance(frame, list) and len(frame) > 1 and frame[0] in (3, 4)
            if known and self._results.get(frame[1], frame) is None:
                self._results[frame[1]] = frame
            else:
                self.odd.append(frame)
            self._news.notify_all()

    def reply(self, call: Call, answer: Answer) -> None:
        """Answer a CALL: a payload, `Refuse`, or `SILENT`."""
        if answer is SILENT:
            return
        if isinstance(answer, Refuse):
            self.send(json.dumps([4, call.message_id, answer.code, answer.description, answer.details]))
        else:
            self.send(json.dumps([3, call.message_id, answer]))

    def send(self, text: str | bytes) -> None:
        """Send a frame as it is: str as text, bytes as binary."""
        self.socket.send(text)

    def _wait(self, condition: Callable[[], Any], timeout: float, what: str) -> Any:
        with self._news:
            self._news.wait_for(lambda: condition() or not self._open, timeout)
            found = condition()
            assert found, f"{self.identity}: {what} " + (
                f"did not come within {timeout:g} s" if self._open else f"did not come; closed {self.socket.close_code}"
            )
            return found

    def raw(self, text: str, message_id: str, timeout: float = 15) -> Any:
        """Send a text as it is and return the frame that answers `message_id`."""
        self._results[message_id] = None
        self.send(text)
        try:
            return self._wait(lambda: self._results[message_id], timeout, f"the answer to {message_id}")
        finally:
            del self._results[message_id]

    def call(self, action: str, payload: Any, *, message_id: str | None = None, timeout: float = 15) -> Any:
        """Send a CALL and return the whole answering frame."""
        message_id = message_id or secrets.token_hex(8)
        return self.raw(json.dumps([2, message_id, action, payload]), message_id, timeout)

    def ok(self, action: str, payload: Any, **more: Any) -> Any:
        """Send a CALL, assert a CALLRESULT, and return its payload."""
        frame = self.call(action, payload, **more)
        assert frame[0] == 3, f"{self.identity} {action}: {frame}"
        return frame[2]

    def refused(self, action: str, payload: Any, **more: Any) -> str:
        """Send a CALL, assert a CALLERROR, and return its code."""
        frame = self.call(action, payload, **more)
        assert frame[0] == 4, f"{self.identity} {action}: {frame}"
        return str(frame[2])

    def expect_call(self, action: str | None = None, timeout: float = 15) -> Call:
        """The next CALL of this action (or any) that no earlier `expect_call` passed."""

        def found() -> int:
            for index in range(self._seen, len(self.calls)):
                if action in (None, self.calls[index].action):
                    return index + 1
            return 0

        self._seen = self._wait(found, timeout, f"a CALL {action or ''}")
        return self.calls[self._seen - 1]

    def expect_odd(self, timeout: float = 15) -> Any:
        """The next frame that answers nothing this client asked (for instance the error for an unreadable one)."""
        self._wait(lambda: self.odd, timeout, "an unasked frame")
        return self.odd.pop(0)

    def expect_close(self, timeout: float = 15) -> int | None:
        """Wait until the server has closed the socket; -> the close code."""
        with self._news:
            assert self._news.wait_for(lambda: not self._open, timeout), f"{self.identity} was not closed"
        return self.socket.close_code


@dataclass(frozen=True)
class HttpAnswer:
    """What a server said to an upgrade: header names in lower case."""

    status: int
    headers: dict[str, str]
    body: str


def upgrade(
    server: Server,
    target: str,
    *,
    identity: str | None = None,
    password: str | None = PASSWORD,
    protocols: str | None = "ocpp1.6",
    headers: Mapping[str, str] | None = None,
    timeout: float = 15,
    tls: ssl.SSLContext | None = None,
) -> HttpAnswer:
    """A WebSocket handshake, byte for byte: `target` is the request target as it stands on the wire."""
    request = upgrade_request(
        server, target, identity=identity, password=password, protocols=protocols, headers=headers
    )
    with contextlib.ExitStack() as stack:
        wire = stack.enter_context(socket.create_connection(("127.0.0.1", server.ocpp_port), timeout=timeout))
        if tls is not None:
            wire = stack.enter_context(tls.wrap_socket(wire, server_hostname="127.0.0.1"))
        wire.sendall(request)
        received = wire.makefile("rb")
        status = int(received.readline().split()[1])
        got: dict[str, str] = {}
        while (line := received.readline().strip()) != b"":
            name, _, value = line.decode("latin-1").partition(":")
            got[name.strip().lower()] = value.strip()
        body = received.read(int(got.get("content-length", 0))).decode(errors="replace") if status != 101 else ""
    return HttpAnswer(status, got, body)


def upgrade_request(
    server: Server,
    target: str,
    *,
    identity: str | None = None,
    password: str | None = PASSWORD,
    protocols: str | None = "ocpp1.6",
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """The bytes of a handshake."""
    sent = {
        "Host": f"127.0.0.1:{server.ocpp_port}",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(secrets.token_bytes(16)).decode(),
    }
    if protocols is not None:
        sent["Sec-WebSocket-Protocol"] = protocols
    if identity is not None and password is not None:
        sent["Authorization"] = basic(identity, password)
    sent.update(headers or {})
    lines = [f"GET {target} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1")
