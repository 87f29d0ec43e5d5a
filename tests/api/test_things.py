"""Id tags, cars, sites, members and oneself over REST."""

import secrets
from collections.abc import Callable

import pytest

from tests.api.conftest import Household
from tests.support.people import create_people
from tests.support.server import Server

Unique = Callable[[str], str]


def test_an_id_tag_from_first_to_last(household: Household, unique: Unique) -> None:
    rest, tag = household.manager.rest, unique("04:AB")
    made = rest.post("id-tags/", {"id_tag": tag, "name": "Red card"}, status=201)
    wanted = {"id_tag": tag, "name": "Red card", "user": None, "parent_id_tag": None, "blocked": False}
    assert made.items() >= wanted.items()
    assert (made["expires"], made["max_active_transactions"]) == (None, None)
    change = {
        "blocked": True,
        "expires": "2031-05-01T12:00:00+02:00",
        "max_active_transactions": 1,
        "parent_id_tag": "FLEET",
    }
    changed = rest.patch(f"id-tags/{made['id']}/", change)
    assert changed["expires"] == "2031-05-01T10:00:00.000Z"
    assert (changed["blocked"], changed["max_active_transactions"], changed["parent_id_tag"]) == (True, 1, "FLEET")
    assert rest.get("id-tags/", params={"search": tag, "blocked": "true"})["count"] == 1
    rest.delete(f"id-tags/{made['id']}/")
    rest.get(f"id-tags/{made['id']}/", status=404)


def test_a_tag_exists_once_in_whatever_spelling(household: Household, unique: Unique) -> None:
    mark = secrets.token_hex(4)
    household.manager.rest.post("id-tags/", {"id_tag": f"04:{mark}"}, status=201)
    answer = household.manager.rest.post("id-tags/", {"id_tag": f"04-{mark.upper()}"}, status=409)
    assert (answer["code"], set(answer["fields"])) == ("already_exists", {"id_tag"})
    household.stranger.rest.post("id-tags/", {"id_tag": f"04{mark}"}, status=201)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id_tag": ""}, "id_tag"),
        ({"id_tag": "::--"}, "id_tag"),
        ({"id_tag": "x" * 256}, "id_tag"),
        ({"id_tag": "a\x07b"}, "id_tag"),
        ({"expires": "soon"}, "expires"),
        ({"max_active_transactions": -1}, "max_active_transactions"),
        ({"blocked": "perhaps"}, "blocked"),
        ({"user": 1}, "user"),
    ],
)
def test_a_bad_tag_names_its_field(household: Household, unique: Unique, change: dict[str, object], field: str) -> None:
    body = {"id_tag": unique("TAG"), **change}
    assert set(household.manager.rest.post("id-tags/", body, status=400)["fields"]) == {field}


def test_a_driver_sees_own_tags_and_changes_none(household: Household, unique: Unique) -> None:
    me = household.driver.rest.get("me/")["id"]
    own = household.owner.rest.post("id-tags/", {"id_tag": unique("TAG"), "user": me}, status=201)["id"]
    other = household.owner.rest.post("id-tags/", {"id_tag": unique("TAG")}, status=201)["id"]
    driver = household.driver.rest
    seen = {row["id"] for row in driver.each("id-tags/")}
    assert own in seen
    assert other not in seen
    driver.get(f"id-tags/{other}/", status=404)
    driver.patch(f"id-tags/{own}/", {"blocked": False}, status=403)
    driver.post("id-tags/", {"id_tag": unique("TAG")}, status=403)
    assert {own, other} <= {row["id"] for row in household.viewer.rest.each("id-tags/")}
    household.stranger.rest.get(f"id-tags/{own}/", status=404)


def test_a_driver_has_own_cars(household: Household) -> None:
    driver = household.driver.rest
    me = driver.get("me/")["id"]
    body = {"name": "Zoe", "license_plate": "B-EV 1", "battery_wh": 52_000, "phases": 3}
    made = driver.post("cars/", body, status=201)
    assert (made["user"], made["battery_wh"]) == (me, 52_000)
    assert driver.patch("me/", {"default_car": made["id"]})["default_car"] == made["id"]
    assert driver.patch(f"cars/{made['id']}/", {"max_power_w": 22_000})["max_power_w"] == 22_000
    owner = household.owner.rest.get("me/")["id"]
    driver.patch(f"cars/{made['id']}/", {"user": owner}, status=403)
    driver.post("cars/", {"name": "Yours", "user": owner}, status=403)
    pool = household.manager.rest.post("cars/", {"name": "Pool"}, status=201)["id"]
    driver.get(f"cars/{pool}/", status=404)
    assert set(driver.patch("me/", {"default_car": pool}, status=400)["fields"]) == {"default_car"}
    household.viewer.rest.delete(f"cars/{made['id']}/", status=403)
    household.stranger.rest.get(f"cars/{made['id']}/", status=404)
    driver.delete(f"cars/{made['id']}/")
    assert driver.get("me/")["default_car"] is None


