"""What every REST request has around its handler: limits, scopes of keys, idempotency, preconditions, ETags."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.utils.cache import get_conditional_response
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import etags, kept_answers, limits
from accounts import scopes as key_scopes
from accounts.models import ApiKey
from accounts.network import client_ip
from mobility.errors import Invalid

READS = ("GET", "HEAD")
WRITES = ("PATCH", "PUT", "DELETE")


class Conduct(GenericAPIView[Any]):
    """A view whose requests are counted, and whose answers are kept, tagged and trimmed in one way.

    Attributes:
        scopes: method -> the least scope of an API key, where it is not the usual one (accounts/scopes.py).
        edits: what a PATCH takes, where only those fields count for `If-Match` (accounts/etags.py).
        keeps_answers: whether `Idempotency-Key` on a POST means what it means everywhere.
    """

    scopes: dict[str, key_scopes.Scope | None] = {}
    edits: type[serializers.Serializer[Any]] | None = None
    keeps_answers = True
    rate: limits.Rate | None = None

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """As REST framework's own, with `serve` around the handler."""
        self.args, self.kwargs = args, kwargs
        self.headers = self.default_response_headers
        self.request = request = self.initialize_request(request, *args, **kwargs)
        try:
            self.initial(request, *args, **kwargs)
            name = str(request.method).lower()
            handler = getattr(self, name, None) if name in self.http_method_names else None
            if handler is None:
                response = self.http_method_not_allowed(request, *args, **kwargs)
            else:
                response = self.serve(request, lambda: handler(request, *args, **kwargs))
        except Exception as error:  # noqa: BLE001 (it becomes an answer)
            response = self.handle_exception(error)
        self.response = self.finalize_response(request, response, *args, **kwargs)
        return self.response

    def perform_authentication(self, request: Request) -> None:
        """Find out who asks, and count the request, whoever it is."""
        who = f"ip:{client_ip(request._request)}"
        try:
            if request.user.is_authenticated:
                who = self.caller(request)
        finally:
            self.rate = limits.take(who)
            if self.rate is not None and self.rate.remaining < 0:
                raise limits.RateExceeded(self.rate)

    def check_permissions(self, request: Request) -> None:
        super().check_permissions(request)
        if isinstance(request.auth, ApiKey):
            key_scopes.check(request.auth, key_scopes.needed(self, str(request.method)))

    @staticmethod
    def caller(request: Request) -> str:
        """Whom requests are counted and answers are kept for: a person, or one of the person's keys."""
        return f"key:{request.auth.pk}" if isinstance(request.auth, ApiKey) else f"user:{request.user.pk}"

    def serve(self, request: Request, handler: Callable[[], Any]) -> Any:
        method, headers = str(request.method), request.headers
        if method == "POST" and self.keeps_answers and "Idempotency-Key" in headers and request.user.is_authenticated:
            asked = b"\n".join((request.get_full_path().encode(), self.whole_body(request)))
            render: Callable[[Any], Any] = self.get_renderers()[0].render
            return kept_answers.once(self.caller(request), headers["Idempotency-Key"], asked, handler, render)
        if method in WRITES and "If-Match" in headers and hasattr(self, "get"):
            return self.if_unchanged(request, headers["If-Match"], handler)
        response = handler()
        if method in READS and "fields" in request.query_params and isinstance(response, Response):
            self.keep_only(response, request.query_params["fields"])
        return response

    @staticmethod
    def whole_body(request: Request) -> bytes:
        """Raises Invalid: it is more than is held in memory at once."""
        try:
            return request._request.body
        except RequestDataTooBig:
            raise Invalid(_("With an Idempotency-Key a body has at most 2.5 MB."), code="too_large") from None

    def if_unchanged(self, request: Request, wanted: str, handler: Callable[[], Any]) -> Any:
        """Raises Changed: it is no longer as it was when the client got its tag."""
        with etags.alone(request.path):
            seen = self.get(request, *self.args, **self.kwargs).data  # type: ignore[attr-defined]
            if not etags.matches(wanted, etags.edited_part(seen, self.edited_names())):
                raise etags.changed()
            return handler()

    def edited_names(self) -> list[str] | None:
        return list(self.edits().fields) if self.edits else None

    def answered_names(self) -> list[str]:
        shape: Any = self.get_serializer_class()
        return list(shape().fields)

    def keep_only(self, response: Response, wanted: str) -> None:
        """`?fields=id,name`: of each thing only these. Raises Invalid."""
        names = {name.strip() for name in wanted.split(",") if name.strip()}
        known = self.answered_names()
        if not names or not names <= set(known):
            why = _("Choose of %(choices)s.") % {"choices": ", ".join(known)}
            raise Invalid(_("Some filters are not usable."), fields={"fields": why})
        data = response.data
        if isinstance(data, dict) and isinstance(data.get("results"), list):
            data["results"] = [trimmed(row, names) for row in data["results"]]
        elif isinstance(data, dict):
            response.data = trimmed(data, names)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        if self.rate is not None:
            for name, value in self.rate.headers().items():
                response.headers[name] = value
        if request.method in READS and response.status_code == 200 and isinstance(response, Response):
            response.headers.setdefault("Cache-Control", "private, no-cache")
            response.add_post_render_callback(self.tagged)
        else:
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    def tagged(self, response: Any) -> Any:
        """The answer with its ETag; without a body for who has it already."""
        tag = etags.digest(response.content)
        if any(hasattr(self, method.lower()) for method in WRITES):
            tag = f"{etags.edited_part(response.data, self.edited_names())}.{tag}"
        response.headers["ETag"] = f'"{tag}"'
        if "If-None-Match" not in self.request.headers:
            return response
        return get_conditional_response(self.request._request, etag=f'"{tag}"', response=response)


def trimmed(row: dict[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name in names}
