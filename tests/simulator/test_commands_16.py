"""What a 1.6 server can ask. The test server checks every answer against its schema."""

from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import pytest

from mobility.simulator import Station
from mobility.simulator.schemas import SERVER_ACTIONS_16
from tests.simulator.conftest import in_loop, quick
from tests.simulator.csms import Csms
from tests.support.receiver import Receiver


class Pair(AsyncExitStack):
    """A server and a station that is online; leaving checks that both were honest."""

    def __init__(self, **settings: Any) -> None:
        super().__init__()
        self.settings = settings

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self.csms = await self.enter_async_context(Csms())
        self.station = await self.enter_async_context(Station(quick(self.csms.url, **self.settings)))
        await self.station.wait_until(lambda s: s.online)
        await self.station.settled()
        return self

    async def __aexit__(self, *error: Any) -> None:
        await super().__aexit__(*error)
        if error[0] is None:
            assert self.csms.faults == []
            assert self.station.problems == []

    async def status(self, action: str, payload: dict[str, Any]) -> str:
        return str((await self.csms.ask(action, payload))["status"])

    async def charging(self, connector_id: int = 1) -> Any:
        await self.station.plug_in(connector_id)
        transaction = await self.station.start(connector_id)
        await self.station.outbox.drained()
        return transaction


@in_loop
async def test_remote_start_and_stop() -> None:
    async with Pair(connectors=2) as p:
        await p.station.plug_in(2)
        assert await p.status("RemoteStartTransaction", {"idTag": "REMOTE"}) == "Accepted"
        await p.csms.until(lambda: p.csms.sent("StartTransaction"))
        assert p.csms.sent("StartTransaction")[0]["connectorId"] == 2
        assert p.csms.sent("Authorize") == []
        assert await p.status("RemoteStartTransaction", {"idTag": "REMOTE", "connectorId": 2}) == "Rejected"
        assert await p.status("RemoteStartTransaction", {"idTag": "REMOTE", "connectorId": 9}) == "Rejected"
        assert await p.status("RemoteStopTransaction", {"transactionId": 77}) == "Rejected"
        assert await p.status("RemoteStopTransaction", {"transactionId": 1000}) == "Accepted"
        await p.csms.until(lambda: p.csms.stops)
        assert p.csms.stops[1000]["reason"] == "Remote"
        assert "idTag" not in p.csms.stops[1000]


@in_loop
async def test_remote_start_with_the_cable_still_to_come() -> None:
    async with Pair() as p:
        assert await p.status("RemoteStartTransaction", {"idTag": "REMOTE", "connectorId": 1}) == "Accepted"
        await p.csms.until(lambda: p.csms.sent("StartTransaction"))


@in_loop
async def test_remote_start_with_authorization() -> None:
    async with Pair() as p:
        await p.station.plug_in(1)
        assert (
            await p.status("ChangeConfiguration", {"key": "authorizeremotetxrequests", "value": "true"}) == "Accepted"
        )
        p.csms.tags["REMOTE"] = "Blocked"
        assert await p.status("RemoteStartTransaction", {"idTag": "REMOTE"}) == "Accepted"
        await p.station.wait_until(lambda s: any(e["event"] == "authorize" for e in s.events))
        assert p.station.sessions == []


@in_loop
async def test_unlock() -> None:
    async with Pair() as p:
        await p.charging()
        assert await p.status("UnlockConnector", {"connectorId": 5}) == "NotSupported"
        assert await p.status("UnlockConnector", {"connectorId": 1}) == "Unlocked"
        await p.csms.until(lambda: p.csms.stops)
        assert p.csms.stops[1000]["reason"] == "UnlockCommand"


@in_loop
async def test_availability() -> None:
    async with Pair(connectors=2) as p:
        await p.charging()
        off = {"connectorId": 1, "type": "Inoperative"}
        assert await p.status("ChangeAvailability", off) == "Scheduled"
        assert await p.status("ChangeAvailability", {**off, "connectorId": 2}) == "Accepted"
        assert await p.status("ChangeAvailability", {**off, "connectorId": 3}) == "Rejected"
        assert p.station.connectors[2].status == "Unavailable"
        await p.station.stop(1)
        assert p.station.connectors[1].status == "Unavailable"
        assert await p.status("RemoteStartTransaction", {"idTag": "REMOTE"}) == "Rejected"
        assert await p.status("ChangeAvailability", {"connectorId": 0, "type": "Operative"}) == "Accepted"
        assert p.station.connectors[2].status == "Available"


