"""What real stations do, over the wire: repaired, answered, counted, and never a reason to lose a transaction."""

import json
from typing import Any

import pytest

from tests.ocpp.conftest import V16, VERSIONS, Lab, alive
from tests.support import frames
from tests.support.frames import meter_16, start_16, stop_16, ts
from tests.support.station import Station


def running(lab: Lab) -> tuple[Station, int]:
    """A 1.6 station with a transaction that began at 0 Wh an hour ago."""
    station, tag = lab.station(), lab.tag()
    return station, int(station.ok("StartTransaction", start_16(tag, 0, ts(-60)))["transactionId"])


# --- Row 4: boots ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "more",
    [
        {"chargePointVendor": ""},
        {"chargePointModel": ""},
        {"chargePointSerialNumber": "S" * 60},
        {"firmwareVersion": "F" * 200},
        {"chargeBoxSerialNumber": 12345},
        {"iccid": None, "imsi": ""},
        {"meterType": None},
    ],
    ids=json.dumps,
)
def test_a_sloppy_boot_is_accepted(lab: Lab, more: dict[str, Any]) -> None:
    station = lab.station(boot=False)
    answer = station.ok("BootNotification", {**frames.boot(), **more})
    assert answer["status"] == "Accepted"
    assert answer.keys() == {"status", "currentTime", "interval"}, "an answer carries no extra key"
    raw = json.loads(lab.messages(station.identity)[0]["request"])[3]
    assert more.items() <= raw.items(), "the raw frame is kept"


def test_boots_with_one_message_id_get_a_fresh_clock(lab: Lab) -> None:
    station = lab.station(boot=False)
    said = [station.ok("BootNotification", frames.boot(), message_id="1")["currentTime"] for _ in range(3)]
    assert len(set(said)) == 3


# --- Row 6: broken frames of transactions ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        '[2,"q","StopTransaction",{"transactionId":%(id)d,"meterStop":5000,"timestamp":"%(ts)s","reason":}]',
        '[2,"q","StopTransaction",{"transactionId":%(id)d,"meterStop":5000,"timestamp":"%(ts)s","reason":"Lo',
        '[2,"q","StopTransaction",{"transactionId":,"meterStop":5000,"timestamp":"%(ts)s"}]',
        '[2,"q","StopTransaction",{"transactionId":%(id)d,"meterStop":5000,"timestamp":"%(ts)s",}]',
        '[2,"q","StopTransaction",{"transactionId":%(id)d,"meterStop":5000,"timestamp":"%(ts)s"}',
        '[2,"q","StopTransaction",{"transactionId":%(id)d,"meterStop":"5000","timestamp":"%(ts)s"}]\x00\x00',
        '\ufeff[2,"q","StopTransaction",{"transactionId":%(id)d,"meterStop":5000,"timestamp":"%(ts)s"}]',
        '[2,"q","StopTransaction",{"transactionId":%(id)d,"meterStop":5000,"timestamp":"%(ts)s","idTag":"a\x00\x07b"}]',
    ],
)
def test_a_broken_stop_ends_the_transaction(lab: Lab, text: str) -> None:
    station, number = running(lab)
    assert station.raw(text % {"id": number, "ts": ts(0)}, "q")[0] == 3
    row = lab.transaction(station.identity)
    assert (row["state"], row["energy_wh"]) == ("ended", 5000)
    lab.wait_counted(station.identity, "broken_json")


@pytest.mark.parametrize(
    "sampled",
    ['[,{"value":"3000"}]', '[{"value":"3000"},,]', '[{"value":"3000"},{"value":NaN}]', '[{"value":"3000"},{"value":'],
)
def test_a_broken_meter_value_counts(lab: Lab, sampled: str) -> None:
    station, number = running(lab)
    head = f'[2,"q","MeterValues",{{"connectorId":1,"transactionId":{number},"meterValue":[{{"timestamp":"{ts(-5)}",'
    end = "" if sampled.endswith(":") else "}]}]"
    assert station.raw(f'{head}"sampledValue":{sampled}{end}', "q")[0] == 3
    assert lab.transaction(station.identity)["energy_wh"] == 3000


# --- Row 7: types ----------------------------------------------------------------------------------------------------


