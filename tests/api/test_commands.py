"""Commands over REST: refused for a reason one can act on, or sent and answered."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.api.conftest import Household
from tests.support.server import Server
from tests.support.station import SILENT, Station
from tests.support.waiting import wait_until

Unique = Callable[[str], str]
START = {"idTag": "TAG", "meterStart": 0}


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@contextmanager
def connected(
    server: Server, household: Household, identity: str, connectors: int = 1, answers: dict[str, Any] | None = None
) -> Iterator[Station]:
    """A 1.6 station of the household, whose connectors it has told about."""
    household.owner.rest.create_station(identity)
    with Station(server, identity, answers=answers) as station:
        station.ok("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
        for number in range(1, connectors + 1):
            status = {"connectorId": number, "errorCode": "NoError", "status": "Available"}
            station.ok("StatusNotification", status)
        yield station


@pytest.mark.parametrize(
    "body",
    [
        {"command": "start", "connector_id": 1},
        {"command": "stop"},
        {"command": "unlock", "connector_id": 1},
        {"command": "reset", "type": "soft"},
        {"command": "set_limit", "limit_a": 16},
        {"command": "trigger", "message": "status"},
        {"command": "change_availability", "operative": True},
        {"command": "clear_cache"},
    ],
)
def test_what_cannot_wait_is_refused_while_the_station_is_away(
    household: Household, unique: Unique, body: dict[str, Any]
) -> None:
    identity = unique("CP")
    household.owner.rest.create_station(identity)
    answer = household.owner.rest.post(f"stations/{identity}/commands/", body, status=409)
    assert answer["code"] == "station_offline"
    assert identity in answer["message"]


def test_what_can_wait_is_queued_and_delivered(server: Server, household: Household, unique: Unique) -> None:
    rest, identity = household.manager.rest, unique("CP")
    household.owner.rest.create_station(identity)
    asked = {"command": "get_configuration", "keys": ["HeartbeatInterval"]}
    queued = rest.post(f"stations/{identity}/commands/", asked, status=202)
    assert (queued["status"], queued["station"], queued["sent"]) == ("queued", identity, None)
    value = {"key": "HeartbeatInterval", "readonly": False, "value": "300"}
    answers = {"GetConfiguration": {"configurationKey": [value], "unknownKey": []}}
    with Station(server, identity, answers=answers) as station:
        station.ok("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
        assert station.expect_call("GetConfiguration").payload == {"key": ["HeartbeatInterval"]}
        done = wait_until(lambda: (c := rest.get(f"commands/{queued['id']}/"))["status"] == "accepted" and c, "it")
    assert done["response"] == {"configurationKey": [value], "unknownKey": []}
    assert done["sent"] <= done["answered"]


def test_a_queued_command_can_be_cancelled(household: Household, unique: Unique) -> None:
    rest, identity = household.manager.rest, unique("CP")
    household.owner.rest.create_station(identity)
    queued = rest.post(f"stations/{identity}/commands/", {"command": "get_configuration"}, status=202)
    household.stranger.rest.delete(f"commands/{queued['id']}/", status=404)
    household.viewer.rest.delete(f"commands/{queued['id']}/", status=403)
    assert rest.delete(f"commands/{queued['id']}/")["status"] == "cancelled"
    assert rest.delete(f"commands/{queued['id']}/", status=409)["code"] == "not_queued"
    listed = rest.get(f"stations/{identity}/commands/", params={"status": "cancelled,queued"})["results"]
    assert [row["id"] for row in listed] == [queued["id"]]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "command"),
        ({"command": "explode"}, "command"),
        ({"command": "reset", "type": "gentle"}, "type"),
        ({"command": "reset", "type": 1}, "type"),
        ({"command": "change_availability"}, "operative"),
        ({"command": "set_configuration", "value": "1"}, "key"),
        ({"command": "set_configuration", "key": "X"}, "value"),
        ({"command": "trigger", "message": "LightsOut"}, "message"),
        ({"command": "set_limit"}, "limit_w"),
        ({"command": "set_limit", "limit_w": 1, "limit_a": 1}, "limit_w"),
        ({"command": "set_limit", "limit_a": -1}, "limit_a"),
        ({"command": "data_transfer"}, "vendor_id"),
        ({"command": "unlock", "connector_id": 3}, "connector_id"),
        ({"command": "unlock", "connector_id": "one"}, "connector_id"),
        ({"command": "unlock"}, "connector_id"),
        ({"command": "start", "connector_id": 1}, "id_tag"),
        ({"command": "start", "connector_id": 1, "id_tag": "NOBODY-S"}, "id_tag"),
        ({"action": "Reset", "payload": {"type": "Gentle"}}, "payload"),
        ({"action": "Explode", "payload": {}}, "action"),
        ({"action": "BootNotification", "payload": {}}, "action"),
        ({"action": "Reset", "payload": []}, "payload"),
    ],
)
def test_what_makes_no_sense_names_its_field(
    twoway: Station, household: Household, body: dict[str, Any], field: str
) -> None:
    answer = household.owner.rest.post(f"stations/{twoway.identity}/commands/", body, status=400)
    assert set(answer["fields"]) == {field}
    assert not [call for call in twoway.calls if call.action in ("Reset", "UnlockConnector", "RemoteStartTransaction")]


@pytest.fixture(scope="module")
def twoway(server: Server, household: Household) -> Iterator[Station]:
    """A connected station with two connectors that nobody makes do anything."""
    with connected(server, household, "TWO-WAY", connectors=2) as station:
        yield station


@pytest.mark.parametrize("wait", ["61", "-1", "nan", "soon"])
def test_how_long_one_can_wait(twoway: Station, household: Household, wait: str) -> None:
    path = f"stations/{twoway.identity}/commands/?wait={wait}"
    assert set(household.owner.rest.post(path, {"command": "clear_cache"}, status=400)["fields"]) == {"wait"}


def test_who_may_send_what(server: Server, household: Household, unique: Unique) -> None:
    identity = unique("CP")
    with connected(server, household, identity, answers={"Reset": {"status": "Rejected"}}):
        path = f"stations/{identity}/commands/?wait=10"
        reset = {"command": "reset"}
        household.stranger.rest.post(path, reset, status=404)
        household.stranger.rest.get(f"stations/{identity}/commands/", status=404)
        for person in (household.driver, household.viewer):
            person.rest.post(path, reset, status=403)
            person.rest.post(path, {"action": "Reset", "payload": {"type": "Soft"}}, status=403)
        household.viewer.rest.post(path, {"command": "start", "connector_id": 1}, status=403)
        done = household.manager.rest.post(path, reset, status=200)
        assert (done["status"], done["action"], done["request"]) == ("rejected", "Reset", {"type": "Soft"})
        household.stranger.rest.get(f"commands/{done['id']}/", status=404)
        household.driver.rest.get(f"commands/{done['id']}/", status=404)
        assert household.viewer.rest.get(f"commands/{done['id']}/")["status"] == "rejected"


def test_waiting_ends_before_a_late_answer_and_the_answer_still_counts(
    server: Server, household: Household, unique: Unique
) -> None:
    identity = unique("CP")
    with connected(server, household, identity, answers={"ClearCache": SILENT}) as station:
        rest = household.manager.rest
        sent = rest.post(f"stations/{identity}/commands/?wait=0.5", {"command": "clear_cache"}, status=202)
        assert sent["status"] in ("queued", "sent")
        station.reply(station.expect_call("ClearCache"), {"status": "Accepted"})
        wait_until(lambda: rest.get(f"commands/{sent['id']}/")["status"] == "accepted", "the late answer")


def test_a_wait_ends_with_the_answer(server: Server, household: Household, unique: Unique) -> None:
    identity = unique("CP")
    with connected(server, household, identity, answers={"ClearCache": SILENT}) as station:
        found: list[Any] = []
        path = f"stations/{identity}/commands/?wait=55"
        ask = threading.Thread(
            target=lambda: found.append(household.manager.rest.post(path, {"command": "clear_cache"}))
        )
        ask.start()
        station.reply(station.expect_call("ClearCache"), {"status": "Rejected"})
        ask.join(30)
        assert found and found[0]["status"] == "rejected"


def test_a_session_from_start_to_stop(server: Server, household: Household, unique: Unique) -> None:
    identity, tag = unique("CP"), unique("TAG")
    driver = household.driver
    user = driver.rest.get("me/")["id"]
    made = household.owner.rest.post("id-tags/", {"id_tag": tag, "user": user}, status=201)
    accepted = {"status": "Accepted"}
    answers = {
        "RemoteStartTransaction": accepted,
        "RemoteStopTransaction": accepted,
        "UnlockConnector": {"status": "Unlocked"},
    }
    with connected(server, household, identity, connectors=2, answers=answers) as station:
        path = f"stations/{identity}/commands/?wait=10"
        assert driver.rest.post(path, {"command": "stop"}, status=409)["code"] == "nothing_to_stop"
        start = {"command": "start", "connector_id": 2}
        assert set(driver.rest.post(path, start, status=400)["fields"]) == {"id_tag"}, "no tag, no default"
        assert driver.rest.patch("me/", {"default_id_tag": made["id"]})["default_id_tag"] == made["id"]
        done = driver.rest.post(path, start, status=200)
        assert (done["status"], done["evse_id"], done["connector_id"]) == ("accepted", 2, 1)
        assert station.expect_call("RemoteStartTransaction").payload == {"connectorId": 2, "idTag": tag}
        begun = station.ok("StartTransaction", {**START, "connectorId": 2, "idTag": tag, "timestamp": now()})
        (running,) = driver.rest.transactions(identity, open="true")
        assert (running["user"], running["state"]) == (user, "charging")
        assert driver.rest.get(f"commands/{done['id']}/")["transaction"] == running["id"]
        busy = household.owner.rest.post(path, {**start, "id_tag": tag}, status=409)
        assert busy["code"] == "connector_busy"
        assert "Connector 2" in busy["message"]
        assert household.viewer.rest.get(f"transactions/{running['id']}/")["id_tag"] == tag
        household.stranger.rest.get(f"transactions/{running['id']}/", status=404)
        stopped = driver.rest.post(path, {"command": "stop"}, status=200)
        assert (stopped["status"], stopped["transaction"]) == ("accepted", running["id"])
        assert station.expect_call("RemoteStopTransaction").payload == {"transactionId": begun["transactionId"]}
        stop = {"transactionId": begun["transactionId"], "meterStop": 10, "timestamp": now()}
        station.ok("StopTransaction", stop)
        assert driver.rest.get(f"transactions/{running['id']}/")["state"] == "ended"
        named = {"command": "stop", "transaction": running["id"]}
        assert driver.rest.post(path, named, status=409)["code"] == "nothing_to_stop"
    driver.rest.patch("me/", {"default_id_tag": None})


def test_a_driver_leaves_others_alone(server: Server, household: Household, unique: Unique) -> None:
    identity, tag = unique("CP"), unique("TAG")
    household.owner.rest.create_tag(tag)
    with connected(server, household, identity, connectors=2) as station:
        station.ok("StartTransaction", {**START, "connectorId": 1, "idTag": tag, "timestamp": now()})
        (running,) = household.owner.rest.transactions(identity)
        path, driver = f"stations/{identity}/commands/", household.driver.rest
        assert driver.transactions(identity) == []
        driver.get(f"transactions/{running['id']}/", status=404)
        driver.get(f"transactions/{running['id']}/meter-values/", status=404)
        assert driver.post(path, {"command": "stop"}, status=409)["code"] == "nothing_to_stop"
        driver.post(path, {"command": "stop", "transaction": running["id"]}, status=404)
        driver.post(path, {"command": "unlock", "connector_id": 1}, status=403)
        answer = driver.post(path, {"command": "start", "connector_id": 2, "id_tag": tag}, status=400)
        assert set(answer["fields"]) == {"id_tag"}, "someone else's tag is no tag"


def test_which_transaction_to_stop_must_be_said_when_several_run(
    server: Server, household: Household, unique: Unique
) -> None:
    identity, tag = unique("CP"), unique("TAG")
    with connected(server, household, identity, connectors=2) as station:
        for connector in (1, 2):
            station.ok("StartTransaction", {**START, "connectorId": connector, "idTag": tag, "timestamp": now()})
        rest = household.owner.rest
        answer = rest.post(f"stations/{identity}/commands/", {"command": "stop"}, status=400)
        for row in rest.transactions(identity):
            assert str(row["id"]) in answer["fields"]["transaction"]


@pytest.mark.parametrize("change", [{"blocked": True}, {"expires": "2020-01-01T00:00:00Z"}])
def test_a_tag_that_may_not_charge_starts_nothing(
    twoway: Station, household: Household, unique: Unique, change: dict[str, Any]
) -> None:
    tag = unique("TAG")
    household.owner.rest.create_tag(tag, **change)
    body = {"command": "start", "connector_id": 1, "id_tag": tag}
    answer = household.owner.rest.post(f"stations/{twoway.identity}/commands/", body, status=400)
    assert set(answer["fields"]) == {"id_tag"}


def test_a_raw_call_goes_out_as_it_is(server: Server, household: Household, unique: Unique) -> None:
    identity = unique("CP")
    answer = {"status": "Accepted", "listVersion": 3}
    with connected(server, household, identity, answers={"GetLocalListVersion": answer}) as station:
        body: dict[str, Any] = {"action": "GetLocalListVersion", "payload": {}}
        done = household.manager.rest.command(identity, body)
        assert station.expect_call("GetLocalListVersion").payload == {}
        assert (done["command"], done["action"], done["response"]["listVersion"]) == ("call", "GetLocalListVersion", 3)


def test_a_new_station_password_stays_secret_and_both_work_until_it_is_settled(
    server: Server, household: Household, unique: Unique
) -> None:
    identity, password = unique("CP"), "A-New-Password-77"
    body = {"command": "set_configuration", "key": "AuthorizationKey", "value": password}
    with connected(server, household, identity, answers={"ChangeConfiguration": {"status": "Accepted"}}) as station:
        done = household.manager.rest.command(identity, body)
        sent = station.expect_call("ChangeConfiguration").payload
        assert sent == {"key": "AuthorizationKey", "value": password.encode().hex()}, "1.6 wants it in hex"
        assert done["status"] == "accepted"
        assert password not in str(done)
    with Station(server, identity, password=password) as station:
        station.ok("Heartbeat", {})
    for table in ("charging_command", "accounts_audit", "charging_ocppmessage", "charging_change"):
        kept = str(server.rows(f"select * from {table}"))
        assert password not in kept and password.encode().hex() not in kept.lower(), table
