"""WCAG 2.2 AA on every page, in light and dark, on a phone and on a wide screen: checked with axe."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.portal.test_pages import PATHS, settled
from tests.support.browser import Visits
from tests.support.people import People
from tests.support.server import Server

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


# Colours depend on the theme, layout on the width: two of the four together meet each of both.
@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (360, "dark")])
def test_every_page_is_accessible(
    server: Server, people: People, filled: dict[str, str], visit: Visits, width: int, scheme: str
) -> None:
    page = visit(
        server.url, people.owner, viewport={"width": width, "height": 800}, color_scheme=scheme, locale="en-GB"
    )
    wrong: list[str] = []
    for path in PATHS:
        page.goto(server.url + path.format(**filled))
        settled(page)
        wrong += [f"{path}: {line}" for line in violations(page)]
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
