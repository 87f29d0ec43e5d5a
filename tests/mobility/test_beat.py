"""The scheduler asks before it sends: a task without work costs one question."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from celery.beat import Scheduler as CeleryScheduler
from django.conf import settings
from django.db import connection
from django.db.utils import OperationalError
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

import charging.tasks
from accounts.models import Organization
from charging import live
from charging.models import ChargingStation, Command
from mobility import beat

pytestmark = pytest.mark.django_db
FEED = "charging.tasks.read_feed"
EXPIRE = "charging.tasks.expire_commands"


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tasks that reach the broker."""
    names: list[str] = []
    monkeypatch.setattr(CeleryScheduler, "apply_entry", lambda _self, entry, producer=None: names.append(entry.task))
    return names


def due(task: str) -> None:
    beat.Scheduler.apply_entry(object.__new__(beat.Scheduler), SimpleNamespace(task=task))


def test_every_check_is_of_a_task_that_is_scheduled() -> None:
    assert beat.CHECKS
    assert set(beat.CHECKS) <= {str(entry["task"]) for entry in settings.CELERY_BEAT_SCHEDULE.values()}


def test_nothing_is_sent_where_there_is_nothing_to_do(sent: list[str]) -> None:
    charging.tasks.read_feed()
    for task in beat.CHECKS:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            due(task)
        assert len(asked) <= 3, task
    assert sent == []
    due("charging.tasks.pulse")
    assert sent == ["charging.tasks.pulse"]


def test_news_in_the_feed_is_work(sent: list[str]) -> None:
    charging.tasks.read_feed()
    organization = Organization.objects.create(name="News")
    live.publish(
        live.Event("station.updated", organization.pk, None, "NEWS-1", {"identity": "NEWS-1", "deleted": True})
    )
    due(FEED)
    charging.tasks.read_feed()
    due(FEED)
    assert sent == [FEED]


def test_a_command_that_is_overdue_is_work(sent: list[str]) -> None:
    organization = Organization.objects.create(name="Overdue")
    station = ChargingStation.objects.create(identity="BEAT-1", organization=organization)
    row = Command.objects.create(
        station=station, organization=organization, kind="reset", expires_at=timezone.now() + timedelta(minutes=5)
    )
    due(EXPIRE)
    assert sent == []
    Command.objects.filter(pk=row.pk).update(expires_at=timezone.now())
    due(EXPIRE)
    assert sent == [EXPIRE]


def test_what_cannot_be_asked_is_sent(sent: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> bool:
        raise OperationalError("the database is away")

    monkeypatch.setitem(beat.CHECKS, EXPIRE, away)
    due(EXPIRE)
    assert sent == [EXPIRE]


@pytest.mark.django_db(transaction=True)
def test_the_scheduler_keeps_its_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[Any] = []
    monkeypatch.setattr(connection, "close", lambda: closed.append(1))
    connection.close_at = 0  # as after a connection with CONN_MAX_AGE of 0
    beat.Scheduler.schedule_changed(object.__new__(beat.Scheduler))
    assert bool(closed) is (connection.vendor != "sqlite")
