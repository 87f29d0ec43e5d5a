"""`manage.py demo`: stations that charge while one watches, and data that is there once however often it is loaded."""

import re

from playwright.sync_api import expect

from tests.conftest import StartServer
from tests.support.browser import Visits, sign_in
from tests.support.waiting import wait_until


def test_it_works(start_server: StartServer, visit: Visits) -> None:
    server = start_server({"DJANGO_SUPERUSER_EMAIL": None, "DJANGO_SUPERUSER_PASSWORD": None}, command=("demo",))
    login = wait_until(lambda: re.search(r"(owner@\S+)\s+(\S+)", server.log()), "the printed login")
    email, password = login.groups()
    page = visit(server.url)
    sign_in(page, email, password)
    expect(page.locator(".station-card")).to_have_count(3)
    for identity in ("DEMO-16", "DEMO-201", "DEMO-21"):
        mine = page.locator(".station-card", has_text=identity)
        expect(mine.locator("[data-status=Charging]").first).to_be_visible(timeout=60_000)
        expect(mine.locator("[data-figure=energy]")).not_to_have_text("0.00 kWh", timeout=60_000)
    rest = server.rest(email, password)
    page.close()
    before = rest.get("transactions/")["count"]
    assert before > 50
    server.restart()
    assert rest.login().get("stations/")["count"] == 3
    # What charged when it was stopped was ended properly, and nothing of the past came twice.
    running = rest.get("transactions/", params={"state": "charging"})["results"]
    assert rest.get("transactions/")["count"] - before <= 3
    assert len(running) <= 3
    assert server.stop() == 0
