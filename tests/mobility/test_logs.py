"""Log lines: without secrets wherever they hide, with what they are about, in both forms."""

import base64
import json
import logging
from collections.abc import Callable

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from mobility import logs
from tests.support.server import Server
from tests.support.station import Station
from tests.support.waiting import wait_until

#: What no log line may show.
SECRET = "Hunter2-Sup3r.Secret"
BASIC = base64.b64encode(f"CP-1:{SECRET}".encode()).decode()


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Basic {BASIC}",
        f"Authorization: Bearer {SECRET}",
        f"{{'authorization': 'Basic {BASIC}'}}",
        f"(b'authorization', b'Basic {BASIC}')",
        f"came with Basic {BASIC} and left",
        f"Bearer {SECRET}{SECRET}",
        f"password={SECRET}&next=/",
        f'{{"email": "a@b.c", "password": "{SECRET}"}}',
        f"{{'new_password': '{SECRET}'}}",
        f"GET /ws/live/?ticket={SECRET}&cursor=7",
        f"refresh_token={SECRET}; X-Api-Key: {SECRET}",
        f"postgres://mobility:{SECRET}@db/mobility is away",
        f"amqp://guest:{SECRET}@queue:5672//",
        f"https://{SECRET}@example.org/hook",
        f'[2,"1","ChangeConfiguration",{{"key":"AuthorizationKey","value":"{SECRET}"}}]',
        f'{{"variable":{{"name":"BasicAuthPassword"}},"attributeValue":"{SECRET}"}}',
        f'{{"attributeValue":"{SECRET}","variable":{{"name":"BasicAuthPassword"}}}}',
        f"Cookie: sessionid={SECRET}; csrftoken={SECRET}",
        f"SECRET_KEY={SECRET} DATABASE_PASSWORD='{SECRET}'",
        f"/setup/{SECRET}/ and /password/MQ/{SECRET}/",
    ],
)
def test_no_secret_is_shown(text: str) -> None:
    for formatter in (logs.Line(), logs.Json()):
        for record in (
            logging.makeLogRecord({"msg": text, "levelname": "INFO"}),
            logging.makeLogRecord({"msg": "said %s", "args": (text,)}),
            logging.makeLogRecord({"msg": "x", "what": text}),
            logging.makeLogRecord({"msg": "x", "exc_info": (ValueError, ValueError(text), None)}),
        ):
            assert SECRET not in formatter.format(record)
            assert BASIC not in formatter.format(record)


@pytest.mark.parametrize(
    "text",
    [
        "This station signs in with HTTP Basic authentication: its identity and its password.",
        "The password is wrong.",
        "https://example.org/a/b?c=d answered 404",
        "Station CP-1 has been silent for 60 s",
        "http://127.0.0.1:8080/stations/CP@1/",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert logs.without_secrets(text) == text


def test_a_line_cannot_be_forged() -> None:
    record = logging.makeLogRecord({"msg": "Station %s", "args": ("A\n2026-01-01 ERROR root: broken\x1b[2J",)})
    assert "\n" not in logs.Line().format(record)
    assert "\x1b" not in logs.Line().format(record)


def test_an_extra_named_as_a_secret_is_hidden() -> None:
    line = json.loads(logs.Json().format(logging.makeLogRecord({"msg": "x", "api_key": SECRET, "count": 3})))
    assert (line["api_key"], line["count"]) == (logs.HIDDEN, 3)


def test_requests_and_stations_are_named_in_json(start_server: Callable[..., Server]) -> None:
    server = start_server({"LOG_FORMAT": "json", "LOG_REQUESTS": "1"})
    me = server.rest()
    answer = me.send("GET", "me/?ticket=not-for-the-log", headers={"X-Request-ID": "from-the-proxy-1"})
    assert answer.headers["X-Request-ID"] == "from-the-proxy-1"
    made = httpx.get(f"{server.url}/nowhere/", headers={"X-Request-ID": "bad id"}).headers["X-Request-ID"]
    assert len(made) == 16
    me.create_station("LOGGED")
    with pytest.raises(InvalidStatus), Station(server, "LOGGED", password="Wrong-Password-1"):
        pass

    def lines() -> list[dict[str, object]]:
        return [json.loads(line) for line in server.log().splitlines() if line.startswith("{")]

    def found() -> dict[str, object] | None:
        return next((line for line in lines() if line.get("request_id") == "from-the-proxy-1"), None)

    line = wait_until(found, "the line of the request")
    assert (line["method"], line["path"], line["status"], line["level"]) == ("GET", "/api/v1/me/", 200, "INFO")
    assert int(str(line["user_id"])) > 0
    unknown = wait_until(lambda: next((x for x in lines() if x.get("request_id") == made), None))
    assert "user_id" not in unknown
    assert "not-for-the-log" not in server.log()
    assert "Wrong-Password-1" not in server.log()


def test_a_connections_lines_name_the_station() -> None:
    logs.station.set("CP-7")
    try:
        assert json.loads(logs.Json().format(logging.makeLogRecord({"msg": "x"})))["station"] == "CP-7"
        assert logs.Line().format(logging.makeLogRecord({"msg": "x"})).endswith("[station=CP-7]")
    finally:
        logs.station.set("")
