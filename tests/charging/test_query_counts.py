"""A list costs the same number of queries however long it is."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.actors import actor_of
from accounts.models import Membership, Organization, User
from accounts.tokens import start_family
from charging.api import shapes
from charging.api.commands import told
from charging.models import (
    EVSE,
    Car,
    ChargingStation,
    Command,
    Connector,
    IdTag,
    MeterReading,
    OcppMessage,
    Schedule,
    SecurityEvent,
    Transaction,
)
from charging.queries import cars, commands, connectors, id_tags, messages, security_events, stations, transactions

pytestmark = pytest.mark.django_db

LISTS = ["stations/", "transactions/", "id-tags/", "cars/", "schedules/", "messages/", "security-events/"]
LISTS += ["exports/transactions/"]


class Fleet:
    """An organization that grows by a whole station with all that belongs to it."""

    def __init__(self) -> None:
        self.organization = Organization.objects.create(name="Fleet")
        self.user = User.objects.create_user("fleet@example.com", "x")
        Membership.objects.create(organization=self.organization, user=self.user, role="owner")
        self.access = start_family(self.user).access
        self.size = 0

    def grow(self) -> None:
        self.size += 1
        n, org, now = self.size, self.organization, timezone.now()
        driver = User.objects.create_user(f"driver{n}@example.com", "x")
        station = ChargingStation.objects.create(organization=org, identity=f"CP-{n}")
        for number in (1, 2):
            evse = EVSE.objects.create(station=station, number=number)
            outlet = Connector.objects.create(station=station, evse=evse, evse_number=number, number=1)
        tag = IdTag.objects.create(organization=org, id_tag=f"TAG{n}", user=driver)
        car = Car.objects.create(organization=org, name=f"Car {n}", user=driver)
        row = Transaction.objects.create(
            organization=org,
            station=station,
            connector=outlet,
            transaction_id=str(n),
            id_tag=tag,
            user=driver,
            car=car,
            started=now,
        )
        MeterReading.objects.create(
            station=station,
            transaction=row,
            evse_number=2,
            connector_number=1,
            station_time=now,
            measured_at=now,
            received_at=now,
        )
        Command.objects.create(
            organization=org, station=station, connector=outlet, kind="reset", actor=driver, expires_at=now
        )
        OcppMessage.objects.create(station=station, sender="station", action="Heartbeat", at=now)
        SecurityEvent.objects.create(organization=org, station=station, type="Test")
        values = {"connector": outlet, "user": driver, "car": car, "id_tag": tag}
        Schedule.objects.create(organization=org, station=station, **values)

    def queries(self, path: str) -> int:
        client = Client(headers={"authorization": f"Bearer {self.access}"})
        with CaptureQueriesContext(connection) as seen:
            response: Any = client.get(f"/api/v1/{path}")
            text = b"".join(response.streaming_content) if response.streaming else response.content
        assert response.status_code == 200, text
        assert text.count(b"CP-") + text.count(b"TAG") + text.count(b"Car") >= self.size
        return len(seen)


@pytest.fixture
def fleet() -> Fleet:
    fleet = Fleet()
    fleet.grow()
    return fleet


@pytest.mark.parametrize("path", LISTS)
def test_a_longer_list_costs_no_more_queries(fleet: Fleet, path: str) -> None:
    short = fleet.queries(path)
    for _ in range(4):
        fleet.grow()
    assert fleet.queries(path) == short
    assert short <= 10


def test_the_answers_are_what_the_schema_says(fleet: Fleet) -> None:
    """The JSON of every query has exactly the fields that its documenting serializer names."""
    actor = actor_of(fleet.user)
    station = stations.get(actor, "CP-1")
    reading = transactions.meter_values(actor, transactions.visible(actor).get()).get()
    pairs: list[tuple[dict[str, Any], Any]] = [
        (stations.as_json(station), shapes.StationOut),
        (stations.as_json(station)["evses"][0], shapes.EvseOut),
        (connectors.as_json(connectors.visible(actor)[0]), shapes.ConnectorOut),
        (transactions.as_json(transactions.visible(actor).get()), shapes.TransactionOut),
        (transactions.reading_as_json(reading), shapes.ReadingOut),
        (told(commands.visible(actor).get()), shapes.CommandOut),
        (id_tags.as_json(id_tags.visible(actor).get()), shapes.IdTagOut),
        (cars.as_json(cars.visible(actor).get()), shapes.CarOut),
        (messages.as_json(messages.visible(actor).get()), shapes.MessageOut),
        (security_events.as_json(security_events.visible(actor).get()), shapes.SecurityEventOut),
    ]
    for found, shape in pairs:
        assert set(found) == set(shape().fields), shape.__name__
