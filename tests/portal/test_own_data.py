"""One's own data: to take along, and to be forgotten."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from playwright.sync_api import expect

from tests.portal.conftest import Garage, sign_in
from tests.support import frames
from tests.support.browser import Visits
from tests.support.forms import post
from tests.support.people import People, create_trio
from tests.support.server import Server
from tests.support.station import Station


@dataclass
class Driven:
    """A driver with a tag and a car, and a station at which the driver and the owner have charged."""

    people: People
    garage: Garage
    tag: str
    owners_tag: str


def charge(station: Station, tag: str, energy_wh: int) -> None:
    started = station.ok("StartTransaction", frames.start_16(tag, 0, frames.ts(-30)))["transactionId"]
    station.ok("StopTransaction", frames.stop_16(started, energy_wh))


@pytest.fixture
def driven(server: Server, unique: Callable[[str], str]) -> Driven:
    people = create_trio(server)
    rest, identity = people.owner.rest, unique("OWN")
    tag, owners_tag = f"D{secrets.token_hex(6)}".upper(), f"O{secrets.token_hex(6)}".upper()
    rest.create_station(identity)
    rest.create_tag(tag, user=people.member.rest.get("me/")["id"])
    rest.create_tag(owners_tag, user=rest.get("me/")["id"])
    people.member.rest.post("cars/", {"name": "Drivers car", "license_plate": "HI DE 1"})
    garage = Garage(server, people.owner, identity, tag)
    with garage.connect() as station:
        station.ok("BootNotification", frames.boot())
        charge(station, tag, 3000)
        charge(station, owners_tag, 5000)
    return Driven(people, garage, tag, owners_tag)


def test_it_works(server: Server, driven: Driven, visit: Visits) -> None:
    member = driven.people.member
    told = sign_in(server, member).get("/profile/data.json")
    assert "attachment" in told.headers["content-disposition"]
    data = told.json()
    assert data["profile"]["email"] == member.email
    assert [row["role"] for row in data["organizations"]] == ["driver"]
    assert [row["id_tag"] for row in data["id_tags"]] == [driven.tag]
    assert [row["license_plate"] for row in data["cars"]] == ["HI DE 1"]
    assert [row["energy_wh"] for row in data["sessions"]] == [3000]
    assert driven.owners_tag not in told.text

    page = visit(server.url, member, allow=("400",))
    page.goto(server.url + "/profile/")
    page.get_by_role("link", name="Delete the account").click()
    for password in ("not it", member.password):
        page.get_by_label("Your password").fill(password)
        page.get_by_role("button", name="Delete the account").click()
        page.get_by_role("dialog").get_by_role("button", name="Delete the account").click()
        if password == "not it":
            expect(page.get_by_text("This is not your password.")).to_be_visible()
    expect(page.get_by_text("Your account is deleted.")).to_be_visible()

    rows = {row["energy_wh"]: row for row in driven.people.owner.rest.transactions(driven.garage.identity)}
    assert set(rows) == {3000, 5000}
    assert (rows[3000]["user"], rows[3000]["car"], rows[3000]["id_tag"]) == (None, None, "(deleted)")
    assert rows[3000]["cost"] is not None
    assert rows[5000]["id_tag"] == driven.owners_tag
    tables = ["accounts_user", "accounts_audit", "charging_car", "charging_idtag", "charging_transaction"]
    tables += ["axes_accesslog", "accounts_membership"]
    kept = str([server.rows(f"SELECT * FROM {table}") for table in tables])
    assert driven.people.owner.email in kept
    for trace in (member.email, driven.tag, "HI DE 1"):
        assert trace not in kept
    anonymous = driven.people.owner.rest.send("GET", f"organizations/{member.organization_id}/members/").json()
    assert [row["role"] for row in anonymous["results"]] == ["owner"]
    with driven.garage.connect() as station:
        assert station.ok("Authorize", {"idTag": driven.tag})["idTagInfo"]["status"] == "Invalid"


def test_the_last_owner_hands_over_first(server: Server, driven: Driven) -> None:
    owner = driven.people.owner
    refused = post(sign_in(server, owner), "/profile/delete/", password=owner.password)
    assert refused.status_code == 400
    assert "You are the last owner of Hillside" in refused.text
    server.shell(
        "from accounts.models import Membership; "
        f"Membership.objects.filter(user__email={driven.people.member.email!r}).update(role='owner')"
    )
    assert post(sign_in(server, owner), "/profile/delete/", password=owner.password).status_code == 302
    assert not server.rows("SELECT id FROM accounts_user WHERE email = ?", owner.email)


def test_nobody_goes_while_charging(server: Server, driven: Driven) -> None:
    member = driven.people.member
    with driven.garage.connect() as station:
        started = station.ok("StartTransaction", frames.start_16(driven.tag, 9000))["transactionId"]
        refused = post(sign_in(server, member), "/profile/delete/", password=member.password)
        assert refused.status_code == 400
        assert "session of yours is running" in refused.text
        station.ok("StopTransaction", frames.stop_16(started, 9500))
    assert post(sign_in(server, member), "/profile/delete/", password=member.password).status_code == 302


def test_looking_deletes_nothing(server: Server, driven: Driven) -> None:
    client = sign_in(server, driven.people.member)
    assert client.get("/profile/delete/").status_code == 200
    assert client.post("/profile/delete/", data={"password": driven.people.member.password}).status_code == 403
    assert client.get("/profile/").status_code == 200
