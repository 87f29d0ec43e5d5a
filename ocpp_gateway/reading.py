"""Reading a station's socket: a frame is parsed, translated, submitted to the ledger and answered.

No task per frame, and one message in work at a time: a slow station holds back only itself. Nearly every frame takes
the short cut, in which not even the reader's task is woken; all others meet the reader.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from django.conf import settings

from charging.facts import Booted, Fact, Heartbeat, Quarantined, StatusChanged
from charging.ledger.core import Ledger, NotApplied, Work
from charging.models import ChargingStation
from mobility.websocket import ShortCutProtocol
from ocpp_gateway import rpc, schemas, versions
from ocpp_gateway.limits import Asked, FrameRate
from ocpp_gateway.log import excerpt, masked
from ocpp_gateway.translation import Context, Payload, Refusal

log = logging.getLogger("ocpp_gateway")

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

#: Answered anew each time: a stale clock or a stale yes is worse than a second answer; a status is a state.
NEVER_REPEATED = frozenset({"BootNotification", "Heartbeat", "Authorize", "StatusNotification"})
REMEMBERED = 8
#: Reports that a station sends because it was asked to, also while it is not accepted (B02.FR.09).
ANSWERS_TO = {"GetBaseReport": "NotifyReport", "GetReport": "NotifyReport"}


class Reader:
    """What a station says, and the answers to it. What it answers to us is handed to `answered`."""

    def __init__(
        self,
        ledger: Ledger,
        station: ChargingStation,
        protocol: str,
        receive: Receive,
        send: Send,
        short_cut: ShortCutProtocol | None,
    ) -> None:
        self.ledger = ledger
        self.station_id, self.identity = station.pk, station.identity
        self.protocol = protocol
        self.translator = versions.translator(protocol)
        self.receive, self.send = receive, send
        self.short_cut = short_cut
        self.drift_s = station.clock_drift_s
        self.call_timeout_s = station.call_timeout_s or settings.OCPP_CALL_TIMEOUT_S
        self.logs = settings.OCPP_LOG
        self.heard_at = time.monotonic()
        self.ended = ""
        # What the last boot was answered: to connect again is no boot, and does not let a waiting station in.
        kept_waiting = station.booted_at is not None and station.registration != station.Registration.ACCEPTED
        self.registration: str | None = station.registration if kept_waiting else None
        self.spoke = asyncio.Event()
        self.wrong: list[tuple[str, str]] = []
        self._reading = True
        self._in_work: asyncio.Future[None] | bool = False
        self._unsent: str | Exception | None = None
        #: (id, text to know it again) of the message in work
        self._in_hand: tuple[str, str | None] = "", None
        self._recent: OrderedDict[str, str] = OrderedDict()
        self._rate = FrameRate()
        self._asked = Asked(self.call_timeout_s)

    def answered(self, answer: rpc.Answer) -> None:
        """The station answers a call of ours."""
        raise NotImplementedError

    async def read(self) -> None:
        if self.short_cut is not None:
            self.short_cut.listener = self._take
        while True:
            self._reading = False
            event = await self.receive()
            self._reading = True
            if self._in_work or self._unsent:
                await self._work_done()
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

    # --- The short cut: nearly every frame -------------------------------------------------------------------------

    def _take(self, text: str) -> bool:
        """Take a CALL that has nothing unusual, in place of the reader: no task is woken for it or for its answer.

        False while the reader or another such call is in work, and for all that needs more than a fact and an answer.
        """
        if self._reading or self._in_work or self._rate.left < 2:
            return False
        frame = self._parsed(text)
        if type(frame) is not rpc.Call or not self._may_say(frame.action) or text in self._recent:
            return False
        context = Context(datetime.now(UTC), self.drift_s)
        try:
            fact, answer = self._translated(frame, context)
        except Exception:  # noqa: BLE001 - the reader meets it again, and says what it is
            return False
        self.heard_at = now = time.monotonic()
        self._rate.delay_s(now)
        self._in_work = True
        self.ledger.post(self._work(frame, text, fact, answer, context), self._taken)
        return True

    def _taken(self, work: Work) -> None:
        """The ledger is done with what was taken: answer it, or leave that to the reader where it takes waiting."""
        waiter, self._in_work = self._in_work, False
        if work.error is None or isinstance(work.error, NotApplied):
            text = self._answer_to(work)
            if not self._write(text):
                self._unsent = text
            self._said(work)
        else:
            self._unsent = work.error
        if isinstance(waiter, asyncio.Future):
            if not waiter.done():
                waiter.set_result(None)
        elif self._unsent is not None and self.short_cut is not None:
            self.short_cut.inbox.put_nowait({"type": "mobility.unsent"})

    def _write(self, text: str) -> bool:
        return self.short_cut is not None and self.short_cut.write_text(text)

    async def _work_done(self) -> None:
        """The reader waits for what was taken past it, and sends what could not be sent at once."""
        if self._in_work:
            waiter = self._in_work = asyncio.get_running_loop().create_future()
            await waiter
        unsent, self._unsent = self._unsent, None
        if isinstance(unsent, Exception):
            raise unsent
        if unsent is not None:
            await self.send_text(unsent)

    async def _other(self, frame: rpc.Frame, text: str) -> None:
        """What is no CALL."""
        if isinstance(frame, rpc.Answer):
            self.answered(frame)
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
        work = self._work(frame, text, fact, answer, context)
        try:
            await self.ledger.enqueue(work)
        except NotApplied as error:
            work.error = error
        await self.send_text(self._answer_to(work))
        self._said(work)

    def _work(self, frame: rpc.Call, text: str, fact: Fact, answer: Callable[[Any], Payload], context: Context) -> Work:
        message_id = frame.message_id
        work = Work(
            self.station_id,
            fact=fact,
            answer=lambda result: (rpc.result(message_id, answer(result)), "ok"),
            exchange=("station", message_id, frame.action, masked(text) if self.logs else ""),
            received_at=context.received,
        )
        if frame.violations or context.wrong or self.wrong:
            work.violations = [*frame.violations, *context.wrong, *self.take_wrong()]
        self._in_hand = message_id, None if frame.action in NEVER_REPEATED else text
        return work

    def _answer_to(self, work: Work) -> str:
        """What is sent for the message in hand; kept for a frame that comes again."""
        message_id, text = self._in_hand
        if work.error is not None:
            return rpc.error(message_id, "internal", self.protocol)
        if text is not None:
            self._recent[text] = work.text
            if len(self._recent) > REMEMBERED:
                self._recent.popitem(last=False)
        return work.text

    def _translated(self, frame: rpc.Call, context: Context) -> tuple[Fact, Callable[[Any], Payload]]:
        handler = self.translator.routes.get(frame.action)
        if handler is not None:
            return handler(frame.payload, context)
        response = schemas.of(self.protocol).responses.get(frame.action)
        if response is not None and response.document.get("required"):
            raise Refusal("direction", "")
        # A notification that asks for nothing but to be taken: it is kept in the message log.
        return Heartbeat(), lambda _: {}

    def _said(self, work: Work) -> None:
        """What an answered message means for the connection."""
        fact = work.fact
        if work.error is not None:
            return
        if isinstance(fact, Booted):
            self.registration = work.result.registration
            self.spoke.clear()
            return
        if isinstance(fact, StatusChanged) and fact.drift_s is not None:
            self.drift_s = fact.drift_s
        self.spoke.set()

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
            exchange=("station", "", action, masked(text[:65536]) if self.logs else ""),
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
