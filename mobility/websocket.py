"""uvicorn's WebSocket protocol with short cuts for what stations do nearly all the time.

A station sends one unfragmented text frame, waits for the answer, and sends the next. uvicorn and `websockets` take
such a frame through half a dozen generators, and stop and resume reading the socket around each of them, which is two
system calls. Here it is unmasked and queued in one step, and an answer is framed in one; everything else (handshake,
compression, fragments, control frames, closing, frames that come in pieces or together) stays theirs.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from types import GeneratorType
from typing import Any, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import apply_mask
from websockets.protocol import OPEN

TEXT = 0x81  # an unfragmented text frame without extension bits (RFC 6455 §5.2)
MASKED = 0x80
#: What the protocol is called among the scope's extensions.
SHORT_CUT = "mobility.short_cut"
#: Frames that wait for the application before reading stops.
MOST_WAITING = 4


class Inbox:
    """An unbounded queue with one reader, who waits without a lock or a second future."""

    __slots__ = ("_loop", "_waiter", "items")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.items: deque[Any] = deque()
        self._loop = loop
        self._waiter: asyncio.Future[None] | None = None

    def put_nowait(self, item: Any) -> None:
        self.items.append(item)
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    async def get(self) -> Any:
        while not self.items:
            self._waiter = self._loop.create_future()
            await self._waiter
        return self.items.popleft()

    def empty(self) -> bool:
        return not self.items


class ShortCutProtocol(WebSocketsSansIOProtocol):
    """Speaks and understands exactly what its base class does."""

    #: Whether the parser of `websockets` stands between two frames, with nothing of the next one read.
    between_frames = False
    #: Takes a text at once if it can, in place of the queue; the ASGI application sets it.
    listener: Callable[[str], bool] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.inbox = Inbox(self.loop)
        self.queue = self.inbox  # type: ignore[assignment]

    def is_plain(self) -> bool:
        """Open, without compression, and neither side has begun to close."""
        conn = self.conn
        return (
            conn.state is OPEN
            and not conn.extensions
            and self.handshake_complete
            and not (self.close_sent or self.disconnected or self.initial_response)
        )

    def data_received(self, data: bytes) -> None:
        text = self._whole_text(data) if self.between_frames and self.is_plain() else None
        if text is None:
            super().data_received(data)
            self.between_frames = self._parser_waits()
            return
        if self.listener is not None and not self.inbox.items and self.listener(text):
            return
        self.inbox.put_nowait({"type": "websocket.receive", "text": text})
        if not self.read_paused and len(self.inbox.items) >= MOST_WAITING:
            self.read_paused = True
            self.transport.pause_reading()

    def _whole_text(self, data: bytes) -> str | None:
        """The text of a chunk that is exactly one masked text frame of less than 64 KiB; None for all others."""
        size = len(data)
        if size < 6 or data[0] != TEXT or not data[1] & MASKED:
            return None
        length, head = data[1] & 0x7F, 2
        if length == 126:
            length, head = int.from_bytes(data[2:4]), 4
        if length > 0xFFFF or size != head + 4 + length or length > (self.config.ws_max_size or length):
            return None
        try:
            return str(apply_mask(data[head + 4 :], data[head : head + 4]), "utf-8")
        except UnicodeDecodeError:
            return None

    def _parser_waits(self) -> bool:
        conn = self.conn
        if conn.reader.buffer or conn.current_size is not None or self.frames:
            return False
        innermost: Any = conn.parser
        while isinstance(innermost, GeneratorType) and innermost.gi_yieldfrom is not None:
            innermost = innermost.gi_yieldfrom
        return getattr(innermost, "__name__", "") == "at_eof"

    async def run_asgi(self) -> None:
        """The application finds the short cut in its scope; without it, or with another server, it does without."""
        extensions = cast(dict[str, Any], self.scope["extensions"])
        extensions[SHORT_CUT] = self
        tls = self.transport.get_extra_info("ssl_object")
        if tls is not None:
            certificate = tls.getpeercert(binary_form=True)
            chain = [ssl.DER_cert_to_PEM_cert(certificate)] if certificate else []
            # The ASGI TLS extension; what is here has been verified, or the TLS handshake would have failed.
            extensions["tls"] = {"client_cert_chain": chain}
        try:
            await super().run_asgi()
        finally:
            self.listener = None

    async def send(self, message: Any) -> None:
        text = message.get("text")
        if text is None or not self.write_text(text):
            await super().send(message)

    def write_text(self, text: str) -> bool:
        """Send a text if that takes no waiting and no more than a frame's head; whether it has been done."""
        if not self.writable.is_set() or not self.is_plain():
            return False
        data = text.encode()
        length = len(data)
        if length < 126:
            head = bytes((TEXT, length))
        elif length <= 0xFFFF:
            head = bytes((TEXT, 126, length >> 8, length & 0xFF))
        else:
            return False
        self.transport.write(head + data)
        return True
