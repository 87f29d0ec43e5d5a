"""A simulated charging station: boot, heartbeat, reconnects, and the way of its messages to the server."""

import asyncio
import math
import random
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Any

from websockets.exceptions import InvalidMessage

from mobility.simulator.charging import Charging
from mobility.simulator.clock import Clock, parse_time
from mobility.simulator.connector import Connector
from mobility.simulator.link import Broken, Link, Problem, Refused, open_socket
from mobility.simulator.outbox import CallFailed, NoAnswer, Offline, Outbox, Payload
from mobility.simulator.settings import Settings
from mobility.simulator.v2 import Wire2
from mobility.simulator.v16 import Wire16
from mobility.simulator.wire import Wire

FINAL_REFUSALS = (0, 400, 401, 403, 404)


class Unreachable(Exception):
    """Nobody answered at the URL for as long as the settings allow."""


class Station(Charging):
    """An honest charging station.

    Use it as `async with Station(settings) as station:`; it connects, boots and obeys commands by itself.
    `events` holds the latest things that happened (dicts with time, identity, event), `problems` every break of
    the protocol by the server, `sessions` its own truth about every transaction.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock | None = None,
        on_event: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        super().__init__(settings, clock or Clock(settings.speed, settings.backlog_s))
        self.password: str | bytes | None = settings.password
        self.events: deque[dict[str, Any]] = deque(maxlen=2000)
        self.problems: list[Problem] = []
        self.outbox = Outbox(attempts=lambda: self.options.attempts, interval_s=lambda: self.options.retry_interval_s)
        self.registration: str | None = None
        self.operative = True
        self.firmware_version = settings.firmware_version
        self.boots = 0
        self._on_event = on_event
        self._link: Link | None = None
        self._boot_reason: str | None = "PowerUp"
        self._boot_now = asyncio.Event()
        self._heartbeat_changed = asyncio.Event()
        self._permit = asyncio.Event()
        self._permit.set()
        self._cut = False
        self._rebooting = False
        self._hurry = False
        self._fallback: tuple[str | bytes | None] | None = None
        self._statuses: asyncio.Queue[tuple[int, str, datetime]] = asyncio.Queue()
        self._offline_since: float | None = None
        self._reset_when_idle: str | None = None
        self._losing: str | None = None
        self.lost_answers: dict[str, Payload] = {}
        self.under_way: dict[str, Payload] = {}
        self.life: asyncio.Future[None] | None = None
        self._tasks: set[asyncio.Future[Any]] = set()
        self._watchers: set[asyncio.Future[None]] = set()
        self._failure: asyncio.Future[None] | None = None
        self.wire: Wire = _wire(self)
        for connector in self.connectors.values():
            connector.last_status, connector.status_since = connector.status, self.clock.utc()

    # -- life

    async def run(self) -> None:
        """Live until cancelled or closed. Raises Refused or Unreachable when there is no way to the server."""
        self._failure = asyncio.get_running_loop().create_future()
        life = asyncio.ensure_future(self._keep_connected())
        try:
            done, _ = await asyncio.wait({life, self._failure}, return_when=asyncio.FIRST_COMPLETED)
            for future in done:
                future.result()
        finally:
            for task in (life, *self._tasks):
                task.cancel()
            await asyncio.gather(life, *self._tasks, return_exceptions=True)
            self._failure.cancel()

    @asynccontextmanager
    async def _running(self) -> AsyncIterator["Station"]:
        task = asyncio.ensure_future(self.run())
        task.add_done_callback(lambda _: self._notify())
        self.life = task
        try:
            yield self
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError, Refused, Unreachable):
                await task

    async def __aenter__(self) -> "Station":
        self._context = self._running()
        return await self._context.__aenter__()

    async def __aexit__(self, *error: Any) -> None:
        await self._context.__aexit__(*error)

    async def finish(self, timeout_s: float = 5.0) -> None:
        """End what charges (the driver stops) and deliver what is queued, as far as `timeout_s` allows."""
        for connector in self.connectors.values():
            if connector.transaction is not None:
                await self.stop(connector.connector_id)
        if self.online:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.settled(), timeout_s)

    async def settled(self) -> None:
        """Wait until everything queued is delivered and every status is told."""
        await self.outbox.drained()
        await self.wait_until(lambda s: all(c.reported == c.status for c in s.connectors.values()), timeout_s=math.inf)

    async def wait_until(self, condition: Callable[["Station"], Any], timeout_s: float = 30.0) -> None:
        """Wait until `condition(station)` holds, looked at after each event.

        Raises TimeoutError, or what ended the station.
        """
        async with asyncio.timeout(None if timeout_s == math.inf else timeout_s):
            while not condition(self):
                if self.life is not None and self.life.done():
                    self.life.result()
                    raise Offline("the station is closed")
                watcher: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                self._watchers.add(watcher)
                try:
                    await watcher
                finally:
                    self._watchers.discard(watcher)

    def _notify(self) -> None:
        for watcher in self._watchers:
            if not watcher.done():
                watcher.set_result(None)

    def emit(self, event: str, **data: Any) -> None:
        record = {"time": self.clock.utc().isoformat(), "identity": self.settings.identity, "event": event, **data}
        self.events.append(record)
        if self._on_event is not None:
            self._on_event(record)
        self._notify()

    def report(self, kind: str, text: str) -> None:
        if kind == "security_error" and self.registration != "Accepted" and self.settings.protocol != "1.6":
            self.emit("security_error", text=text)
            return
        self.problems.append(Problem(self.settings.identity, kind, text))
        self.emit("problem", kind=kind, text=text)

    def spawn(self, work: Awaitable[Any]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Future[Any]") -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is None or isinstance(error, Offline | CallFailed | NoAnswer):
            return
        if self._failure is not None and not self._failure.done():
            self._failure.set_exception(error)

    # -- the network, as seen from outside

    @property
    def online(self) -> bool:
        return self._link is not None and self.registration == "Accepted" and self._boot_reason is None

    def cut(self) -> None:
        """Pull the network cable: the socket is gone without a word, until `restore`."""
        self._cut = True
        self._repermit()
        if self._link is not None:
            self._link.abort()

    def restore(self) -> None:
        """Put the network cable back; the station connects at once."""
        self._cut, self._hurry = False, True
        self._repermit()

    def _repermit(self) -> None:
        if self._cut or self._rebooting:
            self._permit.clear()
        else:
            self._permit.set()

    def drop(self) -> None:
        """Lose the socket and connect again at once."""
        self._hurry = True
        if self._link is not None:
            self._link.abort()

    def lose_answer_to(self, action: str) -> None:
        """The server will process the next CALL of this action, and its answer gets lost with the socket."""
        self._losing = action

    def _lose(self, action: str, payload: Payload) -> bool:
        if action != self._losing:
            return False
        self._losing, self._hurry = None, True
        self.lost_answers[action] = payload
        self.emit("answer_lost", action=action)
        return True

    async def call(self, action: str, payload: Payload) -> Payload:
        """Send a CALL; returns the payload of the CALLRESULT. Raises Offline, CallFailed or NoAnswer."""
        if self._link is None:
            raise Offline
        return await self._link.call(action, payload, self.options.message_timeout_s)

    async def change_password(self, password: str | bytes) -> None:
        """Reconnect with a new password; when it is refused, the old one is tried once more."""
        self._fallback = (self.password,)
        self.password = password
        self.emit("password_changed")
        self._hurry = True
        if self._link is not None:
            await self._link.close()

    # -- reset

    async def reboot(self, reason: str, boot_reason: str) -> None:
        """Reset: end transactions with `reason`, go down, come up and boot (OCPP 1.6 §5.14, 2.0.1 B11, B12)."""
        if self._rebooting:
            return
        self._rebooting = True
        for connector in self.connectors.values():
            if connector.transaction is not None:
                self.end(connector, reason)
            connector.awaiting = None
        if reason != "HardReset" and self.online:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.outbox.drained(), 5)
        self.emit("reboot", reason=boot_reason)
        self._repermit()
        self._boot_reason, self.registration = boot_reason, None
        if self._link is not None:
            await self._link.close()
        await asyncio.sleep(self.settings.boot_s)
        for connector in self.connectors.values():
            connector.finishing, connector.reported = False, None
            self.refresh(connector)
        self._rebooting, self._hurry = False, True
        self._repermit()

    def reboot_when_idle(self, boot_reason: str) -> None:
        self._reset_when_idle = boot_reason

    def idle(self) -> None:
        if self._reset_when_idle is not None:
            boot_reason, self._reset_when_idle = self._reset_when_idle, None
            self.spawn(self.reboot("SoftReset", boot_reason))

    def boot_again(self) -> None:
        """A triggered BootNotification: now, if the station waits for its registration, else beside its work."""
        if self.registration == "Accepted":
            self.spawn(self._boot_once("Triggered"))
        else:
            self._boot_now.set()

    def heartbeat_changed(self) -> None:
        self._heartbeat_changed.set()

    # -- connection

    async def _keep_connected(self) -> None:
        failures = 0
        began_s = asyncio.get_running_loop().time()
        ever = False
        while True:
            await self._permit.wait()
            try:
                socket = await open_socket(self.settings, self.password, self.options.ping_interval_s)
            except Refused as error:
                failures += 1
                if not self._refused(error):
                    continue
            except Broken as error:
                self.report("subprotocol", str(error))
                raise Refused(0, str(error)) from error
            except (OSError, TimeoutError, InvalidMessage) as error:
                failures += 1
                self.emit("unreachable", text=str(error) or type(error).__name__)
                limit_s = self.settings.never_connected_s
                if not ever and limit_s is not None and asyncio.get_running_loop().time() - began_s > limit_s:
                    raise Unreachable(f"nobody answers at {self.settings.station_url}: {error}") from error
            else:
                ever, self._fallback = True, None
                await self._serve(socket)
                failures = 0 if self.registration == "Accepted" else failures + 1
            if self._hurry:
                self._hurry = False
            else:
                await asyncio.sleep(self._back_off_s(failures))

    def _refused(self, error: Refused) -> bool:
        """Whether to wait before the next attempt. Raises when there is no point in another."""
        self.emit("refused", status=error.status, text=str(error))
        if self._fallback is not None and error.status == 401:
            (self.password,), self._fallback = self._fallback, None
            self.emit("password_restored")
            return False
        if error.status in FINAL_REFUSALS and not self.settings.retry_refused:
            raise error
        return True

    def _back_off_s(self, failures: int) -> float:
        """RetryBackOffWaitMinimum, doubled RetryBackOffRepeatTimes times, plus a random part (2.0.1 J.1)."""
        doubled = 2 ** min(max(failures - 1, 0), self.options.backoff_repeats)
        return max(0.05, self.options.backoff_min_s * doubled + random.uniform(0, self.options.backoff_random_s))

    async def _serve(self, socket: Any) -> None:
        link = Link(
            socket,
            self.settings.protocol,
            handle=self._handle,
            report=self.report,
            spawn=self.spawn,
            lose=self._lose,
            answer_delay_s=self.settings.answer_delay_s,
        )
        self._link = link
        self.emit("connected", url=self.settings.station_url)
        reader = asyncio.ensure_future(link.read())
        work = asyncio.ensure_future(self._attend())
        try:
            if not self._permit.is_set():
                link.abort()
            await asyncio.wait({reader, work}, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                work.result()
        finally:
            self._link = None
            self._offline_since = asyncio.get_running_loop().time()
            work.cancel()
            await link.close()
            await asyncio.gather(reader, work, return_exceptions=True)
            self.emit("disconnected", code=socket.close_code, text=socket.close_reason or "")

    async def _attend(self) -> None:
        """What the station does on a connection: register, tell its statuses, then deliver, beat and report."""
        try:
            if self._boot_reason is not None:
                await self._register()
            await self._tell_statuses()
            self.emit("online")
            async with asyncio.TaskGroup() as group:
                group.create_task(self.outbox.deliver(self.call))
                group.create_task(self._heartbeats())
                group.create_task(self._status_changes())
                group.create_task(self._clock_aligned())
        except* Offline:
            pass

    # -- registration

    async def _register(self) -> None:
        """BootNotification until it is Accepted (OCPP 1.6 §4.2, 2.0.1 B01 to B03)."""
        while True:
            try:
                wait_s = await self._boot_once(self._boot_reason or "PowerUp")
            except (CallFailed, NoAnswer):
                wait_s = max(self.options.backoff_min_s, 5.0)
            if self.registration == "Accepted":
                self._boot_reason = None
                self.boots += 1
                for connector in self.connectors.values():
                    connector.reported = None
                return
            self._boot_now.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._boot_now.wait(), wait_s)

    async def _boot_once(self, reason: str) -> float:
        answer = await self.wire.boot(reason)
        self.clock.synchronise(answer.current_time)
        self.registration = answer.status
        if answer.status == "Accepted" and answer.interval_s > 0:
            self.options.heartbeat_s = answer.interval_s
            self._heartbeat_changed.set()
        if answer.status != "Accepted" and self._boot_reason is None:
            self._boot_reason = reason
            self.drop()
        self.emit("boot", status=answer.status, interval_s=answer.interval_s, reason=reason)
        return answer.interval_s if answer.interval_s > 0 else 30.0

    async def _heartbeats(self) -> None:
        while True:
            self._heartbeat_changed.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._heartbeat_changed.wait(), self.options.heartbeat_s or None)
                continue
            await self.heartbeat()

    async def heartbeat(self) -> None:
        with suppress(CallFailed, NoAnswer):
            answer = await self.call("Heartbeat", {})
            self.clock.synchronise(parse_time(answer["currentTime"]))
            self.emit("heartbeat")

    # -- statuses

    def status_changed(self, connector: Connector) -> None:
        if self.online and connector.status_since is not None:
            self._statuses.put_nowait((connector.connector_id, connector.status, connector.status_since))

    async def _tell_statuses(self) -> None:
        """After a boot or a long absence every status, else the changed ones (2.0.1 B04)."""
        gone_s = asyncio.get_running_loop().time() - (self._offline_since or 0)
        everything = self._offline_since is None or gone_s > self.options.offline_threshold_s
        booted = all(c.reported is None for c in self.connectors.values())
        if everything:
            for connector in self.connectors.values():
                connector.reported = None
        self._statuses = asyncio.Queue()
        if booted:
            await self._tell(None, self._own_status(), self.clock.utc())
        for connector in self.connectors.values():
            if everything or connector.status != connector.reported:
                await self._tell(connector, connector.status, connector.status_since or self.clock.utc())

    async def _tell(self, connector: Connector | None, status: str, since: datetime) -> None:
        with suppress(CallFailed, NoAnswer):
            await self.wire.status(connector, status, since)
        if connector is not None:
            connector.reported = status
            self._notify()

    def _own_status(self) -> str:
        return "Available" if self.operative else "Unavailable"

    async def _status_changes(self) -> None:
        while True:
            connector_id, status, since = await self._statuses.get()
            await self._tell(self.connectors[connector_id], status, since)

    def tell_status(self, connector_ids: list[int]) -> Awaitable[None]:
        """StatusNotification on request (TriggerMessage); 0 is the station (1.6)."""

        async def tell() -> None:
            for connector_id in connector_ids:
                connector = self.connectors.get(connector_id)
                since = connector.status_since if connector else None
                await self._tell(
                    connector, connector.status if connector else self._own_status(), since or self.clock.utc()
                )

        return tell()

    async def _clock_aligned(self) -> None:
        """ClockAlignedDataInterval: meter values of every connector at round times (OCPP 1.6 §3.15.2, 2.0.1 J01)."""
        while True:
            interval_s = self.options.aligned_interval_s
            if interval_s <= 0:
                await asyncio.sleep(5)
                continue
            await self.clock.sleep(interval_s - self.clock.utc().timestamp() % interval_s)
            for connector in self.connectors.values():
                if connector.transaction is not None:
                    self.sample(connector, connector.transaction, "Sample.Clock")
                else:
                    with suppress(CallFailed, NoAnswer):
                        await self.wire.meter_values(connector, connector.read(self.clock.seconds()), "Sample.Clock")

    # -- commands

    def _handle(self, action: str, payload: Payload) -> Any:
        answer = self.wire.handle(action, payload)
        status = getattr(answer, "code", None) or getattr(answer, "payload", {}).get("status", "answered")
        self.emit("command", action=action, status=status)
        return answer


def _wire(station: Station) -> Wire:
    return Wire16(station) if station.settings.protocol == "1.6" else Wire2(station)
