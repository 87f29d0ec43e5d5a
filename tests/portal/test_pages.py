"""Every page: whole on a phone and on a wide screen, in light and dark, with nothing in the console."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.portal.conftest import Garage
from tests.support import frames
from tests.support.browser import Visits
from tests.support.people import People
from tests.support.server import Server

PATHS = [
    "/",
    "/stations/",
    "/stations/{identity}/",
    "/stations/{identity}/profiles/",
    "/sites/{site}/load/",
    "/add-station/",
    "/transactions/",
    "/transactions/{transaction}/",
    "/statistics/",
    "/id-tags/",
    "/schedules/",
    "/schedules/new/",
    "/reservations/",
    "/jobs/",
    "/jobs/{job}/",
    "/job-groups/{job_group}/",
    "/jobs/new/?station={identity}",
    "/jobs/new/?kind=log",
    "/firmware/",
    "/cars/",
    "/sites/",
    "/tariffs/",
    "/tariffs/new/",
    "/tariffs/{tariff}/",
    "/prices/",
    "/statements/",
    "/profile/",
    "/profile/delete/",
    "/profile/notifications/",
    "/webhooks/",
    "/members/",
    "/api-keys/",
    "/security-events/",
    "/audit/",
]
ADMIN_PATHS = ["/waiting/", "/admin/", "/admin/charging/chargingstation/", "/api/docs/"]


def settled(page: Page) -> None:
    """Live, and with everything that the page asks for by itself; shorter than waiting until the network is idle."""
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    expect(page.locator(".htmx-request")).to_have_count(0)


def test_every_page_is_there(server: Server, people: People, filled: dict[str, str], visit: Visits) -> None:
    """Its headings and its ways on; `test_accessibility.py` looks at widths and colours."""
    page = visit(server.url, people.owner, locale="en-GB")
    for path in PATHS:
        answer = page.goto(server.url + path.format(**filled))
        assert answer is not None and answer.status == 200, path
        settled(page)
        expect(page.get_by_role("heading", level=1).or_(page.get_by_role("heading", level=2)).first).to_be_visible()
        expect(page.get_by_role("navigation", name="Main")).to_be_visible()


def test_admins_pages(server: Server, visit: Visits) -> None:
    page = visit(server.url, server)
    for path in ADMIN_PATHS:
        answer = page.goto(server.url + path)
        assert answer is not None and answer.status == 200, path
        page.wait_for_load_state("networkidle")


def test_the_policy_allows_no_inline_script(server: Server, visit: Visits, people: People) -> None:
    page = visit(server.url, people.owner, allow=("Content Security Policy",))
    answer = page.goto(server.url + "/")
    assert answer is not None
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=\"data:,\" onerror=\"window.broken = 1\">')")
    script = "const s = document.createElement('script'); s.textContent = 'window.broken = 1'; document.body.append(s)"
    page.evaluate(script)
    assert page.evaluate("window.broken") is None


def test_the_theme_is_kept(server: Server, people: People, visit: Visits) -> None:
    page = visit(server.url, people.stranger, color_scheme="light")
    settled(page)
    toggle = page.locator("[data-theme-toggle]")
    root = page.locator("html")
    while root.get_attribute("data-theme") != "dark":
        with page.expect_response(re.compile("/theme/")):
            toggle.click()
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.reload()
    assert root.get_attribute("data-theme") == "dark"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == dark
    assert people.stranger.rest.get("me/")["theme"] == "dark"


def test_a_refused_form_keeps_what_was_typed(server: Server, people: People, visit: Visits) -> None:
    page = visit(server.url, people.owner, allow=("400",))
    page.goto(server.url + "/add-station/")
    page.get_by_label("Identity").fill("not:allowed")
    page.get_by_label("Name").fill("Kept name")
    page.get_by_label("Price per kWh").fill("0,4x")
    page.get_by_role("button", name="Add station").click()
    expect(page.get_by_label("Name")).to_have_value("Kept name")
    expect(page.get_by_label("Identity")).to_have_value("not:allowed")
    expect(page.locator("#identity-note")).to_contain_text("neither ':'")
    expect(page.locator("#price_per_kwh")).to_have_attribute("aria-invalid", "true")


def test_adding_a_station_shows_its_password_once(
    server: Server, people: People, visit: Visits, unique: Callable[[str], str]
) -> None:
    identity = unique("NEW")
    page = visit(server.url, people.owner)
    page.goto(server.url + "/add-station/")
    page.get_by_label("Identity").fill(identity)
    page.get_by_label("Price per kWh").fill("0,35")
    page.get_by_role("button", name="Add station").click()
    password = page.locator("#secret-password").inner_text()
    assert len(password) >= 16
    expect(page.locator("#secret-identity")).to_have_text(identity)
    expect(page.get_by_text("BIND=0.0.0.0")).to_be_visible()
    garage = Garage(server, people.owner, identity, "")
    with garage.connect(password=password) as station:
        assert station.ok("BootNotification", frames.boot())["status"] == "Accepted"
    page.goto(f"{server.url}/stations/{identity}/")
    assert password not in page.content()
    assert people.owner.rest.get(f"stations/{identity}/")["price_per_kwh"] == "0.35"


def test_lists_filter_by_their_address(server: Server, people: People, filled: dict[str, str], visit: Visits) -> None:
    page = visit(server.url, people.owner)
    page.goto(server.url + "/stations/?q=behind+the+house")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.goto(server.url + "/stations/?q=behind+the+house&online=1")
    expect(page.get_by_text("No station fits")).to_be_visible()
    page.goto(server.url + "/transactions/?q=Card&state=ended")
    # Other tests on this server may have charged here, too.
    expect(page.locator("tbody tr", has_text="3.00 kWh")).not_to_have_count(0)
    expect(page.locator("tbody tr").filter(has_not_text="Ended")).to_have_count(0)
    page.goto(server.url + "/transactions/?from=2001-01-01&to=2001-01-02")
    expect(page.get_by_text("No session fits")).to_be_visible()


def test_a_knocking_station_is_adopted(server: Server, visit: Visits, unique: Callable[[str], str]) -> None:
    from websockets.exceptions import InvalidStatus

    identity = unique("KNOCK")
    garage = Garage(server, None, identity, "")  # type: ignore[arg-type]
    with pytest.raises(InvalidStatus):
        garage.connect().connect()
    page = visit(server.url, server)
    page.goto(server.url + "/waiting/")
    row = page.locator("article", has_text=identity)
    row.get_by_role("button", name="Adopt", exact=True).click()
    password = page.locator("#secret-password").inner_text()
    with garage.connect(password=password) as station:
        assert station.ok("BootNotification", frames.boot())["status"] == "Accepted"
