"""permessage-deflate, which a 2.x CSMS has to offer (2.0.1 part 4 §3.5)."""

import zlib

import pytest

from tests.ocpp.conftest import VERSIONS, Lab
from tests.support import frames
from tests.support.station import Station, upgrade


def compressed(lab: Lab, protocol: str) -> Station:
    station = lab.stack.enter_context(Station(lab.server, lab.create(), protocol, compression="deflate"))
    assert [extension.name for extension in station.socket.protocol.extensions] == ["permessage-deflate"]
    return station


@pytest.mark.parametrize("protocol", VERSIONS)
def test_it_is_negotiated_and_used(lab: Lab, protocol: str) -> None:
    station = compressed(lab, protocol)
    assert station.ok("BootNotification", frames.boot(protocol))["status"] == "Accepted"
    for _ in range(5):
        assert "currentTime" in station.ok("Heartbeat", {})


@pytest.mark.parametrize(
    "offer",
    [
        "permessage-deflate",
        "permessage-deflate; client_max_window_bits",
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
        "x-unknown, permessage-deflate",
    ],
)
def test_whatever_is_offered(lab: Lab, offer: str) -> None:
    identity = lab.create()
    answer = upgrade(lab.server, f"/OCPP/{identity}", identity=identity, headers={"Sec-WebSocket-Extensions": offer})
    assert answer.status == 101
    assert answer.headers["sec-websocket-extensions"].startswith("permessage-deflate")


def test_without_an_offer_there_is_none(lab: Lab) -> None:
    identity = lab.create()
    assert "sec-websocket-extensions" not in upgrade(lab.server, f"/OCPP/{identity}", identity=identity).headers


def test_a_small_frame_that_unpacks_to_a_large_one(lab: Lab) -> None:
    station = compressed(lab, "ocpp2.0.1")
    bomb = "[" + " " * (8 * 1024 * 1024) + "]"
    assert len(zlib.compress(bomb.encode())) < 64 * 1024
    station.send(bomb)
    assert station.expect_close() == 1009