@pytest.mark.parametrize("change", [{"phases": 4}, {"battery_wh": 0}, {"name": ""}, {"user": 10**9}])
def test_a_bad_car_names_its_field(household: Household, change: dict[str, object]) -> None:
    answer = household.owner.rest.post("cars/", {"name": "Car", **change}, status=400)
    assert set(answer["fields"]) == set(change)


def test_a_site_from_first_to_last(household: Household, unique: Unique) -> None:
    rest, name = household.manager.rest, unique("Site")
    body = {"name": name, "address": "Kai 1", "latitude": 53.5, "longitude": 9.9, "time_zone": "Europe/Berlin"}
    made = rest.post("sites/", body, status=201)
    assert made.items() >= body.items()
    assert set(rest.post("sites/", {"name": name}, status=409)["fields"]) == {"name"}
    identity = unique("CP")
    assert rest.post("stations/", {"identity": identity, "site": made["id"]}, status=201)["site"] == made["id"]
    assert rest.get("stations/", params={"site": made["id"]})["count"] == 1
    household.driver.rest.patch(f"sites/{made['id']}/", {"name": "x"}, status=403)
    household.stranger.rest.get(f"sites/{made['id']}/", status=404)
    rest.delete(f"sites/{made['id']}/")
    assert rest.get(f"stations/{identity}/")["site"] is None


@pytest.mark.parametrize("change", [{"latitude": 91}, {"longitude": -181}, {"time_zone": "Mars/Base"}, {"name": ""}])
def test_a_bad_site_names_its_field(household: Household, unique: Unique, change: dict[str, object]) -> None:
    answer = household.manager.rest.post("sites/", {"name": unique("Site"), **change}, status=400)
    assert set(answer["fields"]) == set(change)


def test_oneself(household: Household) -> None:
    viewer = household.viewer.rest
    change = {"name": "Vera", "language": "de", "time_zone": "Europe/Berlin", "theme": "dark"}
    assert viewer.patch("me/", change).items() >= change.items()
    me = viewer.get("me/")
    assert me["organizations"][0]["role"] == "viewer"
    assert me["is_platform_admin"] is False
    refused = viewer.patch("me/", {"email": "admin@example.com", "is_platform_admin": True})
    assert (refused["email"], refused["is_platform_admin"]) == (household.viewer.email, False)
    for field, value in (("theme", "pink"), ("time_zone", "Mars/Base"), ("default_id_tag", 10**9)):
        assert set(viewer.patch("me/", {field: value}, status=400)["fields"]) == {field}
    viewer.patch("me/", {"name": "", "language": "", "time_zone": "", "theme": "system"})


def test_members(server: Server) -> None:
    mark = secrets.token_hex(3)
    owner, guest, stranger = create_people(
        server, ("Olga", "owner", f"Club {mark}"), ("Gus", "owner", f"Gus {mark}"), ("Sam", "owner", f"Sam {mark}")
    )
    path = f"organizations/{owner.organization_id}/members/"
    made = owner.rest.post(path, {"email": guest.email.upper(), "role": "viewer"}, status=201)
    assert (made["email"], made["role"]) == (guest.email, "viewer")
    assert owner.rest.post(path, {"email": guest.email, "role": "viewer"}, status=409)["code"] == "already_exists"
    assert set(owner.rest.post(path, {"email": "no@example.com", "role": "viewer"}, status=400)["fields"]) == {"email"}
    assert set(owner.rest.post(path, {"email": guest.email, "role": "king"}, status=400)["fields"]) == {"role"}
    assert owner.rest.get(path)["count"] == 2
    assert [row["email"] for row in guest.rest.get(path)["results"]] == [guest.email], "a viewer sees oneself"
    guest.rest.post(path, {"email": stranger.email, "role": "owner"}, status=403)
    guest.rest.patch(f"{path}{made['id']}/", {"role": "owner"}, status=403)
    stranger.rest.get(path, status=404)
    stranger.rest.delete(f"{path}{made['id']}/", status=404)
    (first,) = (row for row in owner.rest.get(path)["results"] if row["role"] == "owner")
    for attempt in (
        owner.rest.patch(f"{path}{first['id']}/", {"role": "viewer"}, status=409),
        owner.rest.delete(f"{path}{first['id']}/", status=409),
    ):
        assert attempt["code"] == "last_owner"
    assert owner.rest.patch(f"{path}{made['id']}/", {"role": "owner"})["role"] == "owner"
    owner.rest.delete(f"{path}{first['id']}/")
    owner.rest.get(f"organizations/{owner.organization_id}/", status=404)
    assert guest.rest.patch(f"organizations/{owner.organization_id}/", {"name": "New"})["name"] == "New"


def test_only_a_platform_admin_adds_organizations(server: Server, household: Household, unique: Unique) -> None:
    household.owner.rest.post("organizations/", {"name": unique("Org")}, status=403)
    made = server.rest().post("organizations/", {"name": unique("Org")}, status=201)
    assert made["role"] == "owner"
    household.owner.rest.get(f"organizations/{made['id']}/", status=404)
