"""The sockets of the portal's port. `mobility.asgi` puts the session and the Origin check in front of them."""

from typing import Any

from django.urls import path

from charging.consumers import EventsSocket, PagesSocket

# Django's types know views only; channels routes ASGI applications by the same patterns.
_live: Any = EventsSocket.as_asgi()
_pages: Any = PagesSocket.as_asgi()

websocket_urlpatterns = [path("ws/live/", _live), path("ws/pages/", _pages)]
