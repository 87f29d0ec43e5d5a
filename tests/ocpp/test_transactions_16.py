"""Transactions of OCPP 1.6: business keys, ids, tags, energy and money, whatever a station sends twice or wrongly."""

from itertools import pairwise
from typing import Any

import pytest

from tests.ocpp.conftest import Lab
from tests.support import frames
from tests.support.frames import meter_16, start_16, stop_16, ts
from tests.support.station import Station
from tests.support.waiting import wait_until


def begin(station: Station, tag: str, wh: int = 1000, minutes: float = -60, connector_id: int = 1) -> int:
    """Start a transaction; -> its id."""
    answer = station.ok("StartTransaction", start_16(tag, wh, ts(minutes), connector_id))
    return int(answer["transactionId"])


def test_it_works(lab: Lab) -> None:
    station, tag = lab.station(), lab.tag()
    answer = station.ok("StartTransaction", start_16(tag, 1000, ts(-60)))
    assert answer["idTagInfo"]["status"] == "Accepted"
    number = answer["transactionId"]
    assert station.ok("MeterValues", meter_16(7500, 11_000, transaction_id=number, timestamp=ts(-30))) == {}
    live = wait_until(lambda: (c := lab.connector(station.identity))["power_w"] == 11_000 and c, "live power")
    assert live["energy_wh"] == 7500
    assert lab.transaction(station.identity)["energy_wh"] == 6500
    assert station.ok("StopTransaction", stop_16(number, 13_345, ts(0), reason="Local", idTag=tag)) == {
        "idTagInfo": {"status": "Accepted"}
    }
    row = lab.transaction(station.identity)
    assert (row["state"], row["energy_wh"], row["cost"], row["stop_reason"]) == ("ended", 12_345, "3.70", "Local")
    assert (row["meter_start_wh"], row["meter_stop_wh"], row["id_tag"]) == (1000, 13_345, tag)
    assert row["final"] is True
    assert row["flags"] == []


# --- Keys ------------------------------------------------------------------------------------------------------------


def test_a_repeated_start_gets_the_same_id_and_status(lab: Lab) -> None:
    station, tag = lab.station(), lab.tag()
    start = start_16(tag, 1000, ts(-60))
    first = station.ok("StartTransaction", start)
    assert station.ok("StartTransaction", start) == first
    station.again()
    assert station.ok("StartTransaction", start) == first
    station.ok("StopTransaction", stop_16(first["transactionId"], 2000))
    assert station.ok("StartTransaction", start) == first
    row = lab.transaction(station.identity)
    assert (row["state"], row["energy_wh"]) == ("ended", 1000)


@pytest.mark.parametrize(
    "other", [{"meterStart": 1001}, {"connectorId": 2}, {"reservationId": 7}, {"timestamp": ts(-59)}]
)
def test_a_start_with_other_values_is_another_one(lab: Lab, other: dict[str, Any]) -> None:
    station, tag = lab.station(), lab.tag()
    start = start_16(tag, 1000, ts(-60))
    first = station.ok("StartTransaction", start)["transactionId"]
    assert station.ok("StartTransaction", {**start, **other})["transactionId"] != first
    assert len(lab.transactions(station.identity)) == 2


def test_reservation_0_is_none(lab: Lab) -> None:
    station, tag = lab.station(), lab.tag()
    start = start_16(tag, 1000, ts(-60))
    first = station.ok("StartTransaction", {**start, "reservationId": 0})
    assert station.ok("StartTransaction", start) == first


def test_a_second_stop_has_no_effect(lab: Lab) -> None:
    station, tag = lab.station(), lab.tag()
    number = begin(station, tag)
    station.ok("StopTransaction", stop_16(number, 2000, ts(-1)))
    assert station.ok("StopTransaction", stop_16(number, 9000, ts(0))) == {}
    assert lab.transaction(station.identity)["energy_wh"] == 1000


