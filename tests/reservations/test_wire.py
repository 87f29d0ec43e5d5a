"""Reservations from REST over the wire to the station's answer, its use and its end, in every version."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.ocpp.conftest import V16, V21, V201, VERSIONS, Lab
from tests.support import frames
from tests.support.frames import event_2x, start_16, ts
from tests.support.people import People
from tests.support.server import Server
from tests.support.station import SILENT, Refuse, Station
from tests.support.waiting import wait_until

Json = dict[str, Any]
YES = {"status": "Accepted"}


@pytest.fixture
def lab(server: Server, unique: Callable[[str], str]) -> Iterator[Lab]:
    with contextlib.ExitStack() as stack:
        yield Lab(server, unique, stack)


def at_station(lab: Lab, protocol: str, connectors: int = 1, **answers: Any) -> Station:
    """A station with free connectors that accepts what it is asked, unless told otherwise."""
    station = lab.station(protocol, answers={"ReserveNow": YES, "CancelReservation": YES, **answers})
    for number in range(1, connectors + 1):
        free = frames.status_16(number, "Available") if protocol == V16 else frames.status_2x(number, "Available")
        station.ok("StatusNotification", free)
    return station


def reserve(lab: Lab, station: Station, tag: str, *, status: int = 201, **more: Any) -> Json:
    body = {"station": station.identity, "connector_id": 1, "id_tag": tag, "expires": ts(30), **more}
    return lab.rest.post("reservations/", body, status=status)


def until(lab: Lab, row: Json, status: str) -> Json:
    """The reservation once it has the status."""

    def look() -> Json:
        found: Json = lab.rest.get(f"reservations/{row['id']}/")
        assert found["status"] == status, found
        return found

    return wait_until(look, f"the reservation to be {status}")


def start(lab: Lab, protocol: str, station: Station, tag: str, number: int | None) -> None:
    more: Json = {} if number is None else {"reservationId": number}
    if protocol == V16:
        station.ok("StartTransaction", {**start_16(tag, 100), **more})
    else:
        started = event_2x("Started", 0, lab.unique("TX"), energy_wh=100, id_token=tag, **more)
        station.ok("TransactionEvent", started)


@pytest.mark.parametrize("protocol", VERSIONS)
def test_it_is_told_held_and_used(lab: Lab, protocol: str) -> None:
    station, tag = at_station(lab, protocol), "04A1B2C3" + lab.unique("")[-6:].replace("-", "0")
    lab.rest.create_tag(tag, parent_id_tag="FAMILY")
    row = reserve(lab, station, tag)
    call = station.expect_call("ReserveNow").payload
    if protocol == V16:
        assert (call["connectorId"], call["idTag"], call["parentIdTag"]) == (1, tag, "FAMILY")
        assert call["reservationId"] == row["reservation_id"] and call["expiryDate"] == row["expires"]
    else:
        assert (call["evseId"], call["id"]) == (1, row["reservation_id"])
        assert call["idToken"] == {"idToken": tag, "type": "ISO14443"}
        assert call["groupIdToken"] == {"idToken": "FAMILY", "type": "Central"}
    until(lab, row, "accepted")
    start(lab, protocol, station, tag, row["reservation_id"])
    used = until(lab, row, "used")
    assert used["transaction"] == lab.transaction(station.identity)["id"] and used["reason"] == ""
    # What is over is not cancelled.
    assert lab.rest.delete(f"reservations/{row['id']}/", status=409)["code"] == "reservation_over"


# 2.0.1 has the words of 2.1: one of them is enough.
@pytest.mark.parametrize(
    ("word", "protocol"),
    [
        *((word, protocol) for word in ("Faulted", "Occupied", "Rejected", "Unavailable") for protocol in (V16, V21)),
        ("Occupied", V201),
    ],
)
def test_a_refusal_says_why(lab: Lab, protocol: str, word: str) -> None:
    station = at_station(lab, protocol, ReserveNow={"status": word})
    refused = until(lab, reserve(lab, station, lab.tag()), "refused")
    said = {"Faulted": "out of order", "Occupied": "occupied", "Rejected": "refused", "Unavailable": "out of service"}
    assert said[word] in refused["reason"]
    command = lab.rest.get(f"commands/{refused['command']}/")
    assert (command["status"], command["command"]) == ("rejected", "reserve")


@pytest.mark.parametrize("protocol", VERSIONS)
def test_it_is_cancelled_at_the_station(lab: Lab, protocol: str) -> None:
    station = at_station(lab, protocol)
    row = until(lab, reserve(lab, station, lab.tag()), "accepted")
    lab.rest.delete(f"reservations/{row['id']}/", status=202)
    assert station.expect_call("CancelReservation").payload == {"reservationId": row["reservation_id"]}
    until(lab, row, "cancelled")
    # A station that holds none says so: the reservation is over all the same, and the command was refused.
    other = until(lab, reserve(lab, station, lab.tag()), "accepted")
    assert other["reservation_id"] != row["reservation_id"]
    station.answers["CancelReservation"] = {"status": "Rejected"}
    lab.rest.post(f"reservations/{other['id']}/cancel/", status=202)
    assert "did not know" in until(lab, other, "cancelled")["reason"]
    newest = lab.rest.get(f"stations/{station.identity}/commands/")["results"][0]
    assert (newest["command"], newest["status"]) == ("cancel_reservation", "rejected")


@pytest.mark.parametrize("protocol", [V201, V21])
def test_a_station_ends_it(lab: Lab, protocol: str) -> None:
    station = at_station(lab, protocol)
    words = {"Expired": "expired", "Removed": "cancelled"} | ({"NoTransaction": "expired"} if protocol == V21 else {})
    for word, status in words.items():
        row = until(lab, reserve(lab, station, lab.tag()), "accepted")
        told = {"reservationId": row["reservation_id"], "reservationUpdateStatus": word}
        assert station.ok("ReservationStatusUpdate", told) == {}
        until(lab, row, status)
    assert station.ok("ReservationStatusUpdate", {**told, "reservationId": 99}) == {}
    assert lab.violations(station.identity) == {"unknown_reservation": 1}


@pytest.mark.parametrize("protocol", VERSIONS)
def test_a_group_may_use_it_and_another_tag_is_marked(lab: Lab, protocol: str) -> None:
    station, tag, friend, foreign = at_station(lab, protocol), lab.unique("A"), lab.unique("B"), lab.tag()
    for name in (tag, friend):
        lab.rest.create_tag(name, parent_id_tag="CLAN")
    row = until(lab, reserve(lab, station, tag), "accepted")
    # A station that does not name the reservation has used that of the group all the same.
    start(lab, protocol, station, friend, None)
    assert until(lab, row, "used")["reason"] == ""
    second = until(lab, reserve(lab, station, tag), "accepted")
    start(lab, protocol, station, foreign, second["reservation_id"])
    assert foreign in until(lab, second, "used")["reason"]
    flags = [transaction["flags"] for transaction in lab.transactions(station.identity)]
    assert ["reservation_mismatch" in found for found in flags].count(True) == 1
    assert lab.violations(station.identity)["foreign_reservation"] == 1


def test_someone_elses_charging_leaves_it(lab: Lab) -> None:
    station = at_station(lab, V16)
    row = until(lab, reserve(lab, station, lab.tag()), "accepted")
    start(lab, V16, station, lab.tag(), None)
    assert lab.rest.get(f"reservations/{row['id']}/")["status"] == "accepted"


def test_two_at_one_connector_are_refused(lab: Lab) -> None:
    station = at_station(lab, V16, connectors=2)
    row = until(lab, reserve(lab, station, lab.tag()), "accepted")
    problem = reserve(lab, station, lab.tag(), status=409)
    assert problem["code"] == "reservation_conflict" and problem["fields"]["reservation"] == str(row["id"])
    assert str(row["id"]) in problem["message"]
    # The other connector is free, and then the station has none left for anyone.
    until(lab, reserve(lab, station, lab.tag(), connector_id=2), "accepted")
    assert reserve(lab, station, lab.tag(), connector_id=None, status=409)["code"] == "reservation_conflict"
    # Afterwards it is.
    later = reserve(lab, station, lab.tag(), starts=ts(31), expires=ts(90))
    assert later["status"] == "planned"
    assert lab.rest.delete(f"reservations/{later['id']}/", status=202)["status"] == "cancelled"


def test_what_a_station_says_it_cannot_is_not_asked(lab: Lab) -> None:
    station = at_station(lab, V16, connectors=2, GetConfiguration=configured("ReserveConnectorZeroSupported", "false"))
    lab.rest.command(station.identity, {"command": "get_configuration"})
    assert reserve(lab, station, lab.tag(), connector_id=None, status=409)["code"] == "not_supported"
    until(lab, reserve(lab, station, lab.tag()), "accepted")
    plain = at_station(lab, V16, GetConfiguration=configured("SupportedFeatureProfiles", "Core,SmartCharging"))
    lab.rest.command(plain.identity, {"command": "get_configuration"})
    assert reserve(lab, plain, lab.tag(), status=409)["code"] == "not_supported"
    newer = at_station(lab, V201)
    wanted = {"component": {"name": "ReservationCtrlr"}, "variable": {"name": "Enabled"}}
    value = {**wanted, "attributeStatus": "Accepted", "attributeValue": "false"}
    newer.answers["GetVariables"] = {"getVariableResult": [value]}
    lab.rest.command(newer.identity, {"command": "get_configuration", "keys": ["ReservationCtrlr.Enabled"]})
    assert reserve(lab, newer, lab.tag(), status=409)["code"] == "not_supported"


def configured(key: str, value: str) -> Json:
    return {"configurationKey": [{"key": key, "readonly": True, "value": value}]}


def test_a_station_that_is_away_or_knows_no_reservations(lab: Lab) -> None:
    away = lab.create()
    body = {"station": away, "id_tag": lab.tag(), "expires": ts(30)}
    assert lab.rest.post("reservations/", body, status=409)["code"] == "station_offline"
    # One for later is held by us.
    assert (
        lab.rest.post("reservations/", {**body, "starts": ts(60), "expires": ts(90)}, status=201)["status"] == "planned"
    )
    station = at_station(lab, V16, ReserveNow=Refuse("NotImplemented"))
    refused = until(lab, reserve(lab, station, lab.tag()), "refused")
    assert "does not know this command" in refused["reason"]


def test_bad_input_names_its_fields(lab: Lab) -> None:
    station = at_station(lab, V16)
    tag = lab.tag()
    wrong: dict[str, Json] = {
        "expires": {"expires": ts(-5)},
        "starts": {"starts": ts(-60)},
        "id_tag": {"id_tag": "NOBODYS"},
        "connector_id": {"connector_id": 9},
    }
    for field, more in wrong.items():
        problem = reserve(lab, station, tag, status=400, **more)
        assert field in problem["fields"], problem
    assert "expires" in reserve(lab, station, tag, status=400, expires=ts(60 * 24 * 9))["fields"]
    assert reserve(lab, station, tag, status=400, expires=None)["fields"].keys() == {"expires"}


def test_whose_it_is(server: Server, people: People, unique: Callable[[str], str]) -> None:
    """A driver reserves with own tags and sees own ones; a stranger sees nothing at all."""
    identity, own, others = unique("OWN"), unique("MINE"), unique("THEIRS")
    owner, member, stranger = people.owner.rest, people.member.rest, people.stranger.rest
    owner.create_station(identity)
    owner.create_tag(own, user=member.get("me/")["id"])
    owner.create_tag(others)
    with Station(server, identity, V16, answers={"ReserveNow": YES, "CancelReservation": YES}) as station:
        station.ok("BootNotification", frames.boot())
        for number in (1, 2):
            station.ok("StatusNotification", frames.status_16(number, "Available"))
        body = {"station": identity, "connector_id": 1, "expires": ts(30)}
        assert member.post("reservations/", {**body, "id_tag": others}, status=400)["fields"].keys() == {"id_tag"}
        theirs = owner.post("reservations/", {**body, "id_tag": others}, status=201)
        problem = member.post("reservations/", {**body, "id_tag": own}, status=409)
        assert "Someone else" in problem["message"] and "from" not in problem["message"]
        mine = member.post("reservations/", {**body, "connector_id": 2, "id_tag": own}, status=201)
        wait_until(lambda: member.get(f"reservations/{mine['id']}/")["status"] == "accepted")
        assert [row["id"] for row in member.get("reservations/")["results"]] == [mine["id"]]
        found = owner.get("reservations/", params={"station": identity, "status": "accepted,requested"})["results"]
        assert {row["id"] for row in found} == {mine["id"], theirs["id"]}
        for path in (f"reservations/{theirs['id']}/", f"reservations/{mine['id']}/"):
            for verb in ("GET", "DELETE"):
                assert stranger.send(verb, path).status_code == 404
        assert member.send("DELETE", f"reservations/{theirs['id']}/").status_code == 404
        assert stranger.post("reservations/", {**body, "id_tag": own}, status=404)
        # As a neutral command it is the same reservation.
        cancel = {"command": "cancel_reservation", "number": theirs["reservation_id"]}
        assert member.send("POST", f"stations/{identity}/commands/", cancel).status_code == 404
        member.delete(f"reservations/{mine['id']}/", status=202)
        wait_until(lambda: member.get(f"reservations/{mine['id']}/")["status"] == "cancelled")
        command = {"command": "reserve", "connector_id": 2, "id_tag": own, "expires": ts(20)}
        assert member.command(identity, command)["status"] == "accepted"
        assert member.get("reservations/", params={"status": "accepted"})["count"] == 1


def test_a_lost_answer_is_made_good_by_the_status(lab: Lab) -> None:
    """The line breaks before the station has answered: whether it holds the reservation, its status says."""
    station = at_station(lab, V16, ReserveNow=SILENT)
    row = reserve(lab, station, lab.tag())
    station.expect_call("ReserveNow")
    station.again()
    assert "may have acted" in until(lab, row, "failed")["reason"]
    station.ok("StatusNotification", frames.status_16(1, "Reserved"))
    until(lab, row, "accepted")
