"""A small honest OCPP server for the simulator's tests, which can be told to misbehave.

It checks every frame of the station against the schemas and keeps everything it saw.
"""

import asyncio
import base64
import itertools
import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Response

from mobility.simulator import schemas

VERSIONS = {"ocpp1.6": "1.6", "ocpp2.0.1": "2.0.1", "ocpp2.1": "2.1"}
Payload = dict[str, Any]


def now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


class Csms:
    """`answers[action]` replaces an answer: a callable (payload) -> payload, None (say nothing) or a list (the
    frame after [type, id]); `faults` is what is wrong with the station's frames."""

    def __init__(self) -> None:
        self.passwords: dict[str, list[str | bytes]] = {"SIM-1": ["Sixteen-Chars-Pw"]}
        self.boot = ["Accepted"]
        self.interval = 300
        self.answers: dict[str, Callable[[Payload], Any]] = {}
        self.frames: list[list[Any]] = []
        self.replies: list[list[Any]] = []
        self.faults: list[str] = []
        self.connections = 0
        self.seen_passwords: list[bytes] = []
        self.socket: ServerConnection | None = None
        self.version = ""
        self.transactions: dict[Any, int] = {}
        self.stops: dict[int, Payload] = {}
        self.tags: dict[str, str] = {}
        self.parents: dict[str, str] = {}
        self._waiting: dict[str, asyncio.Future[list[Any]]] = {}
        self._ids = itertools.count(1)
        self._changed = asyncio.Condition()
        self._outstanding = 0

    async def __aenter__(self) -> "Csms":
        self._server = await serve(
            self._talk,
            "127.0.0.1",
            0,
            subprotocols=list(VERSIONS),  # type: ignore[arg-type]
            process_request=self._admit,
            ping_interval=None,
            close_timeout=1,
        )
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"ws://127.0.0.1:{self.port}/OCPP"
        return self

    async def __aexit__(self, *error: Any) -> None:
        self._server.close()
        await self._server.wait_closed()

    def _admit(self, connection: ServerConnection, request: Any) -> Response | None:
        identity = request.path.rsplit("/", 1)[-1]
        if identity not in self.passwords:
            return connection.respond(404, "unknown station\n")
        sent = request.headers.get("Authorization", "")
        name, _, password = base64.b64decode(sent.removeprefix("Basic ")).partition(b":")
        self.seen_passwords.append(password)
        wanted = [p if isinstance(p, bytes) else p.encode() for p in self.passwords[identity]]
        if name.decode() != identity or password not in wanted:
            return connection.respond(401, "wrong password\n")
        return None

    async def _talk(self, socket: ServerConnection) -> None:
        self.connections += 1
        self.socket, self.version = socket, VERSIONS[str(socket.subprotocol)]
        await self._note()
        with suppress(ConnectionClosed):
            async for raw in socket:
                await self._take(socket, json.loads(raw))
                await self._note()

    async def _take(self, socket: ServerConnection, message: list[Any]) -> None:
        if message[0] == 2:
            self.frames.append(message)
            fault = schemas.request_fault(self.version, message[2], message[3])
            if fault:
                self.faults.append(f"{message[2]}: {fault}: {message[3]}")
            await self._answer(socket, message)
        elif message[1] in self._waiting:
            self.replies.append(message)
            self._waiting.pop(message[1]).set_result(message)
        else:
            self.faults.append(f"stray answer {message}")

    async def _note(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def until(self, condition: Callable[[], Any], timeout_s: float = 20) -> None:
        async with asyncio.timeout(timeout_s), self._changed:
            await self._changed.wait_for(condition)

    async def _answer(self, socket: ServerConnection, message: list[Any]) -> None:
        _, message_id, action, payload = message
        if action in self.answers:
            answer = self.answers[action](payload)
        else:
            answer = getattr(self, f"on_{action}", lambda _: {})(payload)
        if answer is None:
            return
        if isinstance(answer, str):
            await socket.send(answer)
            return
        frame = [4, message_id, *answer] if isinstance(answer, list) else [3, message_id, answer]
        await socket.send(json.dumps(frame))

    # -- honest answers

    def on_BootNotification(self, payload: Payload) -> Payload:
        status = self.boot.pop(0) if len(self.boot) > 1 else self.boot[0]
        return {"currentTime": now(), "interval": self.interval, "status": status}

    def on_Heartbeat(self, payload: Payload) -> Payload:
        return {"currentTime": now()}

    def on_Authorize(self, payload: Payload) -> Payload:
        if self.version == "1.6":
            return {"idTagInfo": self._info(payload["idTag"])}
        return {"idTokenInfo": {"status": self.tags.get(payload["idToken"]["idToken"], "Accepted")}}

    def _info(self, tag: str) -> Payload:
        info = {"status": self.tags.get(tag, "Accepted")}
        return {**info, "parentIdTag": self.parents[tag]} if tag in self.parents else info

    def on_StartTransaction(self, payload: Payload) -> Payload:
        key = json.dumps(payload, sort_keys=True)
        transaction_id = self.transactions.setdefault(key, 1000 + len(self.transactions))
        return {"transactionId": transaction_id, "idTagInfo": self._info(payload["idTag"])}

    def on_StopTransaction(self, payload: Payload) -> Payload:
        self.stops.setdefault(payload["transactionId"], payload)
        return {}

    def on_TransactionEvent(self, payload: Payload) -> Payload:
        if "idToken" not in payload:
            return {}
        return {"idTokenInfo": {"status": self.tags.get(payload["idToken"]["idToken"], "Accepted")}}

    def on_DataTransfer(self, payload: Payload) -> Payload:
        return {"status": "Accepted"}

    # -- commands

    async def send(self, text: str) -> None:
        assert self.socket is not None
        await self.socket.send(text)

    async def command(self, action: str, payload: Payload, timeout_s: float = 20) -> list[Any]:
        """Send a CALL; returns the whole answer frame, checked against its schema."""
        message_id = str(next(self._ids))
        future: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        self._waiting[message_id] = future
        await self.send(json.dumps([2, message_id, action, payload]))
        answer = await asyncio.wait_for(future, timeout_s)
        if answer[0] == 3:
            fault = schemas.answer_fault(self.version, action, answer[2])
            if fault:
                self.faults.append(f"answer to {action}: {fault}: {answer[2]}")
        return answer

    async def ask(self, action: str, payload: Payload) -> Payload:
        answer = await self.command(action, payload)
        assert answer[0] == 3, answer
        return dict(answer[2])

    def sent(self, action: str) -> list[Payload]:
        """The payloads of the station's CALLs of an action, in order."""
        return [frame[3] for frame in self.frames if frame[2] == action]
