"""What a gateway process has once: its ledger, its connections, its limits, and the ear for commands that wait."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from channels.layers import get_channel_layer
from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import timezone

from charging import live
from charging.ledger import owners
from charging.ledger.batch import station_event
from charging.ledger.connections import TAKEN_OVER, forget_connections_of
from charging.ledger.core import Ledger, Work
from charging.live import Event
from charging.models import ChargingStation, Command
from ocpp_gateway import refusals, schemas
from ocpp_gateway.limits import FailedHandshakes

if TYPE_CHECKING:
    from ocpp_gateway.connection import Connection

log = logging.getLogger("ocpp_gateway")
T = TypeVar("T")

HANDSHAKES_AT_ONCE = 32
SWEEP_S = 5.0
POLL_S = 10.0
#: The database was away, or nobody can wake this gateway: how soon the rows are looked at again.
AGAIN_S = 2.0
LEARN_EVERY_S = 0.25
REFUSALS_S = 1.0
#: This many displacements of one station within a minute are flapping.
FLAPPING = 4
#: Tasks that close a connection and give its station up.
ENDING = ("end", "give-up")


class Gateway:
    """One per process and event loop; made by the first connection, or by `manage.py up` before it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.name: str = settings.GATEWAY_NAME[:100]
        self.ledger = Ledger(loop)
        self.connections: dict[int, Connection] = {}
        self.limits = FailedHandshakes(
            settings.OCPP_FAILURES_PER_SOURCE, settings.OCPP_FAILURES_PER_IDENTITY, settings.OCPP_FAILURE_REFILL_S
        )
        self.refusals = refusals.Refusals()
        self.handshakes = asyncio.Semaphore(HANDSHAKES_AT_ONCE)
        self._known: set[str] = set()
        self.ready: asyncio.Task[None] | None = None
        self.draining = False
        #: Whether wake-ups reach this gateway.
        self._hears = True
        self._known_up_to = 0
        self._learnt_at = 0.0
        self._learning: asyncio.Task[None] | None = None
        self._displaced: dict[int, deque[float]] = {}
        self._executor = ThreadPoolExecutor(4, thread_name_prefix="gateway-db")
        self._tasks: set[asyncio.Task[Any]] = set()

    async def start(self) -> None:
        # Compiled now, not by the first station's first frame.
        await asyncio.gather(*(self.in_thread(schemas.of, protocol) for protocol in schemas.PACKAGES))
        held = await self.in_thread(forget_connections_of, self.name, timezone.now())
        await self.in_thread(owners.show_life, self.name, timezone.now())
        self.ledger.start()
        self.spawn(self._listen(), "gateway-listen")
        self.spawn(self._sweep(), "gateway-sweep")
        self.spawn(self._poll(), "gateway-poll")
        self.spawn(self._store_refusals(), "gateway-refusals")
        if held:
            await live.send([station_told_offline(station) for station in held])

    async def stop(self) -> None:
        """Take no new stations, send the connected ones away in slices, finish what is in flight."""
        self.draining = True
        waiting = list(self.connections.values())
        slices = max(1, min(20, len(waiting) // 50 + 1))
        for index in range(slices):
            for held in waiting[index::slices]:
                held.end(1012, "The server restarts; connect again in a moment.")
            if slices > 1:
                await asyncio.sleep(settings.DRAIN_SECONDS / slices)
        await self._all_given_up()
        for task in list(self._tasks):
            task.cancel()
        await self.loop.run_in_executor(None, self.ledger.stop)
        self._executor.shutdown(wait=False)

    async def _all_given_up(self) -> None:
        """Wait until every connection is closed and its station marked as offline: seen three times in a row, since
        the one follows the other a moment later."""
        deadline, quiet = time.monotonic() + 5, 0
        while quiet < 3 and time.monotonic() < deadline:
            ending = any(task.get_name() in ENDING for task in self._tasks)
            quiet = 0 if self.connections or ending else quiet + 1
            await asyncio.sleep(0.02)

    def spawn(self, coroutine: Any, name: str) -> "asyncio.Task[Any]":
        task = self.loop.create_task(coroutine, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("%s ended with an error", task.get_name(), exc_info=task.exception())

    async def in_thread(self, call: Callable[..., T], *args: Any) -> T:
        """Run database work in one of the gateway's threads, each with a connection of its own that stays open."""

        def run() -> T:
            try:
                return call(*args)
            except DatabaseError:
                # After anything else the connection stays as it is.
                died = connection.connection is not None and not connection.is_usable()
                connection.close()
                if not died:
                    raise
            # The line was lost while nobody used it, as when the database restarts.
            return call(*args)

        return await self.loop.run_in_executor(self._executor, run)

    # --- Connections ------------------------------------------------------------------------------------------------

    def take(self, held: "Connection") -> bool:
        """Register the newest connection of a station and end the one before it. True when the station flaps."""
        before = self.connections.get(held.station_id)
        self.connections[held.station_id] = held
        if before is None or before is held:
            return False
        before.end(4001, TAKEN_OVER)
        times = self._displaced.setdefault(held.station_id, deque(maxlen=FLAPPING))
        times.append(time.monotonic())
        return len(times) == FLAPPING and times[-1] - times[0] < 60

    def release(self, held: "Connection") -> None:
        if self.connections.get(held.station_id) is held:
            del self.connections[held.station_id]

    # --- Background -------------------------------------------------------------------------------------------------

    async def _listen(self) -> None:
        """Wake-ups from the portal and from other gateways; the group is joined again now and then, since a channel
        layer may forget it."""
        while True:
            try:
                layer = get_channel_layer()
                channel = await layer.new_channel("gateway.")
                await layer.group_add("gateways", channel)
                self._hears = True
                joined = time.monotonic()
                while time.monotonic() - joined < 600:
                    try:
                        async with asyncio.timeout(30):
                            self._heard(await layer.receive(channel))
                    except TimeoutError:
                        await layer.group_add("gateways", channel)
                await layer.group_discard("gateways", channel)
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001 - a layer raises what its driver raises
                if self._hears:
                    log.warning("The channel layer is away (%s); commands are found by looking for them", error)
                self._hears = False
                await asyncio.sleep(1)

    def _heard(self, message: dict[str, Any]) -> None:
        held = self.connections.get(message.get("station_id", 0))
        if held is None:
            return
        if message.get("type") == "command.waiting":
            held.poke()
        elif message.get("type") == "station.taken" and message.get("connection_id") != held.connection_id:
            held.end(4001, TAKEN_OVER)
        elif message.get("type") == "station.refused":
            held.end(4003, "The station may no longer connect like this.")
        elif message.get("type") == "station.changed":
            forget = Work(held.station_id, call=lambda batch, state: batch.stale.add(state.station.pk))
            self.spawn(self.ledger.submit(forget), f"forget {held.identity}")

    async def _sweep(self) -> None:
        """End connections from which nothing has come for too long: half-open lines, readers that do not read."""
        while True:
            await asyncio.sleep(SWEEP_S)
            now = time.monotonic()
            for held in list(self.connections.values()):
                if held.idle_timeout_s and now - held.heard_at > held.idle_timeout_s:
                    log.info("Station %s has been silent for %d s", held.identity, now - held.heard_at)
                    held.abandon()

    async def _poll(self) -> None:
        """The rows are the truth: show that this gateway lives, see who owns its stations, look for commands whose
        wake-up was lost, and learn new identities."""
        while True:
            pause = POLL_S
            try:
                await self.in_thread(owners.show_life, self.name, timezone.now())
                await self._see_who_owns()
                await self.learn()
                for station_id in await self.in_thread(self._stations_with_commands):
                    held = self.connections.get(station_id)
                    if held is not None:
                        held.poke()
            except DatabaseError as error:
                log.warning("The database is away: %s", error)
                pause = AGAIN_S
            await asyncio.sleep(pause if self._hears else AGAIN_S)

    async def _see_who_owns(self) -> None:
        """End the connections of stations that have moved to another gateway, should the word of it be lost; claim
        again those that nobody owns, as after this gateway was taken for dead."""
        waiting = {pk: held.connection_id for pk, held in self.connections.items() if held.owns}
        for pk, owner in (await self.in_thread(owners.not_owned, waiting)).items():
            held = self.connections.get(pk)
            if held is None or held.connection_id != waiting[pk]:
                continue
            if owner:
                held.end(4001, TAKEN_OVER)
            else:
                self.spawn(held.own_again(), f"own-again {held.identity}")

    async def _store_refusals(self) -> None:
        while True:
            await asyncio.sleep(REFUSALS_S)
            noted = self.refusals.take()
            if noted:
                try:
                    await self.in_thread(refusals.store, noted)
                except DatabaseError as error:
                    log.warning("%d refused handshakes are not kept: %s", len(noted), error)

    def knows(self, identity: str) -> bool:
        """Whether a station has this identity, in any case; without asking the database."""
        return identity.casefold() in self._known

    def add_known(self, identity: str) -> None:
        self._known.add(identity.casefold())

    async def learn(self) -> None:
        """Learn the identities that were added since the last time; many who ask at once share one look."""
        if self._learning is None or self._learning.done():
            self._learning = self.loop.create_task(self._learn())
        await asyncio.shield(self._learning)

    async def _learn(self) -> None:
        await asyncio.sleep(max(0.0, self._learnt_at + LEARN_EVERY_S - time.monotonic()))
        self._learnt_at = time.monotonic()
        try:
            await self.in_thread(self._learn_identities)
        except DatabaseError as error:
            log.warning("The database is away: %s", error)

    def _learn_identities(self) -> None:
        # Rows that were made side by side become visible in any order: a few are looked at again.
        rows = ChargingStation.objects.filter(pk__gt=self._known_up_to - 100).order_by("pk")
        for pk, identity in rows.values_list("pk", "identity")[:50_000]:
            self.add_known(identity)
            self._known_up_to = max(pk, self._known_up_to)

    def _stations_with_commands(self) -> list[int]:
        waiting = Command.objects.filter(status=Command.Status.QUEUED, expires_at__gt=timezone.now())
        return list(waiting.values_list("station_id", flat=True).distinct()[:1000])


def station_told_offline(station: ChargingStation) -> Event:
    station.online, station.connection_id = False, ""
    return station_event(station)


_gateways: dict[int, Gateway] = {}


async def gateway() -> Gateway:
    """The gateway of the running event loop, started on first use."""
    loop = asyncio.get_running_loop()
    found = _gateways.get(id(loop))
    if found is None or found.loop is not loop:
        found = _gateways[id(loop)] = Gateway(loop)
        found.ready = loop.create_task(found.start())
    assert found.ready is not None
    await asyncio.shield(found.ready)
    return found


def gateways() -> list[Gateway]:
    """Those of this process: one, or none."""
    return list(_gateways.values())


def ledger_trouble() -> str:
    """Why this process cannot store what its stations send; empty while it can, or has no stations."""
    return next((trouble for one in _gateways.values() if (trouble := one.ledger.trouble())), "")


def is_draining() -> bool:
    """Whether this process sends its stations away; False where it has none."""
    return any(one.draining for one in _gateways.values())
