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


portal = ProtocolTypeRouter(
    {
        "http": stamped,
        "websocket": AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter(websocket_urlpatterns))),
    }
)
application = portal

__all__ = ["application", "ocpp", "portal"]