def test_one_message_id_for_everything(lab: Lab) -> None:
    station, tag = lab.station(), lab.tag()
    same = "1000001"
    start = start_16(tag, 1000, ts(-60))
    number = station.ok("StartTransaction", start, message_id=same)["transactionId"]
    assert station.ok("StartTransaction", start, message_id=same)["transactionId"] == number
    for wh in (2000, 3000, 4000):
        values = meter_16(wh, transaction_id=number, timestamp=ts(-50 + wh / 100))
        assert station.ok("MeterValues", values, message_id=same) == {}
    assert station.ok("StopTransaction", stop_16(number, 5000), message_id=same) == {}
    other = station.ok("StartTransaction", start_16(tag, 5000), message_id=same)["transactionId"]
    assert other != number
    assert lab.transactions(station.identity)[0]["energy_wh"] == 4000


def test_the_same_frame_again_has_no_second_effect(lab: Lab) -> None:
    station, tag = lab.station(), lab.tag()
    number = begin(station, tag)
    values = meter_16(2000, transaction_id=number, timestamp=ts(-5))
    for _ in range(4):
        assert station.ok("MeterValues", values, message_id="x") == {}
    assert len(lab.rest.get(f"transactions/{lab.transaction(station.identity)['id']}/meter-values/")["results"]) == 1


@pytest.mark.parametrize("action", ["BootNotification", "Heartbeat", "Authorize"])
def test_a_stale_answer_is_not_repeated(lab: Lab, action: str) -> None:
    """The same frame again asks anew: the clock has gone on, the tag may be blocked."""
    station = lab.station(boot=False)
    tag = lab.unique("TAG")
    made = lab.rest.create_tag(tag)
    payload = {"BootNotification": frames.boot(), "Heartbeat": {}, "Authorize": {"idTag": tag}}[action]
    first = station.ok(action, payload, message_id="same")
    lab.rest.patch(f"id-tags/{made['id']}/", {"blocked": True})
    second = station.ok(action, payload, message_id="same")
    assert second != first


def test_a_station_without_a_clock_charges_again_and_again(lab: Lab) -> None:
    """Every start looks the same: as long as the transaction runs it is a repeat, after its end a new one."""
    station, tag = lab.station(), lab.tag()
    start = start_16(tag, 0, "1970-01-01T00:00:00Z")
    first = station.ok("StartTransaction", start)["transactionId"]
    assert station.ok("StartTransaction", start)["transactionId"] == first
    station.ok("StopTransaction", stop_16(first, 500, "1970-01-01T00:10:00Z"))
    second = station.ok("StartTransaction", start)["transactionId"]
    assert second != first
    assert station.ok("StartTransaction", start)["transactionId"] == second
    station.ok("StopTransaction", stop_16(second, 700, "1970-01-01T00:10:00Z"))
    assert sorted(row["energy_wh"] for row in lab.transactions(station.identity)) == [500, 700]


# --- Ids -------------------------------------------------------------------------------------------------------------


def test_ids_are_positive_31_bits_and_not_in_a_row(lab: Lab) -> None:
    station, tag = lab.station(), lab.tag()
    numbers = [begin(station, tag, wh=n) for n in range(6)]
    assert all(0 < number < 2**31 for number in numbers)
    assert len({b - a for a, b in pairwise(numbers)}) > 1
    assert numbers != sorted(numbers) or numbers[-1] - numbers[0] > 1_000_000


@pytest.mark.parametrize("unusable", [0, -1, 9223372036854775807, 2**31, 10**30, "x", 1.5], ids=str)
def test_a_stop_with_an_unusable_id_ends_what_runs(lab: Lab, unusable: Any) -> None:
    station, tag = lab.station(), lab.tag()
    begin(station, tag)
    stop = {**stop_16(0, 3000), "transactionId": unusable}
    assert station.ok("StopTransaction", stop) == {}
    row = lab.transaction(station.identity)
    assert (row["state"], row["energy_wh"]) == ("ended", 2000)


def test_a_stop_without_any_id_ends_what_runs(lab: Lab) -> None:
    station, tag = lab.station(), lab.tag()
    begin(station, tag)
    stop = stop_16(0, 3000)
    del stop["transactionId"]
    assert station.ok("StopTransaction", stop) == {}
    assert lab.transaction(station.identity)["state"] == "ended"


