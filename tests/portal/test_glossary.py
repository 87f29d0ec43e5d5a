"""Each term of OCPP explains itself beside its field, by keyboard and without JavaScript."""

import pytest
from playwright.sync_api import expect

from charging.glossary import TERMS
from tests.portal.conftest import Garage
from tests.portal.test_accessibility import violations
from tests.support.browser import Visits
from tests.support.people import People
from tests.support.server import Server


def test_it_works(server: Server, people: People, visit: Visits) -> None:
    page = visit(server.url, people.owner)
    page.goto(f"{server.url}/add-station/")
    help_button = page.get_by_role("button", name="What is this: Identity")
    text = page.locator("#term-identity-identity")
    expect(text).to_be_hidden()
    help_button.focus()
    help_button.press("Enter")
    expect(text).to_be_visible()
    expect(text).to_contain_text("ChargeBoxId")
    assert violations(page) == []
    page.keyboard.press("Escape")
    expect(text).to_be_hidden()
    expect(help_button).to_be_focused()
    # Beside its button, not in the middle of the page.
    help_button.click()
    button, shown = help_button.bounding_box(), text.bounding_box()
    assert button and shown
    assert abs(shown["y"] - button["y"]) < 120


@pytest.mark.parametrize("width", [360, 1440])
def test_a_station_explains_itself(server: Server, garage: Garage, visit: Visits, width: int) -> None:
    with garage.connect() as station:
        station.ok("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
        station.ok("StatusNotification", {"connectorId": 1, "status": "Available", "errorCode": "NoError"})
        page = visit(server.url, garage.owner, viewport={"width": width, "height": 800})
        page.goto(f"{server.url}/stations/{garage.identity}/")
        for name in ("Identity", "Security profile", "Connector", "Soft and hard reset"):
            page.get_by_role("button", name=f"What is this: {name}", exact=True).first.click()
            shown = page.locator("[popover]:popover-open")
            expect(shown).to_have_count(1)
            box = shown.bounding_box()
            assert box and box["x"] >= 0 and box["x"] + box["width"] <= width
            page.keyboard.press("Escape")
        ids = page.evaluate("Array.from(document.querySelectorAll('[id]'), (element) => element.id)")
        assert sorted(ids) == sorted(set(ids)), "an id is there twice"


def test_the_glossary_has_all_of_them(server: Server, people: People, visit: Visits) -> None:
    page = visit(server.url, people.member)
    page.goto(f"{server.url}/glossary/")
    expect(page.locator("main dt")).to_have_count(len(TERMS))
    expect(page.locator("#evse")).to_contain_text("one car at a time")
    assert violations(page) == []
