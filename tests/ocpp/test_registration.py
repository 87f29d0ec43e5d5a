"""Boots that are answered Pending or Rejected, and what such a station may still say (2.x B02, B03)."""

import pytest

from tests.ocpp.conftest import TWO, V16, VERSIONS, Lab, alive
from tests.support import frames
from tests.support.frames import event_2x
from tests.support.station import Station

STATUS = {"pending": "Pending", "rejected": "Rejected"}


def waiting_for_approval(lab: Lab, protocol: str, registration: str) -> Station:
    identity = lab.create()
    lab.rest.patch(f"stations/{identity}/", {"registration": registration})
    return lab.connect(identity, protocol)


@pytest.mark.parametrize("protocol", VERSIONS)
@pytest.mark.parametrize("registration", STATUS)
def test_the_boot_is_answered_as_set(lab: Lab, protocol: str, registration: str) -> None:
    station = waiting_for_approval(lab, protocol, registration)
    answer = station.ok("BootNotification", frames.boot(protocol))
    assert answer["status"] == STATUS[registration]
    assert answer["interval"] >= 60
    assert answer["currentTime"].endswith("Z")


@pytest.mark.parametrize("protocol", TWO)
@pytest.mark.parametrize("registration", STATUS)
def test_everything_else_is_a_security_error_before_validation(lab: Lab, protocol: str, registration: str) -> None:
    station = waiting_for_approval(lab, protocol, registration)
    station.ok("BootNotification", frames.boot(protocol))
    for action, payload in (
        ("Heartbeat", {}),
        ("Heartbeat", []),
        ("StatusNotification", {"nonsense": 1}),
        ("Nonsense", {}),
        ("Reset", {}),
        ("TransactionEvent", event_2x("Started", 0, lab.unique("TX"), id_token="A")),
        ("TransactionEvent", {}),
    ):
        assert station.refused(action, payload) == "SecurityError"
    assert lab.transactions(station.identity) == []
    assert station.ok("BootNotification", frames.boot(protocol))["status"] == STATUS[registration]


@pytest.mark.parametrize("protocol", TWO)
def test_a_reconnect_is_no_boot(lab: Lab, protocol: str) -> None:
    """Neither does it make an accepted station boot again, nor does it let a pending one in."""
    pending = waiting_for_approval(lab, protocol, "pending")
    pending.ok("BootNotification", frames.boot(protocol))
    pending.again()
    assert pending.refused("Heartbeat", {}) == "SecurityError"
    accepted = lab.station(protocol)
    accepted.again()
    alive(accepted)


@pytest.mark.parametrize("protocol", VERSIONS)
def test_messages_before_any_boot_are_served(lab: Lab, protocol: str) -> None:
    alive(lab.connect(lab.create(), protocol))


@pytest.mark.parametrize("protocol", TWO)
def test_what_was_asked_for_is_served(lab: Lab, protocol: str) -> None:
    station = waiting_for_approval(lab, protocol, "pending")
    station.ok("BootNotification", frames.boot(protocol))
    station.answers.update(TriggerMessage={"status": "Accepted"}, GetBaseReport={"status": "Accepted"})
    status = frames.status_2x(1, "Available")
    assert station.refused("StatusNotification", status) == "SecurityError"
    assert lab.rest.command(station.identity, {"command": "trigger", "message": "status"})["status"] == "accepted"
    assert station.ok("StatusNotification", status) == {}
    assert station.refused("Heartbeat", {}) == "SecurityError"
    report = {"requestId": 1, "generatedAt": frames.ts(), "seqNo": 0}
    assert station.refused("NotifyReport", report) == "SecurityError"
    assert lab.rest.command(station.identity, {"command": "get_base_report", "report": "full"})["status"] == "accepted"
    assert station.ok("NotifyReport", report) == {}


@pytest.mark.parametrize("protocol", VERSIONS)
def test_once_accepted_it_is_served(lab: Lab, protocol: str) -> None:
    station = waiting_for_approval(lab, protocol, "pending")
    station.ok("BootNotification", frames.boot(protocol))
    lab.rest.patch(f"stations/{station.identity}/", {"registration": "accepted"})
    assert station.ok("BootNotification", frames.boot(protocol))["status"] == "Accepted"
    alive(station)


def test_16_transaction_messages_are_never_lost_while_pending(lab: Lab) -> None:
    station = waiting_for_approval(lab, V16, "pending")
    station.ok("BootNotification", frames.boot())
    assert station.call("StartTransaction", frames.start_16("X", 0))[0] in (3, 4)


def test_boots_in_a_loop_are_noticed(lab: Lab) -> None:
    station = lab.station()
    station.ok("BootNotification", frames.boot(), message_id="1")
    station.ok("BootNotification", frames.boot(), message_id="1")
    lab.wait_counted(station.identity, "boot_loop")


def test_the_interval_is_spread(lab: Lab) -> None:
    """So that ten thousand stations do not beat as one."""
    said = set()
    for _ in range(12):
        station = lab.connect(lab.create())
        said.add(station.ok("BootNotification", frames.boot())["interval"])
    assert len(said) > 1
    assert all(270 <= interval <= 330 for interval in said)


def test_an_interval_of_the_stations_own(lab: Lab) -> None:
    station = lab.connect(lab.create(heartbeat_interval_s=60))
    assert station.ok("BootNotification", frames.boot())["interval"] == 60


@pytest.mark.parametrize("protocol", VERSIONS)
def test_a_rejected_station_is_sent_nothing(lab: Lab, protocol: str) -> None:
    station = waiting_for_approval(lab, protocol, "rejected")
    station.ok("BootNotification", frames.boot(protocol))
    command = lab.rest.command(station.identity, {"command": "reset", "type": "soft"})
    assert command["status"] == "failed"
    assert "rejected" in command["error"]
    assert station.calls == []


@pytest.mark.parametrize("protocol", VERSIONS)
def test_a_pending_station_is_set_up_and_does_not_start(lab: Lab, protocol: str) -> None:
    station = lab.station(protocol)
    station.ok("StatusNotification", (frames.status_16 if protocol == V16 else frames.status_2x)(1, "Available"))
    lab.rest.patch(f"stations/{station.identity}/", {"registration": "pending"})
    station.ok("BootNotification", frames.boot(protocol))
    station.answers.update(Reset={"status": "Accepted"})
    command = lab.rest.command(station.identity, {"command": "start", "connector_id": 1, "id_tag": lab.tag()})
    assert command["status"] == "failed"
    assert "pending" in command["error"]
    assert lab.rest.command(station.identity, {"command": "reset", "type": "soft"})["status"] == "accepted"