def test_a_repeated_stop_with_an_unusable_id_never_ends_the_neighbour(lab: Lab) -> None:
    station, mine, theirs = lab.station(), lab.tag(), lab.tag()
    begin(station, mine, 1000, connector_id=1)
    begin(station, theirs, 1000, connector_id=2)
    stop = stop_16(-1, 3000, idTag=mine)
    for _ in range(3):
        assert station.call("StopTransaction", stop)[0] == 3
    states = {row["id_tag"]: row["state"] for row in lab.transactions(station.identity)}
    assert (states[mine], states[theirs]) == ("ended", "charging")


def test_an_ambiguous_stop_ends_nothing_and_is_kept(lab: Lab) -> None:
    station, tag = lab.station(), lab.tag()
    begin(station, tag, 1000, connector_id=1)
    begin(station, tag, 1000, connector_id=2)
    assert station.ok("StopTransaction", stop_16(-1, 3000)) == {}
    assert {row["state"] for row in lab.transactions(station.identity)} == {"charging"}
    assert len(lab.quarantine(station.identity)) == 1


@pytest.mark.parametrize("unusable", [0, -1, None, 9223372036854775807])
def test_meter_values_with_an_unusable_id_belong_to_what_runs(lab: Lab, unusable: Any) -> None:
    station, tag = lab.station(), lab.tag()
    begin(station, tag)
    station.ok("MeterValues", {**meter_16(4000, timestamp=ts(-10)), "transactionId": unusable})
    assert lab.transaction(station.identity)["energy_wh"] == 3000


def test_values_before_the_start_do_not_belong_to_it(lab: Lab) -> None:
    station, tag = lab.station(), lab.tag()
    begin(station, tag, minutes=-30)
    station.ok("MeterValues", meter_16(4000, timestamp=ts(-50)))
    assert lab.transaction(station.identity)["energy_wh"] == 0


def test_the_id_of_the_previous_transaction(lab: Lab) -> None:
    station, tag = lab.station(), lab.tag()
    old = begin(station, tag, 1000, -60)
    station.ok("StopTransaction", stop_16(old, 2000, ts(-40)))
    begin(station, tag, 2000, -30)
    station.ok("MeterValues", meter_16(5000, transaction_id=old, timestamp=ts(-10)))
    station.ok("StopTransaction", stop_16(old, 9000, ts(0)))
    first, second = lab.transactions(station.identity)
    assert (first["state"], first["energy_wh"]) == ("ended", 1000)
    assert (second["state"], second["energy_wh"]) == ("charging", 3000)


@pytest.mark.parametrize("what", ["StopTransaction", "MeterValues"])
def test_a_foreign_id_never_touches_the_other_station(lab: Lab, what: str) -> None:
    victim, thief, tag = lab.station(), lab.station(), lab.tag()
    number = begin(victim, tag)
    payload = stop_16(number, 999_000) if what == "StopTransaction" else meter_16(999_000, transaction_id=number)
    assert thief.call(what, payload)[0] == 3
    row = lab.transaction(victim.identity)
    assert (row["state"], row["energy_wh"]) == ("charging", 0)
    assert lab.transactions(thief.identity) == []
    assert "ForeignTransactionId" in lab.security_events(thief.identity)
    assert "ForeignTransactionId" not in lab.security_events(victim.identity)
    assert len(lab.quarantine(thief.identity)) == 1


def test_a_foreign_stop_does_not_end_the_thiefs_own(lab: Lab) -> None:
    victim, thief, tag = lab.station(), lab.station(), lab.tag()
    number = begin(victim, tag)
    begin(thief, tag)
    thief.ok("StopTransaction", stop_16(number, 5000))
    assert lab.transaction(thief.identity)["state"] == "charging"


@pytest.mark.parametrize("with_tag", [True, False])
def test_an_unknown_stop_is_answered_and_quarantined(lab: Lab, with_tag: bool) -> None:
    station, tag = lab.station(), lab.tag()
    stop = stop_16(123_456_789, 5000, **({"idTag": tag} if with_tag else {}))
    for _ in range(3):
        assert station.ok("StopTransaction", stop) == ({"idTagInfo": {"status": "Accepted"}} if with_tag else {})
    (kept,) = lab.quarantine(station.identity)
    assert kept["count"] == 3
    assert lab.transactions(station.identity) == []
    assert lab.security_events(station.identity) == []


