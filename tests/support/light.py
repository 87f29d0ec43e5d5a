"""Many light stations on sockets of their own: each is in one session, connects again for ever, and knows its due."""

import asyncio
import base64
import contextlib
import json
import random
import threading
from collections import Counter
from typing import Any

import websockets
from websockets.asyncio.client import ClientConnection
from websockets.typing import Subprotocol

from tests.support import frames
from tests.support.station import PASSWORD

STEP_WH = 100


class Lights(threading.Thread):
    """OCPP 1.6 stations in one event loop; `results` after `finish`: identity -> (transaction id, Wh)."""

    def __init__(self, url: str, identities: list[str], tag: str, every_s: float = 3.0) -> None:
        super().__init__(daemon=True)
        self.url, self.identities, self.tag, self.every_s = url, identities, tag, every_s
        self.connected: set[str] = set()
        self.charging: dict[str, int] = {}
        self.answered: dict[str, int] = dict.fromkeys(identities, 0)
        self.closed: Counter[int | None] = Counter()
        self.calls: Counter[tuple[str, str]] = Counter()
        self.results: dict[str, tuple[int, float]] = {}
        self.finishing = threading.Event()

    def run(self) -> None:
        asyncio.run(self._all())

    async def _all(self) -> None:
        await asyncio.gather(*(self._one(identity) for identity in self.identities))

    def finish(self, timeout: float = 90) -> dict[str, tuple[int, float]]:
        """Let every station end its session, and wait for that."""
        self.finishing.set()
        self.join(timeout)
        return self.results

    async def _one(self, identity: str) -> None:
        login = base64.b64encode(f"{identity}:{PASSWORD}".encode()).decode()
        station = _Light(self, identity)
        while identity not in self.results:
            with contextlib.suppress(OSError, TimeoutError, websockets.WebSocketException):
                async with websockets.connect(
                    f"{self.url}/{identity}",
                    subprotocols=[Subprotocol("ocpp1.6")],
                    additional_headers={"Authorization": f"Basic {login}"},
                    compression=None,
                    open_timeout=20,
                    ping_interval=None,
                    proxy=None,
                ) as socket:
                    self.connected.add(identity)
                    try:
                        await station.live(socket)
                    finally:
                        self.connected.discard(identity)
                        if identity not in self.results:
                            self.closed[socket.close_code] += 1
            await asyncio.sleep(random.uniform(0.2, 1.2))


class _Light:
    def __init__(self, lights: Lights, identity: str) -> None:
        self.lights, self.identity = lights, identity
        self.begin = frames.start_16(lights.tag, 1_000, frames.ts(-30))
        self.end: dict[str, Any] | None = None
        self.wh = 1_000
        self.numbers = 0

    async def live(self, socket: ClientConnection) -> None:
        lights = self.lights
        await self._call(socket, "BootNotification", frames.boot())
        await self._call(socket, "StatusNotification", frames.status_16(1, "Charging"))
        if self.identity not in lights.charging:
            answer = await self._call(socket, "StartTransaction", self.begin)
            lights.charging[self.identity] = answer["transactionId"]
        number = lights.charging[self.identity]
        while not lights.finishing.is_set():
            await self._listen(socket, random.uniform(0.8, 1.2) * lights.every_s)
            payload = frames.meter_16(self.wh + STEP_WH, 11_000, transaction_id=number)
            await self._call(socket, "MeterValues", payload)
            self.wh += STEP_WH
            lights.answered[self.identity] += 1
        self.end = self.end or frames.stop_16(number, self.wh, frames.ts(0), reason="Local")
        await self._call(socket, "StopTransaction", self.end)
        lights.results[self.identity] = (number, self.wh - 1_000)

    async def _call(self, socket: ClientConnection, action: str, payload: Any) -> Any:
        """The answer; a CALLERROR is an answer that asks for another try on another line."""
        self.numbers += 1
        message_id = f"{self.identity}-{self.numbers}"
        await socket.send(json.dumps([2, message_id, action, payload]))
        async with asyncio.timeout(30):
            while True:
                frame = json.loads(await socket.recv())
                if frame[0] == 2:
                    await self._obey(socket, frame)
                elif frame[1] == message_id:
                    if frame[0] == 3:
                        return frame[2]
                    raise OSError(f"{self.identity} {action}: {frame[2:]}")

    async def _listen(self, socket: ClientConnection, seconds: float) -> None:
        deadline = asyncio.get_running_loop().time() + seconds
        while not self.lights.finishing.is_set():
            left = min(0.5, deadline - asyncio.get_running_loop().time())
            if left <= 0:
                return
            try:
                async with asyncio.timeout(left):
                    text = await socket.recv()
            except TimeoutError:
                continue
            await self._obey(socket, json.loads(text))

    async def _obey(self, socket: ClientConnection, frame: Any) -> None:
        if frame[0] == 2:
            self.lights.calls[self.identity, frame[2]] += 1
            await socket.send(json.dumps([3, frame[1], {"status": "Accepted"}]))
