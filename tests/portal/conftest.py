"""What the portal's tests share: a station of the owner's organization, and the live sockets."""

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from tests.support import frames
from tests.support.people import People, Person
from tests.support.server import Server
from tests.support.station import Station


@dataclass
class Garage:
    """A station with a name, a price of 0.30 per kWh, and a tag that may charge there."""

    server: Server
    owner: Person
    identity: str
    tag: str

    @property
    def dashboard(self) -> str:
        """The dashboard of this station alone: the one of all shows the first page of what other tests have made."""
        return f"{self.server.url}/?station={self.identity}"

    def connect(self, **more: Any) -> Station:
        return Station(self.server, self.identity, **more)


@pytest.fixture
def garage(server: Server, people: People, unique: Callable[[str], str]) -> Garage:
    identity, tag = unique("GAR"), unique("TAG")
    people.owner.rest.create_station(identity, name=f"Garage {identity}")
    people.owner.rest.create_tag(tag)
    return Garage(server, people.owner, identity, tag)


@pytest.fixture(scope="session")
def filled(server: Server, people: People) -> dict[str, str]:
    """A station that has charged, so that every page has something to show."""
    identity, tag = "PAGES-1", "PAGESTAG"
    people.owner.rest.create_station(identity, name="A garage with quite a long name, right behind the house")
    people.owner.rest.create_tag(tag, name="Card")
    people.owner.rest.post("cars/", {"name": "Blue one", "battery_wh": 58_000})
    garage = Garage(server, people.owner, identity, tag)
    with garage.connect() as station:
        station.ok("BootNotification", frames.boot())
        station.ok("StatusNotification", frames.status_16(1, "Charging"))
        started = station.ok("StartTransaction", frames.start_16(tag, 1000, frames.ts(-30)))["transactionId"]
        for minute in range(5):
            values = frames.meter_16(
                1000 + minute * 500, 7400, transaction_id=started, timestamp=frames.ts(minute * 5 - 30)
            )
            station.ok("MeterValues", values)
        station.ok("StopTransaction", frames.stop_16(started, 4000))
    transaction = str(people.owner.rest.transactions(identity)[0]["id"])
    site = people.owner.rest.post("sites/", {"name": "Behind the house"}, status=201)["id"]
    people.owner.rest.patch(f"stations/{identity}/", {"site": site})
    fuse = {"name": "Main fuse", "limit_l1_a": 32, "limit_l2_a": 32, "limit_l3_a": 32}
    circuit = people.owner.rest.post(f"sites/{site}/circuits/", fuse, status=201)["id"]
    outlet = {"circuit": circuit, "station": identity, "evse_id": 1}
    people.owner.rest.post(f"sites/{site}/outlets/", outlet, status=201)
    parts = [{"kind": "energy", "price": "0.40"}, {"kind": "idle", "price": "0.10", "from_minutes": 30}]
    tariff = people.owner.rest.post("tariffs/", {"name": "Usual", "version": {"parts": parts}}, status=201)["id"]
    slot = {"begin": frames.ts(0), "end": frames.ts(60), "price_per_kwh": "0.08"}
    people.owner.rest.put("prices/", {"zone": "DE-LU", "slots": [slot]})
    later = {"station": identity, "id_tag": tag, "starts": frames.ts(600), "expires": frames.ts(660)}
    people.owner.rest.post("reservations/", later, status=201)
    firmware = {"station": identity, "kind": "firmware", "location": "https://example.com/1.4.2.bin"}
    job = people.owner.rest.post("jobs/", firmware, status=201)["id"]
    group = people.owner.rest.post("jobs/", {"stations": [identity], "kind": "log"}, status=202)["id"]
    return {
        "tariff": str(tariff),
        "identity": identity,
        "transaction": transaction,
        "site": str(site),
        "job": str(job),
        "job_group": str(group),
    }


def sign_in(server: Server, person: Person) -> httpx.Client:
    """A browser's HTTP side: session and CSRF token of someone signed in."""
    client = httpx.Client(base_url=server.url, follow_redirects=False)
    client.get("/login/")
    answer = client.post(
        "/login/",
        data={
            "username": person.email,
            "password": person.password,
            "csrfmiddlewaretoken": client.cookies["csrftoken"],
        },
        headers={"Referer": server.url},
    )
    assert answer.status_code == 302, answer.status_code
    return client


@dataclass
class Live:
    """An open /ws/live/ or /ws/pages/ socket."""

    socket: ClientConnection
    seen: list[Any] = field(default_factory=list)

    def next(self, timeout: float = 15) -> Any:
        """The next message, parsed when it is JSON."""
        text = str(self.socket.recv(timeout=timeout))
        message = json.loads(text) if text.startswith("{") else text
        self.seen.append(message)
        return message

    def until(self, wanted: Callable[[Any], bool], timeout: float = 15) -> Any:
        """The first message that is wanted; what came before it is in `seen`."""
        while True:
            message = self.next(timeout)
            if wanted(message):
                return message


Open = Callable[..., Live]


@pytest.fixture
def live(server: Server) -> Iterator[Open]:
    """`live(person, "/ws/live/?cursor=3")` -> an open socket with the person's session."""
    with contextlib.ExitStack() as stack:

        def opened(person: Person | None, path: str = "/ws/live/", *, origin: str | None = None) -> Live:
            headers = {}
            if person is not None:
                session = sign_in(server, person).cookies["sessionid"]
                headers["Cookie"] = f"sessionid={session}"
            url = server.url.replace("http", "ws") + path
            found = connect(url, additional_headers=headers, origin=Origin(origin or server.url), proxy=None)
            return Live(stack.enter_context(found))

        yield opened
