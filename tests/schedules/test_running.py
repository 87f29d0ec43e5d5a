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


def in_hours(hours: int) -> str:
    """The time of day then: what is planned until it does not depend on when the test runs."""
    return f"{datetime.now(UTC) + timedelta(hours=hours):%H:%M}"


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


def test_what_a_schedule_may_be_and_whose_it_is(home: Home, people: People) -> None:
    made = home.schedule(mode="smart", ready_by=in_hours(12), target_wh=10_000, name="Night")
    path = f"schedules/{made['id']}/"
    assert (made["plan"]["reason"], made["user"]) == ("flat", home.rest.get("me/")["id"])
    assert "0.30" not in made["plan"]["cost"] and made["plan"]["cost"] == "3.00"
    # A colleague who drives does not see it, a stranger neither.
    for other in (people.member, people.stranger):
        assert made["id"] not in {row["id"] for row in other.rest.each("schedules/")}
        other.rest.get(path, status=404)
        other.rest.patch(path, {"name": "Mine"}, status=404)
        other.rest.get(f"{path}runs/", status=404)
    # One for each connector and person.
    body = {"station": home.identity, "id_tag": home.tag, "mode": "smart", "ready_by": "07:00", "target_wh": 1000}
    assert home.rest.post("schedules/", body, status=409)["code"] == "already_exists"
    assert home.rest.patch(path, {"skip_next": True})["skipped"] is not None
    assert home.rest.patch(path, {"skip_next": False, "charge_now": True})["plan"]["reason"] == "this_once"
    home.rest.delete(path)
    home.rest.get(path, status=404)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"mode": "schedule"}, "windows"),
        ({"mode": "smart", "target_wh": 1000}, "ready_by"),
        ({"mode": "smart", "ready_by": "07:00"}, "target_wh"),
        ({"mode": "smart", "ready_by": "07:00", "target_percent": 80}, "battery_wh"),
        ({"mode": "smart", "ready_by": "25:00", "target_wh": 1000}, "ready_by"),
        ({"mode": "now", "id_tag": "NOBODYS"}, "id_tag"),
        ({"mode": "now", "connector_id": 9}, "connector_id"),
        (
            {
                "mode": "schedule",
                "windows": [
                    {"weekday": 6, "begin": "22:00", "end": "06:00"},
                    {"weekday": 0, "begin": "05:00", "end": "07:00"},
                ],
            },
            "windows",
        ),
    ],
)
def test_what_is_wrong_is_named(home: Home, values: dict[str, Any], field: str) -> None:
    problem = home.rest.post("schedules/preview/", {"station": home.identity, "id_tag": home.tag, **values}, status=400)
    assert field in problem["fields"], problem


def test_a_driver_may_hold_back_the_own_session_and_send_no_limit(home: Home, people: People) -> None:
    """The schedule has the right to limit that session; the driver has none to limit the outlet."""
    window = {**window_around_now()[0], "limit_w": 3000}
    body = {"station": home.identity, "mode": "schedule", "windows": [window], "technique": "hold", "enabled": False}
    made = people.member.rest.post("schedules/", body, status=201)
    assert (made["technique"], made["windows"][0]["limit_w"]) == ("hold", 3000)
    people.member.rest.post(f"stations/{home.identity}/commands/", {"command": "set_limit", "limit_a": 0}, status=403)
    people.member.rest.delete(f"schedules/{made['id']}/")


@pytest.mark.parametrize(("answer", "state"), [("Accepted", "accepted"), ("Rejected", "refused")])
def test_rest_says_what_the_station_stores(home: Home, answer: str, state: str) -> None:
    """The windows of an owner's schedule that holds back whatever begins at the outlet are stored there."""
    with home.connect() as station:
        station.answers["SetChargingProfile"] = {"status": answer}
        holding = {"mode": "schedule", "technique": "hold", "connector_id": 1}
        made = home.schedule(windows=window_around_now(), **holding)
        path = f"schedules/{made['id']}/stored/"
        station.expect_call("SetChargingProfile", timeout=30)
        found = wait_until(lambda: (told := home.rest.get(path))["state"] == state and told, f"a plan {state}", 30)
        assert found["since"] is not None and found["answered_at"] >= found["since"]
        assert ("refuse" in found["sentence"]) == (state == "refused")
        assert found["differences"] == []
        home.rest.patch(f"schedules/{made['id']}/", {"enabled": False})
        assert home.rest.get(path) | {"sentence": ""} == {
            "state": "none", "since": None, "answered_at": None, "sentence": "", "differences": []
        }  # fmt: skip
