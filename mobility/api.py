"""How the REST API reads, writes, pages and fails: the classes that the settings name."""

import logging
from typing import Any, cast

import orjson
from django.core.exceptions import PermissionDenied
from django.core.signals import got_request_exception
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, JsonResponse
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions, parsers, renderers
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import set_rollback

from mobility.documents import within_64_bits
from mobility.errors import Problem, TooMany, Unavailable

log = logging.getLogger("mobility.api")


class JSONRenderer(renderers.JSONRenderer):
    """JSON by orjson; times are UTC with Z, decimals are strings."""

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        if data is None:
            return b""
        option = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS
        try:
            return orjson.dumps(data, default=plain, option=option)
        except TypeError:
            return orjson.dumps(within_64_bits(data), default=plain, option=option)


def plain(value: Any) -> Any:
    """What orjson does not know: decimals, lazy translations, error details, models' managers of values."""
    if isinstance(value, (list, tuple, set)) or (hasattr(value, "__iter__") and not isinstance(value, (str, Promise))):
        return list(value)
    return str(value)


class JSONParser(parsers.JSONParser):
    """JSON that every database can store: no NaN, no lone surrogates, no null characters."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        body = stream.read()
        if not body.strip():
            return {}
        try:
            found = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise exceptions.ParseError(gettext("This is no JSON: %(error)s") % {"error": error}) from error
        if b"\\u0000" in body and has_null(found):
            raise exceptions.ParseError(gettext("Null characters are not allowed."))
        return found


def has_null(value: Any) -> bool:
    """Whether a parsed document has a null character in a text or a key. Iterative: documents may be deep."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            if "\x00" in item:
                return True
        elif isinstance(item, dict):
            waiting.extend(item)
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
    return False


class Pages(PageNumberPagination):
    """`?page=2&page_size=100`; `{count, next, previous, results}`; past the end is 404."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 500


def exception_handler(error: Exception, context: dict[str, Any]) -> Response:
    """Every failure as `{code, message, fields}` with its status and headers."""
    set_rollback()
    headers: dict[str, str] = {}
    if isinstance(error, Problem):
        problem = error.as_dict()
        status = error.status
        headers = {str(name): str(value) for name, value in getattr(error, "headers", {}).items()}
        if status == 401:
            headers["WWW-Authenticate"] = 'Bearer realm="api"'
        if isinstance(error, TooMany):
            headers.setdefault("Retry-After", "60")
    else:
        known = translated(error)
        if known is None:
            return unforeseen(error, context)
        status, problem = known.status_code, shape(known)
        if getattr(known, "auth_header", None):
            headers["WWW-Authenticate"] = known.auth_header  # type: ignore[attr-defined]
        if getattr(known, "wait", None):
            headers["Retry-After"] = str(int(known.wait) + 1)  # type: ignore[attr-defined]
    return Response(problem, status=status, headers=headers)


def translated(error: Exception) -> exceptions.APIException | None:
    if isinstance(error, Http404):
        return exceptions.NotFound()
    if isinstance(error, PermissionDenied):
        return exceptions.PermissionDenied()
    return error if isinstance(error, exceptions.APIException) else None


def shape(error: exceptions.APIException) -> dict[str, object]:
    if isinstance(error, exceptions.ValidationError):
        fields = dict(flat(error.detail))
        whole = fields.pop("", "")
        return {"code": "invalid", "message": whole or gettext("Some fields are not usable."), "fields": fields}
    codes = error.get_codes()
    return {"code": codes if isinstance(codes, str) else error.default_code, "message": sentence(error), "fields": {}}


def sentence(error: exceptions.APIException) -> str:
    detail = error.detail
    return str(detail) if isinstance(detail, str) else "; ".join(text for _, text in flat(detail))


def flat(detail: Any, path: str = "") -> list[tuple[str, str]]:
    """Nested details as ("evses.0.number", "what is wrong")."""
    if isinstance(detail, dict):
        pairs: list[tuple[str, str]] = []
        for name, inner in detail.items():
            own = "" if name == "non_field_errors" else str(name)
            pairs += flat(inner, ".".join(part for part in (path, own) if part))
        return pairs
    if isinstance(detail, list):
        if all(isinstance(item, str) for item in detail):
            return [(path, " ".join(str(item) for item in detail))]
        pairs = []
        for index, inner in enumerate(detail):
            pairs += flat(inner, f"{path}.{index}" if path else str(index))
        return pairs
    return [(path, str(detail))]


def unforeseen(error: Exception, context: dict[str, Any]) -> Response:
    """A fault of ours: told to the log, not to the caller."""
    request = cast(Request, context["request"])
    if isinstance(error, (OperationalError, InterfaceError)):
        log.error("The database is not available: %s", error)
        away = Unavailable(gettext("The database is not available for the moment; try again."))
        return Response(away.as_dict(), status=503, headers={"Retry-After": "5"})
    log.error("%s %s failed", request.method, request.path, exc_info=error)
    got_request_exception.send(sender=None, request=request._request)
    return Response(
        {"code": "internal_error", "message": gettext("Something broke on our side."), "fields": {}}, status=500
    )


@csrf_exempt
def nothing_here(request: HttpRequest, path: str = "") -> JsonResponse:
    """Every path under /api/ that leads nowhere."""
    return JsonResponse(
        {"code": "not_found", "message": gettext("There is nothing at this address."), "fields": {}}, status=404
    )
