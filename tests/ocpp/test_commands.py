"""Commands to stations, from REST over the wire to the station's answer and back, in every version."""

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jsonschema_rs
import pytest

from ocpp_gateway import schemas
from tests.ocpp.conftest import TWO, V16, V201, VERSIONS, Lab, alive
from tests.support import frames
from tests.support.frames import event_2x, start_16
from tests.support.station import SILENT, Refuse, Station
from tests.support.waiting import wait_until

Json = dict[str, Any]


def number_of(protocol: str | None) -> str:
    return str(protocol).removeprefix("ocpp")


def plugged_in(lab: Lab, protocol: str, **more: Any) -> Station:
    """A station that has reported one connector with a car."""
    station = lab.station(protocol, **more)
    station.ok("StatusNotification", status_of(protocol))
    return station


def status_of(protocol: str) -> Json:
    return frames.status_16(1, "Preparing") if protocol == V16 else frames.status_2x(1, "Occupied")


def charging(lab: Lab, protocol: str) -> tuple[Station, str]:
    """A station with a running transaction; -> the station and the transaction's id on the wire."""
    station, tag = plugged_in(lab, protocol), lab.tag()
    if protocol == V16:
        return station, str(station.ok("StartTransaction", start_16(tag, 0))["transactionId"])
    number = lab.unique("TX")
    station.ok("TransactionEvent", event_2x("Started", 0, number, energy_wh=0, id_token=tag))
    return station, number


#: neutral command, (action, yes, no) in 1.6, (action, yes, no) in 2.x; None: the version has no such command
ACCEPTED, REJECTED = {"status": "Accepted"}, {"status": "Rejected"}
COMMANDS: list[tuple[Json, tuple[str, Json, Json] | None, tuple[str, Json, Json] | None]] = [
    ({"command": "reset", "type": "soft"}, ("Reset", ACCEPTED, REJECTED), ("Reset", {"status": "Scheduled"}, REJECTED)),
    ({"command": "reset", "type": "hard"}, ("Reset", ACCEPTED, REJECTED), ("Reset", ACCEPTED, REJECTED)),
    (
        {"command": "unlock", "connector_id": 1},
        ("UnlockConnector", {"status": "Unlocked"}, {"status": "UnlockFailed"}),
        ("UnlockConnector", {"status": "Unlocked"}, {"status": "UnlockFailed"}),
    ),
    (
        {"command": "change_availability", "operative": False},
        ("ChangeAvailability", {"status": "Scheduled"}, REJECTED),
        ("ChangeAvailability", ACCEPTED, REJECTED),
    ),
    (
        {"command": "change_availability", "operative": True, "connector_id": 1},
        ("ChangeAvailability", ACCEPTED, REJECTED),
        ("ChangeAvailability", ACCEPTED, REJECTED),
    ),
    (
        {"command": "trigger", "message": "status", "connector_id": 1},
        ("TriggerMessage", ACCEPTED, {"status": "NotImplemented"}),
        ("TriggerMessage", ACCEPTED, {"status": "NotImplemented"}),
    ),
    *(
        (
            {"command": "trigger", "message": message},
            ("TriggerMessage", ACCEPTED, REJECTED),
            ("TriggerMessage", ACCEPTED, REJECTED),
        )
        for message in ("meter_values", "boot", "heartbeat", "firmware_status", "log_status")
    ),
    (
        {"command": "set_configuration", "key": "HeartbeatInterval", "value": 60},
        ("ChangeConfiguration", {"status": "RebootRequired"}, {"status": "NotSupported"}),
        None,
    ),
    (
        {"command": "set_configuration", "key": "OCPPCommCtrlr.HeartbeatInterval", "value": "60"},
        None,
        (
            "SetVariables",
            {
                "setVariableResult": [
                    {
                        "attributeStatus": "Accepted",
                        "component": {"name": "OCPPCommCtrlr"},
                        "variable": {"name": "HeartbeatInterval"},
                    }
                ]
            },
            {
                "setVariableResult": [
                    {
                        "attributeStatus": "UnknownVariable",
                        "component": {"name": "OCPPCommCtrlr"},
                        "variable": {"name": "HeartbeatInterval"},
                    }
                ]
            },
        ),
    ),
    ({"command": "get_base_report", "report": "full"}, None, ("GetBaseReport", ACCEPTED, {"status": "NotSupported"})),
    (
        {"command": "set_limit", "limit_a": 16},
        ("SetChargingProfile", ACCEPTED, REJECTED),
        ("SetChargingProfile", ACCEPTED, REJECTED),
    ),
    (
        {"command": "set_limit", "limit_w": 3700.3, "connector_id": 1},
        ("SetChargingProfile", ACCEPTED, {"status": "NotSupported"}),
        ("SetChargingProfile", ACCEPTED, REJECTED),
    ),
    ({"command": "clear_cache"}, ("ClearCache", ACCEPTED, REJECTED), ("ClearCache", ACCEPTED, REJECTED)),
    (
        {"command": "data_transfer", "vendor_id": "ACME", "message_id": "hello", "data": "x"},
        ("DataTransfer", ACCEPTED, {"status": "UnknownVendorId"}),
        ("DataTransfer", ACCEPTED, {"status": "UnknownVendorId"}),
    ),
]  # fmt: skip
CASES = [
    pytest.param(protocol, body, *expected, id=f"{protocol} {json.dumps(body)}")
    for body, one, two in COMMANDS
    for protocol, expected in ((V16, one), *((protocol, two) for protocol in TWO))
    if expected is not None
]


