"""One address for several gateways: a TCP balancer that passes bytes on, and leaves out who does not answer."""

import asyncio
import contextlib
import itertools
import threading
from collections.abc import Sequence


class Balancer:
    """Connections go to the ports in turn, or to the first one that answers. Use it as a context manager."""

    def __init__(self, ports: Sequence[int], *, in_turn: bool = True, host: str = "127.0.0.1") -> None:
        self.ports, self.in_turn, self.host = list(ports), in_turn, host
        self.port = 0
        self._turn = itertools.count()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Balancer":
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *error: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    @property
    def ocpp_url(self) -> str:
        return f"ws://{self.host}:{self.port}/OCPP"

    def _run(self) -> None:
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, self.host, 0, backlog=1000))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0.01))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.CancelledError):
            begin = next(self._turn) if self.in_turn else 0
            for number in range(len(self.ports)):
                port = self.ports[(begin + number) % len(self.ports)]
                try:
                    there_reader, there_writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    continue
                await asyncio.gather(self._pass(reader, there_writer), self._pass(there_reader, writer))
                return
        writer.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        with contextlib.suppress(OSError):
            writer.close()
