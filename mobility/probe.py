"""`python mobility/probe.py`: exit status 0 when the process of this container answers /healthz. No Django, no wait."""

import os
import ssl
import sys
import urllib.request

PORTS = (("HEALTH_PORT", "0"), ("PORTAL_PORT", "8080"), ("OCPP_PORT", "8081"))


def answers(port: str) -> bool:
    """Its own certificate is for its public name, so it is not checked here."""
    scheme = "https" if os.environ.get("TLS_CERT") else "http"
    context = ssl._create_unverified_context() if scheme == "https" else None  # noqa: S323
    url = f"{scheme}://127.0.0.1:{port}/healthz"
    try:
        with urllib.request.urlopen(url, timeout=4, context=context) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except OSError:
        return False


def main() -> int:
    ports = [os.environ.get(name) or usual for name, usual in PORTS]
    return 0 if any(answers(port) for port in ports if port != "0") else 1


if __name__ == "__main__":
    sys.exit(main())
