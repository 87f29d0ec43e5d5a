"""The pure functions of the gateway: never an exception, whatever a station writes, and the stated rules hold."""

import json
import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocpp_gateway import auth, clock, limits, quirks, rpc, samples, schemas, versions
from ocpp_gateway.log import masked

NOW = datetime(2026, 11, 22, 10, 0, 0, tzinfo=UTC)
PROTOCOLS = ("1.6", "2.0.1", "2.1")
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
)

# --- Times -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-11-22T10:00:00Z", NOW),
        ("2026-11-22T10:00:00z", NOW),
        ("2026-11-22t10:00:00Z", NOW),
        ("2026-11-22 10:00:00Z", NOW),
        ("2026-11-22T10:00:00", NOW),
        ("2026-11-22T20:00:00+10:00", NOW),
        ("2026-11-22T04:30:00-05:30", NOW),
        ("2026-11-22T10:00:00.1234567Z", NOW.replace(microsecond=123456)),
        ("2026-11-22T10:00:00.1Z", NOW.replace(microsecond=100_000)),
        ("2026-11-22T10:00:00.000000000Z", NOW),
        (" 2026-11-22T10:00Z ", NOW),
    ],
)
def test_times_that_stations_write(text: str, at: datetime) -> None:
    stamp = clock.stamp(text, NOW)
    assert (stamp.station, stamp.at, stamp.flag) == (at, at, "")


@pytest.mark.parametrize(
    "text", ["1970-01-01T00:00:00Z", "2014-01-01T00:00:00Z", "2099-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00"]
)
def test_implausible_times_give_way_to_the_receive_time(text: str) -> None:
    stamp = clock.stamp(text, NOW)
    assert (stamp.at, stamp.flag) == (NOW, "implausible")


@pytest.mark.parametrize("text", [None, "", "now", "22.11.2026", "2026-13-45T10:00:00Z", "null", "1700000000"])
def test_no_time_is_the_receive_time(text: str | None) -> None:
    stamp = clock.stamp(text, NOW)
    assert (stamp.station, stamp.at, stamp.flag) == (NOW, NOW, "missing")


@pytest.mark.parametrize(
    ("ahead", "plausible"),
    [
        (timedelta(minutes=59), True),
        (timedelta(minutes=61), False),
        (-timedelta(days=364), True),
        (-timedelta(days=367), False),
    ],
)
def test_plausible_is_a_year_back_to_an_hour_ahead(ahead: timedelta, plausible: bool) -> None:
    assert (clock.stamp((NOW + ahead).isoformat(), NOW).flag == "") is plausible


@pytest.mark.parametrize(
    ("drift_s", "hours"), [(None, 0), (0.0, 0), (40.0, 0), (7201.5, 2), (-18_000.0, -5), (7800.0, 0)]
)
def test_without_a_zone_the_measured_drift_decides(drift_s: float | None, hours: int) -> None:
    assert clock.stamp("2026-11-22T10:00:00", NOW, drift_s).station == NOW - timedelta(hours=hours)
    assert clock.stamp("2026-11-22T10:00:00Z", NOW, drift_s).station == NOW


@given(
    st.text() | st.datetimes(timezones=st.timezones() | st.none()).map(lambda at: at.isoformat()),
    st.none() | st.floats(),
)
def test_any_text_makes_a_stamp(text: str, drift_s: float | None) -> None:
    if drift_s is not None and not math.isfinite(drift_s):
        drift_s = None
    stamp = clock.stamp(text, NOW, drift_s)
    assert stamp.at.tzinfo is not None
    assert NOW - timedelta(days=366) <= stamp.at <= NOW + timedelta(hours=1)
    assert clock.wire(stamp.at).endswith("Z")


# --- Samples ---------------------------------------------------------------------------------------------------------


def read(*sampled: Any) -> Any:
    (reading,) = samples.readings([{"timestamp": "2026-11-22T10:00:00Z", "sampledValue": list(sampled)}], NOW, None)
    return reading


