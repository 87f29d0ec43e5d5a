"""A station is told what a running session costs so far: when that has changed, and not too often."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Organization
from charging.cost_updates import tell
from charging.models import ChargingStation, Command, Transaction

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def now() -> datetime:
    return timezone.now()


def session(now: datetime, *, protocol: str = "2.0.1", **more: Any) -> Transaction:
    home = Organization.objects.create(name="Home")
    station = ChargingStation.objects.create(
        organization=home, identity=f"CP-{home.pk}", protocol=protocol, online=True
    )
    values = {"state": "charging", "cost": Decimal("1.50"), "created_at": now - 6 * MINUTE, **more}
    return Transaction.objects.create(organization=home, station=station, transaction_id="tx-1", **values)


def test_it_works(now: datetime) -> None:
    row = session(now)
    assert tell(now) == 1
    command = Command.objects.get()
    assert (command.action, command.params) == (
        "CostUpdated",
        {"payload": {"totalCost": 1.5, "transactionId": "tx-1"}},
    )
    assert (command.station, command.transaction, command.status) == (row.station, row, "queued")
    Transaction.objects.update(cost=Decimal("1.70"))
    assert tell(now + MINUTE) == 0, "not yet again"
    assert tell(now + 6 * MINUTE) == 1
    assert tell(now + 12 * MINUTE) == 0, "nothing has changed"


def test_a_station_that_refuses_is_not_asked_again(now: datetime) -> None:
    session(now)
    tell(now)
    Command.objects.update(status="rejected")
    Transaction.objects.update(cost=Decimal("1.70"))
    assert tell(now + 6 * MINUTE) == 0


@pytest.mark.parametrize(
    "more",
    [
        {"protocol": "1.6"},
        {"cost": None},
        {"cost": Decimal(0)},
        {"state": "ended"},
        {"created_at": MINUTE},
    ],
)
def test_whom_it_is_not_for(now: datetime, more: dict[str, Any]) -> None:
    if "created_at" in more:
        more = {"created_at": now + more["created_at"]}
    session(now, **more)
    assert tell(now) == 0


def test_it_can_be_switched_off(now: datetime, settings: Any) -> None:
    settings.COST_UPDATED_EVERY_S = 0
    session(now)
    assert tell(now) == 0