@pytest.mark.parametrize(("protocol", "body", "action", "yes", "no"), CASES)
def test_a_neutral_command_is_said_in_every_version(
    lab: Lab, protocol: str, body: Json, action: str, yes: Json, no: Json
) -> None:
    station = plugged_in(lab, protocol)
    sent = []
    for answer, status in ((yes, "accepted"), (no, "rejected"), (Refuse("NotSupported"), "rejected")):
        station.answers[action] = answer
        done = lab.rest.command(station.identity, body)
        assert done["status"] == status, done
        call = station.expect_call(action)
        sent.append(call.payload)
        schema = schemas.of(number_of(protocol)).requests[action].document
        jsonschema_rs.validator_for(schema).validate(call.payload)
        assert (done["action"], done["request"]) == (action, call.payload)
        assert done["error"] if status == "rejected" else not done["error"]
        assert done["sent"]
        assert done["answered"]
    assert {**sent[0], "requestId": 0} == {**sent[1], "requestId": 0}


@pytest.mark.parametrize("protocol", VERSIONS)
def test_a_start_begins_a_transaction_that_is_linked_to_it(lab: Lab, protocol: str) -> None:
    tag, number = lab.tag(), lab.unique("TX")
    action = "RemoteStartTransaction" if protocol == V16 else "RequestStartTransaction"
    station = plugged_in(lab, protocol, answers={action: ACCEPTED})
    done = lab.rest.command(station.identity, {"command": "start", "connector_id": 1, "id_tag": tag})
    assert done["status"] == "accepted", done
    asked = station.expect_call(action).payload
    if protocol == V16:
        assert asked == {"idTag": tag, "connectorId": 1}
        station.ok("StartTransaction", start_16(asked["idTag"], 0))
    else:
        assert (asked["evseId"], asked["idToken"]["idToken"], asked["remoteStartId"] > 0) == (1, tag, True)
        info = {"remoteStartId": asked["remoteStartId"]}
        station.ok("TransactionEvent", event_2x("Started", 0, number, id_token=tag, info=info))
    row = lab.transaction(station.identity)
    assert lab.rest.get(f"commands/{done['id']}/")["transaction"] == row["id"]
    assert row["user"] == lab.rest.get("me/")["id"]


@pytest.mark.parametrize("protocol", VERSIONS)
def test_a_remote_start_is_linked_once(lab: Lab, protocol: str) -> None:
    """A second transaction with the same tag, later, is somebody's own doing."""
    tag = lab.tag()
    action = "RemoteStartTransaction" if protocol == V16 else "RequestStartTransaction"
    station = plugged_in(lab, protocol, answers={action: ACCEPTED})
    done = lab.rest.command(station.identity, {"command": "start", "connector_id": 1, "id_tag": tag})
    asked = station.expect_call(action).payload
    for turn in (1, 2):
        if protocol == V16:
            number = station.ok("StartTransaction", start_16(tag, turn))["transactionId"]
            station.ok("StopTransaction", frames.stop_16(number, 100))
        else:
            number = lab.unique("TX")
            info = {"remoteStartId": asked["remoteStartId"]}
            assert station.call("TransactionEvent", event_2x("Started", 0, number, id_token=tag, info=info))[0] == 3
            station.ok("TransactionEvent", event_2x("Ended", 1, number))
    rows = sorted(lab.transactions(station.identity), key=lambda row: row["id"])
    assert len(rows) == 2
    assert lab.rest.get(f"commands/{done['id']}/")["transaction"] == rows[0]["id"]


