"""What a 2.0.1 or 2.1 server can ask. The test server checks every answer against its schema."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.simulator.conftest import in_loop
from tests.simulator.test_commands_16 import Pair, in_an_hour
from tests.simulator.test_session import VERSIONS_2
from tests.support.receiver import Receiver

TOKEN = {"idToken": "REMOTE", "type": "Central"}


def place(component: str, variable: str, **more: Any) -> dict[str, Any]:
    return {"component": {"name": component}, "variable": {"name": variable, **more}}


@VERSIONS_2
@in_loop
async def test_remote_start_and_stop(protocol: str) -> None:
    async with Pair(protocol=protocol) as p:
        start = {"remoteStartId": 42, "idToken": TOKEN, "evseId": 1}
        assert await p.status("RequestStartTransaction", start) == "Accepted"
        await p.csms.until(lambda: p.csms.sent("TransactionEvent"))
        event = p.csms.sent("TransactionEvent")[0]
        assert event["transactionInfo"]["remoteStartId"] == 42
        assert event["triggerReason"] == "RemoteStart"
        assert event["idToken"]["idToken"] == "REMOTE"
        assert await p.status("RequestStartTransaction", start) == "Rejected"
        transaction_id = event["transactionInfo"]["transactionId"]
        asked = await p.csms.ask("GetTransactionStatus", {"transactionId": transaction_id})
        assert asked == {"ongoingIndicator": True, "messagesInQueue": False}
        assert await p.csms.ask("CostUpdated", {"transactionId": transaction_id, "totalCost": 1.5}) == {}
        assert await p.status("UnlockConnector", {"evseId": 1, "connectorId": 1}) == "OngoingAuthorizedTransaction"
        assert await p.status("RequestStopTransaction", {"transactionId": "other"}) == "Rejected"
        assert await p.status("RequestStopTransaction", {"transactionId": transaction_id}) == "Accepted"
        await p.csms.until(lambda: p.csms.sent("TransactionEvent")[-1]["eventType"] == "Ended")
        ended = p.csms.sent("TransactionEvent")[-1]
        assert (ended["triggerReason"], ended["transactionInfo"]["stoppedReason"]) == ("RemoteStop", "Remote")
        assert await p.status("UnlockConnector", {"evseId": 1, "connectorId": 1}) == "Unlocked"
        assert await p.status("UnlockConnector", {"evseId": 1, "connectorId": 2}) == "UnknownConnector"


@VERSIONS_2
@in_loop
async def test_variables(protocol: str) -> None:
    async with Pair(protocol=protocol) as p:
        interval = place("SampledDataCtrlr", "TxUpdatedInterval")
        wanted = [
            (interval, "Accepted"),
            (place("securityctrlr", "identity"), "Accepted"),
            (place("SecurityCtrlr", "BasicAuthPassword"), "Rejected"),
            (place("Toaster", "Heat"), "UnknownComponent"),
            (place("TxCtrlr", "Heat"), "UnknownVariable"),
            ({**interval, "attributeType": "MaxSet"}, "NotSupportedAttributeType"),
        ]
        got = await p.csms.ask("GetVariables", {"getVariableData": [item for item, _ in wanted]})
        assert [r["attributeStatus"] for r in got["getVariableResult"]] == [status for _, status in wanted]
        assert got["getVariableResult"][1]["attributeValue"] == "SIM-1"
        changes = [
            (interval, "17", "Accepted"),
            (interval, "-4", "Rejected"),
            (place("ChargingStation", "Model"), "x", "Rejected"),
            (place("OCPPCommCtrlr", "WebSocketPingInterval"), "20", "RebootRequired"),
            (place("OCPPCommCtrlr", "MessageAttempts", instance="TransactionEvent"), "7", "Accepted"),
            (place("Toaster", "Heat"), "1", "UnknownComponent"),
        ]
        data = [{**item, "attributeValue": value} for item, value, _ in changes]
        done = await p.csms.ask("SetVariables", {"setVariableData": data})
        assert [r["attributeStatus"] for r in done["setVariableResult"]] == [status for *_, status in changes]
        assert (p.station.options.meter_interval_s, p.station.options.attempts) == (17, 7)
        got = await p.csms.ask("GetVariables", {"getVariableData": [interval]})
        assert got["getVariableResult"][0]["attributeValue"] == "17"


async def report(p: Pair, action: str, payload: dict[str, Any]) -> list[dict[str, Any]]:
    """Ask for a report and collect its parts."""
    before = len(p.csms.sent("NotifyReport"))
    assert await p.status(action, {"requestId": 5, **payload}) == "Accepted"
    await p.csms.until(lambda: any(not r["tbc"] for r in p.csms.sent("NotifyReport")[before:]))
    parts = p.csms.sent("NotifyReport")[before:]
    assert [part["seqNo"] for part in parts] == list(range(len(parts)))
    assert {part["requestId"] for part in parts} == {5}
    assert [part["tbc"] for part in parts] == [True] * (len(parts) - 1) + [False]
    return [entry for part in parts for entry in part["reportData"]]


@VERSIONS_2
@in_loop
async def test_reports(protocol: str) -> None:
    async with Pair(protocol=protocol, connectors=3) as p:
        full = await report(p, "GetBaseReport", {"reportBase": "FullInventory"})
        assert len(full) > 75
        keys = [(str(e["component"]), str(e["variable"])) for e in full]
        assert len(set(keys)) == len(keys)
        evses = {e["component"]["evse"]["id"] for e in full if e["component"]["name"] == "EVSE"}
        assert evses == {1, 2, 3}
        secret = next(e for e in full if e["variable"]["name"] == "BasicAuthPassword")
        assert "value" not in secret["variableAttribute"][0]
        configuration = await report(p, "GetBaseReport", {"reportBase": "ConfigurationInventory"})
        assert 0 < len(configuration) < len(full)
        summary = await report(p, "GetBaseReport", {"reportBase": "SummaryInventory"})
        assert {"AvailabilityState"} < {e["variable"]["name"] for e in summary}
        one = {"component": {"name": "EVSE", "evse": {"id": 2}}, "variable": {"name": "AvailabilityState"}}
        (entry,) = await report(p, "GetReport", {"componentVariable": [one]})
        assert entry["component"]["evse"]["id"] == 2
        assert entry["variableAttribute"][0]["value"] == "Available"
        nothing = {"requestId": 6, "componentVariable": [{"component": {"name": "Toaster"}}]}
        assert await p.status("GetReport", nothing) == "EmptyResultSet"


TRIGGERS = ["Heartbeat", "MeterValues", "StatusNotification", "LogStatusNotification", "FirmwareStatusNotification"]


@pytest.mark.parametrize("message", TRIGGERS)
@VERSIONS_2
@in_loop
async def test_trigger(protocol: str, message: str) -> None:
    async with Pair(protocol=protocol, connectors=2) as p:
        before = len(p.csms.sent(message))
        asked = {"requestedMessage": message, "evse": {"id": 2}}
        assert await p.status("TriggerMessage", {**asked, "evse": {"id": 8}}) == "Rejected"
        assert await p.status("TriggerMessage", asked) == "Accepted"
        await p.csms.until(lambda: len(p.csms.sent(message)) == before + 1)
        if message in ("MeterValues", "StatusNotification"):
            assert p.csms.sent(message)[-1]["evseId"] == 2


@VERSIONS_2
@in_loop
async def test_other_triggers(protocol: str) -> None:
    async with Pair(protocol=protocol) as p:
        assert await p.status("TriggerMessage", {"requestedMessage": "BootNotification"}) == "Rejected"
        assert await p.status("TriggerMessage", {"requestedMessage": "TransactionEvent"}) == "Rejected"
        assert await p.status("TriggerMessage", {"requestedMessage": "SignV2GCertificate"}) == "NotImplemented"
        await p.charging()
        assert await p.status("TriggerMessage", {"requestedMessage": "TransactionEvent"}) == "Accepted"
        await p.csms.until(lambda: p.csms.sent("TransactionEvent")[-1]["triggerReason"] == "Trigger")


def watts(limit: float, purpose: str = "TxDefaultProfile", **more: Any) -> dict[str, Any]:
    return {
        "id": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Absolute",
        "chargingSchedule": [
            {
                "id": 1,
                "startSchedule": "2020-01-01T00:00:00Z",
                "chargingRateUnit": "W",
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}],
            }
        ],
        **more,
    }


@VERSIONS_2
@in_loop
async def test_profiles(protocol: str) -> None:
    async with Pair(protocol=protocol) as p:
        transaction = await p.charging()
        evse = p.station.connectors[1].evse
        default = {"evseId": 1, "chargingProfile": watts(5_000)}
        assert await p.status("SetChargingProfile", default) == "Accepted"
        await p.station.heartbeat()
        assert evse.power_w() == 5_000
        own = watts(0, "TxProfile", id=2, transactionId=transaction.key)
        assert await p.status("SetChargingProfile", {"evseId": 1, "chargingProfile": own}) == "Accepted"
        await p.station.wait_until(lambda s: transaction.charging_state == "SuspendedEVSE")
        foreign = watts(0, "TxProfile", id=3, transactionId="other")
        assert await p.status("SetChargingProfile", {"evseId": 1, "chargingProfile": foreign}) == "Rejected"
        assert await p.status("GetChargingProfiles", {"requestId": 8, "chargingProfile": {}}) == "Accepted"
        await p.csms.until(lambda: len(p.csms.sent("ReportChargingProfiles")) == 2)
        reported = p.csms.sent("ReportChargingProfiles")
        assert [r["chargingProfile"][0]["id"] for r in reported] == [1, 2]
        assert [r.get("tbc", False) for r in reported] == [True, False]
        composite = await p.csms.ask("GetCompositeSchedule", {"evseId": 1, "duration": 60})
        assert composite["schedule"]["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 0}]
        assert await p.status("ClearChargingProfile", {"chargingProfileId": 2}) == "Accepted"
        await p.station.wait_until(lambda s: transaction.charging_state == "Charging")
        criteria = {"chargingProfileCriteria": {"chargingProfilePurpose": "TxDefaultProfile"}}
        assert await p.status("ClearChargingProfile", criteria) == "Accepted"
        assert await p.status("ClearChargingProfile", criteria) == "Unknown"
        asked = {"requestId": 8, "chargingProfile": {}}
        assert await p.status("GetChargingProfiles", asked) == "NoProfiles"


@VERSIONS_2
@in_loop
async def test_availability(protocol: str) -> None:
    async with Pair(protocol=protocol, connectors=2) as p:
        await p.charging()
        off = {"operationalStatus": "Inoperative"}
        assert await p.status("ChangeAvailability", {**off, "evse": {"id": 2}}) == "Accepted"
        assert await p.status("ChangeAvailability", {**off, "evse": {"id": 5}}) == "Rejected"
        assert await p.status("ChangeAvailability", off) == "Scheduled"
        await p.station.stop(1)
        await p.station.settled()
        assert {s["connectorStatus"] for s in p.csms.sent("StatusNotification")[-2:]} >= {"Unavailable"}
        assert await p.status("ChangeAvailability", {"operationalStatus": "Operative"}) == "Accepted"


@VERSIONS_2
@in_loop
async def test_local_list_and_reservation(protocol: str) -> None:
    async with Pair(protocol=protocol, connectors=2) as p:
        entry = {"idToken": TOKEN, "idTokenInfo": {"status": "Accepted"}}
        full = {"versionNumber": 3, "updateType": "Full", "localAuthorizationList": [entry]}
        assert await p.csms.ask("GetLocalListVersion", {}) == {"versionNumber": 0}
        assert await p.status("SendLocalList", full) == "Accepted"
        assert await p.status("SendLocalList", {**full, "updateType": "Differential"}) == "VersionMismatch"
        assert await p.csms.ask("GetLocalListVersion", {}) == {"versionNumber": 3}
        held = {"id": 9, "expiryDateTime": in_an_hour(), "idToken": TOKEN, "evseId": 1}
        assert await p.status("ReserveNow", held) == "Accepted"
        assert await p.status("ReserveNow", {**held, "id": 10}) == "Occupied"
        other = {"remoteStartId": 1, "evseId": 1, "idToken": {"idToken": "OTHER", "type": "Central"}}
        assert await p.status("RequestStartTransaction", other) == "Rejected"
        assert await p.status("RequestStartTransaction", {**other, "idToken": TOKEN}) == "Accepted"
        await p.csms.until(lambda: p.csms.sent("TransactionEvent"))
        assert p.csms.sent("TransactionEvent")[0]["reservationId"] == 9
        over = {**held, "id": 11, "evseId": 2, "expiryDateTime": datetime.now(UTC).isoformat()}
        assert await p.status("ReserveNow", over) == "Accepted"
        await p.csms.until(lambda: p.csms.sent("ReservationStatusUpdate"))
        assert p.csms.sent("ReservationStatusUpdate")[0] == {
            "reservationId": 11,
            "reservationUpdateStatus": "Expired",
        }


@VERSIONS_2
@in_loop
async def test_firmware_and_logs(protocol: str) -> None:
    with Receiver() as place:
        await transferred(place, protocol)


async def transferred(place: Receiver, protocol: str) -> None:
    async with Pair(protocol=protocol) as p:
        log = {"logType": "SecurityLog", "requestId": 4, "log": {"remoteLocation": place.url}}
        assert await p.status("GetLog", log) == "Accepted"
        await p.csms.until(lambda: len(p.csms.sent("LogStatusNotification")) == 2)
        assert p.csms.sent("LogStatusNotification")[-1] == {"status": "Uploaded", "requestId": 4}
        assert b"SecurityLog of SIM-1" in place.at("/SIM-1-SecurityLog.log")[0].body
        firmware = {"location": f"{place.url}/3.0.0.bin", "retrieveDateTime": datetime.now(UTC).isoformat()}
        assert await p.status("UpdateFirmware", {"requestId": 7, "firmware": firmware}) == "Accepted"
        await p.csms.until(lambda: len(p.csms.sent("FirmwareStatusNotification")) == 4)
        assert {f["requestId"] for f in p.csms.sent("FirmwareStatusNotification")} == {7}
        boot = p.csms.sent("BootNotification")[1]
        assert (boot["reason"], boot["chargingStation"]["firmwareVersion"]) == ("FirmwareUpdate", "3.0.0")


@VERSIONS_2
@in_loop
async def test_the_rest(protocol: str) -> None:
    async with Pair(protocol=protocol) as p:
        assert await p.status("ClearCache", {}) == "Accepted"
        assert await p.status("DataTransfer", {"vendorId": "Simulated"}) == "UnknownMessageId"
        assert await p.status("GetInstalledCertificateIds", {}) == "NotFound"
        assert await p.csms.ask("GetTransactionStatus", {}) == {"messagesInQueue": False}
        customer = {"requestId": 1, "report": True, "clear": False, "idToken": TOKEN}
        assert await p.status("CustomerInformation", customer) == "Accepted"
        await p.csms.until(lambda: p.csms.sent("NotifyCustomerInformation"))
        refused = await p.csms.command("ClearDisplayMessage", {"id": 1})
        assert refused[:1] + refused[2:3] == [4, "NotSupported"]