@pytest.mark.parametrize(
    ("sampled", "energy_wh"),
    [
        ({"value": "1500"}, 1500),
        ({"value": 1500}, 1500),
        ({"value": "1,5", "unit": "kWh"}, 1500),
        ({"value": "1.5", "unit": "KWH"}, 1500),
        ({"value": " 1500 ", "unit": " Wh "}, 1500),
        ({"value": "1500", "measurand": "energy.active.import.register"}, 1500),
        ({"value": "1500", "measurand": "", "unit": ""}, 1500),
        ({"value": "", "unit": "Wh"}, None),
        ({"value": "NaN"}, None),
        ({"value": "inf"}, None),
        ({"value": "abc"}, None),
        ({"value": None}, None),
        ({"value": [1]}, None),
        ({}, None),
        ({"value": "1500", "format": "SignedData"}, None),
        ({"value": 1.5, "unitOfMeasure": {"unit": "kWh"}}, 1500),
        ({"value": 15, "unitOfMeasure": {"multiplier": 2}}, 1500),
        ({"value": 1, "unitOfMeasure": {"multiplier": 99999}}, 1),
        ({"value": "1500", "location": "Outlet"}, 1500),
        ({"value": "1500", "location": "Inlet"}, None),
        ({"value": "1500", "location": "outlet"}, 1500),
        ({"value": "1500", "context": "transaction.begin"}, None),
        ({"value": "1500", "context": "Transaction.Begin"}, None),
        ({"value": "1500", "context": "Transaction.End"}, None),
        ({"value": "1500", "measurand": "Energy.Active.Import.Interval"}, None),
        ({"value": "1500", "measurand": "Energy.Active.Export.Register"}, None),
    ],
)
def test_an_energy_sample(sampled: dict[str, Any], energy_wh: float | None) -> None:
    assert read(sampled).energy_wh == energy_wh


def phases(measurand: str, unit: str, **values: str) -> list[dict[str, str]]:
    return [
        {
            "measurand": measurand,
            "unit": unit,
            "value": value,
            **({} if phase == "all" else {"phase": phase.replace("_", "-")}),
        }
        for phase, value in values.items()
    ]


@pytest.mark.parametrize(
    ("sampled", "field", "value"),
    [
        (phases("Power.Active.Import", "kW", L1="3.6", L2="3.6", L3="3.8"), "power_w", 11_000),
        (phases("Power.Active.Import", "W", L1_N="1000", L2_N="1000", L3_N="1000"), "power_w", 3000),
        (phases("Power.Active.Import", "W", L1="1", L2="1", L3="1", all="7"), "power_w", 7),
        (phases("Power.Active.Import", "W", all="7", L1="1", L2="1", L3="1"), "power_w", 7),
        (phases("Power.Active.Import", "W", L1="1000", N="5"), "power_w", 1000),
        (phases("Current.Import", "Amp", L1="10", L2="16", L3="12", N="1"), "current_a", 16),
        (phases("power.active.import", "kw", l1="1", l2="2", l3="3"), "power_w", 6000),
        (phases("Voltage", "V", L1="230", L2="232", L3="228"), "voltage_v", 230),
        (phases("Voltage", "V", L1_N="230", L1_L2="400"), "voltage_v", 230),
        (phases("Energy.Active.Import.Register", "kWh", L1="1", L2="2", L3="3"), "energy_wh", 6000),
        (phases("SoC", "Percent", all="55"), "soc_percent", 55),
        (phases("Frequency", "Hertz", all="50"), "energy_wh", None),
    ],
)
def test_totals_over_phases(sampled: list[dict[str, str]], field: str, value: float | None) -> None:
    assert getattr(read(*sampled), field) == value