def test_a_refused_transaction_message_is_kept(lab: Lab) -> None:
    station = lab.station()
    payload = {"connectorId": 1, "idTag": "X", "timestamp": ts()}
    assert station.refused("StartTransaction", payload) == "OccurenceConstraintViolation"
    assert len(lab.quarantine(station.identity)) == 1


# --- The connector ---------------------------------------------------------------------------------------------------


def test_a_new_start_supersedes_the_old_transaction(lab: Lab) -> None:
    station, tag = lab.station(), lab.tag()
    old = begin(station, tag, 1000, -60)
    station.ok("MeterValues", meter_16(4000, transaction_id=old, timestamp=ts(-40)))
    begin(station, tag, 5000, -20)
    first, second = lab.transactions(station.identity)
    assert (first["state"], first["energy_wh"], "superseded" in first["flags"]) == ("superseded", 3000, True)
    assert first["final"] is False
    assert second["state"] == "charging"
    # Its stop was only late: it counts after all, and the new one goes on.
    station.ok("StopTransaction", stop_16(old, 4500, ts(-30)))
    first, second = lab.transactions(station.identity)
    assert (first["state"], first["energy_wh"], first["flags"]) == ("ended", 3500, [])
    assert second["state"] == "charging"


def test_two_connectors_charge_side_by_side(lab: Lab) -> None:
    station, tag = lab.station(), lab.tag()
    one, two = begin(station, tag, 0, connector_id=1), begin(station, tag, 0, connector_id=2)
    station.ok("MeterValues", meter_16(100, transaction_id=one, connector_id=1))
    station.ok("MeterValues", meter_16(200, transaction_id=two, connector_id=2))
    assert {row["evse_id"]: row["energy_wh"] for row in lab.transactions(station.identity)} == {1: 100, 2: 200}


def test_late_values_never_reopen(lab: Lab) -> None:
    station, tag = lab.station(), lab.tag()
    number = begin(station, tag)
    station.ok("StopTransaction", stop_16(number, 3000, ts(-10)))
    station.ok("MeterValues", meter_16(2500, transaction_id=number, timestamp=ts(-20)))
    station.ok("MeterValues", meter_16(9000, transaction_id=number, timestamp=ts(-1)))
    row = lab.transaction(station.identity)
    assert (row["state"], row["energy_wh"], row["cost"]) == ("ended", 2000, "0.60")


# --- Tags ------------------------------------------------------------------------------------------------------------


def test_a_real_id_also_when_the_tag_is_refused(lab: Lab) -> None:
    station = lab.station()
    answer = station.ok("StartTransaction", start_16("STRANGER", 0))
    assert answer["transactionId"] > 0
    assert answer["idTagInfo"]["status"] == "Invalid"
    station.ok("StopTransaction", stop_16(answer["transactionId"], 500))
    row = lab.transaction(station.identity)
    assert (row["energy_wh"], "token_unknown" in row["flags"]) == (500, True)


def test_an_id_tag_info_only_if_a_tag_was_sent(lab: Lab) -> None:
    station, tag = lab.station(), lab.tag()
    assert station.ok("StopTransaction", stop_16(begin(station, tag), 2000)) == {}
    assert "idTagInfo" in station.ok("StopTransaction", stop_16(begin(station, tag, 5), 2000, idTag=tag))
    assert station.ok("StopTransaction", stop_16(begin(station, tag, 6), 2000, idTag="")) == {}


@pytest.mark.parametrize(
    ("settings", "status"),
    [
        ({"blocked": True}, "Blocked"),
        ({"expires": "2020-01-01T00:00:00Z"}, "Expired"),
        ({"max_active_transactions": 0}, "ConcurrentTx"),
        ({}, "Accepted"),
    ],
)
def test_what_is_said_of_a_tag(lab: Lab, settings: dict[str, Any], status: str) -> None:
    station, tag = lab.station(), lab.tag(**settings)
    assert station.ok("Authorize", {"idTag": tag})["idTagInfo"]["status"] == status
    start = station.ok("StartTransaction", start_16(tag, 0))
    assert start["idTagInfo"]["status"] == status
    assert start["transactionId"] > 0


