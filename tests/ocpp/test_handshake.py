"""The handshake table of docs: who may come in, in which version, and with which answer who may not."""

import base64
from collections.abc import Callable

import httpx
import pytest

from tests.ocpp.conftest import TWO, V16, V21, V201, VERSIONS, Lab, alive
from tests.support import frames
from tests.support.server import Server
from tests.support.station import PASSWORD, basic, upgrade

LEARNT_LATER = "Another-Password-1"


@pytest.mark.parametrize("protocol", VERSIONS)
def test_it_works(lab: Lab, protocol: str) -> None:
    station = lab.station(protocol)
    assert station.protocol == protocol
    row = lab.row(station.identity)
    assert row["online"] is True
    assert row["protocol"] == protocol.removeprefix("ocpp")


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        ("ocpp2.0", "ocpp2.0"),
        ("ocpp1.6, ocpp2.0.1", "ocpp1.6"),
        ("ocpp2.1, ocpp2.0.1, ocpp1.6", "ocpp2.1"),
        ("ocpp0.1, ocpp2.0.1", "ocpp2.0.1"),
        ("ocpp1.6,ocpp1.5", "ocpp1.6"),
        ("ocpp1.5,ocpp1.6", "ocpp1.6"),
        ("OCPP1.6J", "OCPP1.6J"),
        ("Ocpp1.6", "Ocpp1.6"),
        ("mqtt, OCPP2.0.1", "OCPP2.0.1"),
    ],
)
def test_the_first_acceptable_version_is_echoed_as_written(lab: Lab, offered: str, chosen: str) -> None:
    identity = lab.create()
    answer = upgrade(lab.server, f"/OCPP/{identity}", identity=identity, protocols=offered)
    assert (answer.status, answer.headers.get("sec-websocket-protocol")) == (101, chosen)


@pytest.mark.parametrize("offered", ["ocpp0.1", "mqtt", "ocpp1.5", "ocpp16", "ocpp2.0.2"])
def test_no_common_version_is_refused_with_the_supported_ones_named(lab: Lab, offered: str) -> None:
    identity = lab.create()
    answer = upgrade(lab.server, f"/OCPP/{identity}", identity=identity, protocols=offered)
    assert answer.status == 400
    for supported in ("ocpp2.1", "ocpp2.0.1", "ocpp1.6"):
        assert supported in answer.body


def test_without_an_offer_it_is_16(lab: Lab) -> None:
    station = lab.connect(lab.create(), None, boot=True)
    assert station.protocol is None
    assert lab.row(station.identity)["protocol"] == "1.6"


def test_without_an_offer_a_pinned_station_speaks_what_it_is_pinned_to(lab: Lab) -> None:
    identity = lab.create(protocol_pin="2.0.1")
    station = lab.connect(identity, None)
    assert "currentTime" in station.ok(
        "BootNotification", {"reason": "PowerUp", "chargingStation": {"vendorName": "V", "model": "M"}}
    )
    assert lab.row(identity)["protocol"] == "2.0.1"


def test_a_pin_wins_over_the_order_of_the_offer(lab: Lab) -> None:
    identity = lab.create(protocol_pin="1.6")
    assert lab.connect(identity, [V21, V201, V16]).protocol == V16
    assert upgrade(lab.server, f"/OCPP/{identity}", identity=identity, protocols=V21).status == 400


def test_another_version_at_the_next_connection(lab: Lab) -> None:
    identity = lab.create()
    for protocol in (V21, V16, V201):
        station = lab.connect(identity, protocol, boot=True)
        assert lab.row(identity)["protocol"] == protocol.removeprefix("ocpp")
        station.close()


def test_ocpp20_is_handled_as_201(lab: Lab) -> None:
    identity = lab.create()
    station = lab.connect(identity, "ocpp2.0")
    assert station.ok("BootNotification", frames.boot(V201))
    assert lab.row(identity)["protocol"] == "2.0.1"


# --- Credentials -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", VERSIONS)
@pytest.mark.parametrize(
    "header",
    [
        None,
        "Basic",
        "Basic !!!",
        "Basic bm9jb2xvbg==",
        "Bearer abc",
        "wrong password",
        "empty password",
        "another user name",
    ],
)
def test_wrong_or_missing_credentials(lab: Lab, header: str | None, protocol: str) -> None:
    identity = lab.create()
    made = {
        "wrong password": basic(identity, "not-the-password-at-all"),
        "empty password": basic(identity, ""),
        "another user name": basic("somebody-else", PASSWORD),
    }
    headers = {} if header is None else {"Authorization": made.get(header, header)}
    answer = upgrade(lab.server, f"/OCPP/{identity}", protocols=protocol, headers=headers)
    assert answer.status == 401
    assert answer.headers["www-authenticate"].lower().startswith("basic")
    assert lab.row(identity)["online"] is False


def test_credentials_are_checked_before_the_version(lab: Lab) -> None:
    identity = lab.create()
    assert upgrade(lab.server, f"/OCPP/{identity}", password=None, protocols="mqtt").status == 401


def test_the_running_connection_is_untouched_by_a_wrong_password(lab: Lab) -> None:
    station = lab.station()
    for _ in range(3):
        answer = upgrade(lab.server, f"/OCPP/{station.identity}", identity=station.identity, password="x" * 20)
        assert answer.status == 401
    alive(station)
    assert lab.row(station.identity)["online"] is True


def test_the_scheme_of_the_header_has_no_case(lab: Lab) -> None:
    identity = lab.create()
    header = basic(identity, PASSWORD).replace("Basic", "basic")
    assert upgrade(lab.server, f"/OCPP/{identity}", headers={"Authorization": header}).status == 101


