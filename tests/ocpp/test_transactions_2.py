"""Transactions of OCPP 2.x: keyed by (station, transactionId, seqNo), in any order, once each."""

import itertools
from typing import Any

import pytest

from tests.ocpp.conftest import TWO, V201, Lab, alive
from tests.support import frames
from tests.support.frames import event_2x, ts
from tests.support.station import Station


@pytest.fixture(params=TWO)
def station(lab: Lab, request: pytest.FixtureRequest) -> Station:
    return lab.station(request.param)


def send(station: Station, *args: Any, **more: Any) -> Any:
    return station.ok("TransactionEvent", event_2x(*args, **more))


def session(number: str, tag: str) -> list[dict[str, Any]]:
    """A session of an hour that takes 4000 Wh."""
    return [
        event_2x("Started", 0, number, energy_wh=1000, id_token=tag, timestamp=ts(-60)),
        event_2x("Updated", 1, number, energy_wh=2000, power_w=7000, timestamp=ts(-40), evse_id=None),
        event_2x("Updated", 2, number, energy_wh=4000, power_w=7000, timestamp=ts(-20), evse_id=None),
        event_2x(
            "Ended", 3, number, energy_wh=5000, timestamp=ts(0), evse_id=None, info={"stoppedReason": "EVDisconnected"}
        ),
    ]


def check(row: dict[str, Any], tag: str) -> None:
    assert (row["state"], row["energy_wh"], row["cost"]) == ("ended", 4000, "1.20")
    assert (row["id_tag"], row["evse_id"], row["stop_reason"]) == (tag, 1, "EVDisconnected")
    assert row["flags"] == []
    assert row["final"] is True


def test_it_works(lab: Lab, station: Station) -> None:
    tag, number = lab.tag(), lab.unique("TX")
    started, *updated, ended = session(number, tag)
    assert station.ok("TransactionEvent", started)["idTokenInfo"]["status"] == "Accepted"
    for event in updated:
        assert station.ok("TransactionEvent", event) == {}
    assert lab.transaction(station.identity)["energy_wh"] == 3000
    assert lab.connector(station.identity)["power_w"] == 7000
    answer = station.ok("TransactionEvent", ended)
    assert answer == {"totalCost": 1.2}
    check(lab.transaction(station.identity), tag)


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))), ids=str)
def test_any_order(lab: Lab, order: tuple[int, ...]) -> None:
    station, tag, number = lab.station(V201), lab.tag(), lab.unique("TX")
    events = session(number, tag)
    for index in order:
        station.ok("TransactionEvent", events[index])
    check(lab.transaction(station.identity), tag)


def test_every_event_twice_and_over_a_reconnect(lab: Lab, station: Station) -> None:
    tag, number = lab.tag(), lab.unique("TX")
    events = session(number, tag)
    for event in [*events, *reversed(events)]:
        station.ok("TransactionEvent", event)
    station.again()
    for event in events:
        station.ok("TransactionEvent", event)
    check(lab.transaction(station.identity), tag)
    assert lab.quarantine(station.identity) == [], "a repeat is recognised, not put aside"


def test_two_stations_may_use_the_same_transaction_id(lab: Lab, station: Station) -> None:
    other, tag, number = lab.station(V201), lab.tag(), "1"
    send(station, "Started", 0, number, energy_wh=0, id_token=tag)
    send(other, "Started", 0, number, energy_wh=0, id_token=tag)
    send(other, "Ended", 1, number, energy_wh=700)
    assert lab.transaction(station.identity)["state"] != "ended"
    assert lab.transaction(other.identity)["energy_wh"] == 700
    assert lab.security_events(other.identity) == []


def test_ended_without_started_makes_the_transaction(lab: Lab, station: Station) -> None:
    tag, number = lab.tag(), lab.unique("TX")
    send(station, "Ended", 5, number, energy_wh=5000, id_token=tag)
    row = lab.transaction(station.identity)
    assert (row["state"], row["final"]) == ("ended", False)
    assert "no_start" in row["flags"]


def test_updated_without_started_occupies_its_connector(lab: Lab, station: Station) -> None:
    tag, number = lab.tag(), lab.unique("TX")
    send(station, "Updated", 3, number, energy_wh=2000, id_token=tag, info={"chargingState": "Charging"})
    assert lab.transaction(station.identity)["state"] == "charging"
    station.answers["RequestStopTransaction"] = {"status": "Accepted"}
    assert lab.rest.command(station.identity, {"command": "stop"})["status"] == "accepted"
    rows = lab.server.rows(
        "SELECT c.transaction_id FROM charging_connector c JOIN charging_chargingstation s ON s.id = c.station_id "
        "WHERE s.identity = ?",
        station.identity,
    )
    assert [row["transaction_id"] for row in rows] == [lab.transaction(station.identity)["id"]]


def test_a_gap_holds_the_bill(lab: Lab, station: Station) -> None:
    tag, number = lab.tag(), lab.unique("TX")
    events = session(number, tag)
    for index in (0, 1, 3):
        station.ok("TransactionEvent", events[index])
    row = lab.transaction(station.identity)
    assert ("seq_gap" in row["flags"], row["final"]) == (True, False)
    station.ok("TransactionEvent", events[2])
    check(lab.transaction(station.identity), tag)


def test_a_late_started_does_not_reopen(lab: Lab, station: Station) -> None:
    tag, number = lab.tag(), lab.unique("TX")
    events = session(number, tag)
    station.ok("TransactionEvent", events[3])
    running = lab.unique("TX")
    send(station, "Started", 0, running, energy_wh=5000, id_token=tag, timestamp=ts(0))
    station.ok("TransactionEvent", events[0])
    states = {row["transaction_id"]: row["state"] for row in lab.transactions(station.identity)}
    assert states[number] == "ended"
    assert states[running] in ("pending", "charging")


