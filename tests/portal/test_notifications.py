"""The pages of notifications and webhooks, as people use them."""

from collections.abc import Callable

import httpx
from playwright.sync_api import expect

from tests.portal.conftest import Open, sign_in
from tests.portal.test_pages import settled
from tests.support import frames
from tests.support.browser import Visits
from tests.support.forms import post
from tests.support.people import People, create_people, create_trio
from tests.support.server import Server
from tests.support.station import Station


def test_a_wish_is_saved_as_its_box_is_ticked(server: Server, visit: Visits) -> None:
    # Someone of whom no other test has told anything.
    member = create_trio(server).member
    page = visit(server.url, member)
    page.goto(f"{server.url}/profile/notifications/")
    expect(page.get_by_role("heading", name="Nothing yet")).to_be_visible()
    box = page.get_by_role("checkbox", name="Your session has started: Bell")
    expect(box).not_to_be_checked()
    box.check()
    expect(page.get_by_text("Saved.")).to_be_visible()
    events = member.rest.get("me/notifications/")["events"]
    assert events["session_started"] == {"email": False, "push": False, "portal": True}
    page.reload()
    expect(box).to_be_checked()
    expect(page.get_by_role("checkbox", name="A station or an outlet reports a fault: Bell")).to_have_count(0)
    # Where there is no mail server the page says so; where push can be, it is offered.
    expect(page.get_by_text("This server sends no mail")).to_be_visible()
    expect(page.get_by_role("button", name="Notify me in this browser")).to_be_visible()


def test_a_webhook_is_added_tried_paused_and_deleted(server: Server, visit: Visits) -> None:
    page = visit(server.url, create_trio(server).owner, allow=("400",))
    page.goto(f"{server.url}/webhooks/")
    page.get_by_label("Address").fill("http://192.168.1.5/hook")
    page.get_by_role("checkbox", name="A session ended").check()
    page.get_by_role("button", name="Add the webhook").click()
    expect(page.locator("#url-note")).to_contain_text("own network")
    expect(page.get_by_role("checkbox", name="A session ended")).to_be_checked()
    page.get_by_label("Address").fill("https://hooks.example.invalid/in")
    page.get_by_label("Description").fill("Billing")
    page.get_by_role("button", name="Add the webhook").click()
    secret = page.locator("#secret-text").inner_text()
    assert secret.startswith("whsec_")
    page.get_by_role("link", name="Billing").click()
    assert secret not in page.content()
    page.get_by_role("button", name="Send a test").click()
    expect(page.get_by_text("The test is on its way.")).to_be_visible()
    page.locator(".deliveries summary").click()
    expect(page.locator(".deliveries pre")).to_contain_text('"event": "webhook.test"')
    page.get_by_role("button", name="New secret").click()
    page.get_by_role("dialog").get_by_role("button", name="New secret").click()
    expect(page.locator("#secret-text")).not_to_have_text(secret)
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("dialog").get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Paused: it is told nothing")).to_be_visible()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="No webhook yet")).to_be_visible()


def test_the_pages_are_for_those_whom_they_concern(
    server: Server, people: People, unique: Callable[[str], str]
) -> None:
    url, name = "https://example.invalid/", unique("HOOK")
    body = {"url": url, "events": ["id_tag.*"], "description": name}
    hook = people.owner.rest.post("webhooks/", body, status=201)
    owner, member, stranger = (sign_in(server, one) for one in (people.owner, people.member, people.stranger))
    path = f"/webhooks/{hook['id']}/"
    assert name in owner.get("/webhooks/").text
    assert owner.get(path).status_code == 200
    assert (member.get("/webhooks/").status_code, member.get(path).status_code) == (403, 404)
    assert name not in stranger.get("/webhooks/").text
    for one in (member, stranger):
        assert post(one, path, deed="delete").status_code == 404
        assert post(one, path + "deliveries/1/replay/").status_code == 404
    organization = str(people.owner.organization_id)
    assert post(stranger, "/webhooks/", url=url, events="*", organization=organization).status_code == 404
    assert httpx.get(f"{server.url}/profile/notifications/").status_code == 302
    assert post(owner, path, deed="delete").headers["location"] == "/webhooks/"


def test_the_bell_rings_on_the_open_page_of_the_person_alone(
    server: Server, visit: Visits, live: Open, unique: Callable[[str], str]
) -> None:
    owner, manager = create_people(server, ("Oda", "owner", "Bells"), ("Max", "manager", "Bells"))
    identity = unique("BELL")
    owner.rest.create_station(identity)
    manager.rest.patch("me/notifications/", {"events": {"station_fault": {"portal": False}}})
    page = visit(server.url + "/cars/", owner)
    settled(page)
    # From here on only what comes over the line rings it.
    page.route("**/profile/notifications/unread/", lambda route: route.abort())
    expect(page.locator("#bell .badge")).to_have_count(0)
    colleague, phone = live(manager), live(owner)
    with Station(server, identity) as station:
        station.ok("BootNotification", frames.boot())
        station.ok("StatusNotification", frames.status_16(1, "Faulted", "GroundFailure"))
        rung = phone.until(lambda message: message["event"] == "notification.created")
        assert identity in rung["data"]["title"]
        expect(page.locator("#bell .badge")).to_have_text("1")
        station.ok("StatusNotification", frames.status_16(1, "Available"))
        over = colleague.until(lambda message: message.get("data", {}).get("status") == "Available")
    assert over["station"] == identity
    assert "notification.created" not in [message["event"] for message in colleague.seen]
