"""WebSocket framing as it comes from real networks: in pieces, together, fragmented, with control frames between."""

import json
import socket
import struct
from collections.abc import Iterator

import pytest

from mobility.websocket import ShortCutProtocol
from tests.ocpp.conftest import Lab, alive
from tests.support.station import upgrade_request

FIN, TEXT, CONTINUATION, BINARY, CLOSE, PING, PONG = 0x80, 1, 0, 2, 8, 9, 10
KEY = b"\x11\x7f\x00\xfe"


def frame(payload: bytes | str, head: int = FIN | TEXT) -> bytes:
    """A masked frame, as a station sends it (RFC 6455 §5.2)."""
    data = payload.encode() if isinstance(payload, str) else payload
    size = len(data)
    if size < 126:
        length = bytes([0x80 | size])
    elif size <= 0xFFFF:
        length = bytes([0x80 | 126]) + struct.pack("!H", size)
    else:
        length = bytes([0x80 | 127]) + struct.pack("!Q", size)
    return bytes([head]) + length + KEY + bytes(byte ^ KEY[i % 4] for i, byte in enumerate(data))


def heartbeat(number: int, padding: int = 0) -> str:
    return f'[2,"{number}","Heartbeat",{{}}]' + " " * padding


class Wire:
    """A station's socket at the level of bytes."""

    def __init__(self, lab: Lab) -> None:
        identity = lab.create()
        self.socket = socket.create_connection(("127.0.0.1", lab.server.ocpp_port), timeout=15)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(upgrade_request(lab.server, f"/OCPP/{identity}", identity=identity))
        self.received = self.socket.makefile("rb")
        assert b" 101 " in self.received.readline()
        while self.received.readline().strip():
            pass

    def send(self, *chunks: bytes) -> None:
        for chunk in chunks:
            self.socket.sendall(chunk)

    def read(self) -> tuple[int, bytes]:
        """(opcode, payload) of the next frame."""
        head, size = self.received.read(2)
        if size == 126:
            (size,) = struct.unpack("!H", self.received.read(2))
        return head & 0x0F, self.received.read(size)

    def answered(self, *numbers: int) -> None:
        for number in numbers:
            opcode, payload = self.read()
            kind, message_id, _ = json.loads(payload)
            assert (opcode, kind, message_id) == (TEXT, 3, str(number))


@pytest.fixture
def wire(lab: Lab) -> Iterator[Wire]:
    made = Wire(lab)
    yield made
    made.socket.close()


@pytest.mark.parametrize("padding", [0, 100, 130, 70_000, 250_000])
def test_frames_of_every_length_class(wire: Wire, padding: int) -> None:
    for number in range(3):
        wire.send(frame(heartbeat(number, padding)))
        wire.answered(number)


@pytest.mark.parametrize("cut", [1, 2, 3, 5, 6, 20])
def test_a_frame_in_two_pieces(lab: Lab, wire: Wire, cut: int) -> None:
    """Cut within the header, the length, the mask, the payload. What another station is answered meanwhile keeps the
    pieces apart."""
    other = lab.station()
    for number, padding in enumerate((0, 200)):
        whole = frame(heartbeat(number, padding))
        wire.send(whole[:cut])
        alive(other)
        wire.send(whole[cut:])
        wire.answered(number)
    wire.send(frame(heartbeat(9)))
    wire.answered(9)


def test_byte_by_byte(lab: Lab, wire: Wire) -> None:
    other = lab.station()
    for byte in frame(heartbeat(1, 120)):
        wire.send(bytes([byte]))
        if byte % 16 == 0:
            alive(other)
    wire.answered(1)


def test_a_piece_that_looks_like_a_frame(lab: Lab, wire: Wire) -> None:
    """After a header alone, the payload's own bytes form a frame; they are payload all the same."""
    other = lab.station()
    inner = frame(heartbeat(66))
    whole = bytes([FIN | TEXT, 0x80 | len(inner)]) + b"\0\0\0\0" + inner
    wire.send(whole[:6])
    alive(other)
    wire.send(whole[6:])
    # The text is no UTF-8, so the server says 1007, and never answers a Heartbeat that nobody sent.
    opcode, payload = wire.read()
    assert opcode == CLOSE
    assert payload[:2] == struct.pack("!H", 1007)


