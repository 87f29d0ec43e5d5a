"""What is installed: manifest, worker, versioned files; how little is transferred; both languages; axe; push."""

import json
import re
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from accounts.push_crypto import encoded
from mobility import driver_app, driver_app_texts
from tests.app.conftest import MakeCharger, Phone, is_live, start_button, stop_button, tab
from tests.portal.test_accessibility import violations
from tests.portal.test_german import english, remnants
from tests.support.browser import Visits
from tests.support.environment import ROOT
from tests.support.people import People
from tests.support.server import Server

MODULES = sorted((ROOT / "static/app/js").glob("*.js"))
LIMIT = 100 * 1024


def built(server: Server) -> dict[str, Any]:
    """What the service worker knows of its version."""
    answer = httpx.get(f"{server.url}/app/worker.js")
    assert answer.headers["cache-control"] == "no-cache"
    found: dict[str, Any] = json.loads(answer.text.split(" = ", 1)[1].split(";\n", 1)[0])
    return found


def test_it_names_all_it_says() -> None:
    """The list that is translated is what the modules name."""
    named = set()
    for path in MODULES:
        found = re.findall(r"\bt\(\s*(?:[^\"()]+ \? )?\"((?:[^\"\\]|\\.)*)\"", path.read_text())
        named.update(found)
    assert named == set(driver_app_texts.TEXTS)


def test_icons_are_there_and_versions_follow_the_files(tmp_path: Any) -> None:
    used = set(re.findall(r'(?:icon\(|sign: |sign = )"(\w+)"', "".join(path.read_text() for path in MODULES)))
    drawn = set(re.findall(r"^  (\w+): \"[Mm]", (ROOT / "static/app/js/dom.js").read_text(), re.MULTILINE))
    assert used - drawn == set()
    (tmp_path / "worker.js").write_text("// one\n")
    (tmp_path / "app.css").write_text("body { color: red }\n")
    first = driver_app.read(tmp_path)
    assert driver_app.read(tmp_path).version == first.version
    (tmp_path / "app.css").write_text("body { color: blue }\n")
    assert driver_app.read(tmp_path).version != first.version
    assert b"@font-face" not in first.files["tokens.css"].body


def test_files_are_kept_for_good_under_their_version_alone(server: Server) -> None:
    build = built(server)
    for path in build["files"]:
        answer = httpx.get(server.url + path)
        assert answer.status_code == 200, path
        assert answer.headers["cache-control"] == ("no-cache" if path == "/app/" else driver_app.FOR_GOOD)
        # A shell or a file that differed by person could not be kept.
        assert "set-cookie" not in answer.headers
    shell = httpx.get(f"{server.url}/app/")
    assert "default-src 'self'" in shell.headers["content-security-policy"]
    assert "unsafe" not in shell.headers["content-security-policy"]
    assert httpx.get(f"{server.url}/app/0000/app.css").status_code == 404
    assert httpx.get(f"{server.url}{build['base']}worker.js").status_code == 404
    assert httpx.get(f"{server.url}{build['base']}../../manage.py").status_code == 404


def test_it_transfers_less_than_100_kib(server: Server, visit: Visits) -> None:
    page = visit(f"{server.url}/healthz", allow=("404",))
    answers: list[Any] = []
    page.on("response", lambda answer: answers.append(answer))
    page.goto(f"{server.url}/app/")
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    page.evaluate("navigator.serviceWorker.ready")
    shown = 0
    for answer in answers:
        sizes = answer.request.sizes()
        shown += sizes["responseBodySize"] + sizes["responseHeadersSize"]
    with httpx.Client(base_url=server.url) as client:
        kept = 0
        for path in [*built(server)["files"], "/app/worker.js", "/app/manifest.webmanifest"]:
            answer = client.get(path)
            kept += answer.num_bytes_downloaded + sum(len(name) + len(value) + 4 for name, value in answer.headers.raw)
    assert 10_000 < shown < LIMIT, shown
    assert 10_000 < kept < LIMIT, kept


def test_it_can_be_installed(people: People, phone: Phone, server: Server) -> None:
    page = phone(people.member)
    page.evaluate("navigator.serviceWorker.ready")
    page.reload()
    is_live(page)
    assert page.evaluate("navigator.serviceWorker.controller.scriptURL").endswith("/app/worker.js")
    browser = page.context.new_cdp_session(page)
    told = browser.send("Page.getAppManifest")
    assert told["errors"] == []
    manifest = json.loads(told["data"])
    assert (manifest["start_url"], manifest["display"]) == ("/app/", "standalone")
    for found in manifest["icons"]:
        image = httpx.get(server.url + found["src"])
        width = int.from_bytes(image.content[16:20], "big")
        assert (image.headers["content-type"], f"{width}x{width}") == ("image/png", found["sizes"])
    # A private window, such as a test's, installs nothing; anything else would be our fault.
    errors = browser.send("Page.getInstallabilityErrors")["installabilityErrors"]
    assert {error["errorId"] for error in errors} <= {"in-incognito"}
    kept = page.evaluate("async () => (await (await caches.open((await caches.keys())[0])).keys()).length")
    assert kept == len(built(server)["files"])


