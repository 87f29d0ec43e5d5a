"""A page asks the database as often for a hundred stations as for three."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Membership, Organization, User
from charging.models import EVSE, Car, ChargingStation, Command, Connector, IdTag, Site, Transaction

pytestmark = pytest.mark.django_db

PATHS = [
    "/",
    "/stations/",
    "/stations/?sort=-site&online=1&status=Unknown",
    "/transactions/",
    "/id-tags/?sort=user&state=valid",
    "/sites/{site}/",
    "/cars/",
    "/sites/",
    "/profile/",
    "/statistics/",
]
MOST = 32


@pytest.fixture
def owner() -> User:
    user = User.objects.create_user("owner@example.com", "open sesame 44")
    organization = Organization.objects.create(name="Hillside")
    Membership.objects.create(organization=organization, user=user, role=Membership.Role.OWNER)
    return user


def add(owner: User, numbers: range) -> None:
    """Stations with two connectors each, a running session, a tag, a car and a command."""
    organization = Organization.objects.get()
    site, _ = Site.objects.get_or_create(organization=organization, name="Yard")
    now = timezone.now()
    for number in numbers:
        station = ChargingStation.objects.create(
            organization=organization, site=site, identity=f"CP-{number}", online=True
        )
        tag = IdTag.objects.create(organization=organization, id_tag=f"TAG{number}", user=owner)
        car = Car.objects.create(organization=organization, name=f"Car {number}", user=owner)
        for evse_number in (1, 2):
            evse = EVSE.objects.create(station=station, number=evse_number)
            connector = Connector.objects.create(station=station, evse=evse, evse_number=evse_number, number=1)
        Transaction.objects.create(
            organization=organization,
            station=station,
            connector=connector,
            evse_number=2,
            connector_number=1,
            transaction_id=str(number),
            id_tag=tag,
            user=owner,
            car=car,
            state=Transaction.State.CHARGING,
            started=now,
        )
        Command.objects.create(
            organization=organization,
            station=station,
            connector=connector,
            actor=owner,
            kind="start",
            expires_at=now + timedelta(minutes=1),
        )


@pytest.mark.parametrize("path", PATHS)
def test_queries_do_not_grow_with_the_rows(owner: User, client: Client, path: str) -> None:
    client.force_login(owner, backend="django.contrib.auth.backends.ModelBackend")
    add(owner, range(3))
    path = path.format(site=Site.objects.get().pk)
    client.get(path)
    with CaptureQueriesContext(
        connection,
    ) as few:
        assert client.get(path).status_code == 200
    add(owner, range(3, 20))
    with CaptureQueriesContext(connection) as many:
        assert client.get(path).status_code == 200
    assert len(many) == len(few), "\n".join(query["sql"][:200] for query in many.captured_queries)
    assert len(many) <= MOST