@in_loop
async def test_configuration() -> None:
    async with Pair() as p:
        every = (await p.csms.ask("GetConfiguration", {}))["configurationKey"]
        assert len(every) > 35
        asked = await p.csms.ask("GetConfiguration", {"key": ["numberofconnectors", "AuthorizationKey", "Nothing"]})
        assert asked["unknownKey"] == ["Nothing"]
        number, secret = asked["configurationKey"]
        assert number == {"key": "NumberOfConnectors", "readonly": True, "value": "1"}
        assert "value" not in secret
        for key, value, status in [
            ("NumberOfConnectors", "4", "Rejected"),
            ("Nothing", "4", "NotSupported"),
            ("MeterValueSampleInterval", "many", "Rejected"),
            ("MeterValuesSampledData", "Voltage,Colour", "Rejected"),
            ("WebSocketPingInterval", "30", "RebootRequired"),
            ("MeterValuesSampledData", "Voltage", "Accepted"),
        ]:
            assert await p.status("ChangeConfiguration", {"key": key, "value": value}) == status, key
        read = await p.csms.ask("GetConfiguration", {"key": ["MeterValuesSampledData"]})
        assert read["configurationKey"][0]["value"] == "Voltage"
        transaction = await p.charging()
        p.station.sample(p.station.connectors[1], transaction, "Sample.Periodic")
        await p.station.outbox.drained()
        assert [s["measurand"] for s in p.csms.sent("MeterValues")[0]["meterValue"][0]["sampledValue"]] == ["Voltage"]


@in_loop
async def test_intervals_take_effect_at_once() -> None:
    async with Pair() as p:
        await p.charging()
        assert await p.status("ChangeConfiguration", {"key": "MeterValueSampleInterval", "value": "1"}) == "Accepted"
        assert await p.status("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "1"}) == "Accepted"
        await p.csms.until(lambda: p.csms.sent("Heartbeat") and p.csms.sent("MeterValues"))


TRIGGERS = [
    "BootNotification",
    "Heartbeat",
    "MeterValues",
    "StatusNotification",
    "DiagnosticsStatusNotification",
    "FirmwareStatusNotification",
]


@pytest.mark.parametrize("message", TRIGGERS)
@pytest.mark.parametrize("action", ["TriggerMessage", "ExtendedTriggerMessage"])
@in_loop
async def test_trigger(action: str, message: str) -> None:
    if action == "ExtendedTriggerMessage" and message == "DiagnosticsStatusNotification":
        message = "LogStatusNotification"
    async with Pair(connectors=2) as p:
        before = len(p.csms.sent(message))
        assert await p.status(action, {"requestedMessage": message, "connectorId": 7}) == "Rejected"
        assert await p.status(action, {"requestedMessage": message, "connectorId": 2}) == "Accepted"
        await p.csms.until(lambda: len(p.csms.sent(message)) == before + 1)
        if message in ("MeterValues", "StatusNotification"):
            assert p.csms.sent(message)[-1]["connectorId"] == 2


@in_loop
async def test_meter_values_of_a_transaction_on_request() -> None:
    async with Pair() as p:
        await p.charging()
        assert await p.status("TriggerMessage", {"requestedMessage": "MeterValues"}) == "Accepted"
        await p.csms.until(lambda: p.csms.sent("MeterValues"))
        values = p.csms.sent("MeterValues")[0]
        assert values["transactionId"] == 1000
        assert values["meterValue"][0]["sampledValue"][0]["context"] == "Trigger"


def amperes(limit: float, purpose: str = "TxDefaultProfile", **more: Any) -> dict[str, Any]:
    return {
        "chargingProfileId": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Absolute",
        "chargingSchedule": {
            "startSchedule": "2020-01-01T00:00:00Z",
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}],
        },
        **more,
    }


