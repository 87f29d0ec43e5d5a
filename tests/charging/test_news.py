"""From the change feed to notifications and webhook deliveries: each made once, of what is news."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts import webhooks
from accounts.actors import actor_of
from accounts.models import Mark, Membership, Notification, Organization, User, WebhookDelivery
from charging import feed_reader, housekeeping, live
from charging.models import Change, ChargingStation, Command, Transaction, WaitingStation
from charging.news import FEED
from charging.queries import transactions

pytestmark = pytest.mark.django_db


class Home:
    """An organization with an owner, a driver, and a driver who has left."""

    def __init__(self) -> None:
        self.organization = Organization.objects.create(name="Home")
        self.owner, self.driver, self.left = (
            User.objects.create_user(f"{name}@example.com", "x") for name in ("owner", "driver", "left")
        )
        for user, role in ((self.owner, "owner"), (self.driver, "driver")):
            Membership.objects.create(user=user, organization=self.organization, role=role)
        self.station = ChargingStation.objects.create(organization=self.organization, identity="CP-1")
        feed_reader.read(timezone.now())

    def tell(self, name: str, data: dict[str, Any], user: User | None = None, at: datetime | None = None) -> None:
        event = live.Event(name, self.organization.pk, self.station.pk, "CP-1", data, user.pk if user else None)
        live.store([event], at)

    def session(self, name: str, user: User | None = None, **more: Any) -> Transaction:
        now = timezone.now()
        known = {"started": now, "energy_wh": 1000, "transaction_id": str(Transaction.objects.count()), **more}
        row = Transaction.objects.create(organization=self.organization, station=self.station, user=user, **known)
        self.tell(name, transactions.as_json(row), user)
        return row

    def outlet(self, status: str, at: datetime | None = None) -> None:
        data = {"id": 5, "evse_id": 1, "connector_id": 1, "status": status, "error_code": "GroundFailure", "info": ""}
        self.tell("connector.updated", data, at=at)

    def read(self, now: datetime | None = None) -> list[tuple[str, str]]:
        """Read on; -> what is new, as (whom, kind)."""
        before = set(Notification.objects.values_list("pk", flat=True))
        feed_reader.read(now or timezone.now())
        rows = Notification.objects.exclude(pk__in=before).order_by("pk").select_related("user")
        return [(row.user.email.split("@")[0], row.kind) for row in rows]


@pytest.fixture
def home() -> Home:
    return Home()


def test_what_was_long_before_the_first_look_is_no_news() -> None:
    organization = Organization.objects.create(name="Old")
    WaitingStation.objects.create(identity="OLD", first_seen=timezone.now() - timedelta(hours=1))
    owner = User.objects.create_user("owner@example.com", "x", is_superuser=True)
    Membership.objects.create(user=owner, organization=organization, role="owner")
    now = timezone.now()
    for number, minutes in ((1, 60), (2, 1)):
        event = live.Event("station.updated", organization.pk, None, "", {"id": number, "status": "Faulted"})
        live.store([event], now - timedelta(minutes=minutes))
    # But what happened while the installation started is.
    assert feed_reader.read(now) == (True, False)
    assert [row.key.rpartition(".")[0] for row in Notification.objects.all()] == ["fault.station.2"]
    assert Mark.objects.get(pk=FEED).value == live.head()


def test_an_end_is_told_once_to_its_driver(home: Home) -> None:
    row = home.session("transaction.ended", home.driver, state="ended", ended=timezone.now())
    assert home.read() == [("driver", "session_finished")]
    assert home.read() == []
    # A correction of the bill is no second end.
    home.tell("transaction.ended", transactions.as_json(row), home.driver)
    assert home.read() == []


def test_an_early_end_is_told_as_one_thing(home: Home) -> None:
    home.session("transaction.ended", home.driver, state="ended", stop_reason="EmergencyStop")
    assert home.read() == [("driver", "session_interrupted"), ("owner", "any_session_interrupted")]


def test_who_has_left_is_told_nothing(home: Home) -> None:
    home.session("transaction.ended", home.left, state="ended")
    assert home.read() == []


def test_who_is_deactivated_is_told_nothing(home: Home) -> None:
    User.objects.filter(pk=home.driver.pk).update(is_active=False)
    home.session("transaction.ended", home.driver, state="ended")
    assert home.read() == []


def test_a_pause_of_the_station_is_told_and_one_of_the_car_not(home: Home) -> None:
    home.session("transaction.updated", home.driver, state="suspended", charging_state="SuspendedEV")
    home.session("transaction.updated", home.driver, state="suspended", charging_state="SuspendedEVSE", energy_wh=0)
    assert home.read() == []
    # What this system itself has asked for surprises nobody.
    now = timezone.now()
    known = {"organization": home.organization, "station": home.station, "expires_at": now, "answered_at": now}
    limit = Command.objects.create(kind="set_limit", status="accepted", **known)
    home.session("transaction.updated", home.driver, state="suspended", charging_state="SuspendedEVSE")
    assert home.read() == []
    Command.objects.filter(pk=limit.pk).update(answered_at=now - timedelta(days=1))
    home.session("transaction.updated", home.driver, state="suspended", charging_state="SuspendedEVSE")
    assert home.read() == [("driver", "session_interrupted"), ("owner", "any_session_interrupted")]


def test_a_fault_is_told_when_it_begins_and_once_an_hour(home: Home) -> None:
    at = datetime.fromisoformat("2026-03-01T10:05:00Z")
    told, found = [("owner", "station_fault")], []
    for minutes, status in enumerate(("Faulted", "Faulted", "Available", "Faulted")):
        home.outlet(status, at + timedelta(minutes=minutes))
        found.append(home.read())
    assert found == [told, [], [], []]
    # It lasts, whatever the station repeats; a new one at another time is news, even in one look with its end.
    home.outlet("Faulted", at + timedelta(hours=2))
    assert home.read() == []
    for status in ("Available", "Faulted", "Available"):
        home.outlet(status, at + timedelta(hours=3))
    assert home.read() == told
    assert not Mark.objects.filter(pk__startswith="fault.").exists()
    for _look in range(2):
        for status in ("Faulted", "Available", "Faulted"):
            home.outlet(status, at + timedelta(hours=4))
        home.read()
    home.outlet("Available", at + timedelta(hours=5))
    home.read()
    assert not Mark.objects.filter(pk__startswith="fault.").exists()


def test_a_worker_that_comes_second_writes_nothing(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    webhooks.create_webhook(actor_of(home.owner), url="https://example.com/", events=["transaction.*"])
    home.session("transaction.ended", home.driver, state="ended")
    planned = feed_reader.notifications

    def meanwhile(*args: Any) -> Any:
        monkeypatch.setattr(feed_reader, "notifications", planned)
        assert feed_reader.read_page(timezone.now()) == (True, True)
        return planned(*args)

    monkeypatch.setattr(feed_reader, "notifications", meanwhile)
    assert feed_reader.read_page(timezone.now()) is None
    assert Notification.objects.count() == WebhookDelivery.objects.count() == 1


def test_the_words_are_in_the_persons_language_and_time(home: Home) -> None:
    User.objects.filter(pk=home.driver.pk).update(time_zone="Asia/Tokyo")
    began = datetime.fromisoformat("2026-03-01T20:00:00Z")
    home.session("transaction.ended", home.driver, state="ended", started=began, ended=began + timedelta(hours=1))
    home.read()
    row = Notification.objects.get()
    assert row.title == "Charging has ended at CP-1: 1.00 kWh"
    assert "From 2 Mar 2026, 05:00 to 2 Mar 2026, 06:00." in row.text


def test_unknown_stations_are_told_of_together(home: Home) -> None:
    User.objects.filter(pk=home.owner.pk).update(is_superuser=True)
    now = timezone.now()
    WaitingStation.objects.create(identity="A")
    assert home.read(now) == [("owner", "station_waiting")]
    WaitingStation.objects.create(identity="B")
    WaitingStation.objects.create(identity="C")
    assert home.read(now + timedelta(minutes=5)) == []
    assert home.read(now + timedelta(minutes=11)) == [("owner", "station_waiting")]
    assert Notification.objects.order_by("-pk")[0].title == "2 unknown stations knock"


def test_the_feed_is_kept_until_it_is_read(home: Home) -> None:
    for _number in range(3):
        home.outlet("Available")
    Change.objects.update(at=timezone.now() - timedelta(days=3))
    before = timezone.now() - timedelta(days=1)
    assert housekeeping.prune_changes(before) == 0
    home.read()
    assert housekeeping.prune_changes(before) == 2
