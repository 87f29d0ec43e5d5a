"""The two ASGI applications: `portal` (pages, REST, live sockets) and `ocpp` (charging stations).

Either runs under uvicorn or daphne; `manage.py up` runs both in one event loop.
"""

import os
from typing import Any

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mobility.settings")
django_application = get_asgi_application()

from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402
from django.utils import timezone  # noqa: E402

from charging.routing import websocket_urlpatterns  # noqa: E402
from ocpp_gateway.consumer import application as ocpp  # noqa: E402


async def stamped(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Note when a request came in, before it waits for anything."""
    scope["arrived_at"] = timezone.now()
    await django_application(scope, receive, send)


sockets = AuthMiddlewareStack(URLRouter(websocket_urlpatterns))
own_pages = AllowedHostsOriginValidator(sockets)


async def own_origin(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """A browser says which page opens a socket, and that must be one of ours. A phone or a script says nothing and
    comes with a ticket, which no other page can have."""
    from_browser = any(name == b"origin" for name, _ in scope["headers"])
    guarded = from_browser or b"ticket=" not in scope.get("query_string", b"")
    await (own_pages if guarded else sockets)(scope, receive, send)


portal = ProtocolTypeRouter({"http": stamped, "websocket": own_origin})
application = portal

__all__ = ["application", "ocpp", "portal"]
