"""The violations table: what a bad frame is answered with, in each version. None closes the socket."""

import contextlib
import json
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.ocpp.conftest import TWO, V16, V201, VERSIONS, Lab, alive
from tests.support import frames
from tests.support.server import Server
from tests.support.station import Station

ON_FORMAT = {V16: "FormationViolation", V201: "FormatViolation", "ocpp2.1": "FormatViolation"}
ON_MISSING = {
    V16: "OccurenceConstraintViolation",
    V201: "OccurrenceConstraintViolation",
    "ocpp2.1": "OccurrenceConstraintViolation",
}
STATUS_16 = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
STATUS_2X = {"timestamp": "2026-11-22T10:00:00Z", "connectorStatus": "Available", "evseId": 1, "connectorId": 1}

UNREADABLE = [
    "hello",
    "{",
    "[",
    "]",
    "[2,",
    '"text"',
    "{}",
    '{"2": 1}',
    "null",
    "true",
    "17",
    "[]",
    "[[]]",
    "[null]",
    '["a", "b"]',
    "[2]",
    "[2, null]",
    '[2, null, "Heartbeat", {}]',
    '[2, {}, "Heartbeat", {}]',
    '[2, [], "Heartbeat", {}]',
    '[2, true, "Heartbeat", {}]',
    '[2, "", "Heartbeat", {}]',
    '[2, {"a": 1}, "Heartbeat", {}]',
    "[" * 100_000,
    "[" * 40 + "]" * 40,
    "[2," * 5_000,
    '{"a":' * 50_000,
    '[2, "' + "x" * 100_000 + '", "Heartbeat", {}]',
    '[2, "' + "x" * 37 + '", "Heartbeat", {}]',
    "9" * 5_000,
    "[" + "9" * 5_000 + "]",
    "\x00",
    "[\x00]",
    "\x00" + "[" * 600 + "]" * 600,
    "[NaN," + "[" * 900 + "]" * 900 + "]",
    "[2, 1e999999, NaN]",
    "\ufeff",
    "[" * 600 + '"password"' + "]" * 600,
    "[-2, -2, -2]",
    '["2.5", "x", "Heartbeat", {}]',
    "\ud7ff",
]


@pytest.fixture(scope="module")
def stations(server: Server) -> Iterator[dict[str, Station]]:
    """One station of each version for the whole module: no frame of any test may end its socket."""
    with contextlib.ExitStack() as stack:
        made = {}
        for protocol in VERSIONS:
            identity = f"FRAMES-{secrets.token_hex(4)}"
            server.rest().create_station(identity)
            made[protocol] = stack.enter_context(Station(server, identity, protocol))
            made[protocol].ok("BootNotification", frames.boot(protocol))
        yield made


@pytest.fixture(params=VERSIONS)
def station(stations: dict[str, Station], request: pytest.FixtureRequest) -> Station:
    found = stations[request.param]
    if found.socket.close_code is not None:
        found.again()
    found.odd.clear()
    return found


def pick(station: Station, one: Any, two: Any) -> Any:
    return one if station.protocol == V16 else two


def error_of(frame: Any) -> str:
    """The code of a CALLERROR of the right shape, with nothing of the request in it."""
    assert frame[0] == 4, frame
    assert len(frame) == 5
    assert isinstance(frame[3], str)
    assert len(frame[3]) <= 255
    assert frame[4] == {}, "the details of an error are empty"
    return str(frame[2])


def test_it_works(station: Station) -> None:
    alive(station)


@pytest.mark.parametrize("text", UNREADABLE, ids=lambda text: repr(text[:20]) + f" {len(text)}")
def test_an_unreadable_frame(lab: Lab, station: Station, text: str) -> None:
    before = sum(lab.violations(station.identity).values())
    station.send(text)
    alive(station)
    if station.protocol == V16 or not text.strip("\x00\ufeff"):
        assert station.odd == []
    else:
        assert error_of(station.expect_odd()) == "RpcFrameworkError"
    assert sum(lab.violations(station.identity).values()) > before, "it is counted"


@pytest.mark.parametrize("text", ["", " ", "\n", "\t\r\n"])
def test_an_empty_frame_is_ignored(station: Station, text: str) -> None:
    station.send(text)
    alive(station)
    assert station.odd == []


def test_an_unreadable_frame_is_answered_under_the_id_minus_one(lab: Lab) -> None:
    for protocol in TWO:
        station = lab.station(protocol)
        station.send("no json at all")
        frame = station.expect_odd()
        assert frame[:3] == [4, "-1", "RpcFrameworkError"]
        assert "no json" not in json.dumps(frame)


def test_16_says_formation_violation_when_the_id_can_be_read(lab: Lab) -> None:
    station = lab.station(V16)
    assert error_of(station.raw('[2,"m-1","StatusNotification",{"connectorId":1,', "m-1")) == "FormationViolation"
    assert error_of(station.raw('[2,"m-2","Heartbeat"', "m-2")) == "FormationViolation"
    alive(station)