def test_numbers_as_texts_and_texts_as_numbers(lab: Lab) -> None:
    station = lab.station()
    lab.rest.create_tag(tag := "4711" + str(abs(hash(station.identity)))[:8])
    start = {"connectorId": "1", "idTag": int(tag), "meterStart": "1000", "timestamp": ts(-5), "vendor": {"x": 1}}
    answer = station.ok("StartTransaction", start)
    assert answer["idTagInfo"]["status"] == "Accepted"
    assert answer.keys() == {"transactionId", "idTagInfo"}
    stop = {"transactionId": str(answer["transactionId"]), "meterStop": "3000", "timestamp": ts(0), "reason": "remote"}
    assert station.ok("StopTransaction", stop) == {}
    row = lab.transaction(station.identity)
    assert (row["energy_wh"], row["stop_reason"], row["evse_id"]) == (2000, "Remote", 1)
    assert {"string_for_number", "number_for_string", "unknown_field", "unknown_value"} <= set(
        lab.violations(station.identity)
    )


@pytest.mark.parametrize("error", ["Error", "E-Stop", "", "noerror"])
def test_an_unknown_error_code(lab: Lab, error: str) -> None:
    station = lab.station()
    station.ok("StatusNotification", frames.status_16(1, "Faulted", error))
    row = lab.connector(station.identity)
    assert row["status"] == "Faulted"
    assert row["error_code"] in ("OtherError", "NoError")


# --- Row 12: times ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "moment", ["1970-01-01T00:00:00Z", "2014-05-05T05:05:05Z", "2099-01-01T00:00:00Z", "", None, "yesterday"]
)
def test_a_session_with_an_impossible_clock(lab: Lab, moment: str | None) -> None:
    station, tag = lab.station(), lab.tag()
    start: dict[str, Any] = {"connectorId": 1, "idTag": tag, "meterStart": 1000}
    stop: dict[str, Any] = {"meterStop": 1500}
    if moment is not None:
        start["timestamp"] = stop["timestamp"] = moment
    number = station.ok("StartTransaction", start)["transactionId"]
    values: dict[str, Any] = meter_16(1200, transaction_id=number)
    if moment is None:
        del values["meterValue"][0]["timestamp"]
    else:
        values["meterValue"][0]["timestamp"] = moment
    station.ok("MeterValues", values)
    station.ok("StopTransaction", {**stop, "transactionId": number})
    row = lab.transaction(station.identity)
    assert (row["energy_wh"], row["state"], "clock_implausible" in row["flags"]) == (500, "ended", True)
    assert row["started"][:4] == ts()[:4]


def test_a_clock_without_a_zone_is_understood_by_its_drift(lab: Lab) -> None:
    """A station in a zone two hours ahead, which writes its local time and no zone."""
    station, tag = lab.station(), lab.tag()
    local = lambda minutes=0.0: ts(minutes + 120).removesuffix("Z")  # noqa: E731
    station.ok("StatusNotification", frames.status_16(1, "Preparing", timestamp=local()))
    assert abs(lab.row(station.identity)["clock_drift_s"] - 7200) < 60
    station.ok("StartTransaction", start_16(tag, 0, local(-30)))
    started = lab.transaction(station.identity)["started"]
    assert abs(int(started[14:16]) - int(ts(-30)[14:16])) in (0, 1, 59)
    assert started[:13] == ts(-30)[:13]


def test_an_older_status_is_no_news(lab: Lab) -> None:
    station = lab.station()
    station.ok("StatusNotification", frames.status_16(1, "Charging", timestamp=ts(-1)))
    station.ok("StatusNotification", frames.status_16(1, "Available", timestamp=ts(-30)))
    assert lab.connector(station.identity)["status"] == "Charging"
    station.ok("StatusNotification", frames.status_16(1, "Finishing", timestamp=ts(0)))
    assert lab.connector(station.identity)["status"] == "Finishing"


@pytest.mark.parametrize("protocol", VERSIONS)
def test_our_times_end_with_z(lab: Lab, protocol: str) -> None:
    station = lab.station(protocol)
    assert station.ok("Heartbeat", {})["currentTime"].endswith("Z")


# --- Rows 13 and 15: samples and connectors --------------------------------------------------------------------------


