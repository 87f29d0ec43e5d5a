"""From an empty server to the first station that introduces itself: the steps, the live wait, what may be skipped."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from urllib.parse import quote

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.conftest import StartServer
from tests.portal.conftest import sign_in
from tests.portal.test_accessibility import violations
from tests.support import frames
from tests.support.browser import Visits
from tests.support.environment import ROOT
from tests.support.people import People
from tests.support.server import Server
from tests.support.station import Station, upgrade
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow

EMAIL, PASSWORD = "first@example.com", "long enough to be good 5"


def set_up_link(server: Server) -> str:
    """What the server prints once it is ready; that it answers may come a moment earlier."""
    wait_until(lambda: "Ctrl-C" in server.log(), "the server's first words")
    found = re.search(r"http://\S+(/setup/\S+/)", server.log())
    assert found is not None, server.log()
    return server.url + found.group(1)


@pytest.fixture
def fresh(start_server: StartServer) -> Server:
    """An empty server: nobody has an account yet."""
    return start_server({"DJANGO_SUPERUSER_EMAIL": None, "DJANGO_SUPERUSER_PASSWORD": None})


@pytest.fixture
def newcomer(fresh: Server, visit: Visits) -> Page:
    """Who has opened the printed link and made the first account."""
    page = visit(set_up_link(fresh), timezone_id="Europe/Berlin", allow=("400",))
    page.get_by_label("Your name").fill("First")
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Organization").fill("The house")
    page.get_by_role("button", name="Set up").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your first site")
    return page


@pytest.fixture
def simulated(fresh: Server) -> Iterator[Callable[[str, str], None]]:
    """`simulated(identity, password)` -> a simulated wallbox that comes and stays."""
    running: list[subprocess.Popen[bytes]] = []

    def start(identity: str, password: str) -> None:
        command = ["simulate", "--url", fresh.ocpp_url, "--identity", identity, "--password", password]
        running.append(subprocess.Popen([sys.executable, "manage.py", *command], cwd=ROOT, env=fresh.environment))

    yield start
    for process in running:
        process.terminate()
        process.wait(20)


def test_it_works(fresh: Server, newcomer: Page, simulated: Callable[[str, str], None]) -> None:
    page = newcomer
    expect(page.get_by_label("Name", exact=True)).to_have_value("The house")
    expect(page.get_by_label("Time zone")).to_have_value("Europe/Berlin")
    page.get_by_label("Name", exact=True).fill("Hill farm")
    page.get_by_label("Address").fill("1 Hill Road")
    page.get_by_label("Price per kWh").fill("0,3x")
    page.get_by_role("button", name="Save and continue").click()
    expect(page.locator("#price_per_kwh-note")).to_contain_text("not a number")
    expect(page.get_by_label("Address")).to_have_value("1 Hill Road")
    page.get_by_label("Price per kWh").fill("0,32")
    page.get_by_role("button", name="Save and continue").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Connect your charger")
    expect(page.get_by_label("Identity")).to_have_value("HILL-FARM-1")
    expect(page.get_by_text("BIND=0.0.0.0")).to_be_visible()
    page.get_by_role("button", name="Make a password").click()
    expect(page.locator("#secret-identity")).to_have_text("HILL-FARM-1")
    expect(page.locator("#secret-url")).to_contain_text(f":{fresh.ocpp_port}/OCPP")
    expect(page.get_by_text("Waiting for HILL-FARM-1")).to_be_visible()
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    assert violations(page) == []
    page.evaluate("window.sameDocument = true")

    simulated("HILL-FARM-1", page.locator("#secret-password").inner_text())
    party = page.locator("[data-celebration]")
    expect(party).to_contain_text("HILL-FARM-1 is here!", timeout=60_000)
    expect(page.locator("#secret-password")).to_be_hidden()
    assert page.evaluate("window.sameDocument"), "the page was loaded again"
    assert violations(page) == []
    told = fresh.rest(EMAIL, PASSWORD).get("stations/HILL-FARM-1/")
    expect(party).to_contain_text(told["vendor"])
    expect(party).to_contain_text(told["model"])
    assert told["price_per_kwh"] == "0.32"
    (site,) = fresh.rest(EMAIL, PASSWORD).get("sites/")["results"]
    assert (site["name"], site["time_zone"], told["site"]) == ("Hill farm", "Europe/Berlin", site["id"])
    party.get_by_role("link", name="To the station").click()
    expect(page).to_have_url(f"{fresh.url}/stations/HILL-FARM-1/")
    page.goto(fresh.url)
    expect(page.locator(".station-card")).to_have_count(1)
    expect(page.get_by_text("Finish the set-up")).to_have_count(0)


def test_steps_are_skipped_and_resumed(fresh: Server, newcomer: Page) -> None:
    page = newcomer
    page.get_by_role("link", name="Skip", exact=True).click()
    page.get_by_role("link", name="Later").click()
    expect(page).to_have_url(f"{fresh.url}/")
    expect(page.get_by_text("your first site")).to_be_visible()
    page.get_by_role("link", name="Continue").click()
    page.get_by_label("Name", exact=True).fill("Yard")
    page.get_by_role("button", name="Save and continue").click()
    page.get_by_role("button", name="Make a password").click()
    first = page.locator("#secret-password").inner_text()
    page.get_by_role("link", name="Later").click()
    expect(page.get_by_text("YARD-1 has not come yet")).to_be_visible()
    page.get_by_role("link", name="Continue").click()
    assert first not in page.content()
    page.get_by_role("button", name="Make a new one").click()
    second = page.locator("#secret-password").inner_text()
    assert upgrade(fresh, "/OCPP/YARD-1", identity="YARD-1", password=first).status == 401
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    with Station(fresh, "YARD-1", password=second) as station:
        expect(page.get_by_text("YARD-1 is connected")).to_be_visible()
        station.ok("BootNotification", frames.boot(vendor="Maker", model="<b>Model</b>"))
        expect(page.locator("[data-celebration]")).to_contain_text("<b>Model</b>")
    page.goto(f"{fresh.url}/welcome/")
    expect(page).to_have_url(f"{fresh.url}/")


def test_the_reminder_is_put_away(fresh: Server, newcomer: Page) -> None:
    page = newcomer
    page.goto(fresh.url)
    page.get_by_role("button", name="Do not remind me").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Hello")
    expect(page.get_by_text("Finish the set-up")).to_have_count(0)


def test_a_station_that_knocks_is_adopted_on_the_spot(fresh: Server, newcomer: Page) -> None:
    page = newcomer
    page.get_by_label("Price per kWh").fill("0.45")
    page.get_by_role("button", name="Save and continue").click()
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    identity = "<img src=x onerror=alert(1)>'\"&"
    # Twice: the second news comes over a line that has been told of the first.
    for attempts in ("knocked once", "knocked 2 times"):
        assert upgrade(fresh, f"/OCPP/{quote(identity, safe='')}", identity=identity).status == 404
        expect(page.locator(".knocking")).to_contain_text(attempts)
    expect(page.locator(".knocking h3")).to_have_text(identity)
    assert page.locator("main img").count() == 0
    page.locator(".knocking").get_by_role("button", name="Adopt with the password it has").click()
    expect(page.get_by_text("there is nothing to enter")).to_be_visible()
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    with Station(fresh, identity, path=f"/OCPP/{quote(identity, safe='')}") as station:
        station.ok("BootNotification", frames.boot())
        expect(page.locator("[data-celebration] h2")).to_have_text(f"{identity} is here!")
    (told,) = fresh.rest(EMAIL, PASSWORD).get("stations/")["results"]
    assert told["price_per_kwh"] == "0.45"
    assert told["site"] is not None


def test_one_that_brings_no_password_gets_one(fresh: Server, newcomer: Page) -> None:
    page = newcomer
    page.goto(f"{fresh.url}/welcome/charger/")
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    upgrade(fresh, "/OCPP/PLAIN-7", password=None)
    page.locator(".knocking").get_by_role("button", name="Adopt", exact=True).click()
    password = page.locator("#secret-password").inner_text()
    with Station(fresh, "PLAIN-7", password=password) as station:
        station.ok("BootNotification", frames.boot())
        expect(page.locator("[data-celebration]")).to_be_visible()


def test_who_knocks_is_shown_to_platform_admins_alone(
    server: Server, people: People, visit: Visits, unique: Callable[[str], str]
) -> None:
    page = visit(server.url, people.stranger)
    page.goto(f"{server.url}/welcome/charger/")
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    identity = unique("KNOCK")
    upgrade(server, f"/OCPP/{identity}")
    # A station of the own organization is news that is told; the one that knocked before it would have been, too.
    mine = unique("MINE")
    people.stranger.rest.create_station(mine)
    with Station(server, mine) as station:
        station.ok("BootNotification", frames.boot())
        expect(page.locator("[data-celebration]")).to_be_visible()
    assert identity not in page.content()
    client = sign_in(server, people.stranger)
    token = {"csrfmiddlewaretoken": client.cookies["csrftoken"]}
    assert client.post(f"/welcome/charger/{identity}/adopt/", data=token).status_code in (403, 404)
    assert client.post(f"/welcome/charger/{identity}/adopt/", data={**token, "learn": "1"}).status_code in (403, 404)


def test_a_driver_sets_nothing_up(server: Server, people: People) -> None:
    client = sign_in(server, people.member)
    token = {"csrfmiddlewaretoken": client.cookies["csrftoken"]}
    for path in ("/welcome/", "/welcome/site/", "/welcome/charger/"):
        assert client.get(path).status_code == 403
    sites = people.owner.rest.get("sites/")["count"]
    assert client.post("/welcome/site/", data={**token, "name": "Mine", "time_zone": "UTC"}).status_code == 403
    assert client.post("/welcome/charger/", data={**token, "identity": "MINE-1"}).status_code == 403
    assert client.post("/welcome/put-away/", data=token).status_code == 403
    assert people.owner.rest.get("sites/")["count"] == sites
    assert "Finish the set-up" not in client.get("/").text
    assert httpx.get(f"{server.url}/welcome/").status_code == 302
