"""The channel layer of the one process: called from other threads, nothing is lost or out of order."""

import asyncio
import threading

from asgiref.sync import async_to_sync

from mobility.layers import HomeLoopChannelLayer

THREADS, EACH = 4, 250


async def receive_all() -> list[tuple[int, int]]:
    layer = HomeLoopChannelLayer(capacity=THREADS * EACH)
    layer.home = asyncio.get_running_loop()
    channel = await layer.new_channel()
    await layer.group_add("everyone", channel)

    def publish(thread: int) -> None:
        for number in range(EACH):
            async_to_sync(layer.group_send)("everyone", {"type": "x", "thread": thread, "number": number})

    threads = [threading.Thread(target=publish, args=[index]) for index in range(THREADS)]
    for thread in threads:
        thread.start()
    found: list[tuple[int, int]] = []
    async with asyncio.timeout(60):
        while len(found) < THREADS * EACH:
            message = await layer.receive(channel)
            found.append((message["thread"], message["number"]))
    for thread in threads:
        await asyncio.to_thread(thread.join)
    return found


def test_foreign_threads_lose_nothing_and_keep_their_order() -> None:
    found = asyncio.run(receive_all())
    for thread in range(THREADS):
        assert [number for which, number in found if which == thread] == list(range(EACH))
