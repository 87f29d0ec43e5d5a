"""What the tests of the drivers' app share: a phone, and stations of each OCPP version that do what they are told."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.portal.conftest import garage
from tests.support import frames
from tests.support.browser import Visits
from tests.support.people import People, Person, create_trio
from tests.support.server import Server
from tests.support.station import Station

__all__ = ["garage"]

PHONE = {
    "viewport": {"width": 360, "height": 740},
    "has_touch": True,
    "is_mobile": True,
    "timezone_id": "Europe/Berlin",
}
#: What the browser itself logs while there is no network, or a token has expired.
EXPECTED = (
    "ERR_INTERNET_DISCONNECTED",
    "ERR_CONNECTION_REFUSED",
    "ERR_CONNECTION_RESET",
    "ERR_EMPTY_RESPONSE",
    "ERR_FAILED",
    "WebSocket connection",
    "400",
    "401",
    "404",
)
Phone = Callable[..., Page]


@pytest.fixture(scope="session")
def people(server: Server) -> People:
    """People of the app's own: it gives those who have none the phone's language and time zone."""
    return create_trio(server)


@pytest.fixture
def phone(server: Server, visit: Visits) -> Phone:
    """`phone(person, "?station=X")` -> the app, signed in and live."""

    def opened(person: Person | None, path: str = "", **context: Any) -> Page:
        url = context.pop("url", server.url)
        page = visit(
            f"{url}/app/{path}",
            person,
            allow=EXPECTED,
            **{"locale": "en-GB", "timezone_id": "Europe/Berlin", **PHONE, **context},
        )
        if person is not None:
            is_live(page)
        return page

    return opened


def is_live(page: Page) -> None:
    expect(page.locator(".live")).to_have_attribute("data-state", "live", timeout=20_000)


def tab(page: Page, name: str) -> None:
    page.get_by_role("navigation").get_by_role("link", name=name).click()


def start_button(page: Page) -> Any:
    return page.get_by_role("button", name="Start", exact=True)


def stop_button(page: Page) -> Any:
    return page.get_by_role("button", name="Stop", exact=True)


@dataclass
class Charger:
    """A station at which a driver has a tag. It accepts remote starts and stops; the test says when power flows."""

    server: Server
    identity: str
    tag: str
    protocol: str
    station: Station = field(init=False)
    number: Any = None
    sequence: int = 0

    def __enter__(self) -> "Charger":
        accepted = {"status": "Accepted"}
        asked = ("RemoteStartTransaction", "RemoteStopTransaction", "RequestStartTransaction", "RequestStopTransaction")
        self.station = Station(self.server, self.identity, self.protocol, answers=dict.fromkeys(asked, accepted))
        self.station.connect()
        self.station.ok("BootNotification", frames.boot(self.protocol))
        self.says("Preparing")
        return self

    def __exit__(self, *_exception: object) -> None:
        self.station.close()

    @property
    def is_16(self) -> bool:
        return self.protocol == "ocpp1.6"

    def says(self, status: str) -> None:
        payload = frames.status_16(1, status)
        if not self.is_16:
            payload = frames.status_2x(1, "Available" if status == "Available" else "Occupied")
        self.station.ok("StatusNotification", payload)

    def expect_start(self) -> None:
        """Wait for the remote start, and begin the session that it asks for."""
        call = self.station.expect_call("RemoteStartTransaction" if self.is_16 else "RequestStartTransaction")
        if self.is_16:
            assert call.payload["idTag"] == self.tag
            payload = frames.start_16(self.tag, 1000, self.moment())
            self.number = self.station.ok("StartTransaction", payload)["transactionId"]
        else:
            self.number = f"TX-{self.identity}"
            info = {"remoteStartId": call.payload["remoteStartId"], "chargingState": "Charging"}
            self.event("Started", 1000, trigger="RemoteStart", id_token=self.tag, info=info)
        self.says("Charging")

    def meter(self, energy_wh: int, power_w: int) -> None:
        if self.is_16:
            at = self.moment()
            reading = frames.meter_16(energy_wh, power_w, transaction_id=self.number, soc_percent=61, timestamp=at)
            self.station.ok("MeterValues", reading)
        else:
            self.event("Updated", energy_wh, power_w=power_w, info={"chargingState": "Charging"})

    def expect_stop(self, energy_wh: int) -> None:
        """Wait for the remote stop, and end the session."""
        self.station.expect_call("RemoteStopTransaction" if self.is_16 else "RequestStopTransaction")
        if self.is_16:
            self.station.ok("StopTransaction", frames.stop_16(self.number, energy_wh, reason="Remote"))
        else:
            self.event("Ended", energy_wh, trigger="RemoteStop", info={"stoppedReason": "Remote"})
        self.says("Available")

    def event(self, kind: str, energy_wh: int, *, info: dict[str, Any], **more: Any) -> None:
        at, number = self.moment(), self.sequence - 1
        payload = frames.event_2x(kind, number, self.number, energy_wh=energy_wh, info=info, timestamp=at, **more)
        self.station.ok("TransactionEvent", payload)

    def moment(self) -> str:
        """Each message three seconds after the one before, so that no two readings are of one moment."""
        self.sequence += 1
        return frames.ts(0.05 * self.sequence - 1)


MakeCharger = Callable[..., Charger]


@pytest.fixture
def charger(server: Server, people: People, unique: Callable[[str], str]) -> MakeCharger:
    """`charger("ocpp1.6")` -> a new station of the owner's organization, with a tag of `people.member`."""

    def made(protocol: str = "ocpp1.6", people: People = people, server: Server = server) -> Charger:
        identity, tag = unique("APP"), unique("TAG")
        people.owner.rest.create_station(identity, name=f"Charger {identity}")
        made_tag = people.owner.rest.create_tag(tag, user=people.member.rest.get("me/")["id"])
        people.member.rest.patch("me/", {"default_id_tag": made_tag["id"]})
        return Charger(server, identity, tag, protocol)

    return made
