"""A station's connection: the handshake, then one task that reads its socket frame by frame.

No task per frame: a frame is parsed, translated, submitted to the ledger and answered in the reader itself, so that
a station has one message in work at a time and a slow one holds back only itself.
"""

import asyncio
import logging
import time
import uuid
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from channels.layers import get_channel_layer
from django.conf import settings
from django.db import DatabaseError

from accounts.network import scope_ip
from charging.facts import Booted, Fact, Heartbeat, Quarantined, StatusChanged
from charging.ledger.connections import Connected, Disconnected, Owned
from charging.ledger.core import NotApplied, OutcomeUnknown, Work
from ocpp_gateway import auth, commands, rpc, schemas, versions
from ocpp_gateway.gateway import Gateway, gateway
from ocpp_gateway.limits import Asked, FrameRate
from ocpp_gateway.log import excerpt, masked
from ocpp_gateway.translation import Context, Payload, Refusal

log = logging.getLogger("ocpp_gateway")

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

#: Answered anew each time: a stale clock or a stale yes is worse than a second answer; a status is a state.
NEVER_REPEATED = frozenset({"BootNotification", "Heartbeat", "Authorize", "StatusNotification"})
REMEMBERED = 8
#: Reports that a station sends because it was asked to, also while it is not accepted (B02.FR.09).
ANSWERS_TO = {"GetBaseReport": "NotifyReport", "GetReport": "NotifyReport"}
LEAST_IDLE_S = 900


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """The ASGI application of the OCPP port."""
    if scope["type"] == "http":
        await _say_websocket(send)
        return
    if scope["type"] != "websocket":
        return
    await receive()
    runtime = await gateway()
    try:
        connection = await _handshake(runtime, scope, receive, send)
    except auth.Refused as refusal:
        await refuse(scope, send, refusal)
        return
    await connection.run()


