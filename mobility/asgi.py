"""The ASGI applications: `portal` (pages, REST, live sockets) and `ocpp` (charging stations).

Either runs under uvicorn or daphne; `manage.py up` runs both in one event loop, or one of them. `probes` answers a
process's health checks and nothing else, where it has no port of its own.
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
from mobility import fleet  # noqa: E402
from mobility.bodies import limited  # noqa: E402
from mobility.health import PROBES  # noqa: E402
from ocpp_gateway.consumer import application as stations  # noqa: E402
from ocpp_gateway.gateway import gateway  # noqa: E402

fleet.refuse_a_lonely_server()


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


async def probes(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Health checks by HTTP."""
    if scope["type"] == "http":
        await stamped({**scope, "path": scope["path"] if scope["path"] in PROBES else "/healthz"}, receive, send)


async def ocpp(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Charging stations by WebSocket, the gateway's own health checks, and its start and end under a plain server."""
    if scope["type"] == "http" and scope["path"] in PROBES:
        await stamped(scope, receive, send)
    elif scope["type"] == "lifespan":
        await _lifespan(receive, send)
    else:
        await stations(scope, receive, send)


async def _lifespan(receive: Any, send: Any) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            fleet.run_parts(["gateway"])
            await gateway()
        else:
            await (await gateway()).stop()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


portal = ProtocolTypeRouter({"http": limited(stamped), "websocket": own_origin})
application = portal

__all__ = ["application", "ocpp", "portal", "probes"]