@pytest.mark.parametrize("protocol", VERSIONS)
def test_a_stop_names_the_transaction(lab: Lab, protocol: str) -> None:
    station, number = charging(lab, protocol)
    action = "RemoteStopTransaction" if protocol == V16 else "RequestStopTransaction"
    station.answers[action] = ACCEPTED
    assert lab.rest.command(station.identity, {"command": "stop"})["status"] == "accepted"
    assert station.expect_call(action).payload == {"transactionId": int(number) if protocol == V16 else number}
    station.answers[action] = REJECTED
    row = lab.transaction(station.identity)
    assert lab.rest.command(station.identity, {"command": "stop", "transaction": row["id"]})["status"] == "rejected"


def test_a_stop_of_a_transaction_from_another_version_fails_with_a_reason(lab: Lab) -> None:
    """A station that was updated from 2.0.1 to 1.6 cannot be told about its old transaction, and nothing is blocked."""
    station, _ = charging(lab, V201)
    station.close()
    station = lab.connect(station.identity, V16, boot=True, answers={"Reset": ACCEPTED})
    done = lab.rest.command(station.identity, {"command": "stop"}, status=(200, 409))
    assert done.get("status", "failed") == "failed", done
    assert lab.rest.command(station.identity, {"command": "reset", "type": "soft"})["status"] == "accepted"


@pytest.mark.parametrize("protocol", VERSIONS)
def test_the_configuration_is_read(lab: Lab, protocol: str) -> None:
    if protocol == V16:
        keys, action = ["HeartbeatInterval", "Nonsense"], "GetConfiguration"
        answer: Json = {
            "configurationKey": [{"key": "HeartbeatInterval", "readonly": False, "value": "300"}],
            "unknownKey": ["Nonsense"],
        }
    else:
        keys, action = ["OCPPCommCtrlr.HeartbeatInterval"], "GetVariables"
        variable = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}
        answer = {"getVariableResult": [{"attributeStatus": "Accepted", "attributeValue": "300", **variable}]}
    station = lab.station(protocol, answers={action: answer})
    done = lab.rest.command(station.identity, {"command": "get_configuration", "keys": keys})
    assert (done["status"], done["response"]) == ("accepted", answer)
    (kept,) = lab.server.rows(
        "SELECT c.* FROM charging_configurationvalue c JOIN charging_chargingstation s ON s.id = c.station_id "
        "WHERE s.identity = ?",
        station.identity,
    )
    assert (kept["variable"], kept["value"]) == ("HeartbeatInterval", "300")


# --- Raw calls -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", VERSIONS)
def test_a_raw_call_is_checked_first(lab: Lab, protocol: str) -> None:
    station = lab.station(protocol, answers={"Reset": ACCEPTED})
    path = f"stations/{station.identity}/commands/?wait=10"
    bodies: tuple[Json, ...] = (
        {"action": "Reset", "payload": {}},
        {"action": "Reset", "payload": {"type": "Sideways"}},
        {"action": "Reset", "payload": {"type": "Soft", "extra": 1}},
        {"action": "Reset", "payload": "Soft"},
        {"action": "Nonsense", "payload": {}},
        {"action": "BootNotification", "payload": frames.boot(protocol)},
        {"action": "DataTransfer", "payload": {"vendorId": 7}},
        {"action": ["Reset"], "payload": {}},
        {"payload": {}},
    )
    for body in bodies:
        refused = lab.rest.post(path, body, status=400)
        assert {"code", "message", "fields"} <= refused.keys()
    good = {"type": "Soft" if protocol == V16 else "OnIdle"}
    done = lab.rest.post(path, {"action": "Reset", "payload": good})
    assert (done["status"], done["request"], done["response"]) == ("accepted", good, ACCEPTED)
    assert [call.action for call in station.calls] == ["Reset"]