@pytest.mark.parametrize(
    ("measurand", "written", "canonical"),
    [
        ("Temperature", "Celcius", "°C"),
        ("Temperature", "Celsius", "°C"),
        ("Temperature", "", "°C"),
        ("Frequency", "Hertz", "Hz"),
        ("Frequency", "Hz", "Hz"),
        ("Current.Import", "Amp", "A"),
        ("Voltage", "", "V"),
        ("SoC", "Percent", "%"),
        ("Power.Active.Import", "", "W"),
    ],
)
def test_canonical_units(measurand: str, written: str, canonical: str) -> None:
    (sample,) = read({"value": "1", "measurand": measurand, "unit": written}).samples
    assert sample[2] == canonical


def test_a_bad_sample_is_no_bad_reading() -> None:
    found = samples.readings(
        [
            {"timestamp": "2026-11-22T10:00:00Z", "sampledValue": [{"value": "x"}, "no object", None, {"value": "5"}]},
            "no object",
            {"sampledValue": []},
            {},
        ],
        NOW,
        None,
    )
    assert [reading.energy_wh for reading in found] == [5]


def test_readings_of_one_moment_are_one() -> None:
    one = {"timestamp": "2026-11-22T09:00:00Z", "sampledValue": [{"value": "5"}]}
    two = {"timestamp": "2026-11-22T11:00:00+02:00", "sampledValue": [{"value": "7", "measurand": "SoC"}]}
    three = {"timestamp": "2026-11-22T08:00:00Z", "sampledValue": [{"value": "3"}]}
    found = samples.readings([one, two, three], NOW, None)
    assert [(reading.energy_wh, reading.soc_percent) for reading in found] == [(3, None), (5, 7)]


@given(anything)
def test_any_value_makes_readings(raw: Any) -> None:
    for value in (raw, [{"sampledValue": raw}], [{"sampledValue": [raw]}], [{"sampledValue": [{"value": raw}]}]):
        for reading in samples.readings(value, NOW, None) if isinstance(value, list) else ():
            assert all(sample[1] is None or math.isfinite(sample[1]) for sample in reading.samples)


# --- Repairs ---------------------------------------------------------------------------------------------------------


def mended(action: str, payload: Any, protocol: str = "1.6") -> quirks.Mended:
    return quirks.mend(action, payload, schemas.of(protocol).requests[action].document)


@pytest.mark.parametrize(
    ("action", "change", "field", "value"),
    [
        ("StatusNotification", {"connectorId": "1"}, "connectorId", 1),
        ("StatusNotification", {"connectorId": "1.0"}, "connectorId", 1),
        ("StatusNotification", {"connectorId": " 1 "}, "connectorId", 1),
        ("StatusNotification", {"errorCode": "Error"}, "errorCode", "OtherError"),
        ("StatusNotification", {"errorCode": "NOERROR"}, "errorCode", "NoError"),
        ("StatusNotification", {"errorCode": "E-17"}, "errorCode", "OtherError"),
        ("StatusNotification", {"status": "charging"}, "status", "Charging"),
        ("StatusNotification", {"status": " Charging "}, "status", "Charging"),
        ("StatusNotification", {"info": "x" * 60}, "info", "x" * 50),
        ("StatusNotification", {"info": 17}, "info", "17"),
        ("StartTransaction", {"meterStart": "1000"}, "meterStart", 1000),
        ("StartTransaction", {"meterStart": 1000.4}, "meterStart", 1000),
        ("StartTransaction", {"meterStart": "1000,4"}, "meterStart", 1000),
        ("StartTransaction", {"idTag": 12345}, "idTag", "12345"),
        ("StartTransaction", {"idTag": "AB\r\n"}, "idTag", "AB"),
        ("StartTransaction", {"idTag": "A" * 30}, "idTag", "A" * 30),
    ],
)
def test_what_is_put_right(action: str, change: dict[str, Any], field: str, value: Any) -> None:
    base = {
        "StatusNotification": {"connectorId": 1, "errorCode": "NoError", "status": "Available"},
        "StartTransaction": {"connectorId": 1, "idTag": "A", "meterStart": 0, "timestamp": "2026-11-22T10:00:00Z"},
    }[action]
    done = mended(action, {**base, **change})
    assert not done.faults
    assert done.payload[field] == value
    assert done.violations, "it is counted"