def test_samples_without_measurand_and_in_odd_units(lab: Lab) -> None:
    station, number = running(lab)
    sampled = [
        {"value": "3,5", "unit": "kWh"},
        {"value": "2.3", "measurand": "Power.Active.Import", "unit": "kW", "phase": "L1"},
        {"value": "2.3", "measurand": "Power.Active.Import", "unit": "kW", "phase": "L2"},
        {"value": "2.4", "measurand": "Power.Active.Import", "unit": "kW", "phase": "L3"},
        {"value": "10", "measurand": "Current.Import", "unit": "Amp", "phase": "L1"},
        {"value": "31", "measurand": "Temperature", "unit": "Celcius"},
        {"value": "", "measurand": "Voltage"},
        {"value": "50", "measurand": "Frequency", "unit": "Hertz"},
        {"value": "1", "measurand": "Vendor.Own.Thing", "unit": "furlong"},
        "nonsense",
    ]
    values = [{"timestamp": ts(-5), "sampledValue": sampled}]
    station.ok("MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": values})
    live = lab.connector(station.identity)
    assert (live["energy_wh"], live["power_w"]) == (3500, 7000)
    row = lab.transaction(station.identity)
    (reading,) = lab.rest.get(f"transactions/{row['id']}/meter-values/")["results"]
    units = {sample["measurand"]: sample["unit"] for sample in reading["samples"]}
    assert (units["Temperature"], units["Frequency"], units["Current.Import"]) == ("°C", "Hz", "A")


def test_station_and_connector_status_are_apart(lab: Lab) -> None:
    station = lab.station()
    station.ok("StatusNotification", frames.status_16(1, "Available"))
    station.ok("StatusNotification", frames.status_16(0, "Faulted", "GroundFailure"))
    assert lab.connector(station.identity)["status"] == "Available"
    assert lab.row(station.identity)["status"] == "Faulted"
    assert [evse["evse_id"] for evse in lab.row(station.identity)["evses"]] == [1]


def test_connectors_appear_at_first_sight(lab: Lab) -> None:
    station, tag = lab.station(), lab.tag()
    assert lab.row(station.identity)["evses"] == []
    station.ok("MeterValues", meter_16(100, connector_id=3))
    station.ok("StartTransaction", start_16(tag, 0, connector_id=2))
    assert [evse["evse_id"] for evse in lab.row(station.identity)["evses"]] == [2, 3]


# --- Row 22 ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", VERSIONS)
def test_a_call_of_their_own_invention(lab: Lab, protocol: str) -> None:
    station = lab.station(protocol)
    assert station.refused("AcmeStatusNotification", {"a": 1}) == "NotImplemented"
    assert (
        station.ok("DataTransfer", {"vendorId": "ACME", "messageId": "x", "data": "y"})["status"] == "UnknownVendorId"
    )
    alive(station)


def test_a_notification_without_a_handler_is_taken(lab: Lab) -> None:
    station = lab.station("ocpp2.0.1")
    payload = {"chargingLimit": {"chargingLimitSource": "EMS"}}
    assert station.ok("NotifyChargingLimit", payload) == {}


def test_firmware_log_and_security_notices(lab: Lab) -> None:
    station = lab.station(V16)
    assert station.ok("FirmwareStatusNotification", {"status": "Downloading"}) == {}
    assert lab.row(station.identity)["firmware_status"] == "Downloading"
    assert station.ok("DiagnosticsStatusNotification", {"status": "Uploaded"}) == {}
    event = {"type": "TamperDetectionActivated", "timestamp": ts(), "techInfo": "<b>lid</b>"}
    assert station.ok("SecurityEventNotification", event) == {}
    assert lab.security_events(station.identity) == ["TamperDetectionActivated"]


def test_stop_below_start_is_always_answered(lab: Lab) -> None:
    station, tag = lab.station(), lab.tag()
    number = station.ok("StartTransaction", start_16(tag, 5000, ts(-60)))["transactionId"]
    assert station.ok("StopTransaction", stop_16(number, 10)) == {}
    row = lab.transaction(station.identity)
    assert (row["state"], row["energy_wh"], row["final"]) == ("ended", 0, False)
