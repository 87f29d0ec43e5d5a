"""The handshake: which station knocks, whether it may come in, and in which version.

Checked in the order of the contract: limits (429, 503), identity form (400), known (404), credentials (401), security
profile (403), subprotocol (400).
"""

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import Organization
from accounts.network import is_trusted_proxy
from charging import credentials
from charging.live import tell_of_waiting
from charging.models import ChargingStation, WaitingStation
from ocpp_gateway import certificates, versions

MOST_IDENTITY = 48
MOST_WAITING = 200
_BAD_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})")


class Refused(Exception):
    """The handshake is answered with an HTTP status, and a sentence for whoever reads the station's log."""

    def __init__(self, status: int, reason: str, headers: list[tuple[bytes, bytes]] | None = None) -> None:
        super().__init__(reason)
        self.status, self.reason, self.headers = status, reason, headers or []


@dataclass(slots=True)
class Request:
    """What a handshake says, read from the ASGI scope."""

    identity: str
    source: str
    secure: bool
    offered: list[str]
    username: str | None = None
    password: bytes | None = None
    user_agent: str = ""
    certificate: certificates.ClientCertificate | None = None


@dataclass(slots=True)
class Admitted:
    station: ChargingStation
    protocol: str
    subprotocol: str | None
    password_hash: str = ""
    used_pending: bool = False


def identity_of(raw_path: bytes) -> str:
    """The identity in `/OCPP/{identity}`: decoded once, double and trailing slashes forgiven.

    Raises:
        Refused: 404 for another path, 400 for a malformed identity.
    """
    parts = [part for part in raw_path.split(b"?", 1)[0].split(b"/") if part]
    if not parts or parts[0].lower() != b"ocpp":
        raise Refused(404, "OCPP is spoken under /OCPP/{identity}.")
    if len(parts) != 2:
        raise Refused(400, "The path is /OCPP/{identity}, with one identity.")
    if _BAD_PERCENT.search(parts[1]):
        raise Refused(400, "The identity has a broken percent-encoding.")
    try:
        identity = unquote_to_bytes(parts[1]).decode("utf-8")
    except UnicodeDecodeError:
        raise Refused(400, "The identity is not UTF-8.") from None
    if not identity.strip() or len(identity) > MOST_IDENTITY:
        raise Refused(400, f"An identity has 1 to {MOST_IDENTITY} characters.")
    if ":" in identity or "/" in identity or not identity.isprintable():
        raise Refused(400, "An identity has no colon, slash or control character.")
    return identity


def headers_of(scope: dict[str, Any]) -> dict[bytes, bytes]:
    return {name.lower(): value for name, value in scope.get("headers") or []}


def is_secure(scope: dict[str, Any], headers: dict[bytes, bytes]) -> bool:
    """Whether the line is encrypted: here, or at a proxy that is trusted to say so."""
    if scope.get("scheme") in ("wss", "https"):
        return True
    client = scope.get("client")
    peer = str(client[0]) if client else ""
    return is_trusted_proxy(peer) and headers.get(b"x-forwarded-proto", b"").lower() in (b"https", b"wss")


def basic(header: bytes | None) -> tuple[str, bytes] | None:
    """(username, password as bytes) of an Authorization header; None when there is none that can be read."""
    scheme, _, encoded = (header or b"").partition(b" ")
    if scheme.lower() != b"basic":
        return None
    try:
        username, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return None
    return (username.decode("utf-8", "replace"), password) if colon else None


def request_of(scope: dict[str, Any], identity: str, source: str) -> Request:
    headers = headers_of(scope)
    request = Request(
        identity=identity,
        source=source,
        secure=is_secure(scope, headers),
        offered=list(scope.get("subprotocols") or []),
        user_agent=headers.get(b"user-agent", b"").decode("latin-1")[:200],
        certificate=certificates.of_scope(scope, headers),
    )
    credentials_given = basic(headers.get(b"authorization"))
    if credentials_given:
        request.username, request.password = credentials_given
    return request


# --- The checks that need the database; they run in a worker thread ------------------------------------------------