@in_loop
async def test_a_profile_limits_the_power() -> None:
    async with Pair() as p:
        transaction = await p.charging()
        evse = p.station.connectors[1].evse
        assert evse.power_w() == 11_000
        profile = {"connectorId": 1, "csChargingProfiles": amperes(10)}
        assert await p.status("SetChargingProfile", profile) == "Accepted"
        await p.station.heartbeat()
        assert evse.power_w() == 6_900
        own = {"connectorId": 1, "csChargingProfiles": amperes(4, "TxProfile", transactionId=1000, chargingProfileId=2)}
        assert await p.status("SetChargingProfile", own) == "Accepted"
        await p.station.wait_until(lambda s: s.connectors[1].status == "SuspendedEVSE")
        asked = {"connectorId": 1, "duration": 600, "chargingRateUnit": "A"}
        composite = await p.csms.ask("GetCompositeSchedule", asked)
        assert composite["chargingSchedule"]["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 4.0}]
        assert await p.status("ClearChargingProfile", {"id": 2}) == "Accepted"
        assert await p.status("ClearChargingProfile", {"id": 2}) == "Unknown"
        await p.station.wait_until(lambda s: s.connectors[1].status == "Charging")
        assert evse.power_w() == 6_900
        foreign = {"connectorId": 1, "csChargingProfiles": amperes(9, "TxProfile", transactionId=5)}
        assert await p.status("SetChargingProfile", foreign) == "Rejected"
        whole = {"connectorId": 1, "csChargingProfiles": amperes(9, "ChargePointMaxProfile")}
        assert await p.status("SetChargingProfile", whole) == "Rejected"
        assert await p.status("SetChargingProfile", {**whole, "connectorId": 0}) == "Accepted"
        assert transaction.ended is None


@in_loop
async def test_a_remote_start_with_a_profile() -> None:
    async with Pair() as p:
        await p.station.plug_in(1)
        start = {"idTag": "REMOTE", "connectorId": 1, "chargingProfile": amperes(8, "TxProfile")}
        assert await p.status("RemoteStartTransaction", start) == "Accepted"
        await p.station.wait_until(lambda s: s.sessions)
        assert p.station.connectors[1].evse.power_w() == 5_520
        await p.station.stop(1)
        await p.charging()
        assert p.station.connectors[1].evse.power_w() == 11_000


@in_loop
async def test_the_local_list() -> None:
    async with Pair() as p:
        entry = {"idTag": "A", "idTagInfo": {"status": "Accepted"}}
        full = {"listVersion": 3, "updateType": "Full", "localAuthorizationList": [entry]}
        assert await p.status("SendLocalList", full) == "Accepted"
        more = {"listVersion": 4, "updateType": "Differential", "localAuthorizationList": [{**entry, "idTag": "B"}]}
        assert await p.status("SendLocalList", more) == "Accepted"
        assert await p.status("SendLocalList", more) == "VersionMismatch"
        assert await p.csms.ask("GetLocalListVersion", {}) == {"listVersion": 4}
        assert set(p.station.local_list) == {"A", "B"}
        without = {"listVersion": 5, "updateType": "Differential", "localAuthorizationList": [{"idTag": "A"}]}
        assert await p.status("SendLocalList", without) == "Accepted"
        assert set(p.station.local_list) == {"B"}


def in_an_hour() -> str:
    return (datetime.now(UTC) + timedelta(hours=1)).isoformat()


@in_loop
async def test_a_reservation() -> None:
    async with Pair(connectors=2) as p:
        held = {"connectorId": 1, "expiryDate": in_an_hour(), "idTag": "MINE", "reservationId": 9}
        assert await p.status("ReserveNow", held) == "Accepted"
        assert p.station.connectors[1].status == "Reserved"
        assert await p.status("ReserveNow", {**held, "reservationId": 10}) == "Occupied"
        assert await p.status("RemoteStartTransaction", {"connectorId": 1, "idTag": "OTHER"}) == "Rejected"
        assert await p.status("CancelReservation", {"reservationId": 10}) == "Rejected"
        await p.station.plug_in(1)
        await p.station.start(1, id_tag="MINE")
        await p.station.outbox.drained()
        assert p.csms.sent("StartTransaction")[0]["reservationId"] == 9
        assert await p.status("ReserveNow", {**held, "connectorId": 2}) == "Accepted"
        assert await p.status("CancelReservation", {"reservationId": 9}) == "Accepted"
        assert p.station.connectors[2].status == "Available"


@in_loop
async def test_a_reservation_for_a_group_and_its_end() -> None:
    async with Pair() as p:
        p.csms.parents["SISTER"] = "FAMILY"
        soon = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
        held = {"connectorId": 1, "expiryDate": soon, "idTag": "MINE", "parentIdTag": "FAMILY", "reservationId": 9}
        assert await p.status("ReserveNow", held) == "Accepted"
        assert await p.station.start(1, id_tag="SISTER") is None
        await p.station.wait_until(lambda s: s.connectors[1].reservation is None)


@in_loop
async def test_diagnostics_and_firmware() -> None:
    with Receiver() as place:
        async with Pair() as p:
            answer = await p.csms.ask("GetDiagnostics", {"location": f"{place.url}/up"})
            assert answer["fileName"].endswith(".log")
            await p.csms.until(lambda: len(p.csms.sent("DiagnosticsStatusNotification")) == 2)
            assert p.csms.sent("DiagnosticsStatusNotification")[-1] == {"status": "Uploaded"}
            (upload,) = place.at(f"/up/{answer['fileName']}")
            assert b"DiagnosticsLog of SIM-1" in upload.body and b'"event": "online"' in upload.body
            await updated(p, f"{place.url}/fw/2.4.1.bin")
            assert place.at("/fw/2.4.1.bin")


@in_loop
async def test_what_cannot_be_transferred_is_told() -> None:
    with Receiver() as place:
        place.answer("/gone.bin", 404, 404)
        async with Pair() as p:
            update = {"location": f"{place.url}/gone.bin", "retrieveDate": datetime.now(UTC).isoformat(), "retries": 1}
            assert await p.csms.ask("UpdateFirmware", {**update, "retryInterval": 0}) == {}
            await p.csms.until(lambda: len(p.csms.sent("FirmwareStatusNotification")) == 2)
            assert p.csms.sent("FirmwareStatusNotification")[-1] == {"status": "DownloadFailed"}
            assert len(place.at("/gone.bin")) == 2 and p.station.firmware_version == "1.0.0"
            await p.csms.ask("GetDiagnostics", {"location": "ftp://127.0.0.1/up"})
            await p.csms.until(lambda: len(p.csms.sent("DiagnosticsStatusNotification")) == 2)
            assert p.csms.sent("DiagnosticsStatusNotification")[-1] == {"status": "UploadFailed"}


async def updated(p: Pair, location: str) -> None:
    update = {"location": location, "retrieveDate": datetime.now(UTC).isoformat()}
    assert await p.csms.ask("UpdateFirmware", update) == {}
    await p.csms.until(lambda: len(p.csms.sent("FirmwareStatusNotification")) == 4)
    told = [f["status"] for f in p.csms.sent("FirmwareStatusNotification")]
    assert told == ["Downloading", "Downloaded", "Installing", "Installed"]
    assert p.csms.sent("BootNotification")[1]["firmwareVersion"] == "2.4.1"


@in_loop
async def test_the_rest() -> None:
    async with Pair() as p:
        assert await p.status("ClearCache", {}) == "Accepted"
        assert await p.status("DataTransfer", {"vendorId": "Other"}) == "UnknownVendorId"
        log = {"logType": "DiagnosticsLog", "requestId": 4, "log": {"remoteLocation": "https://example.com"}}
        assert await p.status("GetLog", log) == "Accepted"
        await p.csms.until(lambda: len(p.csms.sent("LogStatusNotification")) == 2)
        refused = await p.csms.command(
            "GetInstalledCertificateIds", {"certificateType": "CentralSystemRootCertificate"}
        )
        assert refused[:1] + refused[2:3] == [4, "NotSupported"]


def test_every_server_action_is_answered_or_known_to_be_not_supported() -> None:
    from mobility.simulator.v16 import Wire16

    missing = {action for action in SERVER_ACTIONS_16 if not hasattr(Wire16, f"on_{action}")}
    assert missing == {
        "CertificateSigned",
        "DeleteCertificate",
        "GetInstalledCertificateIds",
        "InstallCertificate",
        "SignedUpdateFirmware",
    }