@pytest.mark.parametrize("action", [["Heartbeat"], {"a": "Heartbeat"}, None, 17, True, ""], ids=repr)
def test_an_action_that_is_no_text(station: Station, action: Any) -> None:
    assert error_of(station.call(action, {})) == ON_FORMAT[str(station.protocol)]
    alive(station)


@pytest.mark.parametrize("action", ["Nonsense", "heartbeat", "RemoteStartTransactionX", "A" * 5_000])
def test_an_unknown_action(station: Station, action: str) -> None:
    assert error_of(station.call(action, {})) == "NotImplemented"
    alive(station)


def test_an_action_of_another_version_is_unknown(station: Station) -> None:
    action = pick(station, "TransactionEvent", "StartTransaction")
    assert error_of(station.call(action, {})) == "NotImplemented"


@pytest.mark.parametrize("payload", [{}, {"type": "Soft"}, None, [], "x"], ids=repr)
def test_a_known_action_that_is_not_for_this_side(station: Station, payload: Any) -> None:
    assert error_of(station.call("Reset", payload)) == "NotSupported"
    assert error_of(station.call("TriggerMessage", payload)) == "NotSupported"
    alive(station)


@pytest.mark.parametrize("payload", [[], "x", 1, True, [{}]], ids=repr)
def test_a_payload_that_is_no_object(station: Station, payload: Any) -> None:
    assert error_of(station.call("Heartbeat", payload)) == ON_FORMAT[str(station.protocol)]
    alive(station)


@pytest.mark.parametrize("text", ['[2,"h-1","Heartbeat",null]', '[2,"h-1","Heartbeat"]'])
def test_null_or_no_payload_is_an_empty_one(station: Station, text: str) -> None:
    assert station.raw(text, "h-1")[0] == 3


@pytest.mark.parametrize("drop", ["connectorId", "status"])
def test_a_required_field_is_missing(station: Station, drop: str) -> None:
    payload = dict(pick(station, STATUS_16, STATUS_2X))
    name = drop if drop in payload else "connectorStatus"
    del payload[name]
    frame = station.call("StatusNotification", payload)
    assert error_of(frame) == ON_MISSING[str(station.protocol)]
    assert name in frame[3]
    assert error_of(station.call("StatusNotification", {**payload, name: None})) == ON_MISSING[str(station.protocol)]
    alive(station)


def test_a_required_field_is_missing_inside(station: Station) -> None:
    if station.protocol == V16:
        payload: Any = {"connectorId": 1, "transactionId": 1}
        assert error_of(station.call("MeterValues", payload)) == ON_MISSING[V16]
    else:
        payload = {"reason": "PowerUp", "chargingStation": {"vendorName": "V"}}
        assert error_of(station.call("BootNotification", payload)) == ON_MISSING[str(station.protocol)]


def test_an_unknown_field_is_forgiven_and_counted(lab: Lab, station: Station) -> None:
    payload = {**pick(station, STATUS_16, STATUS_2X), "vendorExtra": {"a": [1]}}
    assert station.ok("StatusNotification", payload) == {}
    assert station.ok("Heartbeat", {"unasked": 1}).keys() == {"currentTime"}
    lab.wait_counted(station.identity, "unknown_field")


@pytest.mark.parametrize(
    "value",
    [{}, [], [1, 2], True, "abc", "", "1.5", 1.5, "nan", "inf", {"a": 1}],
    ids=repr,
)
def test_a_wrong_type_that_no_repair_mends(station: Station, value: Any) -> None:
    payload = {**pick(station, STATUS_16, STATUS_2X), "connectorId": value}
    assert error_of(station.call("StatusNotification", payload)) == "TypeConstraintViolation"
    alive(station)


def test_a_text_that_is_a_structure(station: Station) -> None:
    payload = pick(station, {"idTag": {"id": "A"}}, {"idToken": {"idToken": ["A"], "type": "ISO14443"}})
    assert error_of(station.call("Authorize", payload)) == "TypeConstraintViolation"


def test_a_token_that_is_far_too_long(station: Station) -> None:
    long = "T" * 300
    payload = pick(station, {"idTag": long}, {"idToken": {"idToken": long, "type": "ISO14443"}})
    frame = station.call("Authorize", payload)
    assert error_of(frame) == "TypeConstraintViolation"
    assert "TTT" not in frame[3]


def test_a_value_outside_the_enumeration(station: Station) -> None:
    payload = dict(pick(station, STATUS_16, STATUS_2X))
    payload[pick(station, "status", "connectorStatus")] = "SecretNonsense"
    frame = station.call("StatusNotification", payload)
    assert error_of(frame) == "PropertyConstraintViolation"
    assert "SecretNonsense" not in json.dumps(frame)


@pytest.mark.parametrize("value", [-1, 10**6, 2**31, 2**63, 2**64, 10**30])
def test_a_value_outside_the_range(station: Station, value: int) -> None:
    payload = {**pick(station, STATUS_16, STATUS_2X), "connectorId": value}
    assert error_of(station.call("StatusNotification", payload)) == "PropertyConstraintViolation"
    alive(station)


