"""The list of stations: order, filters, and deeds at many stations with a result from each."""

import re
from collections.abc import Callable

import httpx
from playwright.sync_api import expect

from tests.portal.conftest import Garage, sign_in
from tests.support import frames
from tests.support.browser import Visits
from tests.support.people import People
from tests.support.server import Server


def post(client: httpx.Client, **fields: str | list[str]) -> httpx.Response:
    return client.post("/fleet/", data={"csrfmiddlewaretoken": client.cookies["csrftoken"], **fields})


def listed(client: httpx.Client, query: str) -> list[str]:
    """The identities on the page, in their order."""
    page = client.get(f"/stations/?{query}")
    assert page.status_code == 200
    return re.findall(r'class="row-link break" href="/stations/([^/]+)/"', page.text)


def test_order_and_filters_are_in_the_address(
    server: Server, people: People, rest: object, unique: Callable[[str], str]
) -> None:
    mark = unique("SORT")
    owner = people.owner.rest
    site = owner.post("sites/", {"name": mark}, status=201)["id"]
    owner.create_station(f"{mark}-A", name=f"{mark} zebra", price_per_kwh="0.10")
    owner.create_station(f"{mark}-B", name=f"{mark} apple", price_per_kwh="0.30", site=site)
    owner.create_station(f"{mark}-C", name=f"{mark} melon", price_per_kwh=None)
    client = sign_in(server, people.owner)
    orders = {"": "BCA", "-name": "ACB", "identity": "ABC", "price": "ABC", "-price": "BAC", "newest": "CBA"}
    for sort, wanted in orders.items():
        assert listed(client, f"q={mark}&sort={sort}") == [f"{mark}-{letter}" for letter in wanted], sort
    assert listed(client, f"q={mark}&sort=site")[0] == f"{mark}-B"
    assert listed(client, f"q={mark}&site={site}") == [f"{mark}-B"]
    assert listed(client, f"q={mark}&protocol=2.1") == []
    page = client.get(f"/stations/?q={mark}&sort=price").text
    assert f"?q={mark}&amp;sort=-price" in page and 'aria-sort="ascending"' in page
    assert listed(client, "sort=nonsense&site=x&page=99999")


def test_a_deed_at_many_stations(
    server: Server, people: People, visit: Visits, garage: Garage, unique: Callable[[str], str]
) -> None:
    mark = unique("MANY")
    names = [f"{mark}-{number}" for number in range(3)]
    for name in names:
        people.owner.rest.create_station(name)
    stations = [Garage(server, people.owner, name, "") for name in names]
    with (
        stations[0].connect(answers={"Reset": {"status": "Accepted"}}) as yes,
        stations[1].connect(answers={"Reset": {"status": "Rejected"}}) as no,
    ):
        for station in (yes, no):
            station.ok("BootNotification", frames.boot())
        page = visit(server.url, people.owner)
        page.goto(f"{server.url}/stations/?q={mark}")
        expect(page.locator("#live")).to_have_attribute("data-state", "live")
        page.get_by_label("Tick all on this page").check()
        # A row that comes anew keeps its tick.
        yes.ok("StatusNotification", frames.status_16(1, "Faulted", "OtherError"))
        expect(page.locator("tbody tr", has_text="Faulted")).to_be_visible()
        expect(page.get_by_label(f"Choose {names[0]}")).to_be_checked()
        expect(page.locator(".bulk-count")).to_contain_text("3")
        page.get_by_label("What to do").select_option("soft_reset")
        page.locator("#bulk").get_by_role("button", name="Do it").click()
        page.get_by_role("dialog").get_by_role("button", name="Do it").click()
        expect(page.locator("tr", has_text=names[0])).to_contain_text("accepted the soft reset")
        expect(page.locator("tr", has_text=names[1])).to_contain_text("refused the soft reset")
        expect(page.locator("li", has_text=names[2])).to_contain_text("not connected")
        expect(page.locator("[data-count=accepted]")).to_have_text("1")
        expect(page.locator("[data-count=waiting]")).to_have_text("0")
        assert yes.expect_call("Reset").payload == {"type": "Soft"}


def test_price_and_site_of_many(server: Server, people: People, unique: Callable[[str], str]) -> None:
    mark = unique("PRICE")
    site = people.owner.rest.post("sites/", {"name": mark}, status=201)["id"]
    for number in range(3):
        people.owner.rest.create_station(f"{mark}-{number}")
    owner = sign_in(server, people.owner)
    two = [f"{mark}-0", f"{mark}-1"]
    assert post(owner, deed="price", price_per_kwh="0,41", identity=two).headers["location"] == "/fleet/"
    assert owner.get("/fleet/").text.count("Saved.") == 2
    assert post(owner, deed="site", site=str(site), all="1", filter=f"q={mark}").status_code == 302
    rows = [people.owner.rest.get(f"stations/{mark}-{number}/") for number in range(3)]
    assert [row["price_per_kwh"] for row in rows] == ["0.41", "0.41", "0.30"]
    assert {row["site"] for row in rows} == {site}
    post(owner, deed="price", price_per_kwh="cheap", identity=two)
    assert "not a number" in owner.get("/fleet/").text


def test_one_foreign_station_refuses_all(
    server: Server, people: People, garage: Garage, unique: Callable[[str], str]
) -> None:
    theirs = unique("THEIRS")
    people.stranger.rest.create_station(theirs)
    for client, identities, status in (
        (sign_in(server, people.stranger), [theirs, garage.identity], 404),
        (sign_in(server, people.owner), [garage.identity, "does-not-exist"], 404),
        (sign_in(server, people.owner), [], 400),
    ):
        assert post(client, deed="price", price_per_kwh="9", identity=identities).status_code == status
    assert people.owner.rest.get(f"stations/{garage.identity}/")["price_per_kwh"] == "0.30"
    assert people.stranger.rest.get(f"stations/{theirs}/")["price_per_kwh"] == "0.30"


def test_a_member_changes_nothing(server: Server, people: People, garage: Garage) -> None:
    member = sign_in(server, people.member)
    assert 'id="bulk"' not in member.get("/stations/").text
    post(member, deed="price", price_per_kwh="9", identity=[garage.identity])
    assert "needs manager" in member.get("/fleet/").text
    assert people.owner.rest.get(f"stations/{garage.identity}/")["price_per_kwh"] == "0.30"
