"""Stations over REST: who may see and change them, and what a station can be called."""

from collections.abc import Callable
from urllib.parse import quote

import pytest

from tests.api.conftest import Household
from tests.support import frames
from tests.support.people import Person, create_people
from tests.support.rest import Rest
from tests.support.server import Server
from tests.support.station import Station, upgrade
from tests.support.waiting import wait_until

Unique = Callable[[str], str]


def test_it_works(household: Household, unique: Unique) -> None:
    rest, identity = household.owner.rest, unique("CP")
    made = rest.post("stations/", {"identity": identity, "name": "Garage", "price_per_kwh": "0.29995"}, status=201)
    assert made["organization"] == household.owner.organization_id
    assert 16 <= len(made["password"]) <= 40
    assert made["evses"] == []
    shown = rest.get(f"stations/{identity}/")
    assert "password" not in shown
    assert (shown["name"], shown["price_per_kwh"], shown["online"]) == ("Garage", "0.29995", False)
    changed = rest.patch(f"stations/{identity}/", {"name": "Carport", "price_per_kwh": None, "call_timeout_s": 30})
    assert (changed["name"], changed["price_per_kwh"], changed["call_timeout_s"]) == ("Carport", None, 30)
    assert identity in {row["identity"] for row in rest.each("stations/")}
    rest.delete(f"stations/{identity}/")
    rest.get(f"stations/{identity}/", status=404)


def test_the_made_password_opens_the_door(server: Server, household: Household, unique: Unique) -> None:
    identity = unique("CP")
    password = household.owner.rest.post("stations/", {"identity": identity}, status=201)["password"]
    with Station(server, identity, password=password) as station:
        station.ok("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
        station.ok("StatusNotification", {"connectorId": 2, "errorCode": "NoError", "status": "Available"})
        shown = household.viewer.rest.get(f"stations/{identity}/")
        assert (shown["online"], shown["protocol"], shown["vendor"]) == (True, "1.6", "V")
        (evse,) = shown["evses"]
        assert evse["evse_id"] == 2
        assert evse["connectors"][0]["connector_id"] == 1
        assert evse["connectors"][0]["status"] == "Available"


def test_a_new_password_replaces_the_old_one(server: Server, household: Household, unique: Unique) -> None:
    rest, identity = household.owner.rest, unique("CP")
    rest.create_station(identity, "The-Old-Password-1")
    rest.patch(f"stations/{identity}/", {"password": "The-New-Password-2"})
    assert upgrade(server, f"/OCPP/{identity}", identity=identity, password="The-Old-Password-1").status == 401
    assert upgrade(server, f"/OCPP/{identity}", identity=identity, password="The-New-Password-2").status == 101


def test_a_removed_station_is_cut_off(server: Server, household: Household, unique: Unique) -> None:
    identity = unique("CP")
    household.owner.rest.create_station(identity)
    with Station(server, identity) as station:
        station.ok("Heartbeat", {})
        household.owner.rest.delete(f"stations/{identity}/")
        station.expect_close()
    assert upgrade(server, f"/OCPP/{identity}", identity=identity).status == 404


@pytest.mark.parametrize(
    "identity", ["", " ", "a:b", "a/b", "x" * 49, "a\tb", "a\u200bb", ".", "..", " padded", None, ["x"]]
)
def test_what_no_station_is_called(household: Household, identity: object) -> None:
    answer = household.owner.rest.post("stations/", {"identity": identity}, status=400)
    assert set(answer["fields"]) == {"identity"}


@pytest.mark.parametrize("identity", ["RDAM 123", "RDAM|123", "a.b", "Säule-ü", "100%", "?#&", "x" * 47])
def test_odd_identities_can_be_asked_for(household: Household, unique: Unique, identity: str) -> None:
    rest, name = household.owner.rest, f"{identity}{unique('')}"[-48:]
    rest.post("stations/", {"identity": name}, status=201)
    assert rest.get(f"stations/{quote(name, safe='')}/")["identity"] == name


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("price_per_kwh", "abc"),
        ("price_per_kwh", "-0.1"),
        ("price_per_kwh", "1e99"),
        ("security_profile", 4),
        ("password", "too short"),
        ("password", "sixteen chärs 12"),
        ("protocol_pin", "1.5"),
        ("site", 2**62),
        ("heartbeat_interval_s", 0),
        ("name", "x" * 151),
    ],
)
def test_a_bad_field_is_named(household: Household, unique: Unique, field: str, value: object) -> None:
    body = {"identity": unique("CP"), field: value}
    assert set(household.owner.rest.post("stations/", body, status=400)["fields"]) == {field}


def test_all_bad_fields_are_named_at_once(household: Household) -> None:
    answer = household.owner.rest.post("stations/", {"identity": "", "price_per_kwh": "abc"}, status=400)
    assert set(answer["fields"]) == {"identity", "price_per_kwh"}


def test_an_identity_exists_once_in_the_whole_system(household: Household, unique: Unique) -> None:
    identity = unique("CP")
    household.owner.rest.post("stations/", {"identity": identity}, status=201)
    answer = household.stranger.rest.post("stations/", {"identity": identity}, status=409)
    assert set(answer["fields"]) == {"identity"}
    household.stranger.rest.get(f"stations/{identity}/", status=404)


def test_an_identity_never_changes(household: Household, unique: Unique) -> None:
    identity = unique("CP")
    household.owner.rest.post("stations/", {"identity": identity}, status=201)
    answer = household.owner.rest.patch(f"stations/{identity}/", {"identity": identity + "X"}, status=400)
    assert set(answer["fields"]) == {"identity"}


