"""What is not yours does not exist; what a station says is text, on the page and in what arrives later."""

import re
from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import expect

from tests.portal.conftest import Garage, Open, sign_in
from tests.support import frames
from tests.support.browser import Visits
from tests.support.people import People
from tests.support.server import Server

PATHS = [
    "/stations/{identity}/",
    "/stations/{identity}/messages/",
    "/stations/{identity}/configuration/",
    "/stations/{identity}/security/",
    "/stations/{identity}/quarantine/",
    "/transactions/{transaction}/",
    "/waiting/",
]
HOSTILE = "<img src=x: onerror=alert(1)><b>&\"'"


@pytest.fixture
def charged(garage: Garage) -> tuple[str, str]:
    """(identity, transaction) of a session in the owner's organization."""
    with garage.connect() as station:
        station.ok("BootNotification", frames.boot())
        started = station.ok("StartTransaction", frames.start_16(garage.tag, 0))["transactionId"]
        station.ok("StopTransaction", frames.stop_16(started, 500))
    return garage.identity, str(garage.owner.rest.transactions(garage.identity)[0]["id"])


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}], ids=["page", "partial"])
def test_a_stranger_sees_nothing(
    server: Server, people: People, charged: tuple[str, str], headers: dict[str, str]
) -> None:
    identity, transaction = charged
    stranger = sign_in(server, people.stranger)
    for path in PATHS:
        answer = stranger.get(path.format(identity=identity, transaction=transaction), headers=headers)
        assert answer.status_code == 404, path
        assert identity not in answer.text.replace(path.format(identity=identity, transaction=transaction), "")
    for path in ("/", "/stations/", "/transactions/", "/id-tags/", f"/stations/?q={identity}"):
        answer = stranger.get(path, headers=headers)
        assert answer.status_code == 200, path
        assert f"/{identity}/" not in answer.text
    token = {"csrfmiddlewaretoken": stranger.cookies["csrftoken"]}
    for path in ("commands", "edit", "password", "delete"):
        answer = stranger.post(f"/stations/{identity}/{path}/", data={**token, "command": "reset"}, headers=headers)
        assert answer.status_code == 404, path


def test_a_stranger_is_shown_nothing_live(charged: tuple[str, str], live: Open, people: People) -> None:
    identity, transaction = charged
    for query in (f"view=station&station={identity}", f"view=transaction&transaction={transaction}"):
        socket = live(people.stranger, f"/ws/pages/?{query}")
        with pytest.raises(Exception, match="4403"):
            socket.next()
    board = live(people.stranger, "/ws/pages/?view=dashboard&again=1").next()
    assert 'id="region"' in board
    assert identity not in board


def test_nobody_is_sent_to_the_sign_in_and_comes_back(server: Server, charged: tuple[str, str]) -> None:
    anonymous = httpx.Client(base_url=server.url)
    answer = anonymous.get(f"/stations/{charged[0]}/")
    assert answer.status_code == 302
    assert answer.headers["location"] == f"/login/?next=/stations/{charged[0]}/"
    partial = anonymous.get("/", headers={"HX-Request": "true", "HX-Current-URL": f"{server.url}/stations/"})
    assert partial.headers["hx-redirect"] == "/login/?next=/stations/"


def test_a_form_from_elsewhere_changes_nothing(server: Server, people: People, garage: Garage) -> None:
    owner = sign_in(server, people.owner)
    answer = owner.post(f"/stations/{garage.identity}/edit/", data={"name": "Stolen"})
    assert answer.status_code == 403
    assert people.owner.rest.get(f"stations/{garage.identity}/")["name"] != "Stolen"
    assert owner.get("/logout/").status_code == 405
    assert owner.get("/profile/").status_code == 200


def test_what_a_station_says_is_text(
    server: Server, people: People, garage: Garage, visit: Visits, unique: Callable[[str], str]
) -> None:
    page = visit(garage.dashboard, people.owner)
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    page.on("dialog", lambda dialog: pytest.fail(f"a station's text ran as script: {dialog.message}"))
    mine = page.locator(".station-card", has_text=garage.identity)
    with garage.connect() as station:
        station.ok("BootNotification", frames.boot(vendor=HOSTILE[:20], model=HOSTILE[:20]))
        hostile = frames.status_16(1, "Faulted", "OtherError", info=HOSTILE, vendorErrorCode=HOSTILE)
        station.ok("StatusNotification", hostile)
        # Live, and after loading the page.
        expect(mine.locator(".outlet-error")).to_contain_text(HOSTILE)
        page.reload()
        expect(mine.locator(".outlet-error")).to_contain_text(HOSTILE)
        people.owner.rest.patch(f"stations/{garage.identity}/", {"name": HOSTILE + garage.identity})
        expect(mine.get_by_role("heading")).to_have_text(re.compile(re.escape(HOSTILE)))
        page.goto(f"{server.url}/stations/{garage.identity}/")
        expect(page.get_by_text(HOSTILE[:20]).first).to_be_visible()
        expect(page.locator("#panel-messages")).to_contain_text("StatusNotification")
        page.locator("#panel-messages summary", has_text="StatusNotification").first.click()
        expect(page.locator("#panel-messages pre").first).to_contain_text("onerror=alert(1)")
        assert page.locator("main img").count() == 0
        assert page.locator("main b").count() == 0
