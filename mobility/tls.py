"""TLS by the server itself: client certificates on the OCPP port (security profile 3)."""

import ssl
from typing import Any

from django.conf import settings


def client_certificates() -> dict[str, Any]:
    """uvicorn's options for a port that asks for a client certificate.

    It asks and does not insist: stations of profile 2 come through the same port with a password. A certificate that
    TLS_CLIENT_CA has not issued, or that has expired, ends the TLS handshake; whose it is, the OCPP handshake checks.
    """
    if not settings.TLS_CERT or not settings.TLS_CLIENT_CA:
        return {}
    return {"ssl_ca_certs": settings.TLS_CLIENT_CA, "ssl_cert_reqs": ssl.CERT_OPTIONAL}
