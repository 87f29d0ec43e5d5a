"""The command palette: found with a few letters, driven by the keyboard, and only what the actor may see."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.portal.conftest import Garage, sign_in
from tests.portal.test_accessibility import violations
from tests.support import frames
from tests.support.browser import Visits
from tests.support.people import People
from tests.support.server import Server

HOSTILE = "<img src=x onerror=alert(1)>"


@dataclass
class Things:
    """A station, two tags and two sessions of the owner's organization; the member is the driver of one each."""

    station: str
    tag: str
    members_tag: str
    session: str
    members_session: str


@pytest.fixture(scope="module")
def things(server: Server, people: People) -> Things:
    people.owner.rest.create_station("PALETTE-1", name=f"Barn {HOSTILE}")
    people.owner.rest.post("sites/", {"name": "Palette Meadow", "time_zone": "UTC"}, status=201)
    member_id = people.member.rest.get("me/")["id"]
    people.owner.rest.create_tag("PALETTEAA", name="Blue card")
    people.owner.rest.create_tag("PALETTEBB", name="Red card", user=member_id)
    sessions = []
    with Garage(server, people.owner, "PALETTE-1", "").connect() as station:
        station.ok("BootNotification", frames.boot())
        for tag in ("PALETTEAA", "PALETTEBB"):
            started = station.ok("StartTransaction", frames.start_16(tag, 1000, frames.ts(-30)))["transactionId"]
            station.ok("StopTransaction", frames.stop_16(started, 4000))
    for tag in ("PALETTEAA", "PALETTEBB"):
        (row,) = [row for row in people.owner.rest.transactions("PALETTE-1") if row["id_tag"] == tag]
        sessions.append(str(row["id"]))
    return Things("PALETTE-1", "PALETTEAA", "PALETTEBB", *sessions)


def opened(page: Page) -> Locator:
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    page.keyboard.press("Control+k")
    dialog = page.get_by_role("dialog", name="Search")
    expect(dialog.get_by_role("option").first).to_be_visible()
    return dialog


def selected(dialog: Locator) -> Locator:
    return dialog.locator("[role=option][aria-selected=true]")


def test_it_works(server: Server, people: People, things: Things, visit: Visits) -> None:
    page = visit(server.url, people.owner)
    dialog = opened(page)
    field = dialog.get_by_role("combobox")
    expect(field).to_be_focused()
    field.press_sequentially("palette-")
    field.press("Enter")
    expect(page).to_have_url(f"{server.url}/stations/{things.station}/")
    for words, where in (
        ("red card", r"/id-tags/\d+/"),
        ("palettebb", r"/id-tags/\d+/"),
        (people.member.email, r"/members/\d+/"),
        (things.session, f"/transactions/{things.session}/"),
        (f"#{things.session}", f"/transactions/{things.session}/"),
        ("palette meadow", r"/sites/\d+/"),
        ("glossary", "/glossary/"),
        ("add station", "/add-station/"),
    ):
        page.goto(server.url)
        field = opened(page).get_by_role("combobox")
        field.fill(words)
        field.press("Enter")
        expect(page).to_have_url(re.compile(f"{re.escape(server.url)}{where}$"))


def test_the_keyboard_moves_through_it(server: Server, people: People, things: Things, visit: Visits) -> None:
    page = visit(server.url, people.owner)
    dialog = opened(page)
    field = dialog.get_by_role("combobox")
    expect(field).to_have_attribute("aria-expanded", "true")
    first = selected(dialog).get_attribute("id")
    expect(field).to_have_attribute("aria-activedescendant", str(first))
    field.press("ArrowDown")
    second = selected(dialog).get_attribute("id")
    assert second != first
    expect(field).to_have_attribute("aria-activedescendant", str(second))
    field.press("ArrowUp")
    field.press("ArrowUp")
    last = dialog.get_by_role("option").last
    expect(last).to_have_attribute("aria-selected", "true")
    expect(last).to_be_in_viewport()
    assert violations(page) == []
    field.fill("nothing is called like this")
    expect(dialog.get_by_text("Nothing fits")).to_be_visible()
    expect(dialog.get_by_role("status")).to_have_text("0 results")
    expect(field).to_have_attribute("aria-expanded", "false")
    assert violations(page) == []
    field.press("Enter")
    field.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page).to_have_url(f"{server.url}/")
    button = page.get_by_role("link", name="Search")
    button.focus()
    button.press("Enter")
    expect(field).to_be_focused()
    field.press("Escape")
    expect(button).to_be_focused()
    page.keyboard.press("Meta+k")
    expect(dialog).to_be_visible()
    page.keyboard.press("Control+k")
    expect(dialog).to_be_hidden()


