"""Client certificates of security profile 3: whose certificate came with a handshake.

Either this server ended TLS and checked the chain (the ASGI TLS extension says so), or a trusted proxy did and hands
the certificate on: `Client-Cert` (RFC 9440), or `X-SSL-Client-Cert` (URL-encoded PEM) beside `X-SSL-Client-Verify:
SUCCESS`, as nginx makes them. From anyone else these headers count for nothing.
"""

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_to_bytes

from cryptography import x509
from cryptography.x509.oid import NameOID

from accounts.network import is_trusted_proxy


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """The subject's common names and organizations, and whether it is valid now."""

    names: tuple[str, ...]
    organizations: tuple[str, ...]
    valid: bool


def of_scope(scope: dict[str, Any], headers: dict[bytes, bytes]) -> ClientCertificate | None:
    """The verified client certificate of a handshake, None when there is none."""
    tls = (scope.get("extensions") or {}).get("tls") or {}
    chain = tls.get("client_cert_chain") or ()
    if chain:
        return _read(str(chain[0]).encode())
    client = scope.get("client")
    if not client or not is_trusted_proxy(str(client[0])):
        return None
    if b"client-cert" in headers:
        return _of_rfc_9440(headers[b"client-cert"])
    if headers.get(b"x-ssl-client-verify") == b"SUCCESS":
        return _read(unquote_to_bytes(headers.get(b"x-ssl-client-cert", b"")))
    return None


def _of_rfc_9440(value: bytes) -> ClientCertificate | None:
    """A byte sequence of structured headers: base64 between colons."""
    try:
        return _read(base64.b64decode(value.strip().strip(b":"), validate=True))
    except (binascii.Error, ValueError):
        return None


def _read(data: bytes) -> ClientCertificate | None:
    try:
        found = x509.load_pem_x509_certificate(data) if data[:5] == b"-----" else x509.load_der_x509_certificate(data)
        subject = found.subject
    except ValueError:
        return None

    def of(oid: x509.ObjectIdentifier) -> tuple[str, ...]:
        return tuple(str(name.value) for name in subject.get_attributes_for_oid(oid))

    now = datetime.now(UTC)
    valid = found.not_valid_before_utc <= now <= found.not_valid_after_utc
    return ClientCertificate(of(NameOID.COMMON_NAME), of(NameOID.ORGANIZATION_NAME), valid)
