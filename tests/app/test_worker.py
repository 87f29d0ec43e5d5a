"""The service worker: a new version waits until it is wanted, and a notification opens what it is about."""

import pytest
from playwright.sync_api import Page, Worker, expect

from tests.app.conftest import MakeCharger, Phone, is_live
from tests.conftest import StartServer
from tests.support.people import People
from tests.support.server import Server
from tests.support.waiting import wait_until

#: Only a person's touch lets a worker bring a window to the front; here nobody touches anything.
TOUCHED = """async ([title, path]) => {
  const brought = [];
  WindowClient.prototype.focus = async function () { brought.push(this.url); return this; };
  self.clients.openWindow = async (target) => { brought.push(target); };
  await self.registration.showNotification(title, { data: { path } });
  const [notification] = (await self.registration.getNotifications()).filter((one) => one.title === title);
  const event = new NotificationEvent("notificationclick", { notification });
  const waited = [];
  event.waitUntil = (promise) => waited.push(promise);
  self.dispatchEvent(event);
  await Promise.all(waited);
  return [brought, (await self.registration.getNotifications()).length];
}"""


def controlled(page: Page) -> Worker:
    """The app's worker, once it controls the page."""
    page.evaluate("navigator.serviceWorker.ready")
    page.reload()
    is_live(page)
    (worker,) = page.context.service_workers
    return worker


def version(page: Page) -> str:
    address = page.locator('script[type="module"]').first.get_attribute("src") or ""
    return address.split("/")[2]


def test_a_new_version_waits_until_it_is_wanted(start_server: StartServer, phone: Phone) -> None:
    server = start_server()
    page = phone(server, url=server.url)
    controlled(page)
    before = version(page)
    notice = page.get_by_role("status").filter(has_text="There is a new version of the app.")
    expect(notice).to_be_hidden()
    # Out of git's sight the product has another version, and so has the app.
    server.restart(env={"GIT_DIR": "/nowhere"})
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(notice).to_be_visible(timeout=30_000)
    assert version(page) == before
    with page.expect_event("load"):
        notice.get_by_role("button", name="Reload").click()
    is_live(page)
    assert version(page) != before
    expect(notice).to_be_hidden()
    # What belongs to the old version is gone.
    assert page.evaluate("async () => (await caches.keys()).length") == 1


@pytest.mark.parametrize(
    ("about", "place"),
    [("/transactions/7/", "#/sessions/7"), ("/stations/{}/", "#/at/{}"), ("/alerts/", "#/news")],
    ids=["session", "station", "news"],
)
def test_a_touched_notification_opens_what_it_is_about(
    people: People, charger: MakeCharger, phone: Phone, server: Server, about: str, place: str
) -> None:
    with charger("ocpp1.6") as found:
        page = phone(people.member)
        page.context.grant_permissions(["notifications"], origin=server.url)
        worker = controlled(page)
        gone_to: list[str] = []
        page.on("framenavigated", lambda frame: gone_to.append(frame.url))
        brought, left = worker.evaluate(TOUCHED, ["Charging has ended", about.format(found.identity)])
        assert [url.startswith(f"{server.url}/app/") for url in brought] == [True]
        assert left == 0
        wanted = f"{server.url}/app/{place.format(found.identity)}"
        wait_until(lambda: page.evaluate("1") and any(url == wanted for url in gone_to), f"the way to {wanted}", 20)