def test_who_may_what(household: Household, unique: Unique) -> None:
    identity = unique("CP")
    household.manager.rest.post("stations/", {"identity": identity}, status=201)
    path = f"stations/{identity}/"
    for person in (household.driver, household.viewer):
        person.rest.get(path)
        person.rest.patch(path, {"name": "mine"}, status=403)
        person.rest.delete(path, status=403)
        person.rest.post("stations/", {"identity": unique("CP")}, status=403)
    for method in ("get", "delete"):
        getattr(household.stranger.rest, method)(path, status=404)
    household.stranger.rest.patch(path, {"name": "mine"}, status=404)
    assert identity not in {row["identity"] for row in household.stranger.rest.each("stations/")}


def test_nothing_is_put_into_a_strangers_organization(household: Household, unique: Unique) -> None:
    body = {"identity": unique("CP"), "organization": household.owner.organization_id}
    household.stranger.rest.post("stations/", body, status=404)


def test_a_strangers_site_cannot_be_named(household: Household, unique: Unique) -> None:
    site = household.stranger.rest.post("sites/", {"name": unique("Site")}, status=201)["id"]
    body = {"identity": unique("CP"), "site": site}
    assert set(household.owner.rest.post("stations/", body, status=400)["fields"]) == {"site"}


def test_what_may_not_be_set_is_left_alone(household: Household, unique: Unique) -> None:
    identity = unique("CP")
    body = {"identity": identity, "online": True, "connection_id": "x", "vendor": "Me", "password_hash": "x"}
    made = household.owner.rest.post("stations/", body, status=201)
    assert (made["online"], made["vendor"]) == (False, "")


def test_a_station_that_charged_stays(server: Server, household: Household, unique: Unique) -> None:
    identity = unique("CP")
    household.owner.rest.create_station(identity)
    with Station(server, identity) as station:
        start = {"connectorId": 1, "idTag": "ANY", "meterStart": 0, "timestamp": "2026-11-01T10:00:00Z"}
        station.ok("StartTransaction", start)
    assert household.owner.rest.delete(f"stations/{identity}/", status=409)["code"] == "station_has_transactions"


def test_a_waiting_station_is_adopted_by_an_admin(
    server: Server, rest: Rest, household: Household, unique: Unique
) -> None:
    identity = unique("NEW")
    assert upgrade(server, f"/OCPP/{identity}", identity=identity).status == 404

    def waiting() -> bool:
        return identity in {row["identity"] for row in rest.each("waiting-stations/")}

    wait_until(waiting, "the waiting station")
    assert household.owner.rest.get("waiting-stations/")["count"] == 0, "only platform admins see them"
    household.owner.rest.post(f"waiting-stations/{identity}/adopt/", status=404)
    made = rest.post(f"waiting-stations/{identity}/adopt/", status=201)
    assert not waiting()
    assert upgrade(server, f"/OCPP/{identity}", identity=identity, password=made["password"]).status == 101


def test_an_adopted_station_can_bring_its_password(server: Server, rest: Rest, unique: Unique) -> None:
    identity = unique("NEW")
    upgrade(server, f"/OCPP/{identity}", identity=identity)
    wait_until(lambda: rest.send("GET", "waiting-stations/", params={"search": identity}).json()["count"], "it")
    assert rest.post(f"waiting-stations/{identity}/adopt/", {"learn": True}, status=201)["password"] is None
    assert upgrade(server, f"/OCPP/{identity}", identity=identity, password="What-I-Always-Had").status == 101
    assert upgrade(server, f"/OCPP/{identity}", identity=identity, password="Something-Else-12").status == 401


def test_removing_from_the_waiting_list(server: Server, rest: Rest, unique: Unique) -> None:
    identity = unique("NEW")
    upgrade(server, f"/OCPP/{identity}", identity=identity)
    wait_until(lambda: rest.send("GET", "waiting-stations/", params={"search": identity}).json()["count"], "it")
    rest.delete(f"waiting-stations/{identity}/")
    rest.delete(f"waiting-stations/{identity}/", status=404)


def test_members_of_two_organizations_see_both(server: Server, unique: Unique) -> None:
    first, second = unique("Org"), unique("Org")
    person, other = create_people(server, ("Two", "owner", first), ("Other", "owner", second))
    other.rest.post(
        f"organizations/{other.organization_id}/members/", {"email": person.email, "role": "viewer"}, status=201
    )
    mine, theirs = unique("CP"), unique("CP")
    person.rest.post("stations/", {"identity": mine}, status=201)
    other.rest.post("stations/", {"identity": theirs}, status=201)
    assert {row["identity"] for row in person.rest.each("stations/")} == {mine, theirs}
    person.rest.patch(f"stations/{theirs}/", {"name": "x"}, status=403)
    assert isinstance(person, Person)


def test_its_labels_open_the_app_there(rest: Rest, server: Server, unique: Unique) -> None:
    identity = unique("LBL")
    rest.create_station(identity)
    (bare,) = rest.get(f"stations/{identity}/labels/")["labels"]
    assert (bare["evse_id"], bare["place"]) == (None, "")
    with Station(server, identity).connect() as station:
        station.ok("BootNotification", frames.boot())
        station.ok("StatusNotification", frames.status_16(2, "Available"))
    told = rest.get(f"stations/{identity}/labels/")
    assert told["station"] == identity
    whole, outlet = told["labels"]
    assert (outlet["evse_id"], outlet["connector_id"], outlet["place"]) == (2, 1, "Connector 2")
    assert whole["url"].endswith(f"/app/?station={identity}")
    assert outlet["url"].endswith(f"/app/?station={identity}&connector=2-1")
    assert whole["qr_svg"].startswith("<svg") and whole["qr_svg"] != outlet["qr_svg"]