@pytest.mark.parametrize("presented", ["bytes", "hex", "upper hex"])
def test_a_16_key_opens_the_door_as_hex_and_as_its_bytes(lab: Lab, presented: str) -> None:
    key = "00112233445566778899aabbccddeeff01234567"
    identity = lab.create(password=key)
    spoken = {"bytes": bytes.fromhex(key), "hex": key.encode(), "upper hex": key.upper().encode()}[presented]
    header = "Basic " + base64.b64encode(identity.encode() + b":" + spoken).decode()
    assert upgrade(lab.server, f"/OCPP/{identity}", headers={"Authorization": header}).status == 101


def test_a_password_with_a_colon(lab: Lab) -> None:
    identity = lab.create(password="has:a:colon:in:it:4")
    lab.connect(identity, password="has:a:colon:in:it:4", boot=True)


def test_profile_0_is_served_without_a_password(lab: Lab) -> None:
    identity = lab.create(security_profile=0)
    lab.connect(identity, password=None, boot=True)


# A password opens nothing where a certificate is asked for: there is none that could be wrong.
@pytest.mark.parametrize(("profile", "wrong"), [(2, 401), (3, 403)])
def test_plain_ws_on_a_tls_profile(lab: Lab, profile: int, wrong: int) -> None:
    identity = lab.create(security_profile=profile)
    assert upgrade(lab.server, f"/OCPP/{identity}", identity=identity).status == 403
    assert upgrade(lab.server, f"/OCPP/{identity}", identity=identity, protocols="mqtt").status == 403
    assert upgrade(lab.server, f"/OCPP/{identity}", identity=identity, password="wrong").status == wrong


def test_a_peer_cannot_claim_tls(lab: Lab) -> None:
    identity = lab.create(security_profile=2)
    claim = {"X-Forwarded-Proto": "https"}
    assert upgrade(lab.server, f"/OCPP/{identity}", identity=identity, headers=claim).status == 403


# --- The identity ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "target",
    [
        "/OCPP/",
        "/OCPP",
        "/OCPP//",
        "/OCPP/" + "x" * 49,
        "/OCPP/a:b",
        "/OCPP/a%3Ab",
        "/OCPP/a%2Fb",
        "/OCPP/a/b",
        "/OCPP/a%00b",
        "/OCPP/%00",
        "/OCPP/a%0Ab",
        "/OCPP/%",
        "/OCPP/a%2",
        "/OCPP/a%zz",
        "/OCPP/%ff%fe",
        "/OCPP/%20",
        "/OCPP/%F0%9F",
        "/",
        "/else/CP1",
        "/OCPP/../admin",
    ],
)
def test_a_malformed_identity(server: Server, target: str) -> None:
    answer = upgrade(server, target, identity="whoever")
    assert answer.status in (400, 404)


def test_48_characters_are_an_identity(lab: Lab) -> None:
    identity = lab.unique("L").ljust(48, "x")
    lab.rest.create_station(identity)
    lab.connect(identity, boot=True)


@pytest.mark.parametrize(
    ("suffix", "target"),
    [
        (" 123", "/OCPP/{}%20123"),
        ("|123", "/OCPP/{}%7C123"),
        ("|123", "/OCPP/{}%7c123"),
        ("+1", "/OCPP/{}+1"),
        ("%41", "/OCPP/{}%2541"),
        (".cp.1", "/OCPP/{}.cp.1"),
        ("", "/OCPP//{}/"),
        ("", "/OCPP/{}///"),
        ("", "//OCPP///{}"),
        ("", "/ocpp/{}"),
        ("", "/Ocpp/{}"),
        ("", "/OCPP/{}?token=1"),
        ("é", "/OCPP/{}%C3%A9"),
    ],
)
def test_the_path_is_decoded_once_and_forgiven(lab: Lab, suffix: str, target: str) -> None:
    name = lab.unique("P")
    identity = name + suffix
    lab.rest.create_station(identity)
    answer = upgrade(lab.server, target.format(name), identity=identity)
    assert answer.status == 101


def test_another_case_finds_a_station_if_it_is_the_only_one(lab: Lab) -> None:
    identity = lab.create("Case")
    assert upgrade(lab.server, f"/OCPP/{identity.lower()}", identity=identity.lower()).status == 101
    lab.rest.create_station(identity.capitalize())
    assert upgrade(lab.server, f"/OCPP/{identity.lower()}", identity=identity.lower()).status == 404
    assert upgrade(lab.server, f"/OCPP/{identity}", identity=identity).status == 101


def test_a_plus_is_no_blank(lab: Lab) -> None:
    name = lab.unique("P")
    lab.rest.create_station(f"{name} 1")
    assert upgrade(lab.server, f"/OCPP/{name}+1", identity=f"{name}+1").status == 404


def test_an_unknown_identity_is_404_for_any_credentials(lab: Lab, unique: Callable[[str], str]) -> None:
    identity = unique("NOBODY")
    assert upgrade(lab.server, f"/OCPP/{identity}", identity=identity).status == 404
    assert upgrade(lab.server, f"/OCPP/{identity}", password=None, protocols="mqtt").status == 404


def test_plain_http_is_told_what_this_port_is_for(server: Server) -> None:
    assert httpx.get(f"http://127.0.0.1:{server.ocpp_port}/OCPP/CP1").status_code in (400, 404, 426)


def test_the_server_survived_all_of_it(lab: Lab) -> None:
    for protocol in (V16, *TWO):
        alive(lab.station(protocol))
    assert isinstance(lab.rest.get("stations/"), dict)
    assert "Traceback" not in lab.server.log()