def test_the_second_transaction_of_a_tag_for_one(lab: Lab) -> None:
    station, tag = lab.station(), lab.tag(max_active_transactions=1)
    start = start_16(tag, 0, connector_id=1)
    first = station.ok("StartTransaction", start)
    second = station.ok("StartTransaction", start_16(tag, 0, connector_id=2))
    assert (first["idTagInfo"]["status"], second["idTagInfo"]["status"]) == ("Accepted", "ConcurrentTx")
    # The word on the first one stays, also when it is asked again while it runs.
    assert station.ok("StartTransaction", start) == first


def test_the_parent_tag_is_told(lab: Lab) -> None:
    station, tag = lab.station(), lab.tag(parent_id_tag="FAMILY")
    assert station.ok("Authorize", {"idTag": tag})["idTagInfo"] == {"status": "Accepted", "parentIdTag": "FAMILY"}


@pytest.mark.parametrize(
    "written", ["04a1b2c3", "04:A1:B2:C3", "04-a1-b2-c3", " 04 A1 B2 C3", "04A1B2C3\u0000", "\t04A1B2C3\r\n"], ids=repr
)
def test_one_card_in_many_spellings(lab: Lab, written: str) -> None:
    station = lab.station()
    card = lab.unique("04A1B2C3")
    lab.rest.create_tag(card)
    spelled = written + card.removeprefix("04A1B2C3").lower()
    assert station.ok("Authorize", {"idTag": spelled})["idTagInfo"]["status"] == "Accepted"


def test_aliases(lab: Lab) -> None:
    station, tag = lab.station(), lab.tag()
    alias = lab.unique("VID:98ED5C")
    lab.server.shell(
        "from charging.models import IdTag, IdTagAlias\n"
        f"tag = IdTag.objects.get(id_tag={tag!r})\n"
        f"IdTagAlias.objects.create(organization=tag.organization, id_tag=tag, canonical={alias!r})"
    )
    assert station.ok("Authorize", {"idTag": alias})["idTagInfo"]["status"] == "Accepted"
    station.ok("StartTransaction", start_16(alias, 0))
    assert lab.transaction(station.identity)["id_tag"] == tag


def test_learn_mode_binds_the_next_unknown_tag_once(lab: Lab) -> None:
    station = lab.station()
    one, two = lab.unique("NEW"), lab.unique("NEW")
    lab.server.shell(
        "from datetime import timedelta\nfrom django.utils import timezone\n"
        "from accounts.models import User\nfrom charging.models import ChargingStation\n"
        f"user = User.objects.get(email={lab.server.email!r})\n"
        f"ChargingStation.objects.filter(identity={station.identity!r}).update("
        "learn_tag_for=user, learn_tag_until=timezone.now() + timedelta(minutes=5))"
    )
    assert station.ok("Authorize", {"idTag": one})["idTagInfo"]["status"] == "Accepted"
    assert station.ok("Authorize", {"idTag": two})["idTagInfo"]["status"] == "Invalid"
    (learnt,) = [row for row in lab.rest.each("id-tags/") if row["id_tag"] == one]
    assert learnt["user"] == lab.rest.get("me/")["id"]


def test_an_empty_tag_is_invalid_and_still_charges(lab: Lab) -> None:
    station = lab.station()
    answer = station.ok("StartTransaction", start_16("", 0))
    assert answer["idTagInfo"]["status"] == "Invalid"
    assert answer["transactionId"] > 0


def test_an_over_long_tag_is_not_cut_to_someone_elses(lab: Lab) -> None:
    station = lab.station()
    tag = "A" * 20
    lab.rest.create_tag(tag)
    assert station.ok("Authorize", {"idTag": tag})["idTagInfo"]["status"] == "Accepted"
    assert station.ok("Authorize", {"idTag": tag + "A"})["idTagInfo"]["status"] == "Invalid"
