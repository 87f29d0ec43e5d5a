"""Where a request really comes from: forwarded headers count only when a trusted proxy sent them."""

import ipaddress
from collections.abc import Iterable, Mapping
from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest


@lru_cache(maxsize=1024)
def is_trusted_proxy(address: str) -> bool:
    try:
        ip = ipaddress.ip_address(address)
        return any(ip in ipaddress.ip_network(proxy, strict=False) for proxy in settings.TRUSTED_PROXIES)
    except ValueError:
        return False


def source_of(peer: str, forwarded_for: str | None) -> str:
    """The nearest address that is no trusted proxy, read from the right of X-Forwarded-For."""
    address = peer
    for hop in reversed([hop.strip() for hop in (forwarded_for or "").split(",") if hop.strip()]):
        if not is_trusted_proxy(address):
            break
        try:
            address = str(ipaddress.ip_address(hop))
        except ValueError:
            break
    return address


def client_ip(request: HttpRequest) -> str:
    return source_of(request.META.get("REMOTE_ADDR", ""), request.META.get("HTTP_X_FORWARDED_FOR"))


def scope_ip(scope: Mapping[str, object]) -> str:
    """The same for an ASGI scope."""
    client = scope.get("client")
    peer = str(client[0]) if isinstance(client, (list, tuple)) and client else ""
    headers = scope.get("headers")
    forwarded = None
    if isinstance(headers, Iterable):
        for name, value in headers:
            if name == b"x-forwarded-for":
                forwarded = value.decode("latin-1")
    return source_of(peer, forwarded)
