"""The tests' own tools must be able to say no."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Browser

from tests.support import services
from tests.support.browser import Visits
from tests.support.server import Server
from tests.support.waiting import wait_until

PAGES = {
    "/quiet": "<title>quiet</title><p>hello</p>",
    "/console": "<script>console.error('something broke')</script>",
    "/throws": "<script>nothing.here()</script>",
    "/off-site": "<img src='http://198.51.100.7/x.png'>",
    "/off-site-socket": "<script>try { new WebSocket('ws://198.51.100.7/') } catch (e) {}</script>",
}


class Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = PAGES.get(self.path)
        self.send_response(200 if body else 204)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write((body or "").encode())

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()


def test_a_quiet_page_passes(chromium_process: Browser, site: str) -> None:
    visits = Visits(chromium_process)
    assert visits(f"{site}/quiet").title() == "quiet"
    visits.close()


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("/console", "something broke"),
        ("/throws", "nothing is not defined"),
        ("/off-site", "off-site request http://198.51.100.7"),
        ("/off-site-socket", "off-site socket ws://198.51.100.7"),
    ],
)
def test_a_bad_page_is_reported(chromium_process: Browser, site: str, path: str, problem: str) -> None:
    visits = Visits(chromium_process)
    page = visits(f"{site}/quiet")
    page.goto(f"{site}{path}", wait_until="commit")

    def reported() -> bool:
        page.evaluate("0")  # Playwright hands out events while it is asked something.
        return any(problem in said for said in visits.problems)

    wait_until(reported, problem)
    with pytest.raises(AssertionError, match="on the visited pages"):
        visits.close()


def test_waiting_says_what_it_waited_for() -> None:
    with pytest.raises(AssertionError, match="for the sun; last seen: 0"):
        wait_until(lambda: 0, "the sun", timeout=0.01)


def test_a_missing_service_fails_where_services_are_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "REDIS", "redis://127.0.0.1:1")
    monkeypatch.delenv("REQUIRE_SERVICES", raising=False)
    with pytest.raises(pytest.skip.Exception, match="start Redis"), services.redis_database():
        pass
    monkeypatch.setenv("REQUIRE_SERVICES", "1")
    with pytest.raises(pytest.fail.Exception, match="start Redis"), services.redis_database():
        pass


def test_the_shell_stays_and_tells_what_fails(server: Server) -> None:
    assert server.shell("import os; print(os.getpid())") == server.shell("import os; print(os.getpid())")
    assert server.shell("from accounts.models import User; print(User.objects.count())").strip() != "0"
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        server.shell("1 / 0")
    with pytest.raises(AssertionError, match="the shell ended with 3"):
        server.shell("import os; os._exit(3)")
    assert server.shell("print('again')") == "again\n"
