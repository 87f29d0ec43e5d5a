"""What every answer has in common: errors, pages, times, the documents that describe it, the probes."""

import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.support.rest import Rest
from tests.support.server import Server

ERROR = {"code", "message", "fields"}


@pytest.mark.parametrize(
    ("method", "path", "more", "status", "code"),
    [
        ("GET", "nothing/", {}, 404, "not_found"),
        ("GET", "stations/NOT-HERE/", {}, 404, "not_found"),
        ("GET", "stations/a%00b/", {}, 404, "not_found"),
        ("GET", "transactions/99999999999999999999999/", {}, 404, "not_found"),
        ("GET", "transactions/0/", {}, 404, "not_found"),
        ("PUT", "stations/", {"json": {}}, 405, "method_not_allowed"),
        ("POST", "stations/", {"content": b"{", "headers": {"Content-Type": "application/json"}}, 400, "parse_error"),
        ("POST", "stations/", {"content": b"a=1"}, 415, "unsupported_media_type"),
        ("POST", "stations/", {"json": []}, 400, "invalid"),
        ("POST", "stations/", {"json": {"identity": "a\x00b"}}, 400, "parse_error"),
        ("GET", "stations/?page=99", {}, 404, "not_found"),
        ("GET", "stations/?page=zero", {}, 404, "not_found"),
        ("GET", "stations/?online=perhaps", {}, 400, "invalid"),
        ("GET", "stations/?ordering=password_hash", {}, 400, "invalid"),
        ("GET", "transactions/?from=yesterday", {}, 400, "invalid"),
        ("GET", "transactions/?user=99999999999999999999999", {}, 400, "invalid"),
        ("GET", "transactions/?station=%00", {}, 400, "invalid"),
    ],
)
def test_every_refusal_has_one_shape(
    rest: Rest, method: str, path: str, more: dict[str, Any], status: int, code: str
) -> None:
    response = rest.send(method, path, **more)
    assert (response.status_code, response.json()["code"]) == (status, code), response.text
    assert set(response.json()) == ERROR


def test_a_lone_surrogate_and_a_nan_are_no_json(rest: Rest) -> None:
    for body in (b'{"identity": "\\ud800"}', b'{"identity": "X", "price_per_kwh": NaN}'):
        response = rest.send("POST", "stations/", content=body, headers={"Content-Type": "application/json"})
        assert (response.status_code, response.json()["code"]) == (400, "parse_error")


def test_without_a_token_it_says_how_to_get_in(rest: Rest) -> None:
    response = rest.anonymous().send("GET", "stations/")
    assert response.status_code == 401
    assert set(response.json()) == ERROR
    assert response.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("header", ["Bearer", "Bearer a b", "Basic YTpi", "Api-Key", "Api-Key nothing", "Bearer ü"])
def test_a_header_that_is_none_is_401(server: Server, header: str) -> None:
    response = httpx.get(f"{server.url}/api/v1/stations/", headers={b"Authorization": header.encode("latin-1")})
    assert response.status_code == 401
    assert set(response.json()) == ERROR


def test_pages(rest: Rest, unique: Callable[[str], str]) -> None:
    mark = unique("PAGED")
    for number in range(3):
        rest.create_station(f"{mark}-{number}")
    first = rest.get("stations/", params={"search": mark, "page_size": 2})
    assert first["count"] == 3
    assert first["previous"] is None
    assert [row["identity"] for row in first["results"]] == [f"{mark}-0", f"{mark}-1"]
    second = rest.get(first["next"])
    assert [row["identity"] for row in second["results"]] == [f"{mark}-2"]
    assert second["next"] is None
    rest.get("stations/", params={"search": mark, "page_size": 2, "page": 3}, status=404)
    turned = rest.get("stations/", params={"search": mark, "ordering": "-identity"})
    assert [row["identity"] for row in turned["results"]] == [f"{mark}-{n}" for n in (2, 1, 0)]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", turned["results"][0]["created_at"])


def test_the_schema_has_no_warnings_and_names_every_path_of_the_contract(server: Server) -> None:
    done = server.manage("spectacular", "--validate", "--fail-on-warn")
    assert "Warning" not in done.stderr
    document = httpx.get(f"{server.url}/api/schema/").json()
    paths = {path.removeprefix("/api/v1/") for path in document["paths"]}
    assert paths >= {
        "auth/token/",
        "auth/token/refresh/",
        "auth/logout/",
        "me/",
        "me/password/",
        "organizations/",
        "organizations/{id}/members/",
        "api-keys/",
        "sites/",
        "stations/",
        "stations/{identity}/",
        "stations/{identity}/commands/",
        "waiting-stations/",
        "waiting-stations/{identity}/adopt/",
        "commands/{id}/",
        "transactions/",
        "transactions/{id}/",
        "transactions/{id}/meter-values/",
        "statistics/energy/",
        "statistics/costs/",
        "id-tags/",
        "cars/",
        "messages/",
        "security-events/",
        "live-ticket/",
    }


def test_the_probes_and_the_metrics(server: Server) -> None:
    assert httpx.get(f"{server.url}/healthz").json() == {"status": "ok"}
    ready = httpx.get(f"{server.url}/readyz")
    assert ready.status_code == 200
    assert ready.json()["checks"] == dict.fromkeys(("database", "ledger", "channel_layer", "broker", "beat"), "ok")
    metrics = httpx.get(f"{server.url}/metrics")
    assert metrics.status_code == 200
    assert "mobility_transactions_open " in metrics.text
    forwarded = httpx.get(f"{server.url}/metrics", headers={"X-Forwarded-For": "203.0.113.9"})
    assert forwarded.status_code == 403, "who is forwarded through this machine is not this machine"


def test_metrics_with_a_token(start_server: Callable[..., Server]) -> None:
    server = start_server({"METRICS_TOKEN": "let me see them"})
    asked = {"X-Forwarded-For": "203.0.113.9", "Authorization": "Bearer let me see them"}
    assert httpx.get(f"{server.url}/metrics", headers=asked).status_code == 200
