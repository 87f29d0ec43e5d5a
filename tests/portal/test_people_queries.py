"""Pages about people and records ask the database as often for many rows as for a few."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import ApiKey, Audit, Invitation, Membership, Organization, User
from charging.models import ChargingStation, SecurityEvent

pytestmark = pytest.mark.django_db

PATHS = ["/members/", "/api-keys/", "/audit/", "/security-events/", "/profile/"]
MOST = 16


@pytest.fixture
def owner() -> User:
    user = User.objects.create_user("owner@example.com", "open sesame 44")
    organization = Organization.objects.create(name="Hillside")
    Membership.objects.create(organization=organization, user=user, role=Membership.Role.OWNER)
    return user


def add(numbers: range) -> None:
    """As many more members, invitations, keys, records and stations with an event."""
    organization = Organization.objects.get(name="Hillside")
    later = timezone.now() + timedelta(days=1)
    for number in numbers:
        user = User.objects.create(email=f"{number}@example.com")
        Membership.objects.create(organization=organization, user=user, role=Membership.Role.DRIVER)
        Invitation.objects.create(
            organization=organization,
            email=f"new{number}@example.com",
            role="viewer",
            token_hash=str(number),
            expires_at=later,
        )
        ApiKey.objects.create(organization=organization, user=user, name="n", prefix=f"p{number}", hash="h")
        Audit.objects.create(
            organization=organization, actor=user, actor_name="n", action="car.create", details={"a": 1}
        )
        station = ChargingStation.objects.create(organization=organization, identity=f"CP-{number}")
        SecurityEvent.objects.create(organization=organization, station=station, type="ResetOrReboot")


@pytest.mark.parametrize("path", PATHS)
def test_queries_do_not_grow_with_the_rows(owner: User, client: Client, path: str) -> None:
    client.force_login(owner, backend="django.contrib.auth.backends.ModelBackend")
    add(range(3))
    client.get(path)
    with CaptureQueriesContext(connection) as few:
        assert client.get(path).status_code == 200
    add(range(3, 30))
    with CaptureQueriesContext(connection) as many:
        assert client.get(path).status_code == 200
    assert len(many) == len(few), "\n".join(query["sql"][:200] for query in many.captured_queries)
    assert len(many) <= MOST
