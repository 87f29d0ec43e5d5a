"""One ear per process: hears the organizations' events once and hands them, in order, to every open socket.

The channel layer delivers at most once and in no promised order. The hub makes a stream of it without a gap and
without a repeat: a message that does not continue where the last one ended makes it read the feed in between, and every
few seconds it looks whether the feed has gone on unheard.
"""

import asyncio
import logging
from collections.abc import Iterable
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from channels.db import database_sync_to_async
from channels.layers import get_channel_layer

from charging.live import LAYER_AWAY
from charging.queries import feed

log = logging.getLogger(__name__)

LOOK_EVERY_S = 15.0
LOOK_UNHEARD_S = 2.0
PAGE = 500


class Listener(Protocol):
    """A socket that is told. `take` must not block; what it gets is shared and not to be changed."""

    def take(self, messages: list[feed.Message]) -> None: ...


def read(function: Any, *args: Any) -> Any:
    """Run a query on a thread of the pool: the one thread that Django keeps for views is never waited for."""
    return database_sync_to_async(function, thread_sensitive=False)(*args)


class Hub:
    """The listeners of one event loop, by organization."""

    def __init__(self) -> None:
        self.listeners: dict[int, set[Listener]] = {}
        self.channel = ""
        self.last = 0
        #: Whether the channel layer took our groups the last time.
        self.heard = True
        self.tasks: list[asyncio.Task[None]] = []
        self.order = asyncio.Lock()
        self.door = asyncio.Lock()

    async def join(self, listener: Listener, organizations: Iterable[int]) -> None:
        """From here on the listener is told what happens; what happened before it reads from the feed itself."""
        async with self.door:
            if not self.tasks:
                await self._start()
            for organization in organizations:
                if organization not in self.listeners:
                    self.listeners[organization] = set()
                    await self._group("add", organization)
                self.listeners[organization].add(listener)

    async def leave(self, listener: Listener) -> None:
        async with self.door:
            for organization, listeners in list(self.listeners.items()):
                listeners.discard(listener)
                if not listeners:
                    del self.listeners[organization]
                    await self._group("discard", organization)
            if not self.listeners:
                for task in self.tasks:
                    task.cancel()
                self.tasks = []

    async def _group(self, verb: str, organization: int) -> bool:
        """Whether that worked. While the channel layer is away, the feed is looked at more often instead."""
        layer = get_channel_layer()
        change = layer.group_add if verb == "add" else layer.group_discard
        try:
            await change(f"organization.{organization}", self.channel)
        except LAYER_AWAY as error:
            if self.heard:
                log.warning("The channel layer is away (%s); pages follow the feed.", error)
            self.heard = False
        return self.heard

    async def _start(self) -> None:
        self.channel = await get_channel_layer().new_channel("pages.")
        self.last = await read(feed.head)
        self.tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._look())]

    async def _listen(self) -> None:
        while True:
            try:
                message = await get_channel_layer().receive(self.channel)
                await self._take(message["events"])
            except LAYER_AWAY:
                await asyncio.sleep(1)
            except Exception:
                log.exception("The channel layer or the feed could not be read; what is missed is read again.")
                await asyncio.sleep(1)

    async def _look(self) -> None:
        """Make good what the channel layer lost, and join the groups again in case it forgot them."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S if self.heard else LOOK_UNHEARD_S)
            try:
                async with self.door:
                    self.heard = True
                    for organization in self.listeners:
                        if not await self._group("add", organization):
                            break
                newest = await read(feed.head)
                async with self.order:
                    if newest > self.last:
                        await self._catch_up(newest)
            except Exception:
                log.exception("The feed could not be looked at; the next look comes in %s s.", LOOK_EVERY_S)

    async def _take(self, messages: list[feed.Message]) -> None:
        async with self.order:
            fresh = sorted(
                (m for m in messages if m["stored"] and m["cursor"] > self.last), key=lambda message: message["cursor"]
            )
            if fresh:
                newest = fresh[-1]["cursor"]
                if newest == self.last + len(fresh):
                    self.last = newest
                    self._give(fresh)
                else:
                    await self._catch_up(newest)
            # Values of the moment have no row and no order of their own: they follow what is stored.
            self._give([message for message in messages if not message["stored"]])

    async def _catch_up(self, newest: int) -> None:
        while True:
            rows = await read(feed.between, list(self.listeners), self.last, newest, PAGE)
            self._give(rows)
            if len(rows) < PAGE:
                break
            self.last = rows[-1]["cursor"]
        self.last = newest

    def _give(self, messages: list[feed.Message]) -> None:
        by_organization: dict[int, list[feed.Message]] = {}
        for message in messages:
            by_organization.setdefault(message["organization"], []).append(message)
        # A listener of several organizations keeps the order over all of them.
        if len(by_organization) > 1:
            listeners = {one for organization in by_organization for one in self.listeners.get(organization, ())}
            for listener in listeners:
                listener.take([m for m in messages if listener in self.listeners.get(m["organization"], ())])
            return
        for organization, own in by_organization.items():
            for listener in list(self.listeners.get(organization, ())):
                listener.take(own)


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def hub() -> Hub:
    """The hub of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub()
    return _hubs[loop]
