"""The page of API keys."""

import re
from collections.abc import Callable

import httpx
from playwright.sync_api import expect

from tests.portal.conftest import sign_in
from tests.support.browser import Visits
from tests.support.forms import post
from tests.support.people import People
from tests.support.server import Server

KEY = re.compile(r'id="secret-text">([^<]+)<')


def answers(server: Server, key: str) -> int:
    headers = {"Authorization": f"Api-Key {key}"}
    return httpx.get(f"{server.url}/api/v1/stations/", headers=headers).status_code


def made(server: Server, client: httpx.Client, name: str, **fields: str) -> tuple[str, int]:
    """A new key's text and number."""
    page = post(client, "/api-keys/", name=name, role="viewer", **fields)
    found = KEY.search(page.text)
    assert found is not None, page.text
    (row,) = server.rows("SELECT id FROM accounts_apikey WHERE name = ?", name)
    return found[1], row["id"]


def test_it_works(server: Server, people: People, visit: Visits, unique: Callable[[str], str]) -> None:
    name = unique("KEY")
    page = visit(server.url, people.owner)
    page.goto(server.url + "/api-keys/")
    page.get_by_label("Name", exact=True).fill(name)
    page.locator("#role").select_option("manager")
    page.get_by_role("button", name="Make the key").click()
    key = page.locator("#secret-text").inner_text()
    assert answers(server, key) == 200
    page.goto(f"{server.url}/api-keys/?q={name}")
    assert key not in page.content()
    page.get_by_role("button", name=f"Revoke {name}").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("no longer opens anything")).to_be_visible()
    assert answers(server, key) == 401


def test_a_driver_has_own_keys_with_at_most_the_own_role(
    server: Server, people: People, unique: Callable[[str], str]
) -> None:
    driver, stranger, name = sign_in(server, people.member), sign_in(server, people.stranger), unique("KEY")
    key, pk = made(server, driver, name)
    assert answers(server, key) == 200
    refused = post(driver, "/api-keys/", name=unique("KEY"), role="manager")
    assert refused.status_code == 400
    assert KEY.search(refused.text) is None
    assert 'value="manager"' not in driver.get("/api-keys/").text
    assert name in sign_in(server, people.owner).get("/api-keys/").text
    assert name not in stranger.get("/api-keys/").text
    assert post(stranger, f"/api-keys/{pk}/revoke/").status_code == 404
    assert post(stranger, "/api-keys/", name="Mine", organization=people.member.organization_id).status_code == 400
    assert answers(server, key) == 200


def test_a_refused_key_keeps_what_was_typed(server: Server, people: People) -> None:
    owner = sign_in(server, people.owner)
    late = post(owner, "/api-keys/", name="Too late", role="viewer", expires_at="2001-01-01T10:00")
    assert late.status_code == 400
    assert 'value="Too late"' in late.text
    assert "This is in the past." in late.text
    assert "A key needs a name." in post(owner, "/api-keys/", name=" ", role="viewer").text
    for text in ("soon", "2031-13-41T10:00"):
        assert post(owner, "/api-keys/", name="When", role="viewer", expires_at=text).status_code == 400


def test_the_list_is_filtered_by_its_address(server: Server, people: People, unique: Callable[[str], str]) -> None:
    owner, name = sign_in(server, people.owner), unique("KEY")
    made(server, owner, name, expires_at="2099-01-01T10:00")
    assert name in owner.get(f"/api-keys/?q={name}&state=valid").text
    server.shell(
        "from django.utils import timezone; from accounts.models import ApiKey; "
        f"ApiKey.objects.filter(name={name!r}).update(expires_at=timezone.now())"
    )
    assert "No key fits" in owner.get(f"/api-keys/?q={name}&state=valid").text
    assert "Revoke" in owner.get(f"/api-keys/?q={name}&state=expired").text