def admit(request: Request) -> Admitted:
    """Let a station in, or say why not.

    Raises:
        Refused.
    """
    station = find(request.identity)
    if station is None:
        if not settings.ACCEPT_UNKNOWN_STATIONS:
            keep_waiting(request)
            tell_of_waiting()
            raise Refused(
                404, f"No station has the identity {request.identity}. It is listed as waiting to be adopted."
            )
        station = adopt_unknown(request.identity)
    admitted = Admitted(station, "", None)
    check_credentials(request, station, admitted)
    if station.security_profile >= 2 and not request.secure:
        raise Refused(403, f"Security profile {station.security_profile} needs wss://, and this line is not encrypted.")
    chosen = versions.choose(request.offered, station.protocol_pin)
    if chosen is None:
        wanted = f" This station is set to OCPP {station.protocol_pin}." if station.protocol_pin else ""
        raise Refused(400, f"None of the offered subprotocols is supported; supported: {versions.SUPPORTED}.{wanted}")
    admitted.protocol, admitted.subprotocol = chosen
    return admitted


def find(identity: str) -> ChargingStation | None:
    """Exact match first, then without regard to case if that is unique."""
    exact = ChargingStation.objects.filter(identity=identity).first()
    if exact is not None:
        return exact
    folded = list(ChargingStation.objects.filter(identity_folded=identity.casefold()[:MOST_IDENTITY])[:2])
    return folded[0] if len(folded) == 1 else None


def unauthorized(reason: str) -> Refused:
    return Refused(401, reason, [(b"www-authenticate", b'Basic realm="OCPP", charset="UTF-8"')])


def check_credentials(request: Request, station: ChargingStation, admitted: Admitted) -> None:
    """Basic authentication with the identity as the user name (security white paper §2, 2.0.1 A00); in profile 3 the
    client certificate takes its place."""
    if station.security_profile == 0:
        return
    if station.security_profile == 3:
        if request.secure:
            check_certificate(request.certificate, station)
        return
    if request.username is None or request.password is None:
        raise unauthorized("This station signs in with HTTP Basic authentication: its identity and its password.")
    if request.username not in (request.identity, station.identity):
        raise unauthorized("The user name of the Basic authentication is the station's identity.")
    if station.learn_password and len(request.password) >= 8:
        admitted.password_hash = credentials.hash_password(request.password.decode("latin-1"))
        return
    if credentials.matches(request.password, station.password_hash):
        return
    if credentials.matches(request.password, station.pending_password_hash):
        admitted.used_pending = True
        return
    raise unauthorized("The password is wrong.")


def check_certificate(certificate: certificates.ClientCertificate | None, station: ChargingStation) -> None:
    """Whether the certificate is this station's (1.6 security white paper §3, A00.FR.4xx; 2.0.1 A00.FR.404-410): its
    common name is the station's identity or serial number, its organization the operator's."""
    if certificate is None:
        raise unauthorized("Security profile 3 needs a client certificate, and none came with this connection.")
    if not certificate.valid:
        raise unauthorized("The client certificate is not valid at present.")
    own = {station.identity, station.serial_number} - {""}
    if not own.intersection(certificate.names):
        name = ", ".join(certificate.names)[:100] or "nobody"
        raise unauthorized(f"The client certificate is issued to {name}, not to this station.")
    operator = settings.OPERATOR_NAME or station.organization.name
    if operator.casefold() not in {name.casefold() for name in certificate.organizations}:
        name = ", ".join(certificate.organizations)[:100] or "–"
        raise unauthorized(f"The client certificate belongs to the organization {name}, not to {operator}.")


def adopt_unknown(identity: str) -> ChargingStation:
    """For test laboratories (ACCEPT_UNKNOWN_STATIONS): take any station in, without a password."""
    organization = Organization.objects.order_by("pk").first()
    if organization is None:
        raise Refused(404, "There is no organization yet that a station could belong to.")
    station, _ = ChargingStation.objects.get_or_create(
        identity=identity, defaults={"organization": organization, "name": identity, "security_profile": 0}
    )
    return station


def keep_waiting(request: Request) -> None:
    """List an unknown identity for adoption; the list is capped, the longest unseen leave it first."""
    now = timezone.now()
    values = {
        "last_seen": now,
        "source_ip": request.source[:64],
        "subprotocols": ", ".join(request.offered)[:200],
        "user_agent": request.user_agent,
        "had_credentials": request.password is not None,
    }
    changed = WaitingStation.objects.filter(identity=request.identity).update(attempts=F("attempts") + 1, **values)
    if changed:
        return
    try:
        with transaction.atomic():
            WaitingStation.objects.create(identity=request.identity, first_seen=now, **values)
    except IntegrityError:
        return
    beyond = list(
        WaitingStation.objects.order_by("-last_seen").values_list("pk", flat=True)[MOST_WAITING : MOST_WAITING + 50]
    )
    if beyond:
        WaitingStation.objects.filter(pk__in=beyond).delete()