def test_what_stations_call_themselves_is_text(server: Server, people: People, things: Things, visit: Visits) -> None:
    page = visit(server.url, people.owner)
    dialog = opened(page)
    dialog.get_by_role("combobox").fill("barn <img")
    expect(dialog.get_by_role("option", name=f"Barn {HOSTILE}")).to_be_visible()
    assert dialog.locator("img").count() == 0
    page.goto(f"{server.url}/palette/?q=barn+%3Cimg")
    expect(page.locator("main").get_by_role("link", name=f"Barn {HOSTILE}")).to_be_visible()
    assert page.locator("main img").count() == 0


def links(client: httpx.Client, words: str) -> set[str]:
    answer = client.get("/palette/", params={"q": words}, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    return set(re.findall(r'href="([^"]+)"', answer.text))


def test_it_finds_only_what_the_actor_may_see(server: Server, people: People, things: Things) -> None:
    owner, member, stranger = (sign_in(server, person) for person in (people.owner, people.member, people.stranger))
    station = f"/stations/{things.station}/"
    assert links(owner, "palette-1") >= {station}
    assert links(member, "palette-1") >= {station}
    assert links(stranger, "palette-1") == links(stranger, "palette meadow") == set()
    # A driver finds the own tag and the own session, and no colleague.
    assert len(links(owner, "paletteaa")) == len(links(owner, "palettebb")) == 1
    assert links(member, "paletteaa") == set()
    assert links(member, "palettebb") == links(owner, "palettebb")
    assert f"/transactions/{things.session}/" in links(owner, things.session)
    assert f"/transactions/{things.session}/" not in links(member, things.session)
    assert f"/transactions/{things.members_session}/" in links(member, things.members_session)
    for words in (things.session, things.members_session, "paletteaa", "palettebb", "red card"):
        # The digits of a session's number may be in the own address, or in the name of an own station.
        found = links(stranger, words)
        assert {link for link in found if not link.startswith(("/members/", "/stations/"))} == set()
        assert station not in found
    assert len(links(owner, people.member.email)) == 1
    assert len(links(member, people.member.email)) == 1
    assert links(member, people.owner.email) == set()
    assert links(stranger, people.owner.email) == links(stranger, people.member.email) == set()
    everywhere = links(member, "")
    assert "/stations/" in everywhere
    assert not everywhere & {"/members/", "/audit/", "/add-station/", "/waiting/", "/admin/"}
    assert links(owner, "") >= {"/members/", "/add-station/"}
    assert not links(owner, "") & {"/waiting/", "/admin/"}


@pytest.mark.parametrize("words", ["", "%", "_", "\x00", "9" * 40, "#", "'; --", "\\", "ß" * 500, "１２"])
def test_no_text_breaks_it(server: Server, people: People, words: str) -> None:
    links(sign_in(server, people.owner), words)


def test_every_place_it_names_is_there(server: Server, people: People) -> None:
    client = sign_in(server, people.owner)
    for path in links(client, ""):
        assert client.get(path).status_code == 200, path


def test_it_is_for_who_is_signed_in(server: Server) -> None:
    assert httpx.get(f"{server.url}/palette/").status_code == 302


def test_it_fits_a_phone(server: Server, people: People, visit: Visits, unique: Callable[[str], str]) -> None:
    page = visit(server.url, people.owner, viewport={"width": 360, "height": 700}, has_touch=True)
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    page.get_by_role("link", name="Search").tap()
    dialog = page.get_by_role("dialog", name="Search")
    expect(dialog.get_by_role("option").first).to_be_visible()
    box = dialog.bounding_box()
    assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= 360
    dialog.get_by_role("button", name="Close").tap()
    expect(dialog).to_be_hidden()
