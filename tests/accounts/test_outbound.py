"""Where requests to addresses that people name may lead, and what a push is made of."""

import socket
import threading
from ipaddress import ip_address
from typing import Any

import pytest
from django.test import override_settings

from accounts import outbound
from accounts.push_crypto import decoded, encoded, encrypt, private_key
from accounts.webhook_sending import signature
from mobility.errors import Invalid


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("127.0.0.1", False),
        ("0.0.0.0", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("::", False),
        ("::1", False),
        ("fe80::1", False),
        ("fec0::1", False),
        ("fd00::1", False),
        ("ff02::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:93.184.215.14", True),
        ("::127.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b:1::a00:1", False),
        ("2002:7f00:1::", False),
    ],
)
def test_only_public_addresses_are_asked(address: str, allowed: bool) -> None:
    assert outbound.is_allowed(ip_address(address)) is allowed


def test_networks_of_ones_own_are_allowed_by_name() -> None:
    with override_settings(OUTBOUND_ALLOWED_NETWORKS=["10.0.0.0/8", "::1/128"]):
        assert outbound.is_allowed(ip_address("10.9.8.7"))
        assert outbound.is_allowed(ip_address("::ffff:10.9.8.7"))
        assert outbound.is_allowed(ip_address("::1"))
        assert not outbound.is_allowed(ip_address("192.168.0.1"))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "//example.com/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://",
        "https://example.com:99999/",
        "https://example.com:0/",
        "https://me@example.com/",
        "https://exam ple.com/",
        "https://example.com/\r\nX-Injected: 1",
        "https://[::1/",
        "https://127.0.0.1/",
        "https://LOCALHOST./",
        "https://example.com/" + "a" * 500,
    ],
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(Invalid) as refused:
        outbound.check_url(url)
    assert list(refused.value.fields) == ["url"]


@pytest.mark.parametrize("host", ["localhost", "2130706433", "0x7f.1", "127.1"])
def test_what_a_name_leads_to_decides(host: str) -> None:
    """Whatever the resolver takes for loopback, however it is written."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        answer = outbound.post(f"http://{host}:{port}/", b"{}", {})
        assert "own network" in answer.error or "leads nowhere" in answer.error
        listening.setblocking(False)
        with pytest.raises(BlockingIOError):
            listening.accept()


def served(answer: bytes, **settings: Any) -> outbound.Answer:
    """What comes of asking a server that says this, and then nothing more."""
    with socket.create_server(("127.0.0.1", 0)) as listening, override_settings(**settings):
        over = threading.Event()

        def serve() -> None:
            line, _ = listening.accept()
            with line:
                line.recv(65536)
                line.sendall(answer)
                over.wait(30)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            return outbound.post(f"http://127.0.0.1:{listening.getsockname()[1]}/", b"{}", {})
        finally:
            over.set()
            thread.join()


def test_a_slow_or_odd_answer_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbound, "TOTAL_S", 0.2)
    here = {"OUTBOUND_ALLOWED_NETWORKS": ["127.0.0.1/32"]}
    assert served(b"HTTP/1.1 200 OK\r\nX-Slow: ", **here).error
    assert served(b"SSH-2.0-whatever\r\n", **here).error
    whole = served(b"HTTP/1.1 204 No Content\r\n\r\n", **here)
    assert (whole.status, whole.is_good, whole.error) == (204, True, "")
    long = served(b"HTTP/1.1 500 No\r\nContent-Length: 900000\r\n\r\n" + b"a\x00" * 30_000, **here)
    assert (long.status, len(long.text), "\x00" in long.text) == (500, outbound.MOST_KEPT, False)


def test_a_signature_is_of_this_secret_this_time_and_this_body() -> None:
    """The value is what `printf '1700000000.{}' | openssl dgst -sha256 -hmac secret` says."""
    assert signature("secret", 1700000000, b"{}") == "v1=" + KNOWN
    assert len({signature("secret", 1, b"{}"), signature("secret", 2, b"{}"), signature("other", 1, b"{}")}) == 3


KNOWN = "b8569b78799ff9e3cbff0fc2d63a33a2b57f3282abd07c37ae5e8e7d79a5f163"


def test_a_push_is_encrypted_as_the_example_of_rfc_8291() -> None:
    body = encrypt(
        b"When I grow up, I want to be a watermelon",
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        "BTBZMqHH6r4Tts7J_aSIgg",
        salt=decoded("DGv6ra1nlYgDCS1FRnbzlw"),
        sender=private_key("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"),
    )
    assert encoded(body) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_"
        "yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )
