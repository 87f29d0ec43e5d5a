"""Passwords of stations: changed over OCPP without locking anyone out, and shown nowhere."""

import json
from typing import Any

import pytest

from tests.ocpp.conftest import V16, VERSIONS, Json, Lab
from tests.support import frames
from tests.support.station import SILENT, Station, upgrade
from tests.support.waiting import wait_until

ACCEPTED, REJECTED = {"status": "Accepted"}, {"status": "Rejected"}
NEW = "Brand-New-Secret-77"


def change_key(lab: Lab, protocol: str, answer: Any, **more: Any) -> tuple[Station, Json]:
    """Give a station another password; -> the station and the command."""
    key = "AuthorizationKey" if protocol == V16 else "SecurityCtrlr.BasicAuthPassword"
    action = "ChangeConfiguration" if protocol == V16 else "SetVariables"
    if protocol != V16 and isinstance(answer, dict):
        named = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
        answer = {"setVariableResult": [{"attributeStatus": answer["status"], **named}]}
    station = lab.station(protocol, answers={action: answer}, call_timeout_s=1)
    body = {"command": "set_configuration", "key": key, "value": NEW}
    return station, lab.rest.command(station.identity, body, wait=30)


def opens(lab: Lab, identity: str, protocol: str, password: str) -> int:
    return upgrade(lab.server, f"/OCPP/{identity}", identity=identity, password=password, protocols=protocol).status


@pytest.mark.parametrize("protocol", VERSIONS)
def test_after_an_accepted_change_the_old_key_dies(lab: Lab, protocol: str) -> None:
    station, done = change_key(lab, protocol, ACCEPTED)
    assert done["status"] == "accepted"
    sent = station.calls[0].payload
    if protocol == V16:
        assert bytes.fromhex(sent["value"]).decode() == NEW
    else:
        assert sent["setVariableData"][0]["attributeValue"] == NEW
    assert opens(lab, station.identity, protocol, "Sixteen-Chars-Pw") == 401
    assert opens(lab, station.identity, protocol, NEW) == 101


@pytest.mark.parametrize("protocol", VERSIONS)
def test_after_a_refused_change_the_new_key_dies(lab: Lab, protocol: str) -> None:
    station, done = change_key(lab, protocol, REJECTED)
    assert done["status"] == "rejected"
    assert opens(lab, station.identity, protocol, NEW) == 401
    assert opens(lab, station.identity, protocol, "Sixteen-Chars-Pw") == 101


@pytest.mark.parametrize("protocol", VERSIONS)
def test_while_the_answer_is_missing_both_open_until_the_new_one_is_used(lab: Lab, protocol: str) -> None:
    station, done = change_key(lab, protocol, SILENT)
    assert done["status"] == "timed_out"
    assert opens(lab, station.identity, protocol, "Sixteen-Chars-Pw") == 101
    assert opens(lab, station.identity, protocol, NEW) == 101
    assert opens(lab, station.identity, protocol, "Sixteen-Chars-Pw") == 401
    assert opens(lab, station.identity, protocol, NEW) == 101


def test_a_change_that_needs_a_reboot_leaves_the_old_key_until_then(lab: Lab) -> None:
    station, done = change_key(lab, V16, {"status": "RebootRequired"})
    assert done["status"] == "accepted"
    assert opens(lab, station.identity, V16, "Sixteen-Chars-Pw") == 101
    assert opens(lab, station.identity, V16, NEW) == 101
    assert opens(lab, station.identity, V16, "Sixteen-Chars-Pw") == 401


@pytest.mark.parametrize("protocol", VERSIONS)
def test_a_secret_is_shown_nowhere(lab: Lab, protocol: str) -> None:
    station, done = change_key(lab, protocol, ACCEPTED)
    other, late = change_key(lab, protocol, SILENT)
    raw = {"action": "ChangeConfiguration", "payload": {"key": "AuthorizationKey", "value": NEW.encode().hex()}}
    if protocol == V16:
        station.answers["ChangeConfiguration"] = ACCEPTED
        lab.rest.post(f"stations/{station.identity}/commands/?wait=10", raw)
    log = wait_until(lambda: [row for row in lab.messages(station.identity) if row["sender"] == "csms"])
    shown = [done, late, log, lab.messages(other.identity), lab.rest.get(f"stations/{station.identity}/commands/")]
    shown += [lab.rest.get(f"messages/?station={station.identity}"), lab.row(station.identity)]
    shown += lab.server.rows("SELECT params, request, response, error FROM charging_command")
    shown += lab.server.rows("SELECT data FROM charging_change")
    for text in (json.dumps(shown, default=str), lab.server.log()):
        assert NEW not in text
        assert NEW.encode().hex() not in text.lower()


@pytest.mark.parametrize("protocol", VERSIONS)
def test_a_secret_that_a_station_tells_is_kept_nowhere(lab: Lab, protocol: str) -> None:
    if protocol == V16:
        keys = [{"key": "authorizationkey", "readonly": False, "value": NEW}]
        station = lab.station(protocol, answers={"GetConfiguration": {"configurationKey": keys}})
        done = lab.rest.command(station.identity, {"command": "get_configuration"})
    else:
        named = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}}
        result = {"attributeStatus": "Accepted", "attributeValue": NEW, **named}
        station = lab.station(protocol, answers={"GetVariables": {"getVariableResult": [result]}})
        done = lab.rest.command(
            station.identity, {"command": "get_configuration", "keys": ["SecurityCtrlr.BasicAuthPassword"]}
        )
        report = {**named, "variableAttribute": [{"type": "Actual", "value": NEW}]}
        head = {"requestId": 1, "generatedAt": frames.ts(), "seqNo": 0}
        station.ok("NotifyReport", {**head, "reportData": [report]})
        event = {**named, "eventId": 1, "timestamp": frames.ts(), "trigger": "Delta", "actualValue": NEW}
        event["eventNotificationType"] = "CustomMonitor"
        station.ok("NotifyEvent", {"generatedAt": frames.ts(), "seqNo": 0, "eventData": [event]})
    assert done["status"] == "accepted"
    kept = [done, lab.messages(station.identity), lab.server.rows("SELECT value FROM charging_configurationvalue")]
    assert NEW not in json.dumps(kept, default=str)
