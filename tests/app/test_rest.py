"""What REST gives for small screens: sentences, thinned curves, receipts, what a kilowatt-hour costs when."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx

from charging.consumers import EventsSocket
from tests.portal.conftest import Garage
from tests.support import frames
from tests.support.people import People
from tests.support.server import Server
from tests.support.station import Refuse


def session(garage: Garage, minutes: int = 30) -> int:
    """A session with a reading per minute; -> its id."""
    with garage.connect() as station:
        station.ok("BootNotification", frames.boot())
        started = station.ok("StartTransaction", frames.start_16(garage.tag, 1000, frames.ts(-minutes)))
        number = started["transactionId"]
        for minute in range(minutes):
            at = frames.ts(minute - minutes)
            reading = frames.meter_16(1000 + 100 * minute, 6000, transaction_id=number, soc_percent=40, timestamp=at)
            station.ok("MeterValues", reading)
        station.ok("StopTransaction", frames.stop_16(number, 1000 + 100 * minutes))
    return int(garage.owner.rest.transactions(garage.identity)[0]["id"])


def get(server: Server, token: str, path: str, **headers: str) -> httpx.Response:
    return httpx.get(f"{server.url}/api/v1/{path}", headers={"Authorization": f"Bearer {token}", **headers})


def token_of(server: Server, email: str, password: str) -> str:
    answer = httpx.post(f"{server.url}/api/v1/auth/token/", json={"email": email, "password": password})
    return str(answer.json()["access"])


def test_a_curve_is_thinned_and_a_receipt_is_a_pdf(server: Server, people: People, garage: Garage) -> None:
    pk = session(garage)
    points = people.owner.rest.get(f"transactions/{pk}/curve/?points=10")["points"]
    assert len(points) == 10
    assert points[0]["energy_wh"] == 0
    assert points[-1]["energy_wh"] == 2900
    assert {point["soc_percent"] for point in points[:9]} == {40}
    owner = token_of(server, people.owner.email, people.owner.password)
    stranger = token_of(server, people.stranger.email, people.stranger.password)
    assert get(server, owner, f"transactions/{pk}/curve/?points=1").status_code == 400
    receipt = get(server, owner, f"transactions/{pk}/receipt/")
    assert receipt.headers["content-type"] == "application/pdf"
    assert receipt.content.startswith(b"%PDF")
    for path in ("curve", "receipt"):
        assert get(server, stranger, f"transactions/{pk}/{path}/").status_code == 404


def test_prices_at_a_station(server: Server, people: People, garage: Garage) -> None:
    (slot,) = people.owner.rest.get(f"stations/{garage.identity}/prices/")["results"]
    assert (slot["price_per_kwh"], slot["known"]) == ("0.30", True)
    token = token_of(server, people.owner.email, people.owner.password)
    path = f"stations/{garage.identity}/prices/"
    assert get(server, token, path + "?from=yesterday").status_code == 400
    assert get(server, token, path + f"?to={frames.ts(60 * 24 * 30)}").status_code == 400
    stranger = token_of(server, people.stranger.email, people.stranger.password)
    assert get(server, stranger, path).status_code == 404


def test_a_command_says_what_came_of_it(server: Server, people: People, garage: Garage) -> None:
    with garage.connect(answers={"RemoteStartTransaction": Refuse("InternalError", "no luck")}) as station:
        station.ok("BootNotification", frames.boot())
        station.ok("StatusNotification", frames.status_16(1, "Available"))
        rest = people.owner.rest
        body = {"command": "start", "connector_id": 1, "id_tag": garage.tag}
        made = rest.post(f"stations/{garage.identity}/commands/?wait=20", body, status=200)
        assert "no luck" in made["outcome"]
        token = token_of(server, people.owner.email, people.owner.password)
        german = get(server, token, f"commands/{made['id']}/", **{"Accept-Language": "de"})
        assert german.json()["outcome"] != made["outcome"]


def test_a_quiet_line_says_that_it_lives() -> None:
    said: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: dict[str, Any]) -> None:
        said.append(message)

    async def quiet() -> None:
        line = EventsSocket({"query_string": b""}, receive, send)
        line.last = 7
        await line.look()
        assert line.wake.is_set()
        await line.deliver([])
        await line.deliver([])

    asyncio.run(quiet())
    assert [json.loads(message["text"]) for message in said] == [{"event": "alive", "cursor": 7}]


def test_sentences_name_times_in_the_callers_zone(
    server: Server, people: People, garage: Garage, unique: Callable[[str], str]
) -> None:
    with garage.connect() as station:
        station.ok("BootNotification", frames.boot())
        station.ok("StatusNotification", frames.status_16(1, "Available"))
    windows = [{"weekday": day, "begin": "10:00", "end": "10:30"} for day in range(7)]
    body = {"station": garage.identity, "connector_id": 1, "mode": "schedule", "windows": windows}
    made = people.owner.rest.post("schedules/", {**body, "id_tag": garage.tag}, status=201)
    token = token_of(server, people.owner.email, people.owner.password)
    path = f"schedules/{made['id']}/"
    plain = get(server, token, path).json()["plan"]["sentence"]
    there = get(server, token, path, **{"Time-Zone": "Asia/Tokyo"}).json()["plan"]["sentence"]
    assert plain != there, plain
    assert get(server, token, path, **{"Time-Zone": "Nowhere/Atall"}).json()["plan"]["sentence"] == plain
