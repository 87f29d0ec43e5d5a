"""The channel layers: of the one-process default, and over Redis.

`channels`' in-memory layer keeps asyncio queues and is not safe when it is called from another thread: Celery
workers, synchronous views and the ledger all publish from threads of their own. `HomeLoopChannelLayer` remembers the
event loop it lives in and forwards every foreign call to it.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any

from channels.layers import InMemoryChannelLayer
from channels_redis.core import RedisChannelLayer


class HomeLoopChannelLayer(InMemoryChannelLayer):
    """An in-memory channel layer whose queues are touched by one event loop only."""

    home: asyncio.AbstractEventLoop | None = None

    def _at_home(self) -> bool:
        running = asyncio.get_running_loop()
        if self.home is None or self.home.is_closed():
            self.home = running
        return running is self.home

    async def _run(self, call: Coroutine[Any, Any, Any]) -> Any:
        if self._at_home():
            return await call
        assert self.home is not None
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(call, self.home))

    def has_group(self, prefix: str) -> bool:
        """Whether anyone listens to a group whose name begins so."""
        return any(name.startswith(prefix) for name in list(self.groups))

    async def send(self, channel: str, message: dict[str, Any]) -> None:
        await self._run(super().send(channel, message))

    async def receive(self, channel: str) -> Any:
        return await self._run(super().receive(channel))

    async def new_channel(self, prefix: str = "specific.") -> str:
        return str(await self._run(super().new_channel(prefix)))

    async def group_add(self, group: str, channel: str) -> None:
        await self._run(super().group_add(group, channel))

    async def group_discard(self, group: str, channel: str) -> None:
        await self._run(super().group_discard(group, channel))

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        await self._run(super().group_send(group, message))

    async def flush(self) -> None:
        await self._run(super().flush())


class OneQueueRedisChannelLayer(RedisChannelLayer):
    """A Redis channel layer whose receivers share one queue per process.

    A process receives from one queue at a time, and there is a queue for each prefix: with several of them, one
    listener's five-second wait would hold up what has come for all others.
    """

    async def new_channel(self, prefix: str = "specific.") -> str:
        return str(await super().new_channel())