def test_many_frames_in_one_piece(wire: Wire) -> None:
    wire.send(b"".join(frame(heartbeat(number)) for number in range(20)))
    wire.answered(*range(20))
    wire.send(frame(heartbeat(20)) + frame(heartbeat(21))[:4])
    wire.answered(20)
    wire.send(frame(heartbeat(21))[4:])
    wire.answered(21)


def test_frames_that_come_while_one_is_in_work_are_answered_in_their_order(wire: Wire) -> None:
    """A station that does not wait for answers: what is usual and what is not, each in a piece of its own."""
    texts: list[str | bytes] = []
    for number in range(0, 60, 3):
        texts += [
            heartbeat(number),
            f'[2,"{number + 1}","NoSuchAction",{{}}]',
            f'[2,"{number + 2}","Authorize",{{"idTag":"X{number}"}}]',
        ]
    wire.send(*(frame(text) for text in texts))
    for number in range(60):
        _, payload = wire.read()
        kind, message_id = json.loads(payload)[:2]
        assert (kind, message_id) == (4 if number % 3 == 1 else 3, str(number))


def test_a_fragmented_message_with_a_ping_within(wire: Wire) -> None:
    text = heartbeat(1).encode()
    wire.send(frame(text[:5], TEXT), frame(b"are you there", FIN | PING), frame(text[5:9], CONTINUATION))
    assert wire.read() == (PONG, b"are you there")
    wire.send(frame(text[9:], FIN | CONTINUATION))
    wire.answered(1)
    wire.send(frame(heartbeat(2)))
    wire.answered(2)


def test_a_text_that_is_no_utf8(wire: Wire) -> None:
    wire.send(frame(b'[2,"1","Heartbeat\xff",{}]'))
    opcode, payload = wire.read()
    assert (opcode, payload[:2]) == (CLOSE, struct.pack("!H", 1007))


def test_an_unmasked_frame_is_a_protocol_error(wire: Wire) -> None:
    text = heartbeat(1).encode()
    wire.send(bytes([FIN | TEXT, len(text)]) + text)
    opcode, payload = wire.read()
    assert (opcode, payload[:2]) == (CLOSE, struct.pack("!H", 1002))


def test_a_new_text_within_a_fragmented_message_is_a_protocol_error(wire: Wire) -> None:
    wire.send(frame(heartbeat(1)[:5], TEXT))
    wire.send(frame(heartbeat(2)))
    opcode, payload = wire.read()
    assert (opcode, payload[:2]) == (CLOSE, struct.pack("!H", 1002))


def test_a_binary_frame_is_read_as_text(wire: Wire) -> None:
    wire.send(frame(heartbeat(1), FIN | BINARY))
    wire.answered(1)


def test_after_the_close_nothing_is_answered(wire: Wire) -> None:
    wire.send(frame(struct.pack("!H", 1000), FIN | CLOSE) + frame(heartbeat(1)))
    opcode, _ = wire.read()
    assert opcode == CLOSE
    assert wire.received.read() == b""


def test_the_short_cut_knows_where_the_parser_stands() -> None:
    """The name of the generator in which `websockets` waits for the next frame: with another one, frames would all go
    the long way."""
    from websockets.server import ServerProtocol

    conn = ServerProtocol()
    conn.receive_data(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n")
    protocol = object.__new__(ShortCutProtocol)
    protocol.conn, protocol.frames = conn, []
    assert not protocol._parser_waits()
    conn.receive_data(b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
    (request,) = conn.events_received()
    conn.send_response(conn.accept(request))  # type: ignore[arg-type]
    conn.receive_data(frame("x"))
    assert protocol._parser_waits()
    conn.receive_data(frame("x" * 200)[:2])
    assert not protocol._parser_waits()
