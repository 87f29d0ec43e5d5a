"""A laboratory around the shared server: stations of any version, and what the product keeps of them."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support import frames
from tests.support.rest import Rest
from tests.support.server import Server
from tests.support.station import Answer, Station
from tests.support.waiting import wait_until

Json = dict[str, Any]

V16, V201, V21 = "ocpp1.6", "ocpp2.0.1", "ocpp2.1"
VERSIONS = (V16, V201, V21)
TWO = (V201, V21)


class Lab:
    """`lab.station(...)` creates a station by REST and connects it; all of them are closed with the test."""

    def __init__(self, server: Server, unique: Callable[[str], str], stack: contextlib.ExitStack) -> None:
        self.server, self.unique, self.stack = server, unique, stack
        self.rest: Rest = server.rest()

    def create(self, prefix: str = "CP", **settings: Any) -> str:
        """A known station that is not connected; -> its identity."""
        identity = self.unique(prefix)
        self.rest.create_station(identity, **{"price_per_kwh": "0.30", **settings})
        return identity

    def connect(self, identity: str, protocol: Any = V16, *, boot: bool = False, **more: Any) -> Station:
        station = self.stack.enter_context(Station(self.server, identity, protocol, **more))
        if boot:
            station.ok("BootNotification", frames.boot(station.protocol or V16))
            # After its first other message nothing waits for it to settle.
            alive(station)
        return station

    def station(
        self, protocol: str = V16, *, boot: bool = True, answers: dict[str, Answer] | None = None, **settings: Any
    ) -> Station:
        """A known station, connected and (unless told otherwise) booted."""
        return self.connect(self.create(**settings), protocol, boot=boot, answers=answers)

    def tag(self, **more: Any) -> str:
        id_tag = self.unique("TAG")
        self.rest.create_tag(id_tag, **more)
        return id_tag

    # --- What the product keeps ---------------------------------------------------------------------------------

    def row(self, identity: str) -> Json:
        """The station as REST gives it."""
        return self.rest.get(f"stations/{identity}/")

    def connector(self, identity: str, evse: int = 1) -> Json:
        """The first connector of an EVSE as REST gives it."""
        for row in self.row(identity)["evses"]:
            if row["evse_id"] == evse:
                return row["connectors"][0]
        raise AssertionError(f"{identity} has no EVSE {evse}")

    def transactions(self, identity: str) -> list[Json]:
        return self.rest.transactions(identity)

    def transaction(self, identity: str) -> Json:
        """The station's only transaction."""
        (row,) = self.transactions(identity)
        return row

    def _of_station(self, table: str, identity: str) -> list[Json]:
        return self.server.rows(
            f"SELECT x.* FROM {table} x JOIN charging_chargingstation s ON s.id = x.station_id WHERE s.identity = ?",
            identity,
        )

    def violations(self, identity: str) -> dict[str, int]:
        """How often which kind of wrong data was counted."""
        return {row["kind"]: row["count"] for row in self._of_station("charging_violation", identity)}

    def quarantine(self, identity: str) -> list[Json]:
        return self._of_station("charging_quarantinedmessage", identity)

    def security_events(self, identity: str) -> list[str]:
        return [row["type"] for row in self._of_station("charging_securityevent", identity)]

    def messages(self, identity: str) -> list[Json]:
        return self._of_station("charging_ocppmessage", identity)

    def wait_counted(self, identity: str, kind: str) -> None:
        wait_until(lambda: self.violations(identity).get(kind), f"{kind} to be counted for {identity}")


@pytest.fixture
def lab(server: Server, unique: Callable[[str], str]) -> Iterator[Lab]:
    with contextlib.ExitStack() as stack:
        yield Lab(server, unique, stack)


@pytest.fixture(scope="session")
def bystander(server: Server) -> Iterator[Callable[[], None]]:
    """`bystander()` asserts that another station is still answered within a second."""
    rest = server.rest()
    rest.create_station("BYSTANDER")
    with Station(server, "BYSTANDER") as station:
        station.ok("BootNotification", frames.boot())

        def answered() -> None:
            assert "currentTime" in station.ok("Heartbeat", {}, timeout=5)

        yield answered


def alive(station: Station) -> None:
    """The socket is open and its loop runs."""
    assert "currentTime" in station.ok("Heartbeat", {})
