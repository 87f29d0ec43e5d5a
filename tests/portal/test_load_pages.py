"""The pages of a site's load and of a station's charging profiles: live, and worked by keyboard alone."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.portal.conftest import Garage, sign_in
from tests.support import frames
from tests.support.browser import Visits
from tests.support.people import People
from tests.support.server import Server


@pytest.fixture
def site(people: People, garage: Garage, unique: Callable[[str], str]) -> dict[str, Any]:
    made = people.owner.rest.post("sites/", {"name": unique("SITE"), "time_zone": "Europe/Berlin"}, status=201)
    people.owner.rest.patch(f"stations/{garage.identity}/", {"site": made["id"]})
    return dict(made)


def test_a_site_gets_its_circuits_and_balances(
    server: Server, people: People, garage: Garage, site: dict[str, Any], visit: Visits
) -> None:
    page = visit(server.url, people.owner)
    with garage.connect() as station:
        station.answers["SetChargingProfile"] = {"status": "Accepted"}
        station.ok("BootNotification", frames.boot())
        station.ok("StatusNotification", frames.status_16(1, "Available"))
        page.goto(f"{server.url}/sites/{site['id']}/")
        page.get_by_role("link", name="Load", exact=True).click()
        page.get_by_label("Name").fill("Main fuse")
        for phase in ("L1", "L2", "L3"):
            page.get_by_label(f"Limit on {phase} in A").fill("20")
        page.get_by_role("button", name="Add circuit").click()
        page.get_by_role("button", name="Put it there").click()
        page.get_by_label("Balance the load of this site").check()
        page.locator("form:has([value=rules])").get_by_role("button", name="Save").click()
        expect(page.locator("#live")).to_have_attribute("data-state", "live")
        region = page.locator("#region")
        expect(region).to_contain_text("The fail-safe of 0 A holds.")
        station.ok("StartTransaction", frames.start_16(garage.tag, 0))
        expect(region).to_contain_text("Gets 20 A: a fair share, since Main fuse is full on L1.")
        expect(region).to_contain_text("The limit of 20 A is accepted.")
        expect(region).to_contain_text("20 A may, 20 A are allowed")


def test_a_profile_is_made_with_the_keyboard(server: Server, people: People, garage: Garage, visit: Visits) -> None:
    page = visit(server.url, people.owner, allow=("400",))
    with garage.connect() as station:
        station.answers["SetChargingProfile"] = {"status": "Accepted"}
        station.ok("BootNotification", frames.boot())
        station.ok("StatusNotification", frames.status_16(1, "Available"))
        page.goto(f"{server.url}/stations/{garage.identity}/")
        page.get_by_role("link", name="Charging profiles").click()
        expect(page.locator("#region")).to_contain_text("No profile limits this EVSE now.")
        page.get_by_label("Limit 1", exact=True).focus()
        page.keyboard.type("16")
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        page.keyboard.type("8:00")
        page.keyboard.press("Tab")
        page.keyboard.type("10")
        expect(page.locator("#preview")).to_be_visible()
        page.get_by_role("button", name="Send to the station").press("Enter")
        sent = station.expect_call("SetChargingProfile").payload["csChargingProfiles"]["chargingSchedule"]
        assert [(row["startPeriod"], row["limit"]) for row in sent["chargingSchedulePeriod"]] == [(0, 16), (28800, 10)]
        expect(page.locator("#region")).to_contain_text("Accepted")
        expect(page.locator("#region .step-chart .computed")).to_have_count(1)
        page.get_by_label("Limit 1", exact=True).fill("much")
        page.get_by_role("button", name="Send to the station").click()
        expect(page.get_by_role("alert")).to_contain_text("Period 1 has a limit of 0 or more.")
        expect(page.get_by_label("Limit 1", exact=True)).to_have_value("much")


def test_who_may_see_and_change(server: Server, people: People, garage: Garage, site: dict[str, Any]) -> None:
    load, profiles = f"/sites/{site['id']}/load/", f"/stations/{garage.identity}/profiles/"
    member, stranger = sign_in(server, people.member), sign_in(server, people.stranger)
    assert member.get(load).status_code == 200
    assert member.get(profiles).status_code == 403, "profiles tell of other people's charging"
    token = {"csrfmiddlewaretoken": member.cookies["csrftoken"]}
    assert member.post(load, data={**token, "do": "circuit-add", "name": "X"}).status_code == 403
    assert [stranger.get(path).status_code for path in (load, profiles)] == [404, 404]
    rest = people.stranger.rest
    for path in ("circuits/", "outlets/", "load/"):
        rest.get(f"sites/{site['id']}/{path}", status=404)
    rest.post(f"sites/{site['id']}/meter/", {"surplus_w": 1}, status=404)
    assert people.member.rest.get("charging-profiles/")["count"] == 0
