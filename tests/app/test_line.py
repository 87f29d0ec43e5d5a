"""A phone without a network, a server that dies, a token that expires: what is on the screen is true all the time."""

import time
from typing import Any

import jwt
from playwright.sync_api import Page, Route, expect

from tests.app.conftest import MakeCharger, Phone, is_live, start_button, stop_button, tab
from tests.conftest import StartServer
from tests.support import frames
from tests.support.browser import Visits
from tests.support.people import People, Person, create_trio
from tests.support.server import Server

KEPT = "JSON.parse(localStorage.getItem('app.session'))"


def expire(page: Page, server: Server) -> dict[str, Any]:
    """Put in place of the access token the same one, long expired, which the phone's clock takes for a good one."""
    kept: dict[str, Any] = page.evaluate(KEPT)
    claims = jwt.decode(kept["access"], options={"verify_signature": False})
    claims.update(iat=int(time.time()) - 7200, exp=int(time.time()) - 6300)
    old = jwt.encode(claims, server.environment["SECRET_KEY"], "HS256")
    page.evaluate(f"(old) => localStorage.setItem('app.session', JSON.stringify({{...{KEPT}, access: old}}))", old)
    return {**kept, "access": old}


def is_offline(page: Page) -> None:
    expect(page.locator(".live")).to_have_attribute("data-state", "offline")


def test_the_network_goes_in_mid_session_and_comes_back(people: People, charger: MakeCharger, phone: Phone) -> None:
    with charger() as one:
        page = phone(people.member, f"?station={one.identity}")
        page.evaluate("navigator.serviceWorker.ready")
        start_button(page).click()
        one.expect_start()
        one.meter(2000, 6000)
        expect(page.locator(".power-number")).to_have_text("6.0")
        page.context.set_offline(True)
        is_offline(page)
        expect(page.locator(".banner", has_text="This phone is offline.")).to_contain_text("What you see is from")
        stop_button(page).click(force=True)
        expect(page.get_by_text("You are offline: nothing can be sent now.").first).to_be_visible()
        # It opens without a network, too, with what it last knew.
        page.reload()
        is_offline(page)
        expect(page.locator(".power-number")).to_have_text("6.0")
        tab(page, "News")
        expect(page.get_by_text("There is no connection, and this was not looked at before.")).to_be_visible()
        tab(page, "Charge")
        one.meter(3000, 9000)
        page.context.set_offline(False)
        is_live(page)
        expect(page.locator(".power-number")).to_have_text("9.0")
        expect(page.locator(".figures")).to_contain_text("2.00 kWh")
        assert not [call for call in one.station.calls if call.action == "RemoteStopTransaction"]
        stop_button(page).click()
        one.expect_stop(3000)
        expect(start_button(page)).to_be_visible()


def test_what_did_not_arrive_is_said_and_never_sent_later(people: People, charger: MakeCharger, phone: Phone) -> None:
    with charger() as one:
        page = phone(people.member, f"?station={one.identity}")
        page.route("**/commands/", lambda route: route.abort() if route.request.method == "POST" else route.continue_())
        start_button(page).click()
        expect(page.locator(".outcome")).to_contain_text("It did not reach the server: nothing was started.")
        page.unroute("**/commands/")

        # Here the server had it, and only its answer was lost.
        def lose_answer(route: Route) -> None:
            if route.request.method == "POST":
                route.fetch()
                route.abort()
            else:
                route.continue_()

        page.route("**/commands/", lose_answer)
        start_button(page).click()
        one.expect_start()
        expect(stop_button(page)).to_be_visible()
        expect(page.locator(".outcome")).to_contain_text("Charging has begun.")
        assert len([call for call in one.station.calls if call.action == "RemoteStartTransaction"]) == 1


def test_a_token_expires_unseen_in_every_tab_at_once(
    server: Server, people: People, charger: MakeCharger, phone: Phone
) -> None:
    page = phone(people.member)
    other = page.context.new_page()
    other.goto(f"{server.url}/app/")
    is_live(other)
    before = expire(page, server)
    for one in (page, other):
        tab(one, "Sessions")
    for one in (page, other):
        expect(one.get_by_role("heading", name="Last 30 days")).to_be_visible()
    after = page.evaluate(KEPT)
    assert after["refresh"] != before["refresh"]
    assert other.evaluate(KEPT) == after

    # The answer of a refresh is lost on the way: asked again under the same key, it comes again.
    keys: list[str] = []

    def lose_first(route: Route) -> None:
        keys.append(route.request.headers["idempotency-key"])
        if len(keys) > 1:
            route.continue_()
            return
        route.fetch()
        route.abort()

    page.context.route("**/auth/token/refresh/", lose_first)
    expire(page, server)
    tab(page, "News")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", name="What I want to be told")).to_be_visible()
    assert len(keys) > 1
    assert keys[0] == keys[1]
    is_live(other)


def test_the_end_of_a_sign_in_is_said(server: Server, visit: Visits, phone: Phone) -> None:
    member = create_trio(server).member
    page = phone(member)
    other = page.context.new_page()
    other.goto(f"{server.url}/app/")
    is_live(other)
    tab(page, "Profile")
    page.get_by_role("button", name="Sign out").click()
    for one in (page, other):
        expect(one.get_by_role("button", name="Sign in")).to_be_visible()
    page.wait_for_function("() => !Object.keys(localStorage).some((name) => name.startsWith('app.'))")
    # A wrong password is told in place; a changed one ends the sign-in of every phone.
    page.get_by_label("E-mail address").fill(member.email)
    page.get_by_label("Password").fill("not this one")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("wrong")
    page.get_by_label("Password").fill(member.password)
    page.get_by_role("button", name="Sign in").click()
    is_live(page)
    body = {"old_password": member.password, "new_password": "another sesame 77"}
    member.rest.post("me/password/", body, status=204)
    tab(page, "Sessions")
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    expect(page.locator(".notice")).to_be_visible()


def test_the_server_dies_in_mid_session(
    start_server: StartServer, visit: Visits, charger: MakeCharger, phone: Phone
) -> None:
    server = start_server()
    admin = Person(server, server.email, "owner", 1, server.password)
    one = charger("ocpp2.0.1", People(admin, admin, admin), server)
    with one:
        page = phone(admin, f"?station={one.identity}", url=server.url)
        start_button(page).click()
        one.expect_start()
        one.meter(2000, 6000)
        expect(page.locator(".power-number")).to_have_text("6.0")
        server.kill()
        expect(page.locator(".banner", has_text="The server does not answer.")).to_be_visible()
        server.start()
        one.station.connect()
        one.station.ok("BootNotification", frames.boot(one.protocol))
        one.meter(3000, 8000)
        is_live(page)
        expect(page.locator(".power-number")).to_have_text("8.0")
        expect(page.locator(".figures")).to_contain_text("2.00 kWh")
