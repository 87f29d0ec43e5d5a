"""Who sends a REST request: `Authorization: Bearer <access token>` or `Authorization: Api-Key <key>`."""

from typing import Any

from django.utils.translation import gettext
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.request import Request

from accounts import api_keys, scopes, tokens
from accounts.actors import Actor, actor_of
from accounts.models import ApiKey, User
from accounts.network import client_ip
from mobility.errors import NotSignedIn


class JWTAuthentication(BaseAuthentication):
    """Sets `request.user`, and `request.auth` to the token or the ApiKey."""

    def authenticate(self, request: Request) -> tuple[User, Any] | None:
        """None without the header. Raises NotSignedIn for one that is no good."""
        scheme, _, credential = get_authorization_header(request).strip().partition(b" ")
        credential = credential.strip()
        if not scheme:
            return None
        if scheme.lower() == b"bearer" and credential and b" " not in credential:
            return tokens.user_of_access(credential)
        if scheme.lower() == b"api-key" and credential:
            key = api_keys.key_of(credential.decode("latin-1"))
            return key.user, key
        raise NotSignedIn(gettext("Send `Authorization: Bearer <access token>` or `Authorization: Api-Key <key>`."))

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


def actor_of_request(request: Request) -> Actor:
    """The one on whose behalf a REST request is served."""
    source = client_ip(request._request)
    if isinstance(request.auth, ApiKey):
        return api_keys.actor_of_key(request.auth, source)
    if not request.user.is_authenticated:
        return Actor(name="nobody", source_ip=source)
    return actor_of(request.user, source, tokens.family_id_of(request.auth))


class Scheme(OpenApiAuthenticationExtension):
    """How the OpenAPI document describes it."""

    target_class = JWTAuthentication
    name = ["bearer", "apiKey"]

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[str]]]:
        """Which of the two opens an operation, and the least scope of a key."""
        view = auto_schema.view
        if getattr(view, "scopes", None) is None:
            return [{"bearer": []}, {"apiKey": []}]
        least = scopes.needed(view, auto_schema.method)
        return [{"bearer": []}] if least is scopes.PERSON else [{"bearer": []}, {"apiKey": [least.value]}]

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, str]]:
        return [
            {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
            {
                "type": "apiKey",
                "in": "header",
                "name": "Authorization",
                "description": "`Api-Key` and a blank before the key. An operation names the least scope of a key: "
                "`read`, `operate` (what a driver does), or `manage`; where it names no key, only a person does it.",
            },
        ]