async def _say_websocket(send: Send) -> None:
    body = b"This is the OCPP port: charging stations connect to /OCPP/{identity} by WebSocket.\n"
    headers = [(b"content-type", b"text/plain"), (b"upgrade", b"websocket")]
    await send({"type": "http.response.start", "status": 426, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def refuse(scope: Scope, send: Send, refusal: auth.Refused) -> None:
    """Answer the upgrade with a status; a server that cannot do that closes it, which reads as 403."""
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        await send({"type": "websocket.close", "code": 1008})
        return
    body = refusal.reason.encode() + b"\n"
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send(
        {"type": "websocket.http.response.start", "status": refusal.status, "headers": headers + refusal.headers}
    )
    await send({"type": "websocket.http.response.body", "body": body})


async def _handshake(runtime: Gateway, scope: Scope, receive: Receive, send: Send) -> "Connection":
    source = scope_ip(scope)
    raw_path = scope.get("raw_path") or scope["path"].encode()
    if runtime.draining:
        raise auth.Refused(503, "The server is restarting; connect again in a moment.", [(b"retry-after", b"5")])
    try:
        name, malformed = auth.identity_of(raw_path), None
    except auth.Refused as refusal:
        name, malformed = raw_path.decode("latin-1")[:200], refusal
    wait = runtime.limits.wait_s(source, name, known=runtime.knows(name))
    if wait and not malformed and not runtime.knows(name):
        # It may be a station that was created a moment ago.
        await runtime.learn()
        wait = runtime.limits.wait_s(source, name, known=runtime.knows(name))
    if wait:
        text = f"Too many failed attempts; wait {wait} s."
        raise auth.Refused(429, text, [(b"retry-after", str(wait).encode())])
    try:
        if malformed:
            raise malformed
        request = auth.request_of(scope, name, source)
        async with runtime.handshakes:
            admitted = await runtime.in_thread(auth.admit, request)
    except auth.Refused:
        runtime.limits.failed(source, name)
        raise
    except DatabaseError as error:
        log.error("A handshake could not be checked: %s", error)
        raise auth.Refused(503, "The server cannot reach its database.", [(b"retry-after", b"10")]) from error
    runtime.add_known(name)
    return Connection(runtime, admitted, source, receive, send)


class Connection:
    """An admitted station on its socket."""

    def __init__(self, runtime: Gateway, admitted: auth.Admitted, source: str, receive: Receive, send: Send) -> None:
        station = admitted.station
        self.gateway, self.ledger = runtime, runtime.ledger
        self.receive, self.send = receive, send
        self.admitted = admitted
        self.source = source
        self.station_id, self.identity = station.pk, station.identity
        self.connection_id = str(uuid.uuid4())
        self.protocol = admitted.protocol
        self.translator = versions.translator(admitted.protocol)
        self.drift_s = station.clock_drift_s
        self.call_timeout_s = station.call_timeout_s or settings.OCPP_CALL_TIMEOUT_S
        heartbeat_s = station.heartbeat_interval_s or settings.OCPP_HEARTBEAT_INTERVAL_S
        idle = station.idle_timeout_s
        self.idle_timeout_s = max(3 * heartbeat_s, LEAST_IDLE_S) if idle is None else idle
        self.logs = settings.OCPP_LOG
        self.heard_at = time.monotonic()
        self.ended = ""
        # What the last boot was answered: to connect again is no boot, and does not let a waiting station in.
        kept_waiting = station.booted_at is not None and station.registration != station.Registration.ACCEPTED
        self.registration: str | None = station.registration if kept_waiting else None
        self._accepted = False
        self.waiting: tuple[str, asyncio.Future[rpc.Answer]] | None = None
        self.unanswered: set[str] = set()
        self.wrong: list[tuple[str, str]] = []
        self._strays = 20
        self._recent: OrderedDict[str, str] = OrderedDict()
        self._rate = FrameRate()
        self._asked = Asked(self.call_timeout_s)
        self._spoke = asyncio.Event()
        self._poked_again = False
        self._delivery: asyncio.Task[None] | None = None
        self._reader: asyncio.Task[None] | None = None

    # --- Life -------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Own the station until the socket ends, whoever ends it."""
        self._reader = asyncio.current_task()
        reason = "the station disconnected"
        try:
            flapping = self.gateway.take(self)
            owned = await self._own(flapping)
            await self._accept()
            if owned.has_commands:
                self.poke()
            await self._read()
        except asyncio.CancelledError:
            reason = self.ended or "the station was silent for too long"
            if not self.ended:
                raise
        except (NotApplied, OutcomeUnknown) as error:
            log.error("Connection of %s ends: %s", self.identity, error)
            await self._close(1011, "The server could not store a message.")
        except (OSError, RuntimeError) as error:
            reason = f"the line broke ({type(error).__name__})"
        finally:
            self.ended = self.ended or reason
            self.gateway.release(self)
            self._end_delivery()
            # Not awaited in a task that may be cancelled: giving the station up must happen.
            self.gateway.spawn(self._give_up(), "give-up")

    async def _accept(self) -> None:
        if not self._accepted:
            self._accepted = True
            await self.send({"type": "websocket.accept", "subprotocol": self.admitted.subprotocol})

    async def _own(self, flapping: bool) -> Owned:
        fact = Connected(
            connection_id=self.connection_id,
            gateway=self.gateway.name,
            protocol=self.protocol,
            source_ip=self.source,
            password_hash=self.admitted.password_hash,
            used_pending=self.admitted.used_pending,
            flapping=flapping,
        )
        work = await self.ledger.submit(Work(self.station_id, fact=fact))
        owned: Owned = work.result
        if owned.displaced:
            taken = {"type": "station.taken", "station_id": self.station_id, "connection_id": self.connection_id}
            self.gateway.spawn(get_channel_layer().group_send("gateways", taken), "tell-taken")
        return owned

    def _end_delivery(self) -> None:
        """Nobody answers any more. An answer that did arrive, as before a reset, is still written down first."""
        if self.waiting is None:
            if self._delivery is not None:
                self._delivery.cancel()
        elif not self.waiting[1].done():
            self.waiting[1].set_exception(ConnectionResetError("the connection ended"))

    async def _give_up(self) -> None:
        if self._delivery is not None and not self._delivery.done():
            await asyncio.wait({self._delivery}, timeout=5)
        try:
            await self.ledger.submit(Work(self.station_id, fact=Disconnected(self.connection_id, self.ended)))
        except (NotApplied, OutcomeUnknown) as error:
            log.error("%s could not be marked as offline: %s", self.identity, error)

    def end(self, code: int, reason: str) -> None:
        """End the connection from outside: another one took over, or the server restarts."""
        if self.ended:
            return
        self.ended = reason
        self.gateway.release(self)
        self.gateway.spawn(self._end(code, reason), "end")

    async def _end(self, code: int, reason: str) -> None:
        try:
            async with asyncio.timeout(2):
                await self._close(code, reason)
        except TimeoutError:
            pass
        finally:
            self.abandon()

    async def _close(self, code: int, reason: str) -> None:
        try:
            # A right handshake is never refused: one that is displaced while it is answered is closed like any other.
            await self._accept()
            await self.send({"type": "websocket.close", "code": code, "reason": reason[:120]})
        except (OSError, RuntimeError) as error:
            log.debug("%s was closed already: %s", self.identity, error)

    def abandon(self) -> None:
        """Stop reading, whatever the peer does; the server drops the line."""
        if self._reader is not None:
            self._reader.cancel()

    # --- Reading ----------------------------------------------------------------------------------------------------

    async def _read(self) -> None:
        while True:
            event = await self.receive()
            kind = event["type"]
            if kind == "websocket.disconnect":
                self.ended = self.ended or f"the station closed the connection, code {event.get('code')}"
                return
            if kind != "websocket.receive":
                continue
            self.heard_at = now = time.monotonic()
            text = event.get("text")
            if text is None:
                self.wrong.append(("binary_frame", ""))
                text = (event.get("bytes") or b"").decode("utf-8", "replace")
            frame = self._parsed(text)
            if type(frame) is rpc.Call:
                await self._call(frame, text)
            else:
                await self._other(frame, text)
            delay = self._rate.delay_s(now)
            if delay:
                await asyncio.sleep(delay)

    async def _other(self, frame: rpc.Frame, text: str) -> None:
        """What is no CALL."""
        if isinstance(frame, rpc.Answer):
            self._answered(frame)
        elif isinstance(frame, rpc.Refused):
            await self._refused(frame, text)
        elif isinstance(frame, rpc.Sent):
            await self._log_only(text, frame.action, "", [])
        elif isinstance(frame, rpc.Unreadable):
            answer = rpc.unreadable(self.protocol) if frame.answer else None
            await self._log_only(text, "", answer or "", [(frame.violation, excerpt(text))])
            if answer:
                await self.send_text(answer)

    def _parsed(self, text: str) -> rpc.Frame:
        try:
            return rpc.parse(text, self.protocol)
        except Exception:
            log.exception("A frame of %s could not be read", self.identity)
            return rpc.Unreadable("unreadable")

    async def send_text(self, text: str) -> None:
        await self.send({"type": "websocket.send", "text": text})

    async def _call(self, frame: rpc.Call, text: str) -> None:
        action = frame.action
        if not self._may_say(action):
            await self._refuse(frame.message_id, "security", text, action)
            return
        repeated = self._recent.get(text)
        if repeated is not None:
            await self._log_only(text, action, repeated, [("repeated_message", excerpt(text))])
            await self.send_text(repeated)
            return
        context = Context(datetime.now(UTC), self.drift_s)
        try:
            fact, answer = self._translated(frame, context)
        except Refusal as refusal:
            await self._refuse(frame.message_id, refusal.kind, text, action, refusal.where)
            return
        except Exception:
            log.exception("%s of %s could not be translated", action, self.identity)
            await self._refuse(frame.message_id, "internal", text, action)
            return
        work = Work(
            self.station_id,
            fact=fact,
            answer=lambda result: (rpc.result(frame.message_id, answer(result)), "ok"),
            exchange=("station", frame.message_id, action, masked(text)) if self.logs else None,
            received_at=context.received,
        )
        if frame.violations or context.wrong or self.wrong:
            work.violations = [*frame.violations, *context.wrong, *self.take_wrong()]
        try:
            await self.ledger.enqueue(work)
        except NotApplied:
            await self.send_text(rpc.error(frame.message_id, "internal", self.protocol))
            return
        if action not in NEVER_REPEATED:
            self._recent[text] = work.text
            if len(self._recent) > REMEMBERED:
                self._recent.popitem(last=False)
        await self.send({"type": "websocket.send", "text": work.text})
        self._said(fact, work.result)

    def _translated(self, frame: rpc.Call, context: Context) -> tuple[Fact, Callable[[Any], Payload]]:
        handler = self.translator.routes.get(frame.action)
        if handler is not None:
            return handler(frame.payload, context)
        response = schemas.of(self.protocol).responses.get(frame.action)
        if response is not None and response.document.get("required"):
            raise Refusal("direction", "")
        # A notification that asks for nothing but to be taken: it is kept in the message log.
        return Heartbeat(), lambda _: {}

    def _said(self, fact: Fact, result: Any) -> None:
        """What an answered message means for the connection."""
        if isinstance(fact, Booted):
            self.registration = result.registration
            self._spoke.clear()
            return
        if isinstance(fact, StatusChanged) and fact.drift_s is not None:
            self.drift_s = fact.drift_s
        self._spoke.set()

    # --- What is refused ----------------------------------------------------------------------------------------------

    def _may_say(self, action: str) -> bool:
        """2.x: until it is accepted, a station boots, and answers what it was asked for (B02.FR.09, B03)."""
        if self.registration in (None, "accepted") or self.protocol == "1.6" or action == "BootNotification":
            return True
        return action in self._asked

    def asked_for(self, action: str, payload: Payload) -> None:
        """A call of ours that lets the station send something while it is not accepted."""
        if action == "TriggerMessage":
            self._asked.allow(str(payload.get("requestedMessage")))
        elif action in ANSWERS_TO:
            self._asked.allow(ANSWERS_TO[action])

    async def _refused(self, frame: rpc.Refused, text: str) -> None:
        if frame.action and not self._may_say(frame.action):
            await self._refuse(frame.message_id, "security", text, frame.action)
            return
        keep = frame.action in rpc.TRANSACTION_ACTIONS and frame.payload is not None
        fact = Quarantined(frame.action, f"{frame.kind}: {frame.where}", frame.payload) if keep else None
        violations = [*frame.violations, (f"refused_{frame.kind}", f"{frame.action}.{frame.where}")]
        await self._refuse(frame.message_id, frame.kind, text, frame.action, frame.where, violations, fact)

    async def _refuse(
        self,
        message_id: str,
        kind: str,
        text: str,
        action: str,
        where: str = "",
        violations: list[tuple[str, str]] | None = None,
        fact: Fact | None = None,
    ) -> None:
        answer = rpc.error(message_id, kind, self.protocol, where)
        await self._log_only(text, action, answer, violations or [], rpc.error_code(kind, self.protocol), fact)
        await self.send_text(answer)

    async def _log_only(
        self,
        text: str,
        action: str,
        answer: str,
        violations: list[tuple[str, str]],
        outcome: str = "",
        fact: Fact | None = None,
    ) -> None:
        work = Work(
            self.station_id,
            fact=fact,
            answer=lambda _: (answer, outcome or ("ok" if answer else "")),
            exchange=("station", "", action, masked(text[:65536])) if self.logs else None,
            violations=[*violations, *self.take_wrong()],
            received_at=datetime.now(UTC),
        )
        try:
            await self.ledger.submit(work)
        except NotApplied as error:
            log.error("A refused frame of %s is not logged: %s", self.identity, error)

    def take_wrong(self) -> list[tuple[str, str]]:
        taken, self.wrong = self.wrong, []
        return taken

    # --- Our own calls ----------------------------------------------------------------------------------------------

    def poke(self) -> None:
        """Something waits for this station; one delivery runs at a time."""
        if self.ended or (self._delivery is not None and not self._delivery.done()):
            self._poked_again = True
            return
        self._delivery = self.gateway.spawn(self._deliver(), "deliver")

    async def _deliver(self) -> None:
        while True:
            self._poked_again = False
            await commands.deliver(self)
            if not self._poked_again or self.ended:
                return

    async def settled(self, wait_s: float) -> None:
        """Return when the station has said something else than its boot, or has had time to."""
        try:
            async with asyncio.timeout(wait_s):
                await self._spoke.wait()
        except TimeoutError:
            self._spoke.set()

    def _answered(self, answer: rpc.Answer) -> None:
        self._spoke.set()
        if self.waiting is not None and self.waiting[0] == answer.message_id and not self.waiting[1].done():
            self.waiting[1].set_result(answer)
        elif answer.message_id in self.unanswered or self._strays > 0:
            self._strays -= answer.message_id not in self.unanswered
            self.unanswered.discard(answer.message_id)
            self.gateway.spawn(commands.late(self, answer), "late-answer")
        else:
            self.wrong.append(("stray_answer", answer.message_id))
            del self.wrong[:-20]
