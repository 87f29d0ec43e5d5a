"""What every request gets: an id that appears in logs and on error pages, and the content security policy."""

import logging
import re
import secrets
import threading
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from mobility import logs
from mobility.logs import request_id

GetResponse = Callable[[HttpRequest], HttpResponse]

log = logging.getLogger("mobility.requests")

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


METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class Requests:
    """Requests and their seconds by method and status since the start, for /metrics."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, int], tuple[int, float]] = {}

    def add(self, method: str, status: int, seconds: float) -> None:
        key = method if method in METHODS else "other", status
        with self._lock:
            count, total = self._seen.get(key, (0, 0.0))
            self._seen[key] = count + 1, total + seconds

    def seen(self) -> dict[tuple[str, int], tuple[int, float]]:
        with self._lock:
            return dict(self._seen)


HTTP = Requests()


def request_context(get_response: GetResponse) -> GetResponse:
    """Take the caller's X-Request-ID when it is usable, else make one; the response carries it."""

    def middleware(request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        current = given if USABLE_ID.match(given) else secrets.token_hex(8)
        tokens = request_id.set(current), logs.request.set(request)
        begun = time.monotonic()
        try:
            response = get_response(request)
            done = time.monotonic() - begun
            HTTP.add(request.method or "", response.status_code, done)
            if settings.LOG_REQUESTS:
                # The path alone: a query string may carry a ticket, or what someone typed.
                about = {"method": request.method, "path": request.path, "status": response.status_code}
                log.info(
                    "%s %s %d in %d ms",
                    *about.values(),
                    done * 1000,
                    extra={**about, "duration_ms": round(done * 1000, 1)},
                )
        finally:
            request_id.reset(tokens[0])
            logs.request.reset(tokens[1])
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
