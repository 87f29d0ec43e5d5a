"""The three big choices at a station, and the page of a schedule: by keyboard, on a phone."""

import re

from playwright.sync_api import expect

from tests.portal.conftest import Garage
from tests.support import frames
from tests.support.browser import Visits


def test_a_choice_says_why_and_a_window_is_added_by_keyboard(garage: Garage, visit: Visits) -> None:
    rest = garage.owner.rest
    tag = next(row["id"] for row in rest.each("id-tags/", id_tag=garage.tag))
    rest.patch("me/", {"default_id_tag": tag})
    with garage.connect() as station:
        station.ok("BootNotification", frames.boot())
        station.ok("StatusNotification", frames.status_16(1, "Available"))
        page = visit(
            f"{garage.server.url}/stations/{garage.identity}/",
            garage.owner,
            viewport={"width": 360, "height": 800},
            locale="en-GB",
        )
        expect(page.locator("#live")).to_have_attribute("data-state", "live")
        page.get_by_role("button", name="Smart").click()
        expect(page.get_by_role("button", name="Smart")).to_have_attribute("aria-pressed", "true")
        # 20 kWh at 0.30, without anyone having loaded the page again; early in the morning it begins at once.
        expect(page.locator(".outlet-plan")).to_contain_text(re.compile(r"about 6\.00 €|until 07:00 is too short"))
        page.locator(".outlet-plan").get_by_role("link", name="Change").click()
        expect(page.locator("#schedule-preview")).to_contain_text("20.0 kWh")
        page.get_by_role("radio", name="Smart").focus()
        page.keyboard.press("ArrowLeft")
        expect(page.get_by_role("radio", name="Schedule")).to_be_checked()
        row = page.get_by_role("group", name="Window 2")
        row.get_by_role("checkbox", name="Sat").focus()
        page.keyboard.press("Space")
        row.get_by_label("From").fill("10:00")
        row.get_by_label("To").fill("14:00")
        page.get_by_role("button", name="Save").press("Enter")
        expect(page.get_by_role("checkbox", name="Sat").nth(1)).to_be_checked()
    rest.patch("me/", {"default_id_tag": None})
    (made,) = rest.get("schedules/", params={"station": garage.identity})["results"]
    assert made["mode"] == "schedule"
    assert {"weekday": 5, "begin": "10:00", "end": "14:00", "limit_w": None} in made["windows"]