@pytest.mark.parametrize(
    ("change", "without"),
    [({"reservationId": None}, "reservationId"), ({"reservationId": "x"}, "reservationId"), ({"extra": [1]}, "extra")],
)
def test_what_is_left_out(change: dict[str, Any], without: str) -> None:
    base = {"connectorId": 1, "idTag": "A", "meterStart": 0, "timestamp": "2026-11-22T10:00:00Z"}
    done = mended("StartTransaction", {**base, **change})
    assert not done.faults
    assert done.payload == base
    assert done.violations


def test_an_object_where_an_array_belongs() -> None:
    one = {"timestamp": "2026-11-22T10:00:00Z", "sampledValue": {"value": 5}}
    done = mended("MeterValues", {"connectorId": 1, "meterValue": one})
    assert not done.faults
    assert done.payload["meterValue"] == [{**one, "sampledValue": [{"value": "5"}]}]


@given(st.sampled_from(PROTOCOLS), st.data())
def test_mending_never_fails_and_leaves_nothing_unknown(protocol: str, data: Any) -> None:
    known = schemas.of(protocol).requests
    action = data.draw(st.sampled_from(sorted(known)))
    names = sorted(known[action].document.get("properties", {})) or ["x"]
    payload = data.draw(st.dictionaries(st.sampled_from(names) | st.text(max_size=5), anything, max_size=6))
    done = quirks.mend(action, payload, known[action].document)
    if not done.faults and known[action].document.get("additionalProperties") is False:
        assert set(done.payload) <= set(names)
    assert all(kind in ("required", "type", "enum") for kind, _ in done.faults)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_valid_payload_is_left_as_it_is(protocol: str) -> None:
    payloads = {
        "1.6": ("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available"}),
        "2.0.1": ("Heartbeat", {}),
        "2.1": ("BootNotification", {"reason": "PowerUp", "chargingStation": {"model": "M", "vendorName": "V"}}),
    }
    action, payload = payloads[protocol]
    frame = rpc.parse(json.dumps([2, "1", action, payload]), protocol)
    assert isinstance(frame, rpc.Call)
    assert (frame.payload, frame.violations) == (payload, [])


# --- Frames ----------------------------------------------------------------------------------------------------------


@given(st.text() | anything.map(lambda value: json.dumps(value)), st.sampled_from(PROTOCOLS))
def test_any_text_is_a_frame(text: str, protocol: str) -> None:
    assert isinstance(rpc.parse(text, protocol), rpc.Call | rpc.Refused | rpc.Answer | rpc.Sent | rpc.Unreadable)
    assert isinstance(masked(text), str)


@given(st.sampled_from((2, 3, 4, 5, 6)), anything, anything, anything, st.sampled_from(PROTOCOLS))
def test_any_message_is_a_frame(kind: int, message_id: Any, action: Any, payload: Any, protocol: str) -> None:
    frame = rpc.parse(json.dumps([kind, message_id, action, payload]), protocol)
    usable = getattr(frame, "message_id", "x")
    assert isinstance(usable, str)
    assert 0 < len(usable) <= 36
    if isinstance(frame, rpc.Refused):
        json.loads(rpc.error(frame.message_id, frame.kind, protocol, frame.where))


WHOLE = json.dumps(
    [
        2,
        "m-1",
        "StartTransaction",
        {"connectorId": 1, "idTag": "A,B[", "meterStart": 1000, "timestamp": "2026-11-22T10:00:00Z"},
    ]
)