def test_a_number_that_no_frame_can_carry_holds_up_nothing(lab: Lab) -> None:
    station = lab.station(V201, answers={"DataTransfer": ACCEPTED, "ClearCache": ACCEPTED})
    body = {"action": "DataTransfer", "payload": {"vendorId": "V", "data": 10**30}}
    assert lab.rest.send("POST", f"stations/{station.identity}/commands/?wait=5", body).status_code in (200, 400)
    assert lab.rest.command(station.identity, {"command": "clear_cache"})["status"] == "accepted"


# --- Answers that do not come, or not as they should -----------------------------------------------------------------


@pytest.mark.parametrize("protocol", VERSIONS)
@pytest.mark.parametrize(
    ("code", "status"),
    [("InternalError", "failed"), ("NotImplemented", "rejected"), ("NotSupported", "rejected"), ("Weird", "failed")],
)
def test_a_call_error(lab: Lab, protocol: str, code: str, status: str) -> None:
    text = "line one\nline two " + "x" * 2000
    station = lab.station(protocol, answers={"Reset": Refuse(code, text, {"request": "y" * 500})})
    done = lab.rest.command(station.identity, {"command": "reset", "type": "soft"})
    assert done["status"] == status
    assert "line one line two" in done["error"]
    assert len(done["error"]) <= 500
    assert code in done["error"] or status == "rejected"


BROKEN = [
    '[3,"{id}",{{"status":',
    '[3,"{id}",{{"status":"Accepted"}}',
    '[3,"{id}"',
    '[3,"{id}",nonsense]',
    '[3,"{id}",[]]',
    '[3,"{id}","Accepted"]',
    '[3,"{id}",17]',
    '[4,"{id}","InternalError","unfinished',
    '[4,"{id}"]',
    '[4,"{id}",{{}},[],"x"]',
]


@pytest.mark.parametrize("protocol", [V16, V201])
@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_answer_fails_the_call_at_once(lab: Lab, protocol: str, broken: str) -> None:
    station = lab.station(protocol, answers={"Reset": SILENT}, call_timeout_s=600)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(lab.rest.command, station.identity, {"command": "reset", "type": "soft"}, wait=30)
        station.send(broken.format(id=station.expect_call("Reset").message_id))
        done = waiting.result()
    assert done["status"] == "failed"
    assert done["error"]
    alive(station)
    assert station.odd == []


@pytest.mark.parametrize(
    "answer", [{}, {"state": "Accepted"}, {"status": 5}, {"status": ["Accepted"]}, {"status": None}]
)
def test_an_answer_that_breaks_the_schema_ends_readably(lab: Lab, answer: Json) -> None:
    station = lab.station(V16, answers={"Reset": answer, "ClearCache": ACCEPTED})
    done = lab.rest.command(station.identity, {"command": "reset", "type": "soft"})
    assert done["status"] in ("accepted", "failed", "rejected")
    assert done["response"] == answer
    lab.wait_counted(station.identity, "wrong_answer")
    assert lab.rest.command(station.identity, {"command": "clear_cache"})["status"] == "accepted"


@pytest.mark.parametrize("protocol", VERSIONS)
def test_time_out_and_the_late_answer(lab: Lab, protocol: str) -> None:
    station = lab.station(protocol, answers={"Reset": SILENT, "ClearCache": ACCEPTED}, call_timeout_s=1)
    done = lab.rest.command(station.identity, {"command": "reset", "type": "soft"}, wait=30)
    assert done["status"] == "timed_out"
    assert done["error"]
    # The next one does not wait for it.
    assert lab.rest.command(station.identity, {"command": "clear_cache"})["status"] == "accepted"
    station.reply(station.expect_call("Reset"), REJECTED)
    path = f"commands/{done['id']}/"
    late = wait_until(lambda: (row := lab.rest.get(path))["status"] != "timed_out" and row, "the late answer to count")
    assert (late["status"], late["response"], late["late"]) == ("rejected", REJECTED, True)


def test_the_wait_is_over_before_the_answer(lab: Lab) -> None:
    station = lab.station(answers={"Reset": SILENT})
    sent = lab.rest.command(station.identity, {"command": "reset", "type": "soft"}, wait=0.2, status=202)
    assert sent["status"] in ("queued", "sent")
    station.reply(station.expect_call("Reset"), ACCEPTED)
    wait_until(lambda: lab.rest.get(f"commands/{sent['id']}/")["status"] == "accepted")


