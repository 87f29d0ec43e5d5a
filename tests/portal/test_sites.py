"""Sites: the page of one with its stations on a plan, live; who may change it."""

import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from charging.plan import Place, spots_of
from tests.portal.conftest import Garage, Open, sign_in
from tests.support import frames
from tests.support.browser import Visits
from tests.support.people import People
from tests.support.server import Server
from tests.support.waiting import wait_until


def post(client: httpx.Client, path: str, **fields: str) -> httpx.Response:
    return client.post(path, data={"csrfmiddlewaretoken": client.cookies["csrftoken"], **fields})


@pytest.fixture
def site(people: People, garage: Garage, unique: Callable[[str], str]) -> dict[str, Any]:
    made = people.owner.rest.post("sites/", {"name": unique("SITE"), "time_zone": "Europe/Berlin"}, status=201)
    people.owner.rest.patch(f"stations/{garage.identity}/", {"site": made["id"]})
    return dict(made)


def test_places_become_spots() -> None:
    spots = spots_of(
        [
            Place(1, x_percent=10, y_percent=50, latitude=1, longitude=1),
            Place(2, latitude=52.0, longitude=13.0),
            Place(3, latitude=52.2, longitude=13.0),
            Place(4),
            Place(5, latitude=3),
        ]
    )
    assert (spots[1].x, spots[1].y) == (10, 22.5)
    assert spots[3].y < spots[2].y, "north is above"
    assert spots[2].x == spots[3].x == 50
    assert not spots[4].placed and not spots[5].placed
    assert all(0 <= spot.x <= 100 and 0 <= spot.y <= 45 for spot in spots.values())


def test_a_site_is_live(server: Server, people: People, garage: Garage, site: dict[str, Any], visit: Visits) -> None:
    page = visit(server.url, people.owner)
    page.goto(f"{server.url}/sites/{site['id']}/")
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    spot = page.locator("#site-plan .spot")
    expect(spot).to_have_class("spot off")
    with garage.connect() as station:
        station.ok("BootNotification", frames.boot())
        station.ok("StatusNotification", frames.status_16(1, "Available"))
        expect(spot).to_have_class("spot ok")
        started = station.ok("StartTransaction", frames.start_16(garage.tag, 0))["transactionId"]
        station.ok("StatusNotification", frames.status_16(1, "Charging"))
        station.ok("MeterValues", frames.meter_16(1000, 7400, transaction_id=started))
        expect(spot).to_have_class("spot busy")
        expect(page.locator("#site-tiles")).to_contain_text("7.4 kW")
        station.ok("StopTransaction", frames.stop_16(started, 2000))
        station.ok("StatusNotification", frames.status_16(1, "Faulted", "OtherError"))
        expect(spot).to_have_class("spot bad")
        expect(page.locator("#site-tiles")).to_contain_text("2.0 kWh")
        expect(page.locator("#site-tiles")).to_contain_text("0.60 €")


def test_a_station_is_dragged(
    server: Server, people: People, garage: Garage, site: dict[str, Any], visit: Visits
) -> None:
    page = visit(server.url, people.owner)
    page.goto(f"{server.url}/sites/{site['id']}/")
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    page.get_by_role("button", name="Arrange the plan").click()
    spot, plan = page.locator("#site-plan .spot circle"), page.locator("#site-plan svg")
    spot.scroll_into_view_if_needed()
    begin, ground = spot.bounding_box(), plan.bounding_box()
    assert begin and ground
    page.mouse.move(begin["x"] + begin["width"] / 2, begin["y"] + begin["height"] / 2)
    page.mouse.down()
    page.mouse.move(ground["x"] + ground["width"] / 2, ground["y"] + ground["height"] / 4, steps=4)
    with page.expect_response(re.compile("/plan/")):
        page.mouse.up()
    row = people.owner.rest.get(f"stations/{garage.identity}/")
    assert abs(row["plan_x_percent"] - 50) < 3
    assert abs(row["plan_y_percent"] - 25) < 5
    page.reload()
    expect(page.locator("#site-plan .spot")).to_have_attribute("transform", re.compile(r"^translate\((49|50|51)"))


def test_positions_are_numbers_too(server: Server, people: People, garage: Garage, site: dict[str, Any]) -> None:
    owner = sign_in(server, people.owner)
    pk = people.owner.rest.get(f"stations/{garage.identity}/")["id"]
    path = f"/sites/{site['id']}/plan/"
    assert post(owner, path, **{f"x-{pk}": "12,5", f"y-{pk}": "80"}).status_code == 302
    row = people.owner.rest.get(f"stations/{garage.identity}/")
    assert (row["plan_x_percent"], row["plan_y_percent"]) == (12.5, 80)
    post(owner, path, **{f"x-{pk}": "101", f"y-{pk}": "80"})
    assert "between 0 and 100" in owner.get(f"/sites/{site['id']}/").text
    post(owner, path, **{f"x-{pk}": "", f"y-{pk}": ""})
    assert people.owner.rest.get(f"stations/{garage.identity}/")["plan_x_percent"] is None


def test_a_site_is_changed(server: Server, people: People, site: dict[str, Any], garage: Garage) -> None:
    owner, path = sign_in(server, people.owner), f"/sites/{site['id']}/"
    form = {"name": site["name"], "address": "Main Street 1", "time_zone": "Europe/Paris"}
    assert post(owner, path, **form, latitude="48,85", longitude="2.35").status_code == 302
    changed = people.owner.rest.get(f"sites/{site['id']}/")
    assert (changed["time_zone"], changed["latitude"]) == ("Europe/Paris", 48.85)
    refused = post(owner, path, **{**form, "address": "Kept"}, latitude="123", longitude="2")
    assert refused.status_code == 400 and 'value="Kept"' in refused.text
    assert "between -90 and 90" in refused.text
    assert post(owner, "/fleet/", deed="price", price_per_kwh="0.77", all="1", filter=f"site={site['id']}").is_redirect
    assert people.owner.rest.get(f"stations/{garage.identity}/")["price_per_kwh"] == "0.77"


def test_who_sees_and_changes_a_site(
    server: Server, people: People, site: dict[str, Any], garage: Garage, live: Open
) -> None:
    path = f"/sites/{site['id']}/"
    member, stranger = sign_in(server, people.member), sign_in(server, people.stranger)
    shown = member.get(path)
    assert shown.status_code == 200 and 'id="arrange"' not in shown.text
    for answer in (post(member, path, name="Stolen"), post(member, f"{path}delete/")):
        assert answer.status_code == 403
    pk = people.owner.rest.get(f"stations/{garage.identity}/")["id"]
    assert post(member, f"{path}plan/", **{f"x-{pk}": "5", f"y-{pk}": "5"}).status_code == 403
    for answer in (stranger.get(path), post(stranger, path, name="Stolen"), post(stranger, f"{path}plan/")):
        assert answer.status_code == 404
    socket = live(people.stranger, f"/ws/pages/?view=site&site={site['id']}")
    with pytest.raises(Exception, match="4403"):
        socket.next()
    wait_until(lambda: people.owner.rest.get(f"sites/{site['id']}/")["name"] == site["name"])