def test_push_is_shown_and_opens_its_session(people: People, phone: Phone, server: Server) -> None:
    page = phone(people.member)
    page.context.grant_permissions(["notifications"], origin=server.url)
    page.evaluate("navigator.serviceWorker.ready")
    page.reload()
    is_live(page)
    browser = page.context.new_cdp_session(page)
    registrations: list[dict[str, Any]] = []
    browser.on("ServiceWorker.workerRegistrationUpdated", lambda event: registrations.extend(event["registrations"]))
    browser.send("ServiceWorker.enable")
    page.wait_for_function("() => true")
    (registration,) = [one for one in registrations if one["scopeURL"].startswith(server.url)]
    data = {"title": "Charging has ended", "body": "3.00 kWh", "path": "/transactions/7/", "tag": "t7"}
    message = {"origin": server.url, "registrationId": registration["registrationId"], "data": json.dumps(data)}
    browser.send("ServiceWorker.deliverPushMessage", message)
    shown = "async () => (await (await navigator.serviceWorker.ready).getNotifications()).map((one) => one.title)"
    page.wait_for_function(f"async () => (await ({shown})()).includes('Charging has ended')")


def test_a_phone_subscribes_and_no_longer(people: People, phone: Phone, server: Server) -> None:
    """The browser's push service is not reached from a test: a stand-in says what a browser would."""
    page = phone(people.member)
    page.context.grant_permissions(["notifications"], origin=server.url)
    keys = {"p256dh": encoded(b"\x04" + bytes.fromhex(POINT)), "auth": encoded(b"0123456789abcdef")}
    page.evaluate(STAND_IN, {"endpoint": "https://push.example.invalid/one", "keys": keys})
    tab(page, "News")
    switch = page.get_by_role("switch", name="Tell me on this phone")
    switch.check()
    expect(switch).to_be_enabled()
    (row,) = people.member.rest.get("push-subscriptions/")["results"]
    assert row["endpoint"] == "https://push.example.invalid/one"
    switch.uncheck()
    expect(switch).to_be_enabled()
    assert people.member.rest.get("push-subscriptions/")["results"] == []
    box = page.get_by_role("checkbox", name="Your session has started: Push")
    with page.expect_response("**/me/notifications/"):
        box.check()
    assert people.member.rest.get("me/notifications/")["events"]["session_started"]["push"] is True


#: The generator of the curve P-256: a point that every browser's key could be.
POINT = (
    "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
)
STAND_IN = """async (told) => {
  const { pushManager } = await navigator.serviceWorker.ready;
  let made = null;
  const proto = Object.getPrototypeOf(pushManager);
  proto.getSubscription = async () => made;
  proto.subscribe = async () => (made = { endpoint: told.endpoint, toJSON: () => told,
    unsubscribe: async () => { made = null; return true; }, options: {} });
}"""


@pytest.mark.parametrize(("width", "height", "scheme"), [(360, 740, "dark"), (1280, 800, "light")])
def test_each_page_is_accessible(
    people: People, charger: MakeCharger, phone: Phone, width: int, height: int, scheme: str
) -> None:
    with charger() as one:
        size = {"width": width, "height": height}
        page = phone(people.member, f"?station={one.identity}", viewport=size, color_scheme=scheme, is_mobile=False)
        start_button(page).click()
        one.expect_start()
        one.meter(2000, 6000)
        expect(stop_button(page)).to_be_visible()
        wrong = [f"home: {line}" for line in violations(page)]
        for name in ("Schedule", "Sessions", "News", "Profile"):
            tab(page, name)
            drawn(page)
            wrong += [f"{name}: {line}" for line in violations(page)]
            beyond = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert beyond <= 0, f"{name} is {beyond} px too wide"
        tab(page, "Sessions")
        page.locator(".list a.row").first.click()
        expect(page.locator(".facts")).to_be_visible()
        wrong += [f"session: {line}" for line in violations(page)]
        tab(page, "Charge")
        page.locator(".picker").click()
        expect(page.get_by_role("dialog")).to_be_visible()
        wrong += [f"stations: {line}" for line in violations(page)]
        page.keyboard.press("Escape")
        stop_button(page).click()
        one.expect_stop(2500)
        assert not wrong, "\n".join(wrong)


def drawn(page: Page) -> None:
    """Wait until what a page asked for is on it."""
    expect(page.locator("main .card, main .empty").first).to_be_visible()


def test_all_of_it_is_german(people: People, charger: MakeCharger, phone: Phone) -> None:
    people.member.rest.patch("me/", {"language": "", "time_zone": ""})
    with charger() as one:
        page = phone(people.member, f"?station={one.identity}", locale="de-DE")
        assert people.member.rest.get("me/")["language"] == "de"
        sources = english() - {"Name", "Version", "Smart", "System", "App", "Portal"}
        left = remnants(page, sources)
        for name in ("Zeitplan", "Ladevorgänge", "Neues", "Profil"):
            tab(page, name)
            drawn(page)
            left += [f"{name}: {text}" for text in remnants(page, sources)]
            beyond = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert beyond <= 0, f"{name} is {beyond} px too wide"
        assert left == []
        # The choice is the person's: it is there on another phone, whatever that one's browser speaks.
        other = phone(people.member)
        expect(other.get_by_role("link", name="Zeitplan", exact=True)).to_be_visible()
        page.get_by_label("Sprache").select_option("en")
        expect(page.get_by_role("heading", name="Profile")).to_be_visible()
        page.get_by_text("Dark", exact=True).click()
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("button", name="Sign in")).to_be_visible()
        me = people.member.rest.get("me/")
        assert (me["language"], me["theme"], me["time_zone"]) == ("en", "dark", "Europe/Berlin")
        people.member.rest.patch("me/", {"language": "", "theme": "system", "time_zone": ""})
