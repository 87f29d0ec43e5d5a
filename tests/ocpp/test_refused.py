"""Refused handshakes: shown with their reason, as text, capped, to those whom they concern."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from charging.models import RefusedHandshake
from ocpp_gateway import auth, refusals
from tests.ocpp.conftest import Lab
from tests.support.browser import Visits
from tests.support.people import People
from tests.support.server import Server
from tests.support.station import PASSWORD, basic, upgrade
from tests.support.waiting import wait_until

HOSTILE = "<img src=x onerror=alert(1)>"


def refused(lab: Lab, identity: str, status: int) -> dict[str, Any]:
    def found() -> dict[str, Any] | None:
        rows = lab.rest.get("refused-handshakes/", params={"search": identity})["results"]
        return next((row for row in rows if row["status"] == status), None)

    return wait_until(found, f"the refused handshake of {identity}")


def test_each_reason_is_kept_with_what_was_sent(lab: Lab) -> None:
    known, secure = lab.create(), lab.create(security_profile=2)
    headers = {"User-Agent": f"Wallbox/7 {HOSTILE}", "Authorization": basic(f"me {HOSTILE}", PASSWORD)}
    assert upgrade(lab.server, f"/OCPP/{known}?token=secret", headers=headers, protocols="ocpp1.6, soap").status == 401
    row = refused(lab, known, 401)
    assert (row["username"], row["user_agent"]) == (f"me {HOSTILE}", f"Wallbox/7 {HOSTILE}")
    assert (row["station"], row["subprotocols"], row["path"]) == (known, "ocpp1.6, soap", f"/OCPP/{known}")
    assert (row["attempts"], row["secure"], row["had_credentials"]) == (1, False, True)
    assert "user name" in row["reason"]
    assert PASSWORD not in str(row)
    assert upgrade(lab.server, f"/OCPP/{secure}", identity=secure).status == 403
    assert "wss://" in refused(lab, secure, 403)["reason"]
    assert upgrade(lab.server, f"/OCPP/{known}", identity=known, protocols="mqtt").status == 400
    assert "ocpp2.0.1" in refused(lab, known, 400)["reason"]
    stranger = lab.unique("NOBODY")
    assert upgrade(lab.server, f"/OCPP/{stranger}/x", identity=stranger).status == 400
    assert refused(lab, f"/OCPP/{stranger}/x", 400)["station"] is None


def test_whom_it_does_not_concern_sees_nothing(lab: Lab, people: People) -> None:
    identity = lab.unique("OWN")
    people.owner.rest.create_station(identity)
    assert upgrade(lab.server, f"/OCPP/{identity}", identity=identity, password="wrong").status == 401
    refused(lab, identity, 401)
    seen = {
        name: [row["identity"] for row in getattr(people, name).rest.get("refused-handshakes/")["results"]]
        for name in ("owner", "member", "stranger")
    }
    assert identity in seen["owner"]
    assert (seen["member"], seen["stranger"]) == ([], [])


def test_the_pages_show_it_live_as_text_until_the_station_connects(server: Server, lab: Lab, visit: Visits) -> None:
    identity = lab.create()
    page = visit(f"{server.url}/waiting/", server)
    assert (
        upgrade(server, f"/OCPP/{identity}", headers={"User-Agent": HOSTILE, "Authorization": "Basic x"}).status == 401
    )
    shown = page.locator(".handshake").filter(has_text=identity).first
    expect(shown).to_contain_text("401", timeout=20_000)
    shown.locator("summary").click()
    expect(shown).to_contain_text(HOSTILE)
    expect(shown).to_contain_text("signs in with HTTP Basic authentication")
    page.goto(f"{server.url}/stations/{identity}/")
    expect(page.locator(".handshake")).to_contain_text("401")
    station = lab.connect(identity)
    station.close()
    page.reload()
    expect(page.locator(".handshake")).to_have_count(0)


@pytest.mark.django_db
def test_the_list_is_capped() -> None:
    for number in range(refusals.MOST_KEPT + 30):
        waiting = refusals.Refusals()
        note(waiting, f"/OCPP/R-{number}", 401)
        refusals.store(waiting.take())
    kept = set(RefusedHandshake.objects.values_list("identity", flat=True))
    assert (len(kept), "R-0" in kept, f"R-{refusals.MOST_KEPT + 29}" in kept) == (refusals.MOST_KEPT, False, True)


def note(waiting: refusals.Refusals, path: str, status: int) -> None:
    scope = {"path": path, "client": ("192.0.2.1", 1), "headers": [], "subprotocols": []}
    waiting.note(scope, auth.Refused(status, "because"))


@pytest.mark.django_db
def test_a_flood_is_bounded_and_counted(django_assert_max_num_queries: Callable[..., Any]) -> None:
    waiting = refusals.Refusals()
    for number in range(1000):
        note(waiting, f"/OCPP/F-{number}", 404)
        note(waiting, "/OCPP/F-0", 404)
        note(waiting, "/OCPP/F-0", 503)
    taken = waiting.take()
    assert len(taken) == refusals.MOST_AT_ONCE
    assert taken["F-0", 404].attempts == 1001
    with django_assert_max_num_queries(6 * refusals.MOST_AT_ONCE + 10):
        refusals.store(taken)
    assert RefusedHandshake.objects.get(identity="F-0").attempts == 1001
