"""What every request gets: an id that appears in logs and on error pages, and the content security policy."""

import re
import secrets
from collections.abc import Callable
from contextvars import ContextVar
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse

GetResponse = Callable[[HttpRequest], HttpResponse]

#: The id of the request that is being served, for log lines and error pages.
request_id: ContextVar[str] = ContextVar("request_id", default="")

USABLE_ID = re.compile(r"^[A-Za-z0-9._-]{8,64}$")

POLICY = {
    "default-src": "'self'",
    "img-src": "'self' data:",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
#: The admin's theme evaluates the strings in its attributes, and sizes things with style attributes.
ADMIN = {"script-src": "'self' 'unsafe-eval'", "style-src": "'self' 'unsafe-inline'"}
#: Swagger UI writes style elements.
DOCS = {"script-src": "'self'", "style-src": "'self' 'unsafe-inline'"}


def request_context(get_response: GetResponse) -> GetResponse:
    """Take the caller's X-Request-ID when it is usable, else make one; the response carries it."""

    def middleware(request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        current = given if USABLE_ID.match(given) else secrets.token_hex(8)
        token = request_id.set(current)
        try:
            response = get_response(request)
        finally:
            request_id.reset(token)
        response.headers.setdefault("X-Request-ID", current)
        return response

    return middleware


def content_security_policy(get_response: GetResponse) -> GetResponse:
    """No inline script, no inline style, no eval, nothing from elsewhere; looser only where a foreign page needs it."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if response.headers.get("Content-Type", "").startswith("text/html"):
            response.headers.setdefault("Content-Security-Policy", policy(request.path, request.META.get("HTTP_HOST")))
        return response

    return middleware


def policy(path: str, host: str | None) -> str:
    """The policy for a page; `host` is named for sockets, which older browsers do not count as 'self'."""
    extra = ADMIN if path.startswith("/admin/") else DOCS if path.startswith("/api/docs/") else {}
    connect = "'self'"
    if host and re.fullmatch(r"[A-Za-z0-9.\-\[\]:]+", host):
        connect += f" ws://{host} wss://{host}"
    if settings.MAP_TILES_URL and path == "/sites/":
        parts = urlsplit(settings.MAP_TILES_URL)
        extra = {"img-src": f"{POLICY['img-src']} {parts.scheme}://{parts.netloc}"}
    return "; ".join(f"{name} {value}" for name, value in {**POLICY, "connect-src": connect, **extra}.items())
