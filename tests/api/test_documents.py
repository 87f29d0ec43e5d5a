"""Swagger UI works offline and under our content security policy."""

from tests.support.browser import Visits
from tests.support.server import Server


def test_swagger_lists_the_operations(server: Server, visit: Visits) -> None:
    page = visit(f"{server.url}/api/docs/")
    tag = page.locator("#operations-tag-stations")
    tag.wait_for(timeout=60_000)
    tag.click()
    page.locator(".opblock-summary-path", has_text="/stations/").first.wait_for()
    assert page.locator(".opblock").count() > 4
    assert page.locator(".opblock-tag").count() > 10
