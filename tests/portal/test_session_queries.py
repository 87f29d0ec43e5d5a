"""The page of a session asks as often, and shows as much, for thousands of meter values as for a few."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Membership, Organization, User
from charging.models import EVSE, ChargingStation, Connector, MeterReading, Transaction, TransactionEvent

pytestmark = pytest.mark.django_db

MOST = 22


@pytest.fixture
def row(client: Client) -> Transaction:
    user = User.objects.create_user("owner@example.com", "open sesame 44")
    organization = Organization.objects.create(name="Hillside")
    Membership.objects.create(organization=organization, user=user, role=Membership.Role.OWNER)
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    station = ChargingStation.objects.create(organization=organization, identity="CP-1", protocol="2.0.1")
    evse = EVSE.objects.create(station=station, number=1)
    place = {"connector": Connector.objects.create(station=station, evse=evse, evse_number=1, number=1)}
    started = timezone.now() - timedelta(days=3)
    return Transaction.objects.create(
        organization=organization, station=station, transaction_id="t-1", started=started, evse_number=1,
        connector_number=1, flags=["seq_gap"], state="ended", ended=timezone.now(), **place,
    )  # fmt: skip


def grow(row: Transaction, numbers: range) -> None:
    assert row.started is not None
    readings, events = [], []
    for number in numbers:
        at = row.started + timedelta(minutes=number)
        samples = [["Current.Import", 10.0 + number % 5, "A", phase, "", ""] for phase in ("L1", "L2", "L3")]
        readings.append(
            MeterReading(
                station=row.station, transaction=row, evse_number=1, connector_number=1, station_time=at,
                measured_at=at, received_at=at, energy_wh=number * 100.0, samples=samples,
            )
        )  # fmt: skip
        events.append(
            TransactionEvent(
                station=row.station, transaction=row, key=f"k{number}", kind="updated", seq_no=number,
                station_time=at, received_at=at, trigger="MeterValuePeriodic",
            )
        )  # fmt: skip
    MeterReading.objects.bulk_create(readings)
    TransactionEvent.objects.bulk_create(events)


def test_a_long_session_costs_no_more(client: Client, row: Transaction) -> None:
    path = f"/transactions/{row.pk}/"
    grow(row, range(5))
    client.get(path)
    with CaptureQueriesContext(connection) as few:
        short = client.get(path)
    grow(row, range(5, 3000))
    with CaptureQueriesContext(connection) as many:
        long = client.get(path)
    assert (short.status_code, long.status_code) == (200, 200)
    assert len(many) == len(few) <= MOST, "\n".join(query["sql"][:200] for query in many.captured_queries)
    # Three charts of at most 240 moments, and one line for what only beats time.
    page = long.content.decode()
    assert page.count("data-x=") <= 2 * 240
    assert "evenly chosen ones of 3000 meter values" in page
    assert page.count("<li>") < 60
    assert "3000 periodic reports" in page