def test_late_values_never_reopen(lab: Lab, station: Station) -> None:
    tag, number = lab.tag(), lab.unique("TX")
    for event in session(number, tag):
        station.ok("TransactionEvent", event)
    send(station, "Updated", 4, number, energy_wh=9000, timestamp=ts(5), info={"chargingState": "Charging"})
    row = lab.transaction(station.identity)
    assert (row["state"], row["energy_wh"]) == ("ended", 4000)


def test_without_seq_no(lab: Lab, station: Station) -> None:
    tag, number = lab.tag(), lab.unique("TX")
    for event in session(number, tag):
        del event["seqNo"]
        for _ in range(2):
            station.ok("TransactionEvent", event)
    row = lab.transaction(station.identity)
    assert (row["state"], row["energy_wh"]) == ("ended", 4000)


def test_charging_states(lab: Lab, station: Station) -> None:
    tag, number = lab.tag(), lab.unique("TX")
    send(station, "Started", 0, number, id_token=tag, timestamp=ts(-9), info={"chargingState": "EVConnected"})
    assert lab.transaction(station.identity)["state"] == "pending"
    for seq, (said, state) in enumerate(
        [
            ("Charging", "charging"),
            ("SuspendedEV", "suspended"),
            ("SuspendedEVSE", "suspended"),
            ("Charging", "charging"),
        ],
        1,
    ):
        send(station, "Updated", seq, number, timestamp=ts(-9 + seq), info={"chargingState": said})
        assert lab.transaction(station.identity)["state"] == state


# --- Tokens ----------------------------------------------------------------------------------------------------------


def test_a_token_info_only_if_a_token_was_sent(lab: Lab, station: Station) -> None:
    tag, number = lab.tag(), lab.unique("TX")
    assert "idTokenInfo" not in send(station, "Started", 0, number, trigger="CablePluggedIn")
    assert send(station, "Updated", 1, number, id_token=tag)["idTokenInfo"]["status"] == "Accepted"
    assert "idTokenInfo" not in send(station, "Updated", 2, number)
    assert lab.transaction(station.identity)["id_tag"] == tag


def test_an_unknown_token_is_unknown_and_counted(lab: Lab, station: Station) -> None:
    number = lab.unique("TX")
    assert send(station, "Started", 0, number, id_token="STRANGER", energy_wh=0)["idTokenInfo"]["status"] == "Unknown"
    send(station, "Ended", 1, number, energy_wh=800)
    row = lab.transaction(station.identity)
    assert (row["energy_wh"], "token_unknown" in row["flags"]) == (800, True)


def test_no_authorization_is_nobody(lab: Lab, station: Station) -> None:
    number = lab.unique("TX")
    answer = send(station, "Started", 0, number, idToken={"idToken": "", "type": "NoAuthorization"}, energy_wh=0)
    assert "idTokenInfo" not in answer
    assert lab.transaction(station.identity)["id_tag"] in (None, "")


@pytest.mark.parametrize(
    ("settings", "status"),
    [
        ({"blocked": True}, "Blocked"),
        ({"expires": "2020-01-01T00:00:00Z"}, "Expired"),
        ({"max_active_transactions": 0}, "ConcurrentTx"),
        ({"parent_id_tag": "GROUP"}, "Accepted"),
    ],
)
def test_what_is_said_of_a_token(lab: Lab, station: Station, settings: dict[str, Any], status: str) -> None:
    tag = lab.tag(**settings)
    info = station.ok("Authorize", {"idToken": {"idToken": tag, "type": "ISO14443"}})["idTokenInfo"]
    assert info["status"] == status
    if "parent_id_tag" in settings:
        assert info["groupIdToken"]["idToken"] == "GROUP"
    assert send(station, "Started", 0, lab.unique("TX"), id_token=tag)["idTokenInfo"]["status"] == status


# --- Meter values ----------------------------------------------------------------------------------------------------


def test_a_multiplier_is_a_power_of_ten(lab: Lab, station: Station) -> None:
    tag, number = lab.tag(), lab.unique("TX")
    send(station, "Started", 0, number, energy_wh=0, id_token=tag, timestamp=ts(-10))
    sampled = [
        {"value": 6.5, "unitOfMeasure": {"unit": "kWh"}},
        {"value": 11, "measurand": "Power.Active.Import", "unitOfMeasure": {"unit": "W", "multiplier": 3}},
        {"value": 55, "measurand": "SoC"},
    ]
    values = [{"timestamp": ts(-5), "sampledValue": sampled}]
    send(station, "Updated", 1, number, timestamp=ts(-5), meterValue=values)
    live = lab.connector(station.identity)
    assert (live["energy_wh"], live["power_w"], live["soc_percent"]) == (6500, 11_000, 55)
    assert lab.transaction(station.identity)["energy_wh"] == 6500


def test_the_price_of_nothing_known_is_not_told(lab: Lab, station: Station) -> None:
    lab.rest.patch(f"stations/{station.identity}/", {"price_per_kwh": None})
    number = lab.unique("TX")
    send(station, "Started", 0, number, energy_wh=0)
    assert send(station, "Ended", 1, number, energy_wh=800) == {}
    assert lab.transaction(station.identity)["cost"] is None


def test_16_frames_on_a_2x_socket_are_refused_and_counted(lab: Lab, station: Station) -> None:
    assert station.refused("StartTransaction", frames.start_16("X", 0)) == "NotImplemented"
    code = station.refused("BootNotification", frames.boot("ocpp1.6"))
    assert code == "OccurrenceConstraintViolation"
    assert lab.violations(station.identity)
    alive(station)
