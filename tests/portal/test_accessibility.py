"""WCAG 2.2 AA on every page, in light and dark, on a phone and on a wide screen: checked with axe."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.portal.test_pages import PATHS, settled
from tests.support.browser import Visits
from tests.support.people import People
from tests.support.server import Server

pytestmark = pytest.mark.slow

TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}


def violations(page: Page) -> list[str]:
    """What axe finds, one line each: the rule, and where."""
    # What fades in has no contrast yet.
    page.evaluate(
        "document.getAnimations().forEach((running) => running.effect.getTiming().iterations < 9 && running.finish())"
    )
    found = Axe().run(page, options=RULES).response["violations"]
    return [
        f"{rule['id']}: {node['target']} {node['failureSummary'][:300]}" for rule in found for node in rule["nodes"][:3]
    ]


#: Of these, two are checked for colours and names: colours depend on the theme, layout on the width.
LOOKS = [(1440, "light", True), (768, "light", False), (360, "dark", True)]


def test_every_page_fits_and_is_accessible(
    server: Server, people: People, filled: dict[str, str], visit: Visits
) -> None:
    """Each page is loaded once and looked at in three widths."""
    page = visit(server.url, people.owner, locale="en-GB")
    wrong: list[str] = []
    for path in PATHS:
        page.goto(server.url + path.format(**filled))
        settled(page)
        for width, scheme, is_checked in LOOKS:
            page.set_viewport_size({"width": width, "height": 800})
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            beyond = page.evaluate(TOO_WIDE)
            wrong += [f"{path}: {beyond} px too wide at {width}"] if beyond > 0 else []
            found = violations(page) if is_checked else []
            wrong += [f"{path} at {width} in {scheme}: {line}" for line in found]
    assert not wrong, "\n".join(wrong)


def test_the_doors_are_accessible(server: Server, visit: Visits) -> None:
    page = visit(server.url + "/login/")
    assert violations(page) == []
    page.goto(server.url + "/password/")
    assert violations(page) == []


def test_what_axe_must_find(server: Server, visit: Visits) -> None:
    """A field without a name: the check itself can fail."""
    page = visit(server.url + "/login/")
    page.evaluate("document.body.append(document.createElement('select'))")
    assert any(line.startswith("select-name") for line in violations(page))