def test_a_range_that_the_schema_names(lab: Lab) -> None:
    for protocol in TWO:
        station = lab.station(protocol)
        payload: Any = frames.event_2x("Started", 0, lab.unique("TX"), info={"timeSpentCharging": 5})
        payload["numberOfPhasesUsed"] = 17
        # Optional and out of range: it is left out, the transaction counts.
        assert station.call("TransactionEvent", payload)[0] == 3
        alive(station)
    station = lab.station("ocpp2.1")
    frame = station.call("NotifyEvent", {"generatedAt": frames.ts(), "seqNo": -1, "eventData": []})
    assert frame[0] == 3 or error_of(frame) == "PropertyConstraintViolation"


@pytest.mark.parametrize(
    "message_type", [0, 1, 7, 99, -1, "x", 2.5, 10**30, False], ids=lambda value: f"type {value!r}"[:24]
)
def test_an_unknown_message_type(station: Station, message_type: Any) -> None:
    station.send(json.dumps([message_type, "m-1", "Heartbeat", {}]))
    alive(station)


def test_a_send_is_never_answered(station: Station) -> None:
    station.send(json.dumps([6, "s-1", "NotifyPeriodicEventStream", {"id": 1}]))
    station.send(json.dumps([6, "s-2", "Nonsense", {}]))
    station.send(json.dumps([6, "s-3", "Heartbeat", {}]))
    station.send(json.dumps([6, None, [], None]))
    station.send(json.dumps([6]))
    alive(station)
    assert station.odd == []


@pytest.mark.parametrize(
    "frame",
    [
        [3, "nobody-asked", {}],
        [3, "nobody-asked", None],
        [3, "nobody-asked"],
        [3],
        [3, None, {}],
        [3, {}, {}],
        [4, "nobody-asked", "GenericError", "", {}],
        [4, "nobody-asked"],
        [4, "-1", "RpcFrameworkError", "", {}],
        [4, 17, {}, [], 5],
        [5, "nobody-asked", "GenericError", "", {}],
    ],
    ids=json.dumps,
)
def test_a_stray_answer_is_not_answered(lab: Lab, station: Station, frame: Any) -> None:
    for _ in range(25):
        station.send(json.dumps(frame))
    alive(station)
    assert station.odd == []


def test_a_binary_frame_is_read_like_a_text(lab: Lab, station: Station) -> None:
    frame = station.raw(b'[2,"b-1","Heartbeat",{}]', "b-1")  # type: ignore[arg-type]
    assert frame[0] == 3
    station.send(b"\xff\xfe\x00\x01")
    alive(station)


def test_a_number_as_message_id_is_answered(station: Station) -> None:
    station.send('[2,17,"Heartbeat",{}]')
    alive(station)
    assert station.expect_odd()[1] in ("17", 17)


def test_errors_echo_nothing_of_the_request(station: Station) -> None:
    payload = {"idTag": {"AuthorizationKey": "hunter2-hunter2"}, "password": "hunter2-hunter2"}
    for action in ("Authorize", "Nonsense", "Reset", "BootNotification"):
        assert "hunter2" not in json.dumps(station.call(action, payload))


def test_others_are_answered_meanwhile(station: Station, bystander: Callable[[], None]) -> None:
    for text in UNREADABLE:
        station.send(text)
    bystander()
    alive(station)


def test_deep_and_long_payloads(station: Station) -> None:
    deep: Any = "x"
    for _ in range(40):
        deep = {"a": deep}
    station.send(json.dumps([2, "d-1", "DataTransfer", {"vendorId": "V", "data": deep}]))
    station.send(json.dumps([2, "d-2", "DataTransfer", {"vendorId": "V", "data": [0] * 10_001}]))
    alive(station)


def test_nul_is_taken_out(lab: Lab, station: Station) -> None:
    tag = lab.tag()
    if station.protocol == V16:
        answer = station.ok("Authorize", {"idTag": tag + "\x00"})["idTagInfo"]
    else:
        answer = station.ok("Authorize", {"idToken": {"idToken": tag + "\x00", "type": "ISO14443"}})["idTokenInfo"]
    assert answer["status"] == "Accepted"
    assert all("\x00" not in row["request"] for row in lab.messages(station.identity))


@pytest.mark.parametrize("text", ["\ud800", "\udfff\ud800", "a\ud83d"])
def test_a_lone_surrogate(lab: Lab, station: Station, text: str) -> None:
    payload = pick(station, frames.boot(V16), frames.boot(V201))
    if station.protocol == V16:
        payload["chargePointVendor"] = f"V{text}"[:20]
    else:
        payload["chargingStation"]["vendorName"] = f"V{text}"
    assert station.ok("BootNotification", payload)["status"] == "Accepted"
    alive(station)
    assert lab.row(station.identity)["online"] is True
