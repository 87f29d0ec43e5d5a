"""The audit and the security events: who sees them, and how they are searched."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.portal.conftest import Garage, sign_in
from tests.support import frames
from tests.support.browser import Visits
from tests.support.people import People
from tests.support.server import Server

HOSTILE = "<img src=x: onerror=alert(1)>"


@pytest.fixture
def noticed(garage: Garage) -> str:
    """A station that has reported that it was opened, and that its clock was set."""
    with garage.connect() as station:
        station.ok("BootNotification", frames.boot())
        for kind in ("TamperDetectionActivated", "SettingSystemTime"):
            event = {"type": kind, "timestamp": frames.ts(), "techInfo": f"{kind} {HOSTILE}"}
            station.ok("SecurityEventNotification", event)
    return garage.identity


def test_security_events_are_found(server: Server, people: People, noticed: str, visit: Visits) -> None:
    page = visit(server.url, people.owner)
    page.goto(f"{server.url}/security-events/?station={noticed}")
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text(HOSTILE)
    assert page.locator("main img").count() == 0
    page.get_by_label("Kind").select_option("TamperDetectionActivated")
    expect(rows).to_have_count(1)
    assert "kind=TamperDetectionActivated" in page.url
    page.get_by_role("searchbox", name="Search").fill("no such text")
    page.get_by_role("searchbox", name="Search").press("Enter")
    expect(page.get_by_text("No event fits")).to_be_visible()
    page.goto(f"{server.url}/security-events/?station={noticed}&critical=1&to=2001-01-01")
    expect(page.get_by_text("No event fits")).to_be_visible()


def test_a_stranger_sees_no_security_events(server: Server, people: People, noticed: str) -> None:
    stranger = sign_in(server, people.stranger)
    assert noticed not in stranger.get("/security-events/").text
    assert "onerror" not in stranger.get(f"/security-events/?station={noticed}").text
    organization = people.owner.organization_id
    for path in ("/security-events/", "/audit/"):
        assert stranger.get(f"{path}?organization={organization}").status_code == 404
        assert stranger.get(f"{path}?organization=nonsense").status_code == 404
        assert sign_in(server, people.member).get(path).status_code == 403


def test_the_audit_is_found(server: Server, people: People, visit: Visits, unique: Callable[[str], str]) -> None:
    identity = unique("AUD")
    people.owner.rest.create_station(identity, "Sixteen-Chars-No", name=HOSTILE + identity)
    page = visit(server.url, people.owner)
    page.goto(f"{server.url}/audit/?q={identity}")
    row = page.locator("tbody tr", has_text="Station added")
    expect(row).to_contain_text(people.owner.email)
    row.locator("summary").press("Enter")
    expect(row.locator("dl")).to_contain_text(identity)
    assert "Sixteen-Chars-No" not in page.content()
    assert page.locator("main img").count() == 0
    page.get_by_label("About").select_option("car")
    expect(page.get_by_text("Nothing fits")).to_be_visible()
    assert "noun=car" in page.url
    stranger = sign_in(server, people.stranger)
    assert people.owner.email not in stranger.get(f"/audit/?q={identity}").text


def test_records_are_paged(server: Server, people: People, visit: Visits, unique: Callable[[str], str]) -> None:
    mark = unique("MANY")
    server.shell(
        "from accounts.models import Audit; Audit.objects.bulk_create("
        f"Audit(organization_id={people.owner.organization_id}, actor_name='x', action='station.update', "
        f"target={mark!r} + f' {{n:03}}') for n in range(120))"
    )
    page = visit(server.url, people.owner)
    page.goto(f"{server.url}/audit/?q={mark}&noun=station")
    expect(page.locator("tbody tr")).to_have_count(50)
    page.get_by_role("link", name="Next").click()
    page.get_by_role("link", name="Next").click()
    expect(page.locator("tbody tr")).to_have_count(20)
    assert f"q={mark}&noun=station&page=3" in page.url
    for nonsense in ("page=-1", "page=x", "from=2026-99-99", "from=0001-01-01&to=9999-12-31", "noun=%00", "q=%00"):
        answer = page.request.get(f"{server.url}/audit/?{nonsense}")
        assert answer.status == 200, nonsense
