"""The REST API as one person, with the verbs that most tests need."""

import time
from collections.abc import Iterator
from typing import Any

import httpx

Json = Any
#: An access token lives 15 minutes, and a run of all tests may take longer.
FRESH_S = 600


class Rest:
    """`/api/v1/` as one person, signed in at the first request.

    `get`, `post`, `patch`, `put` and `delete` return the parsed body and assert the status; `send` returns the
    response whatever it is. Paths are relative to `/api/v1/`.
    """

    def __init__(self, url: str, email: str = "", password: str = "", *, access: str | None = None) -> None:
        self.url, self.email, self.password = url, email, password
        self.access, self.refresh = access, ""
        self.signed_in_at = 0.0
        self.http = httpx.Client(base_url=f"{url}/api/v1/", timeout=75)

    def anonymous(self) -> "Rest":
        """The same server without a token."""
        return Rest(self.url, access="")

    def login(self) -> "Rest":
        """Get a new pair of tokens; where sign-ins are limited, when the server says it is time again."""
        credentials = {"email": self.email, "password": self.password}
        while (response := self.http.post("auth/token/", json=credentials)).status_code == 429:
            time.sleep(min(60.0, float(response.headers.get("retry-after", 5))))
        assert response.status_code == 200, f"sign-in of {self.email}: {response.status_code} {response.text[:500]}"
        pair = response.json()
        self.access, self.refresh = pair["access"], pair["refresh"]
        self.signed_in_at = time.monotonic()
        return self

    def send(self, method: str, path: str, body: Json = None, *, headers: dict[str, str] | None = None, **more: Any):
        """One request, as it is; -> httpx.Response. `more` goes to httpx (`params`, `content`, `files`)."""
        if self.access is None or (self.refresh and time.monotonic() - self.signed_in_at > FRESH_S):
            self.login()
        sent = {**({"Authorization": f"Bearer {self.access}"} if self.access else {}), **(headers or {})}
        if body is not None:
            more["json"] = body
        return self.http.request(method, path, headers=sent, **more)

    def _body(self, method: str, path: str, body: Json, status: int | tuple[int, ...], more: dict[str, Any]) -> Json:
        response = self.send(method, path, body, **more)
        wanted = (status,) if isinstance(status, int) else status
        assert response.status_code in wanted, (
            f"{method} {path} as {self.email or 'nobody'}: {response.status_code}, not {wanted}: {response.text[:1000]}"
        )
        if not response.content:
            return None
        return response.json() if "json" in response.headers.get("content-type", "") else response.text

    def get(self, path: str, *, status: int | tuple[int, ...] = 200, **more: Any) -> Json:
        return self._body("GET", path, None, status, more)

    def post(self, path: str, body: Json = None, *, status: int | tuple[int, ...] = (200, 201), **more: Any) -> Json:
        return self._body("POST", path, {} if body is None else body, status, more)

    def patch(self, path: str, body: Json, *, status: int | tuple[int, ...] = 200, **more: Any) -> Json:
        return self._body("PATCH", path, body, status, more)

    def put(self, path: str, body: Json, *, status: int | tuple[int, ...] = 200, **more: Any) -> Json:
        return self._body("PUT", path, body, status, more)

    def delete(self, path: str, *, status: int | tuple[int, ...] = (200, 204), **more: Any) -> Json:
        return self._body("DELETE", path, None, status, more)

    def each(self, path: str, page_size: int = 500, **filters: Any) -> Iterator[Json]:
        """Every row of a list, over all its pages."""
        page = 1
        while True:
            answer = self.get(path, params={"page": page, "page_size": page_size, **filters})
            yield from answer["results"]
            if not answer["next"]:
                return
            page += 1

    def create_station(
        self, identity: str, password: str = "Sixteen-Chars-Pw", *, price_per_kwh: str | None = "0.30", **more: Any
    ) -> Json:
        """A station with a Basic password (security profile 1) and a price."""
        body = {"identity": identity, "name": identity, "password": password, "security_profile": 1, **more}
        if price_per_kwh is not None:
            body["price_per_kwh"] = price_per_kwh
        return self.post("stations/", body, status=201)

    def create_tag(self, id_tag: str, **more: Any) -> Json:
        return self.post("id-tags/", {"id_tag": id_tag, **more}, status=201)

    def command(self, identity: str, body: Json, *, wait: float = 10, status: int | tuple[int, ...] = 200) -> Json:
        """Send a command to a station and wait for its answer; -> the command with its status."""
        return self.post(f"stations/{identity}/commands/?wait={wait:g}", body, status=status)

    def transactions(self, station: str, **filters: Any) -> list[Json]:
        """The station's transactions, oldest first."""
        return sorted(self.each("transactions/", station=station, **filters), key=lambda row: row["started"])
