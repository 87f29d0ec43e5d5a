"""Charging profiles and the balancing of a site's load, from REST over the wire to the station's answer and back."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.ocpp.conftest import V16, V21, V201, VERSIONS, Lab
from tests.support import frames
from tests.support.frames import event_2x, start_16
from tests.support.station import Station
from tests.support.waiting import wait_until

Json = dict[str, Any]
ACCEPTED = {"status": "Accepted"}


def noon() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT00:00:00Z")


def wished(identity: str, **more: Any) -> Json:
    return {
        "station": identity,
        "evse_id": 1,
        "name": "Nights",
        "purpose": "default",
        "kind": "recurring",
        "recurrency": "daily",
        "unit": "A",
        "starts_at": noon(),
        "periods": [{"start_s": 0, "limit": 16}, {"start_s": 3600, "limit": 8, "phases": 1}],
        **more,
    }


def with_connector(lab: Lab, protocol: str, **settings: Any) -> Station:
    answers = {"SetChargingProfile": ACCEPTED, "ClearChargingProfile": ACCEPTED}
    station = lab.station(protocol, answers=answers, **settings)
    station.ok(
        "StatusNotification", frames.status_16(1, "Available") if protocol == V16 else frames.status_2x(1, "Available")
    )
    return station


def profile_in(payload: Json) -> Json:
    """The profile of a SetChargingProfile in one shape for all versions."""
    raw = payload.get("csChargingProfiles") or payload["chargingProfile"]
    schedule = raw["chargingSchedule"]
    return {**raw, "schedule": schedule[0] if isinstance(schedule, list) else schedule}


@pytest.mark.parametrize("protocol", VERSIONS)
def test_a_profile_is_set_compared_and_cleared(lab: Lab, protocol: str) -> None:
    station = with_connector(lab, protocol)
    made = lab.rest.post("charging-profiles/", wished(station.identity), status=201)
    sent = profile_in(station.expect_call("SetChargingProfile").payload)
    assert (sent["chargingProfilePurpose"], sent["chargingProfileKind"]) == ("TxDefaultProfile", "Recurring")
    assert sent["schedule"]["chargingSchedulePeriod"][1] == {"startPeriod": 3600, "limit": 8, "numberPhases": 1}
    path = f"charging-profiles/{made['id']}/"
    wait_until(lambda: lab.rest.get(path)["status"] == "accepted", "the answer to be kept")

    begin = noon()
    schedule = {
        "duration": 7200,
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.0}, {"startPeriod": 3600, "limit": 10.0}],
    }
    station.answers["GetCompositeSchedule"] = (
        {**ACCEPTED, "connectorId": 1, "scheduleStart": begin, "chargingSchedule": schedule}
        if protocol == V16
        else {**ACCEPTED, "schedule": {**schedule, "evseId": 1, "scheduleStart": begin}}
    )
    ask = {"command": "get_composite_schedule", "evse_id": 1, "duration_s": 7200}
    answer = lab.rest.post(f"stations/{station.identity}/commands/?wait=30", ask)
    assert answer["status"] == "accepted"
    found = lab.rest.get(f"stations/{station.identity}/composite-schedule/?evse_id=1")
    assert [(step["start_s"], step["limit"]) for step in found["computed"]] == [(0, 16), (3600, 8)]
    assert found["differences"] == [{"from_s": 3600, "to_s": 7200, "computed_a": 8, "reported_a": 10}]

    lab.rest.delete(path, status=202)
    station.expect_call("ClearChargingProfile")
    wait_until(lambda: lab.rest.get(path)["status"] == "cleared", "the profile to be cleared")


@pytest.mark.parametrize("protocol", (V201, V21))
def test_a_station_reports_what_it_holds(lab: Lab, protocol: str) -> None:
    station = with_connector(lab, protocol)
    station.answers["GetChargingProfiles"] = ACCEPTED
    made = lab.rest.post("charging-profiles/", wished(station.identity), status=201)
    raw = station.expect_call("SetChargingProfile").payload["chargingProfile"]
    lab.rest.post(f"stations/{station.identity}/commands/?wait=30", {"command": "get_profiles"})
    asked = station.expect_call("GetChargingProfiles").payload
    report = {"requestId": asked["requestId"], "chargingLimitSource": "CSO", "evseId": 1, "chargingProfile": [raw]}
    station.ok("ReportChargingProfiles", report)
    assert lab.rest.get(f"charging-profiles/{made['id']}/")["reported_at"]


@pytest.mark.parametrize("answer", [{"status": "Rejected"}, {"status": "NotSupported"}])
def test_a_refused_profile_says_so(lab: Lab, answer: Json) -> None:
    station = with_connector(lab, V16)
    station.answers["SetChargingProfile"] = answer
    made = lab.rest.post("charging-profiles/", wished(station.identity), status=201)
    wait_until(lambda: lab.rest.get(f"charging-profiles/{made['id']}/")["status"] == "refused", "the refusal")
    assert answer["status"] in lab.rest.get(f"charging-profiles/{made['id']}/")["answer"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"periods": []}, "periods"),
        ({"periods": [{"start_s": 5, "limit": 6}]}, "periods"),
        ({"periods": [{"start_s": 0, "limit": 6}, {"start_s": 0, "limit": 7}]}, "periods"),
        ({"starts_at": None}, "starts_at"),
        ({"stack_level": 101}, "stack_level"),
        ({"kind": "relative", "purpose": "station_max"}, "kind"),
        ({"valid_from": "2026-01-02T00:00:00Z", "valid_to": "2026-01-01T00:00:00Z"}, "valid_to"),
    ],
)
def test_a_wrong_profile_names_its_field(lab: Lab, change: Json, field: str) -> None:
    answer = lab.rest.post("charging-profiles/", wished(lab.create(), evse_id=None, **change), status=400)
    assert field in answer["fields"]


# --- The load of a site ----------------------------------------------------------------------------------------------


class Balanced:
    """A site with one fuse, and stations whose limits are told."""

    def __init__(self, lab: Lab, limit_a: float, **rules: Any) -> None:
        self.lab, self.rest = lab, lab.rest
        self.site = lab.rest.post("sites/", {"name": lab.unique("SITE")}, status=201)["id"]
        fuse = {"name": "Main", **{f"limit_l{n}_a": limit_a for n in (1, 2, 3)}}
        self.fuse = self.rest.post(f"sites/{self.site}/circuits/", fuse, status=201)["id"]
        self.rules = rules

    def station(self, protocol: str) -> Station:
        station = with_connector(self.lab, protocol, site=self.site)
        self.rest.post(
            f"sites/{self.site}/outlets/", {"circuit": self.fuse, "station": station.identity, "evse_id": 1}, status=201
        )
        return station

    def begin(self) -> None:
        self.rest.patch(f"sites/{self.site}/load/", {"enabled": True, **self.rules})

    def outlet(self, station: Station) -> Json:
        (branch,) = self.rest.get(f"sites/{self.site}/load/")["circuits"]
        return next(row for row in branch["outlets"] if row["station"] == station.identity)

    def wait_failsafe(self, station: Station) -> None:
        wait_until(lambda: self.outlet(station)["failsafe_a"] == 0, f"the fail-safe at {station.identity}")

    def wait_limit(self, station: Station, amps: float) -> None:
        wait_until(lambda: self.outlet(station)["confirmed_a"] == amps, f"{amps} A at {station.identity}")


def limits_sent(station: Station) -> list[tuple[str, float]]:
    found = [profile_in(call.payload) for call in station.calls if call.action == "SetChargingProfile"]
    return [(raw["chargingProfilePurpose"], raw["schedule"]["chargingSchedulePeriod"][0]["limit"]) for raw in found]


def test_two_cars_share_a_fuse(lab: Lab) -> None:
    site = Balanced(lab, 20)
    first, second = site.station(V16), site.station(V201)
    site.begin()
    for station in (first, second):
        site.wait_failsafe(station)
        assert limits_sent(station) == [("TxDefaultProfile", 0)]
    tag = lab.tag()
    started = first.ok("StartTransaction", start_16(tag, 0))["transactionId"]
    site.wait_limit(first, 20)
    profile = profile_in([call for call in first.calls if call.action == "SetChargingProfile"][-1].payload)
    assert profile["transactionId"] == started and profile["schedule"]["duration"] > 0, "it ends by itself"
    second.ok("TransactionEvent", event_2x("Started", 0, lab.unique("TX"), energy_wh=0, id_token=tag))
    site.wait_limit(second, 10)
    assert site.outlet(first)["confirmed_a"] == 10
    assert limits_sent(first)[-1] == ("TxProfile", 10)
    row = site.outlet(second)
    assert (row["why"], "Main" in row["words"]) == ("circuit", True)
    # Others on the same fuse draw 6 A: 7 A are left for each.
    lab.rest.post(f"sites/{site.site}/meter/", {"load_l1_a": 6, "load_l2_a": 2, "valid_s": 600}, status=204)
    site.wait_limit(first, 7)
    site.wait_limit(second, 7)
    # The first leaves: all that is left is for the other.
    first.ok("StopTransaction", frames.stop_16(started, 10))
    site.wait_limit(second, 14)


def test_a_silent_station_holds_up_the_others(lab: Lab) -> None:
    """Whoever does not answer counts with what it may draw, and the other gets the rest."""
    site = Balanced(lab, 26)
    first, second = site.station(V16), site.station(V16)
    site.begin()
    for station in (first, second):
        site.wait_failsafe(station)
    tag = lab.tag()
    first.ok("StartTransaction", start_16(tag, 0))
    site.wait_limit(first, 26)
    # It says that it takes amperes only, so that no watts are tried.
    keys = [{"key": "ChargingScheduleAllowedChargingRateUnit", "readonly": True, "value": "Current"}]
    first.answers["GetConfiguration"] = {"configurationKey": keys}
    lab.rest.command(first.identity, {"command": "get_configuration"})
    first.answers["SetChargingProfile"] = {"status": "Rejected"}
    second.ok("StartTransaction", start_16(tag, 0))
    wait_until(lambda: site.outlet(first)["why"] == "bound", "every way to be tried")
    purposes = [purpose for purpose, _ in limits_sent(first)]
    assert purposes[-4:] == ["TxProfile", "TxDefaultProfile", "TxDefaultProfile", "ChargePointMaxProfile"]
    assert site.outlet(second)["confirmed_a"] is None, "26 A may still flow at the first"


def test_what_a_person_sends_is_counted(lab: Lab) -> None:
    """A default profile in the place of the fail-safe lifts what may flow until the fail-safe is stored again."""
    site = Balanced(lab, 20)
    station = site.station(V16)
    site.begin()
    site.wait_failsafe(station)
    made = lab.rest.post("charging-profiles/", wished(station.identity), status=201)
    path = f"charging-profiles/{made['id']}/"
    wait_until(lambda: lab.rest.get(path)["status"] == "cleared", "the fail-safe to take its place again")
    assert limits_sent(station) == [("TxDefaultProfile", 0), ("TxDefaultProfile", 16), ("TxDefaultProfile", 0)]


def test_the_rules_of_a_site_are_checked(lab: Lab) -> None:
    site = Balanced(lab, 20)
    site.station(V16), site.station(V16)
    path = f"sites/{site.site}/load/"
    assert set(lab.rest.patch(path, {"failsafe_a": 3}, status=400)["fields"]) == {"failsafe_a"}
    assert set(lab.rest.patch(path, {"failsafe_a": 11, "enabled": True}, status=400)["fields"]) == {"failsafe_a"}
    assert lab.rest.get(path)["highest_failsafe_a"] == 10
    circuits = f"sites/{site.site}/circuits/"
    wrong = lab.rest.post(circuits, {"name": "B", "limit_l1_a": 1, "limit_l2_a": 1, "limit_l3_a": 1}, status=400)
    assert set(wrong["fields"]) == {"parent"}
    assert set(lab.rest.patch(f"{circuits}{site.fuse}/", {"parent": site.fuse}, status=400)["fields"]) == {"parent"}
