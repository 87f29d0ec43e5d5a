"""The dashboard: cards that move by themselves, buttons that say what they can do, and the station's real answer."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.portal.conftest import Garage
from tests.portal.test_pages import settled
from tests.support import frames
from tests.support.browser import Visits
from tests.support.people import People
from tests.support.server import Server
from tests.support.station import SILENT


def card(page: Page, garage: Garage) -> Locator:
    """The station's card, once the page is live."""
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    return page.locator(".station-card", has_text=garage.identity)


def why(button: Locator) -> str:
    """Why a button cannot be pressed; empty when it can."""
    if button.get_attribute("aria-disabled") != "true":
        return ""
    reason = button.get_attribute("title") or ""
    assert reason, "a button that cannot be pressed must say why"
    return reason


def test_it_works(people: People, garage: Garage, visit: Visits) -> None:
    page = visit(garage.dashboard, people.owner)
    mine = card(page, garage)
    expect(page.get_by_role("heading", level=1)).to_contain_text("Owner")
    expect(page.get_by_role("main").get_by_text(people.owner.email)).to_be_visible()
    expect(mine.get_by_text("Offline")).to_be_visible()
    expect(mine.get_by_text("never connected")).to_be_visible()


def test_it_moves_without_being_loaded_again(people: People, garage: Garage, visit: Visits) -> None:
    page = visit(garage.dashboard, people.owner)
    mine = card(page, garage)
    page.evaluate("window.sameDocument = true")
    with garage.connect() as station:
        station.ok("BootNotification", frames.boot())
        expect(mine.get_by_text("Online")).to_be_visible()
        station.ok("StatusNotification", frames.status_16(1, "Preparing"))
        chip = mine.locator("[data-status]")
        expect(chip).to_have_text(re.compile("Preparing"))
        started = station.ok("StartTransaction", frames.start_16(garage.tag, 1000))["transactionId"]
        station.ok("StatusNotification", frames.status_16(1, "Charging"))
        expect(chip).to_have_text(re.compile("Charging"))
        station.ok("MeterValues", frames.meter_16(3000, 7400, transaction_id=started, soc_percent=61))
        expect(mine.locator("[data-figure=power]")).to_have_text("7.4 kW")
        expect(mine.locator("[data-figure=energy]")).to_have_text("2.00 kWh")
        expect(mine.locator("[data-figure=cost]")).to_have_text("0.60 €")
        expect(mine.get_by_role("img", name="Battery 61 %")).to_be_visible()
        station.ok("StopTransaction", frames.stop_16(started, 3500))
        station.ok("StatusNotification", frames.status_16(1, "Available"))
        expect(chip).to_have_text(re.compile("Available"))
        expect(mine.locator("[data-figure]")).to_have_count(0)
        station.ok("StatusNotification", frames.status_16(1, "Faulted", "GroundFailure", info="Leak"))
        expect(mine.get_by_text("GroundFailure – Leak")).to_be_visible()
        expect(page.locator("#tile-faults strong")).not_to_have_text("0")
    expect(mine.get_by_text("Offline")).to_be_visible()
    assert page.evaluate("window.sameDocument")


def test_buttons_say_what_they_can_do(people: People, garage: Garage, visit: Visits) -> None:
    page = visit(garage.dashboard, people.owner)
    mine = card(page, garage)
    reset = mine.get_by_role("button", name="Soft reset")
    assert "offline" in why(reset)
    with garage.connect() as station:
        station.ok("BootNotification", frames.boot())
        station.ok("StatusNotification", frames.status_16(1, "Available"))
        start, stop = (mine.get_by_role("button", name=name, exact=True) for name in ("Start", "Stop"))
        expect(start).not_to_have_attribute("aria-disabled", "true")
        assert not why(start) and "Nothing" in why(stop) and not why(reset)
        started = station.ok("StartTransaction", frames.start_16(garage.tag, 1000))["transactionId"]
        expect(stop).not_to_have_attribute("aria-disabled", "true")
        assert "running" in why(start)
        station.ok("StopTransaction", frames.stop_16(started, 1500))
        station.ok("StatusNotification", frames.status_16(1, "Faulted", "OtherError"))
        expect(mine.get_by_text("Faulted")).to_be_visible()
        assert "out of order" in why(start)
    expect(mine.get_by_text("Offline")).to_be_visible()
    assert "offline" in why(start) and "offline" in why(stop)


