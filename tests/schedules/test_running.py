"""A schedule charges without anyone's doing, against a real server and real sockets."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support import frames
from tests.support.people import People
from tests.support.server import Server
from tests.support.station import Station
from tests.support.waiting import wait_until

ACCEPTED = {"status": "Accepted"}


def window_around_now() -> list[dict[str, Any]]:
    """One window in UTC that is open for at least an hour from now."""
    begin = datetime.now(UTC) - timedelta(minutes=5)
    end = begin + timedelta(hours=2)
    return [{"weekday": begin.weekday(), "begin": f"{begin:%H:%M}", "end": f"{end:%H:%M}"}]


class Home:
    """A 1.6 station of the owner's with a waiting car, and a tag that may charge there."""

    def __init__(self, server: Server, people: People, unique: Callable[[str], str]) -> None:
        self.server, self.rest = server, people.owner.rest
        self.identity, self.tag = unique("SCH"), unique("TAG")
        self.rest.create_station(self.identity)
        self.rest.create_tag(self.tag)

    def connect(self, status: str = "Preparing") -> Station:
        answers = {
            "RemoteStartTransaction": ACCEPTED,
            "RemoteStopTransaction": ACCEPTED,
            "SetChargingProfile": ACCEPTED,
            "ClearChargingProfile": ACCEPTED,
        }
        station = Station(self.server, self.identity, answers=answers).connect()
        station.ok("BootNotification", frames.boot())
        station.ok("StatusNotification", frames.status_16(1, status))
        return station

    def schedule(self, **values: Any) -> dict[str, Any]:
        body = {"station": self.identity, "id_tag": self.tag, **values}
        return self.rest.post("schedules/", body, status=201)

    def runs(self, pk: int) -> list[dict[str, Any]]:
        return self.rest.get(f"schedules/{pk}/runs/")["results"]

    def run_in(self, pk: int, state: str) -> dict[str, Any]:
        return wait_until(
            lambda: next((run for run in self.runs(pk) if run["state"] == state), None), f"a run in {state}", 30
        )


@pytest.fixture
def home(server: Server, people: People, unique: Callable[[str], str]) -> Home:
    return Home(server, people, unique)


def test_a_due_schedule_starts_a_session_by_itself(home: Home) -> None:
    with home.connect() as station:
        made = home.schedule(mode="schedule", windows=window_around_now())
        assert made["plan"]["reason"] == "in_window"
        call = station.expect_call("RemoteStartTransaction", timeout=30)
        assert (call.payload["idTag"], call.payload["connectorId"]) == (home.tag, 1)
        started = station.ok("StartTransaction", frames.start_16(home.tag, 1000))["transactionId"]
        station.ok("StatusNotification", frames.status_16(1, "Charging"))
        station.ok("MeterValues", frames.meter_16(1010, 7400, transaction_id=started))
        run = home.run_in(made["id"], "running")
        assert [step["code"] for step in run["steps"]] == ["planned", "sent_start", "answered_accepted", "charges"]
        # Switched off, what it began ends.
        home.rest.patch(f"schedules/{made['id']}/", {"enabled": False})
        assert station.expect_call("RemoteStopTransaction", timeout=30).payload == {"transactionId": started}
        station.ok("StopTransaction", frames.stop_16(started, 1500, reason="Remote"))
        home.run_in(made["id"], "done")
        assert len([call for call in station.calls if call.action == "RemoteStartTransaction"]) == 1
