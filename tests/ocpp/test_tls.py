"""Security profiles 2 and 3 over real TLS, by the server itself and by a trusted proxy's word."""

import base64
import ssl
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tests.ocpp.conftest import V16, V21, V201, alive
from tests.support import frames
from tests.support.certificates import Authority, Issued
from tests.support.rest import Rest
from tests.support.server import Server
from tests.support.station import PASSWORD, Station, upgrade

OPERATOR = "Green Roads"


class TlsServer(Server):
    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.portal_port}"


class World:
    """A server with TLS and an authority for client certificates."""

    def __init__(self, server: TlsServer, authority: Authority) -> None:
        self.server, self.authority = server, authority
        self.rest: Rest = server.rest()

    def create(self, identity: str, profile: int) -> str:
        self.rest.create_station(identity, security_profile=profile)
        return identity

    def trust(self, certificate: Issued | None = None, least: ssl.TLSVersion | None = None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.authority.certificate))
        if certificate:
            context.load_cert_chain(certificate.certificate, certificate.key)
        if least:
            context.maximum_version = least
        return context

    def status(self, identity: str, tls: ssl.SSLContext, password: str | None = None) -> tuple[int, str]:
        """What a handshake is answered that must not succeed."""
        answer = upgrade(self.server, f"/OCPP/{identity}", identity=identity, password=password, tls=tls)
        return answer.status, answer.body


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("certificates")
    authority = Authority(folder)
    own = authority.issue("server", host="127.0.0.1")
    env = {
        "TLS_CERT": str(own.certificate),
        "TLS_KEY": str(own.key),
        "TLS_CLIENT_CA": str(authority.certificate),
        "OPERATOR_NAME": OPERATOR,
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(authority.certificate))
        server = TlsServer(env)
        with server:
            yield World(server, authority)


@pytest.mark.parametrize("protocol", [V16, V201, V21])
def test_profile_2_is_a_password_over_tls(world: World, protocol: str) -> None:
    identity = world.create(f"P2-{protocol}", 2)
    with Station(world.server, identity, protocol, tls=world.trust()) as station:
        station.ok("BootNotification", frames.boot(protocol))
        alive(station)
    assert world.status(identity, world.trust())[0] == 401


@pytest.mark.parametrize("protocol", [V16, V201])
def test_profile_3_is_a_certificate(world: World, protocol: str) -> None:
    identity = world.create(f"P3-{protocol}", 3)
    own = world.authority.issue(identity, OPERATOR)
    with Station(world.server, identity, protocol, password=None, tls=world.trust(own)) as station:
        station.ok("BootNotification", frames.boot(protocol))
        alive(station)


def test_a_certificate_of_someone_else_is_refused(world: World) -> None:
    identity = world.create("P3-MINE", 3)
    assert world.status(identity, world.trust())[0] == 401, "no certificate"
    assert world.status(identity, world.trust(), PASSWORD)[0] == 401, "a password is none"
    other = world.authority.issue("P3-OTHER", OPERATOR)
    status, body = world.status(identity, world.trust(other))
    assert (status, "issued to P3-OTHER" in body) == (401, True)
    foreign = world.authority.issue(identity, "Somebody Else")
    status, body = world.status(identity, world.trust(foreign))
    assert (status, "Somebody Else" in body) == (401, True)
    own = world.authority.issue(identity, OPERATOR)
    with Station(world.server, identity, password=None, tls=world.trust(own)) as station:
        alive(station)


def test_what_another_authority_issued_or_has_expired_ends_the_tls_handshake(world: World, tmp_path: Path) -> None:
    identity = world.create("P3-FORGED", 3)
    forged = Authority(tmp_path, "Other CA").issue(identity, OPERATOR)
    expired = world.authority.issue(identity, OPERATOR, days=-1)
    for certificate in (forged, expired):
        tls = world.trust(certificate)
        # With TLS 1.3 the client learns of it when it first writes or reads.
        with pytest.raises((OSError, IndexError)):
            upgrade(world.server, f"/OCPP/{identity}", tls=tls)


def test_older_versions_of_tls_are_not_spoken(world: World) -> None:
    identity = world.create("P2-OLD", 2)
    context = world.trust(least=ssl.TLSVersion.TLSv1_2)
    with Station(world.server, identity, tls=context) as station:
        alive(station)
    old = world.trust()
    old.minimum_version = ssl.TLSVersion.TLSv1
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(OSError):
        upgrade(world.server, f"/OCPP/{identity}", tls=old)


def forwarded(pem: str) -> list[dict[str, str]]:
    """How nginx, and how a proxy after RFC 9440, hand a verified certificate on."""
    der = x509.load_pem_x509_certificate(pem.encode()).public_bytes(Encoding.DER)
    secure = {"X-Forwarded-Proto": "https"}
    return [
        {**secure, "X-SSL-Client-Verify": "SUCCESS", "X-SSL-Client-Cert": quote(pem, safe="")},
        {**secure, "Client-Cert": f":{base64.b64encode(der).decode()}:"},
    ]


def test_a_trusted_proxy_hands_the_certificate_on(start_server: object, tmp_path: Path) -> None:
    server: Server = start_server({"TRUSTED_PROXIES": "127.0.0.1", "OPERATOR_NAME": OPERATOR})  # type: ignore[operator]
    rest, authority = server.rest(), Authority(tmp_path)
    rest.create_station("P3-PROXY", security_profile=3)
    own = authority.issue("P3-PROXY", OPERATOR).pem
    for headers in forwarded(own):
        assert upgrade(server, "/OCPP/P3-PROXY", headers=headers).status == 101
    nginx, rfc = forwarded(own)
    assert upgrade(server, "/OCPP/P3-PROXY", headers={**nginx, "X-SSL-Client-Verify": "FAILED:expired"}).status == 401
    assert upgrade(server, "/OCPP/P3-PROXY", headers={"Client-Cert": rfc["Client-Cert"]}).status == 403, "plain ws"
    for headers in (*forwarded(authority.issue("OTHER", OPERATOR).pem), *forwarded(authority.issue("P3-PROXY").pem)):
        assert upgrade(server, "/OCPP/P3-PROXY", headers=headers).status == 401
    assert upgrade(server, "/OCPP/P3-PROXY", headers={**rfc, "Client-Cert": ":bm90aGluZw==:"}).status == 401


def test_nobody_else_hands_a_certificate_on(server: Server, tmp_path: Path) -> None:
    server.rest().create_station("P3-LIAR", security_profile=3)
    own = Authority(tmp_path).issue("P3-LIAR", "My organization").pem
    for headers in forwarded(own):
        assert upgrade(server, "/OCPP/P3-LIAR", headers=headers).status == 403
