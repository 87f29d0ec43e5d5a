"""Forms of the portal, sent as a browser sends them, without a browser."""

from typing import Any

import httpx


def post(client: httpx.Client, path: str, *, follow: Any = False, **fields: Any) -> httpx.Response:
    """Send a form with the token of the client's cookie."""
    if "csrftoken" not in client.cookies:
        client.get("/login/")
    data = {"csrfmiddlewaretoken": client.cookies["csrftoken"], **fields}
    return client.post(path, data=data, headers={"Referer": str(client.base_url)}, follow_redirects=follow)
