"""What needs a person now: on the dashboard of those who answer for it, live, in a fixed number of queries."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from playwright.sync_api import expect

from accounts.actors import Actor, actor_of
from accounts.models import Membership, Organization, User
from charging.alerts import alerts_of
from charging.models import (
    EVSE,
    ChargingStation,
    Command,
    Connector,
    DesiredValue,
    Transaction,
    Violation,
    WaitingStation,
)
from charging.queries.alerts import troubles
from tests.portal.conftest import Garage, sign_in
from tests.support import frames
from tests.support.browser import Visits
from tests.support.people import People
from tests.support.server import Server

KINDS = ["faults", "away", "held", "drift", "waiting", "violations", "commands"]


def person(organization: Organization, name: str, role: str, **more: bool) -> Actor:
    user = User.objects.create_user(f"{name}@example.com", "x", **more)
    Membership.objects.create(organization=organization, user=user, role=role)
    return actor_of(user)


def break_down(organization: Organization, number: int) -> None:
    """A station with one of each kind of trouble, and one that is away."""
    now = timezone.now()
    station = ChargingStation.objects.create(organization=organization, identity=f"CP-{number}", online=True)
    evse = EVSE.objects.create(station=station, number=1)
    connector = Connector.objects.create(station=station, evse=evse, evse_number=1, number=1, status="Faulted")
    away = {"online": False, "last_seen": now - timedelta(hours=2)}
    ChargingStation.objects.create(organization=organization, identity=f"AWAY-{number}", **away)
    ChargingStation.objects.create(organization=organization, identity=f"OUT-{number}", registration="rejected", **away)
    Transaction.objects.create(
        organization=organization, station=station, transaction_id=str(number), state="ended", flags=["seq_gap"]
    )
    DesiredValue.objects.create(
        organization=organization, station=station, key="k", path="K", value="1", reported="2", drifted_since=now
    )
    Violation.objects.create(station=station, kind="odd", count=30)
    Command.objects.create(
        organization=organization, station=station, connector=connector, kind="reset", status="rejected", expires_at=now
    )
    WaitingStation.objects.create(identity=f"KNOCK-{number}")


@pytest.mark.django_db
def test_each_kind_in_a_fixed_number_of_queries() -> None:
    home = Organization.objects.create(name="Home")
    admin = person(home, "admin", "owner", is_superuser=True)
    viewer, driver = person(home, "viewer", "viewer"), person(home, "driver", "driver")
    stranger = person(Organization.objects.create(name="Away"), "stranger", "owner")
    assert alerts_of(troubles(viewer)) == []
    break_down(home, 1)
    assert [(alert.key, alert.title.split()[0]) for alert in alerts_of(troubles(admin))] == [(k, "1") for k in KINDS]
    with CaptureQueriesContext(connection) as few:
        seen = alerts_of(troubles(viewer))
    assert [alert.key for alert in seen] == [kind for kind in KINDS if kind != "waiting"]
    assert all(alert.items[0].url.startswith("/") and alert.advice for alert in seen)
    assert alerts_of(troubles(driver)) == alerts_of(troubles(stranger)) == []
    for number in range(2, 30):
        break_down(home, number)
    with CaptureQueriesContext(connection) as many:
        seen = alerts_of(troubles(viewer))
    assert len(many) == len(few) <= 7
    assert {alert.title.split()[0] for alert in seen} == {"20+"}
    assert {alert.rest for alert in seen} == {"16+"}


def test_a_fault_appears_and_goes_live(server: Server, people: People, garage: Garage, visit: Visits) -> None:
    with garage.connect() as station:
        station.ok("BootNotification", frames.boot())
        station.ok("StatusNotification", frames.status_16(1, "Available"))
        page = visit(server.url, people.owner)
        page.goto(server.url)
        expect(page.locator("#live")).to_have_attribute("data-state", "live")
        mine = page.locator("#alert-faults li", has_text=garage.identity)
        expect(mine).to_have_count(0)
        station.ok("StatusNotification", frames.status_16(1, "Faulted"))
        expect(mine).to_have_count(1)
        station.ok("StatusNotification", frames.status_16(1, "Available"))
        expect(mine).to_have_count(0)
        known = station.ok("StartTransaction", frames.start_16(garage.tag, 9_000, frames.ts(-20)))["transactionId"]
        station.ok("StopTransaction", frames.stop_16(known, 100, frames.ts(-2)))
        expect(page.locator("#alert-held li", has_text=garage.identity)).to_contain_text("The meter ran backwards")
    assert garage.identity in sign_in(server, people.owner).get("/transactions/?state=held").text