@given(st.integers(0, len(WHOLE)))
def test_a_text_that_breaks_off_is_closed_with_whole_values_only(length: int) -> None:
    closed = rpc.closed(WHOLE[:length])
    if not closed:
        return
    found = json.loads(closed)
    whole = json.loads(WHOLE)
    assert found == whole[: len(found)] or (found[:3] == whole[:3] and found[3].items() <= whole[3].items())


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('[2,"m","StopTransaction",{"transactionId":,"meterStop":5,"timestamp":"T"}]', {"meterStop": 5}),
        ('[2,"m","StopTransaction",{"meterStop":5,"timestamp":"2026-11-22T10:00:00Z","reason":"Lo', {"meterStop": 5}),
        ('[2,"m","StopTransaction",{"transactionId":7,"meterStop":5,}]', {"transactionId": 7, "meterStop": 5}),
        (
            '[2,"m","MeterValues",{"connectorId":1,"meterValue":[{"sampledValue":[,{"value":"5"}]}]}]',
            {"connectorId": 1},
        ),
        ('[2,"m","MeterValues",{"connectorId":1,"meterValue":[{"sampledValue":[{"value":"5"},', {"connectorId": 1}),
        ('[2,"m","MeterValues",{"connectorId":1,"meterValue":[{"sampledValue":[{"value":NaN}]}]}]', {"connectorId": 1}),
        ('\x00[2,"m","StopTransaction",{"transactionId":7,"meterStop":5}]\x00', {"transactionId": 7}),
    ],
)
def test_broken_transaction_messages_are_read(text: str, wanted: dict[str, Any]) -> None:
    frame = rpc.parse(text, "1.6")
    assert isinstance(frame, rpc.Call), frame
    assert wanted.items() <= frame.payload.items()
    assert "broken_json" in [kind for kind, _ in frame.violations]


def test_what_is_broken_and_no_transaction_message_is_not_guessed() -> None:
    assert isinstance(rpc.parse('[2,"m","BootNotification",{"chargePointVendor":,', "1.6"), rpc.Refused)
    assert isinstance(rpc.parse('[2,"m","BootNotification",{"reason":,', "2.0.1"), rpc.Unreadable)


# --- Versions and identities -----------------------------------------------------------------------------------------


@given(
    st.lists(st.sampled_from([*versions.SUBPROTOCOLS, "mqtt", "ocpp0.1", ""]) | st.text()),
    st.sampled_from(["", *PROTOCOLS]),
)
def test_the_chosen_version_was_offered_and_fits_the_pin(offered: list[str], pin: str) -> None:
    chosen = versions.choose(offered, pin)
    if not offered:
        assert chosen == (pin or "1.6", None)
    elif chosen is not None:
        version, echo = chosen
        assert echo in offered
        assert version == versions.SUBPROTOCOLS[str(echo).strip().casefold()]
        assert not pin or version == pin
    else:
        assert not [
            name for name in offered if versions.SUBPROTOCOLS.get(name.strip().casefold(), "-") in (pin, pin or "1.6")
        ]


@given(st.binary() | st.text().map(lambda text: b"/OCPP/" + text.encode("utf-8", "ignore")))
def test_any_path_is_an_identity_or_refused(raw: bytes) -> None:
    try:
        identity = auth.identity_of(raw)
    except auth.Refused as refusal:
        assert refusal.status in (400, 404)
    else:
        assert 0 < len(identity) <= 48
        assert not set(identity) & {":", "/", "\x00", "\n"}


@given(st.binary())
def test_any_authorization_header_is_read_or_none(header: bytes) -> None:
    for value in (header, b"Basic " + header, None):
        found = auth.basic(value)
        assert found is None or [type(part) for part in found] == [str, bytes]


def test_what_was_asked_for_may_be_sent_for_a_while() -> None:
    now = 100.0
    asked = limits.Asked(90, clock=lambda: now)
    assert "StatusNotification" not in asked
    asked.allow("StatusNotification")
    assert "StatusNotification" in asked
    assert "MeterValues" not in asked
    now = 190.0
    assert "StatusNotification" not in asked