@pytest.mark.parametrize("how", ["cut", "close", "displaced"])
def test_a_call_in_flight_fails_with_its_connection(lab: Lab, how: str) -> None:
    station = lab.station(answers={"Reset": SILENT}, call_timeout_s=600)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(lab.rest.command, station.identity, {"command": "reset", "type": "soft"}, wait=30)
        call = station.expect_call("Reset")
        if how == "displaced":
            again = lab.connect(station.identity, boot=True)
        else:
            getattr(station, how)()
            again = None
        done = waiting.result()
    assert done["status"] == "failed"
    assert "connection" in done["error"].lower()
    # The answer may still come, on the next connection.
    again = again or lab.connect(station.identity)
    again.reply(call, ACCEPTED)
    late = wait_until(lambda: (row := lab.rest.get(f"commands/{done['id']}/"))["status"] == "accepted" and row)
    assert late["late"] is True


# --- One at a time ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", VERSIONS)
def test_one_call_at_a_time_in_their_order_and_incoming_ones_meanwhile(lab: Lab, protocol: str) -> None:
    station = lab.station(protocol, answers={"DataTransfer": SILENT})
    for data in "abc":
        lab.rest.command(
            station.identity, {"command": "data_transfer", "vendor_id": "V", "data": data}, wait=0, status=202
        )
    for data in "abc":
        call = station.expect_call("DataTransfer")
        assert call.payload["data"] == data
        for _ in range(3):
            alive(station)
        station.ok(
            "StatusNotification",
            frames.status_16(1, "Preparing") if protocol == V16 else frames.status_2x(1, "Occupied"),
        )
        assert len(station.calls) == "abc".index(data) + 1, "the next call waits for the answer of this one"
        station.reply(call, ACCEPTED)
    done = wait_until(
        lambda: (
            (rows := lab.rest.get(f"stations/{station.identity}/commands/")["results"])
            and all(row["status"] == "accepted" for row in rows)
            and rows
        )
    )
    assert [row["params"]["data"] for row in done] == ["c", "b", "a"]


def test_a_slow_station_does_not_hold_up_another(lab: Lab, bystander: Callable[[], None]) -> None:
    slow = lab.station(answers={"Reset": SILENT})
    lab.rest.command(slow.identity, {"command": "reset", "type": "soft"}, wait=0, status=202)
    slow.expect_call("Reset")
    quick = lab.station(answers={"Reset": ACCEPTED})
    assert lab.rest.command(quick.identity, {"command": "reset", "type": "soft"})["status"] == "accepted"
    bystander()


def test_a_station_that_asks_before_it_answers(lab: Lab) -> None:
    """Authorize and StartTransaction before the RemoteStart's answer."""
    station, tag = plugged_in(lab, V16, answers={"RemoteStartTransaction": SILENT}), lab.tag()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(
            lab.rest.command, station.identity, {"command": "start", "connector_id": 1, "id_tag": tag}
        )
        call = station.expect_call("RemoteStartTransaction")
        assert station.ok("Authorize", {"idTag": tag})["idTagInfo"]["status"] == "Accepted"
        assert station.ok("StartTransaction", start_16(tag, 0))["transactionId"] > 0
        station.reply(call, ACCEPTED)
        done = waiting.result()
    assert done["status"] == "accepted"
    assert lab.rest.get(f"commands/{done['id']}/")["transaction"] == lab.transaction(station.identity)["id"]


# --- After the boot --------------------------------------------------------------------------------------------------


def test_our_calls_wait_for_a_booting_station(lab: Lab) -> None:
    identity = lab.create()
    lab.connect(identity, boot=True).close()
    wait_until(lambda: not lab.row(identity)["online"])
    lab.rest.command(identity, {"command": "get_configuration"}, wait=0, status=202)
    station = lab.connect(identity, answers={"GetConfiguration": {}})
    station.ok("BootNotification", frames.boot())
    assert station.calls == [], "nothing is asked of it before its boot is answered"
    alive(station)
    station.expect_call("GetConfiguration")


def test_many_at_once_from_many_people(lab: Lab) -> None:
    station = lab.station(answers={"DataTransfer": ACCEPTED})
    seen, lock = [], threading.Lock()

    def one(number: int) -> str:
        body = {"command": "data_transfer", "vendor_id": "V", "data": str(number)}
        done = lab.rest.command(station.identity, body, wait=30)
        with lock:
            seen.append(number)
        return str(done["status"])

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(one, range(16))) == {"accepted"}
    assert sorted(int(call.payload["data"]) for call in station.calls) == list(range(16))
