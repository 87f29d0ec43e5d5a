"""What the clock does to reservations and jobs, without a server: each is taken by one of two schedulers."""

import os
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import override_settings

from accounts.models import Organization
from charging import reservations_due
from charging.jobs import files, keeping, run
from charging.models import EVSE, ChargingStation, Command, Connector, JobGroup, Reservation, StationJob

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def station() -> ChargingStation:
    organization = Organization.objects.create(name="Home")
    row = ChargingStation.objects.create(organization=organization, identity="CLOCK", online=True, protocol="1.6")
    evse = EVSE.objects.create(station=row, number=1)
    Connector.objects.create(station=row, evse=evse, evse_number=1, number=1)
    return row


def reserved(station: ChargingStation, **more: Any) -> Reservation:
    values = {
        "organization": station.organization,
        "station": station,
        "connector": Connector.objects.get(station=station),
        "number": 7,
        "id_token": "TAG",
        "status": "planned",
        "starts_at": NOW,
        "expires_at": NOW + timedelta(hours=1),
        "due_at": NOW,
    }
    return Reservation.objects.create(**{**values, **more})


def test_a_planned_one_is_sent_once_when_it_starts(station: ChargingStation) -> None:
    row = reserved(station)
    assert reservations_due.run_due(NOW - timedelta(seconds=1)) == 0
    assert reservations_due.run_due(NOW) == 1
    # Another scheduler that looks at the same moment finds nothing to do.
    assert reservations_due.run_due(NOW) == 0
    row.refresh_from_db()
    command = Command.objects.get(kind="reserve")
    assert (row.status, row.command_id, row.due_at) == ("requested", command.pk, row.expires_at)
    assert command.params["number"] == 7 and command.expires_at <= row.expires_at


def test_it_waits_for_a_station_that_is_away_until_it_would_be_over(station: ChargingStation) -> None:
    ChargingStation.objects.update(online=False)
    row = reserved(station)
    reservations_due.run_due(NOW)
    row.refresh_from_db()
    assert row.status == "planned" and row.due_at is not None and row.due_at > NOW
    reservations_due.run_due(NOW + timedelta(hours=2))
    row.refresh_from_db()
    assert row.status == "failed" and row.due_at is None and "not connected" in row.reason
    assert not Command.objects.exists()


def test_it_expires_by_the_clock(station: ChargingStation) -> None:
    row = reserved(station, status="accepted", due_at=NOW + timedelta(hours=1))
    assert reservations_due.run_due(NOW + timedelta(minutes=59)) == 0
    reservations_due.run_due(NOW + timedelta(hours=1))
    row.refresh_from_db()
    assert (row.status, row.ended_at) == ("expired", NOW + timedelta(hours=1))


def job(station: ChargingStation, **more: Any) -> StationJob:
    values = {"organization": station.organization, "station": station, "kind": "log", "log_type": "diagnostics"}
    return StationJob.objects.create(**{**values, "created_at": NOW, "begin_at": NOW, **more})


@override_settings(JOB_SILENCE_S=600)
def test_a_job_of_which_nothing_is_heard_is_given_up(station: ChargingStation) -> None:
    silent = job(station, state="uploading", due_at=NOW)
    unproven = job(station, kind="firmware", log_type="", state="checking", due_at=NOW)
    came = job(station, state="uploading", due_at=NOW, file_at=NOW, file_path="x")
    assert run.run_due(NOW) == 3 and run.run_due(NOW) == 0
    for row in (silent, unproven, came):
        row.refresh_from_db()
    assert (silent.state, silent.error) == ("timed_out", "The station has said nothing of it for 10 minutes.")
    assert unproven.state == "timed_out" and "has not restarted" in unproven.error
    assert (came.state, came.progress) == ("done", 100)


def test_logs_are_removed_after_their_time(station: ChargingStation) -> None:
    kept, old, orphan = (files.store(files.LOGS, [b"log"], 10).path for _ in range(3))
    long_ago = (NOW - timedelta(days=31)).timestamp()
    for path in (old, orphan):
        os.utime(files.where(files.LOGS, path), (long_ago, long_ago))
    os.utime(files.where(files.LOGS, kept), (NOW.timestamp(), NOW.timestamp()))
    gone = job(station, state="done", file_path=old, file_name="a.log", file_at=NOW - timedelta(days=31))
    here = job(station, state="done", file_path=kept, file_name="b.log", file_at=NOW)
    keeping.prune_logs(NOW)
    assert {path: files.where(files.LOGS, path).exists() for path in (kept, old, orphan)} == {
        kept: True,
        old: False,
        orphan: False,
    }
    gone.refresh_from_db()
    here.refresh_from_db()
    assert (gone.file_path, here.file_path) == ("", kept)


def test_a_group_begins_in_its_turn_and_spread(station: ChargingStation) -> None:
    group = JobGroup.objects.create(organization=station.organization, kind="log", parallel=2)
    others = [
        ChargingStation.objects.create(organization=station.organization, identity=f"C{n}", online=n != 1)
        for n in range(4)
    ]
    rows = [job(one, group=group, due_at=NOW + run.WAITS_FOR) for one in others]
    StationJob.objects.filter(pk=rows[3].pk).update(begin_at=NOW + timedelta(minutes=1))

    def states() -> list[str]:
        return [StationJob.objects.get(pk=row.pk).state for row in rows]

    run.run_due(NOW)
    run.run_due(NOW)
    # One is away, and one is to begin a minute later.
    assert states() == ["asked", "waiting", "asked", "waiting"]
    run.run_due(NOW + timedelta(minutes=2))
    assert states().count("asked") == 2
    StationJob.objects.filter(pk=rows[0].pk).update(state="done")
    run.run_due(NOW + timedelta(minutes=2))
    assert states() == ["done", "waiting", "asked", "asked"]
    run.run_due(NOW + timedelta(days=2))
    assert StationJob.objects.get(pk=rows[1].pk).error == "The station was not there in time."
