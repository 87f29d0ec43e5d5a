"""Commands to a station that is not connected: refused, or kept until it is back."""

import json

import pytest

from tests.ocpp.conftest import V16, Json, Lab
from tests.support.waiting import wait_until

ACCEPTED = {"status": "Accepted"}


@pytest.mark.parametrize(
    "body",
    [
        {"command": "start", "id_tag": "ANY"},
        {"command": "stop"},
        {"command": "unlock", "connector_id": 1},
        {"command": "reset", "type": "soft"},
        {"command": "set_limit", "limit_w": 1000},
        {"action": "Reset", "payload": {"type": "Soft"}},
    ],
    ids=json.dumps,
)
def test_offline_it_is_a_conflict(lab: Lab, body: Json) -> None:
    station = lab.station(V16)
    station.close()
    wait_until(lambda: not lab.row(station.identity)["online"])
    refused = lab.rest.post(f"stations/{station.identity}/commands/?wait=5", body, status=409)
    assert {"code", "message", "fields"} <= refused.keys()


@pytest.mark.parametrize(
    ("body", "action"),
    [
        ({"command": "set_configuration", "key": "HeartbeatInterval", "value": "60"}, "ChangeConfiguration"),
        ({"command": "get_configuration"}, "GetConfiguration"),
        ({"action": "GetLocalListVersion", "payload": {}}, "GetLocalListVersion"),
        ({"action": "SendLocalList", "payload": {"listVersion": 1, "updateType": "Full"}}, "SendLocalList"),
    ],
    ids=["set", "get", "list version", "local list"],
)
def test_offline_it_waits_for_the_station(lab: Lab, body: Json, action: str) -> None:
    identity = lab.station(V16).identity
    lab.connect(identity).close()
    wait_until(lambda: not lab.row(identity)["online"])
    queued = lab.rest.command(identity, body, wait=0, status=202)
    assert queued["status"] == "queued"
    station = lab.connect(identity, boot=True, answers={action: {"listVersion": 3, **ACCEPTED}})
    station.expect_call(action)
    wait_until(lambda: lab.rest.get(f"commands/{queued['id']}/")["status"] == "accepted")


def test_a_queued_command_can_be_cancelled(lab: Lab) -> None:
    identity = lab.station(V16).identity
    lab.connect(identity).close()
    wait_until(lambda: not lab.row(identity)["online"])
    queued = lab.rest.command(identity, {"command": "get_configuration"}, wait=0, status=202)
    lab.rest.delete(f"commands/{queued['id']}/")
    station = lab.connect(identity, boot=True, answers={"ClearCache": ACCEPTED})
    assert lab.rest.command(identity, {"command": "clear_cache"})["status"] == "accepted"
    assert [call.action for call in station.calls] == ["ClearCache"]
    assert lab.rest.get(f"commands/{queued['id']}/")["status"] == "cancelled"
