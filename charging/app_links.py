"""Addresses of the drivers' app, as QR codes carry them."""

from urllib.parse import urlencode

from django.conf import settings


def app_url(identity: str, evse_id: int | None = None, connector_id: int = 1) -> str:
    """The app at a station, or at one of its connectors: `…/app/?station=GARAGE-1&connector=2-1`.

    A connector is named by its EVSE and its number there, since in OCPP 2.x the number alone says nothing.
    """
    named = {"station": identity}
    if evse_id is not None:
        named["connector"] = f"{evse_id}-{connector_id}"
    return f"{settings.PUBLIC_URL}/app/?{urlencode(named)}"
