"""A station's connection: one task that owns the station from the handshake until the socket ends."""

import asyncio
import logging
import uuid
from functools import partial
from typing import TYPE_CHECKING

from django.conf import settings

from charging.ledger import owners
from charging.ledger.connections import Connected, Disconnected, Owned
from charging.ledger.core import NotApplied, OutcomeUnknown, Work
from charging.live import hurry
from mobility.websocket import ShortCutProtocol
from ocpp_gateway import auth, commands, rpc
from ocpp_gateway.reading import Reader, Receive, Send

if TYPE_CHECKING:
    from ocpp_gateway.gateway import Gateway

log = logging.getLogger("ocpp_gateway")

LEAST_IDLE_S = 900


class Connection(Reader):
    """An admitted station on its socket."""

    def __init__(
        self,
        runtime: "Gateway",
        admitted: auth.Admitted,
        source: str,
        receive: Receive,
        send: Send,
        short_cut: ShortCutProtocol | None = None,
    ) -> None:
        station = admitted.station
        super().__init__(runtime.ledger, station, admitted.protocol, receive, send, short_cut)
        self.gateway = runtime
        self.admitted = admitted
        self.source = source
        self.connection_id = str(uuid.uuid4())
        heartbeat_s = station.heartbeat_interval_s or settings.OCPP_HEARTBEAT_INTERVAL_S
        idle = station.idle_timeout_s
        self.idle_timeout_s = max(3 * heartbeat_s, LEAST_IDLE_S) if idle is None else idle
        self._accepted = False
        #: Whether the station's row has named this connection as its owner.
        self.owns = False
        self.waiting: tuple[str, asyncio.Future[rpc.Answer]] | None = None
        self.unanswered: set[str] = set()
        self._strays = 20
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
            await self.read()
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
        self.owns = True
        if owned.displaced:
            taken = {"type": "station.taken", "station_id": self.station_id, "connection_id": self.connection_id}
            self.gateway.spawn(hurry("gateways", taken), "tell-taken")
        return owned

    async def own_again(self) -> None:
        """The row says that the station is offline, and nobody else has it."""
        if self.ended:
            return
        call = partial(owners.own_again, connection_id=self.connection_id, gateway=self.gateway.name)
        try:
            await self.ledger.submit(Work(self.station_id, call=call))
        except (NotApplied, OutcomeUnknown) as error:
            log.error("%s could not be marked as online: %s", self.identity, error)

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
                await self.spoke.wait()
        except TimeoutError:
            self.spoke.set()

    def answered(self, answer: rpc.Answer) -> None:
        self.spoke.set()
        if self.waiting is not None and self.waiting[0] == answer.message_id and not self.waiting[1].done():
            self.waiting[1].set_result(answer)
        elif answer.message_id in self.unanswered or self._strays > 0:
            self._strays -= answer.message_id not in self.unanswered
            self.unanswered.discard(answer.message_id)
            self.gateway.spawn(commands.late(self, answer), "late-answer")
        else:
            self.wrong.append(("stray_answer", answer.message_id))
            del self.wrong[:-20]
