"""Charging from the phone, over the real server and real sockets: start, watch, stop, for each version; two phones."""

import re

import pytest
from playwright.sync_api import expect

from tests.app.conftest import MakeCharger, Phone, start_button, stop_button, tab
from tests.support.people import People
from tests.support.station import Refuse


@pytest.mark.parametrize("protocol", ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"])
def test_from_the_qr_code_to_the_receipt(people: People, charger: MakeCharger, phone: Phone, protocol: str) -> None:
    with charger(protocol) as one:
        page = phone(people.member, f"?station={one.identity}&connector=1-1")
        expect(page.get_by_text(f"Charger {one.identity}")).to_be_visible()
        assert page.url.endswith("/app/#/")
        start_button(page).click()
        one.expect_start()
        expect(stop_button(page)).to_be_visible()
        expect(page.get_by_text("Charging has begun.")).to_be_visible()
        one.meter(3500, 7400)
        expect(page.locator(".power-number")).to_have_text("7.4")
        expect(page.locator(".figures")).to_contain_text("2.50 kWh")
        expect(page.locator(".figures")).to_contain_text("0.75 €")
        expect(page.locator(".figures dd").nth(3)).to_have_text(re.compile(r"0:0\d:\d\d"))
        if one.is_16:
            expect(page.locator(".figures")).to_contain_text("61 %")
        stop_button(page).click()
        one.expect_stop(4000)
        expect(start_button(page)).to_be_visible()
        expect(page.locator(".outcome")).to_contain_text("accepted the stop")
        page.get_by_role("link", name="Ended: 3.00 kWh").click()
        expect(page.locator(".facts")).to_contain_text("0.90 €")
        with page.expect_download() as download:
            page.get_by_role("button", name="Receipt (PDF)").click()
        assert download.value.path().read_bytes().startswith(b"%PDF")


def test_two_phones_see_the_same_and_a_stranger_nothing(people: People, charger: MakeCharger, phone: Phone) -> None:
    with charger() as one:
        path = f"?station={one.identity}"
        first, second, foreign = phone(people.member, path), phone(people.owner, path), phone(people.stranger, path)
        expect(foreign.get_by_text(f"There is no station “{one.identity}”")).to_be_visible()
        start_button(first).click()
        one.expect_start()
        one.meter(2000, 11_000)
        for page in (first, second):
            expect(page.locator(".power-number")).to_have_text("11.0")
            expect(stop_button(page)).to_be_visible()
        expect(second.get_by_text("Member")).to_be_visible()
        # The manager's phone ends it, and the driver's shows so.
        stop_button(second).click()
        one.expect_stop(2500)
        for page in (first, second):
            expect(start_button(page)).to_be_visible()
        tab(foreign, "Sessions")
        expect(foreign.get_by_text("Nothing charged yet.")).to_be_visible()
        assert one.identity not in foreign.locator("main").inner_text()


def test_the_station_has_the_last_word(people: People, charger: MakeCharger, phone: Phone) -> None:
    with charger() as one:
        one.station.answers["RemoteStartTransaction"] = {"status": "Rejected"}
        page = phone(people.member, f"?station={one.identity}")
        start_button(page).click()
        expect(page.locator(".outcome")).to_contain_text("refused the start")
        one.station.answers["RemoteStartTransaction"] = Refuse("InternalError", "the relay sticks")
        start_button(page).click()
        expect(page.locator(".outcome")).to_contain_text("the relay sticks")
        expect(start_button(page)).to_be_enabled()


def test_a_schedule_is_set_and_says_why(people: People, charger: MakeCharger, phone: Phone) -> None:
    with charger() as one:
        page = phone(people.member, f"?station={one.identity}")
        tab(page, "Schedule")
        expect(page.locator(".reason").last).not_to_be_empty()
        expect(page.get_by_role("img", name="Price per kWh until")).to_be_visible()
        page.get_by_label("Energy (kWh)").fill("12.5")
        page.get_by_label("Ready by").fill("06:30")
        page.get_by_role("button", name="Set the schedule").click()
        expect(page.get_by_role("button", name="Charge now, this once")).to_be_visible()
        (made,) = people.member.rest.get(f"schedules/?station={one.identity}")["results"]
        assert (made["mode"], made["target_wh"], made["ready_by"]) == ("smart", 12_500, "06:30")
        page.get_by_text("Schedule", exact=True).nth(1).click()
        page.get_by_label("Monday").uncheck(force=True)
        page.get_by_label("From").fill("21:00")
        page.get_by_role("button", name="Save").click()
        expect(page.locator(".chip", has_text="Schedule")).to_be_visible()
        (made,) = people.member.rest.get(f"schedules/?station={one.identity}")["results"]
        assert made["mode"] == "schedule"
        assert [row["weekday"] for row in made["windows"]] == [1, 2, 3, 4, 5, 6]
        page.get_by_role("switch", name="Switched on").uncheck()
        expect(page.locator(".chip", has_text="Switched off")).to_be_visible()
        # What cannot be is said beside its field.
        page.get_by_text("Smart", exact=True).click()
        page.get_by_label("Energy (kWh)").fill("")
        page.get_by_role("button", name="Save").click()
        expect(page.locator("[data-field=target_wh] .problem")).to_contain_text("Say how much")
