"""What runs on a schedule: it does its work once, and leaves alone what moved meanwhile."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Organization, TokenFamily, User
from charging import housekeeping, tasks
from charging.models import (
    EVSE,
    Change,
    ChargingStation,
    Command,
    Connector,
    FeedHead,
    HourlyEnergy,
    MeterReading,
    OcppMessage,
    Pulse,
    SecurityEvent,
    Transaction,
    TransactionEvent,
    WaitingStation,
)

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def station() -> ChargingStation:
    home = Organization.objects.create(name="Home")
    return ChargingStation.objects.create(organization=home, identity="CP-1", price_per_kwh=Decimal("0.30"))


def command(station: ChargingStation, **more: Any) -> Command:
    wanted = {"kind": "get_configuration", "expires_at": timezone.now() + 60 * MINUTE, **more}
    return Command.objects.create(organization=station.organization, station=station, **wanted)


def test_a_pulse_is_one_row() -> None:
    tasks.pulse()
    tasks.pulse()
    assert Pulse.objects.filter(name="beat").count() == 1


def test_commands_end_when_nobody_will_answer(station: ChargingStation, now: datetime) -> None:
    waiting = command(station)
    late = command(station, expires_at=now - MINUTE)
    sent = command(station, status="sent", sent_at=now - MINUTE)
    lost = command(station, status="sent", sent_at=now - 3 * MINUTE)
    patient = command(
        ChargingStation.objects.create(organization=station.organization, identity="SLOW", call_timeout_s=600),
        status="sent",
        sent_at=now - 3 * MINUTE,
    )
    tasks.expire_commands()
    rows = (waiting, late, sent, lost, patient)
    assert [Command.objects.get(pk=row.pk).status for row in rows] == ["queued", "expired", "sent", "timed_out", "sent"]
    told = list(Change.objects.order_by("cursor").values_list("event", "data__id"))
    assert told == [("command.updated", late.pk), ("command.updated", lost.pk)]
    tasks.expire_commands()
    assert Change.objects.count() == 2


def test_a_command_that_was_answered_meanwhile_stays_so(station: ChargingStation, now: datetime) -> None:
    late = command(station, expires_at=now - MINUTE)
    (seen,) = housekeeping.overdue_commands(now)
    Command.objects.filter(pk=late.pk).update(status="accepted")
    assert housekeeping.end_command(seen, now) is False
    assert Command.objects.get(pk=late.pk).status == "accepted"


def running(station: ChargingStation, now: datetime, *, begun: int = 60, free: int = 3, heard: int = 30) -> Transaction:
    """A transaction whose connector is Available: begun, free and last heard that many minutes ago. 5,000 Wh so far."""
    evse = EVSE.objects.create(station=station, number=1)
    outlet = Connector.objects.create(
        station=station,
        evse=evse,
        evse_number=1,
        number=1,
        status="Available",
        status_at=now - free * MINUTE,
        status_received_at=now - free * MINUTE,
    )
    started, last = now - begun * MINUTE, now - heard * MINUTE
    row = Transaction.objects.create(
        organization=station.organization,
        station=station,
        connector=outlet,
        evse_number=1,
        connector_number=1,
        transaction_id="77",
        state="charging",
        started=started,
        created_at=started,
        meter_start_wh=1000,
        price_per_kwh=Decimal("0.30"),
    )
    Connector.objects.filter(pk=outlet.pk).update(transaction=row)
    TransactionEvent.objects.create(
        station=station, transaction=row, key="start", kind="started", station_time=started, meter_wh=1000
    )
    MeterReading.objects.create(
        station=station,
        transaction=row,
        evse_number=1,
        connector_number=1,
        station_time=last,
        measured_at=last,
        received_at=last,
        energy_wh=6000,
    )
    return row


def test_a_transaction_at_a_free_connector_is_closed_with_its_last_reading(
    station: ChargingStation, now: datetime
) -> None:
    row = running(station, now)
    tasks.close_lost_transactions()
    row.refresh_from_db()
    assert (row.state, row.energy_wh, row.cost, row.final) == ("lost", 5000, Decimal("1.50"), False)
    assert "stop_lost" in row.flags
    assert row.ended == now - 3 * MINUTE
    assert sum(HourlyEnergy.objects.values_list("energy_wh", flat=True)) == pytest.approx(5000)
    assert Connector.objects.get().transaction_id is None
    assert Change.objects.filter(event="transaction.ended").count() == 1
    tasks.close_lost_transactions()
    assert Change.objects.filter(event="transaction.ended").count() == 1


@pytest.mark.parametrize(
    "times",
    [{"free": 1}, {"free": 90}, {"heard": 1}],
    ids=["just free", "free before it began", "the meter still speaks"],
)
def test_a_transaction_that_may_go_on_is_left_alone(
    station: ChargingStation, now: datetime, times: dict[str, int]
) -> None:
    row = running(station, now, **times)
    tasks.close_lost_transactions()
    row.refresh_from_db()
    assert row.state == "charging"


def test_an_absence_is_told_once_and_its_end_only_then(station: ChargingStation, now: datetime) -> None:
    ChargingStation.objects.filter(pk=station.pk).update(online=False, disconnected_at=now - 9 * MINUTE)
    tasks.notice_offline_stations()
    assert SecurityEvent.objects.count() == 0, "nine minutes are no absence"
    ChargingStation.objects.filter(pk=station.pk).update(online=True)
    tasks.notice_offline_stations()
    assert SecurityEvent.objects.count() == 0, "no end without an absence"
    ChargingStation.objects.filter(pk=station.pk).update(online=False, disconnected_at=now - 11 * MINUTE)
    tasks.notice_offline_stations()
    tasks.notice_offline_stations()
    assert list(SecurityEvent.objects.values_list("type", flat=True)) == ["StationOffline"]
    ChargingStation.objects.filter(pk=station.pk).update(online=True, connected_at=now)
    tasks.notice_offline_stations()
    tasks.notice_offline_stations()
    assert list(SecurityEvent.objects.order_by("pk").values_list("type", flat=True)) == [
        "StationOffline",
        "StationOnline",
    ]


def test_a_station_that_never_came_is_not_missed(station: ChargingStation) -> None:
    tasks.notice_offline_stations()
    assert SecurityEvent.objects.count() == 0


def test_old_rows_go(station: ChargingStation, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(housekeeping, "SLICE", 3)
    monkeypatch.setattr(housekeeping, "MOST_WAITING", 2)
    days = [40] * 7 + [1] * 2
    OcppMessage.objects.bulk_create(
        OcppMessage(station=station, sender="station", action="Heartbeat", at=now - timedelta(days=age)) for age in days
    )
    for cursor, age in enumerate([3, 2, 2, 2, 0], start=1):
        Change.objects.create(cursor=cursor, organization=station.organization, event="x", at=now - timedelta(days=age))
    for number in range(4):
        WaitingStation.objects.create(identity=f"W{number}", last_seen=now - number * MINUTE)
    user = User.objects.create_user("a@example.com", "x")
    for number, expires in enumerate((now - MINUTE, now + MINUTE)):
        TokenFamily.objects.create(user=user, current_jti=str(number), auth_version=1, expires_at=expires)
    FeedHead.objects.update_or_create(pk=1, defaults={"value": 5})
    tasks.prune()
    assert OcppMessage.objects.count() == 2
    assert list(Change.objects.values_list("cursor", flat=True)) == [5]
    assert set(WaitingStation.objects.values_list("identity", flat=True)) == {"W0", "W1"}
    assert list(TokenFamily.objects.values_list("current_jti", flat=True)) == ["1"]