def test_a_driver_may_not_restart_or_end_what_others_began(people: People, garage: Garage, visit: Visits) -> None:
    with garage.connect() as station:
        station.ok("BootNotification", frames.boot())
        station.ok("StartTransaction", frames.start_16(garage.tag, 1000))
        station.ok("StatusNotification", frames.status_16(1, "Charging"))
        mine = card(visit(garage.dashboard, people.member), garage)
        assert "manager" in why(mine.get_by_role("button", name="Hard reset"))
        assert "Someone else" in why(mine.get_by_role("button", name="Stop", exact=True))
        assert why(mine.get_by_role("button", name="Start", exact=True))


def test_the_stations_answer_arrives(people: People, garage: Garage, visit: Visits) -> None:
    page = visit(garage.dashboard, people.owner)
    mine = card(page, garage)
    answers = {"RemoteStartTransaction": SILENT}
    with garage.connect(answers=answers) as station:
        station.ok("BootNotification", frames.boot())
        station.ok("StatusNotification", frames.status_16(1, "Preparing"))
        mine.locator("select[name=id_tag]").select_option(garage.tag)
        start = mine.get_by_role("button", name="Start", exact=True)
        start.click()
        outcome = mine.locator(".outlet .outcome")
        expect(outcome).to_contain_text("Waiting for")
        call = station.expect_call("RemoteStartTransaction")
        assert call.payload["idTag"] == garage.tag
        assert call.payload["connectorId"] == 1
        station.reply(call, {"status": "Rejected"})
        expect(outcome).to_contain_text("refused the start")
        expect(page.locator(".toast.error")).to_contain_text("refused the start")
        station.answers["RemoteStartTransaction"] = {"status": "Accepted"}
        start.click()
        expect(outcome).to_contain_text("accepted the start")
        # The outcome stays, and the chosen tag too, when the page is loaded again.
        page.reload()
        expect(card(page, garage).locator(".outlet .outcome")).to_contain_text("accepted the start")
        expect(mine.locator("select[name=id_tag]")).to_have_value(garage.tag)


def test_hard_commands_ask_first(people: People, garage: Garage, visit: Visits) -> None:
    page = visit(garage.dashboard, people.owner)
    mine = card(page, garage)
    with garage.connect(answers={"Reset": {"status": "Accepted"}}) as station:
        station.ok("BootNotification", frames.boot())
        reset = mine.get_by_role("button", name="Hard reset")
        expect(reset).not_to_have_attribute("aria-disabled", "true")
        reset.click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("cut off")
        dialog.get_by_role("button", name="Cancel").click()
        expect(dialog).to_be_hidden()
        reset.click()
        dialog.get_by_role("button", name="Hard reset").click()
        assert station.expect_call("Reset").payload == {"type": "Hard"}
        expect(mine.locator(".outcome", has_text="accepted the hard reset")).to_be_visible()
        assert [call.action for call in station.calls].count("Reset") == 1


def test_a_lost_line_is_seen_and_caught_up(start_server: object, visit: Visits) -> None:
    from tests.support.people import create_trio

    own: Server = start_server()  # type: ignore[operator]
    owner = create_trio(own).owner
    owner.rest.create_station("LOST-1", name="Lost and found")
    lost = ("WebSocket connection", "[object Event]")
    page = visit(own.url, owner, allow=lost)
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    settled(page)  # what a page asks for once is not what this is about
    page.evaluate("window.sameDocument = true")
    own.kill()
    expect(page.locator("#live")).to_have_attribute("data-state", "reconnecting")
    own.start()
    owner.rest.login().patch("stations/LOST-1/", {"name": "Found again"})
    expect(page.locator("#live")).to_have_attribute("data-state", "live", timeout=30_000)
    expect(page.get_by_role("link", name="Found again")).to_be_visible()
    assert page.evaluate("window.sameDocument")
