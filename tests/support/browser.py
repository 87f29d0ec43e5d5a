"""Headless Chromium that tells what went wrong on a page.

Playwright's synchronous interface leaves an event loop running on its thread, so a module that drives a browser talks
to a server process and does not use Django's ORM itself. What happens in the browser reaches a test only while it asks
Playwright something: wait for the page with Playwright's own waits, for the server with `wait_until`.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.support.services import missing

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--metrics-recording-only",
    "--no-first-run",
]


def chromium_path() -> str:
    """CHROMIUM, or the first Chromium on the path."""
    for name in (os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
        if name and (found := shutil.which(name)):
            return found
    return missing("a browser", "install Chromium (Debian: sudo apt-get install chromium), or set CHROMIUM to its path")


@contextmanager
def chromium() -> Iterator[Browser]:
    """One browser process."""
    path = chromium_path()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


#: What htmx logs of a request that a page broke off because the person went on to another.
ABORTED = ("console: htmx:sendAbort", "console: htmx:afterRequest")


@dataclass
class Visits:
    """Opens pages, each in a context (cookies, storage) of its own, and collects what goes wrong on them."""

    browser: Browser
    problems: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)
    contexts: list[BrowserContext] = field(default_factory=list)

    def __call__(self, url: str, person: Any = None, *, allow: tuple[str, ...] = (), **context: Any) -> Page:
        """Open `url`'s site, signed in as `person` (with `email` and `password`) if given.

        `allow` names texts of console errors that belong to the test; `context` goes to Playwright
        (`viewport`, `locale`, `color_scheme`, `timezone_id`).
        """
        self.allowed.extend(allow)
        opened = self.browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **context})
        opened.set_default_timeout(15_000)
        self.contexts.append(opened)
        self._watch(opened, urlsplit(url).hostname or "")
        page = opened.new_page()
        page.goto(url)
        if person is not None:
            sign_in(page, person.email, person.password)
        return page

    def _watch(self, opened: BrowserContext, host: str) -> None:
        def local(address: str) -> bool:
            parts = urlsplit(address)
            return parts.scheme in ("data", "blob", "about") or parts.hostname == host

        def note(page: Page) -> Callable[[Any], None]:
            return lambda message: (
                self.problems.append(f"{page.url}: console: {message.text}") if message.type == "error" else None
            )

        def watch_page(page: Page) -> None:
            page.on("console", note(page))
            page.on("pageerror", lambda error: self.problems.append(f"{page.url}: {error}"))
            page.on(
                "websocket",
                lambda ws: None if local(ws.url) else self.problems.append(f"{page.url}: off-site socket {ws.url}"),
            )

        opened.on("page", watch_page)
        opened.on(
            "request",
            lambda request: None if local(request.url) else self.problems.append(f"off-site request {request.url}"),
        )

    def close(self) -> None:
        """Close every page and assert that nothing went wrong on any of them."""
        for opened in self.contexts:
            opened.close()
        allowed = (*self.allowed, *ABORTED)
        left = [problem for problem in self.problems if not any(text in problem for text in allowed)]
        assert not left, "on the visited pages:\n" + "\n".join(left)


def sign_in(page: Page, email: str, password: str) -> None:
    """Fill in the sign-in form that the page shows, and wait until it is gone."""
    secret = page.locator("input[type=password]")
    page.locator("input[type=email], input[name=username], input[name=email]").first.fill(email)
    secret.fill(password)
    secret.press("Enter")
    secret.wait_for(state="detached")
