"""A server that is killed, stopped, locked out of its database: nothing lost, nothing billed twice, nothing half."""

import contextlib
import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import WebSocketException

from tests.conftest import StartServer
from tests.support import frames
from tests.support.honest import Honest, honest
from tests.support.server import Server
from tests.support.station import Station
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow

TAG = "HONEST-TAG"


@pytest.fixture(scope="module")
def mortal() -> Iterator[Server]:
    """A server that these tests may kill and stop."""
    with Server() as server:
        server.rest().create_tag(TAG)
        yield server


# --- kill -9 --------------------------------------------------------------------------------------------------------


def test_kill_9_again_and_again(mortal: Server):
    """Ten stations of three versions; in the end each session is there once, with the watt-hours of its station."""
    server, rest = mortal, mortal.rest()
    for index in range(10):
        rest.create_station(f"HONEST-{index}", price_per_kwh="0.30")
    fleet = Honest([honest(server.ocpp_url, TAG, index) for index in range(10)], sessions=3)
    fleet.start()
    for due in (8, 20):
        wait_until(lambda due=due: fleet.begun >= due, "sessions", timeout=60)  # type: ignore[misc]
        server.restart(kill=True)
    fleet.join(180)
    assert len(fleet.truth) == 10
    billed = 0.0
    for identity, expected in fleet.results():
        rows = rest.transactions(identity)
        assert [row["energy_wh"] for row in rows] == expected, identity
        assert [row["state"] for row in rows] == ["ended"] * 3
        assert [row["flags"] for row in rows] == [[]] * 3
        assert [float(row["cost"]) for row in rows] == [pytest.approx(wh * 0.0003, abs=0.0051) for wh in expected]
        billed += sum(expected)
    assert billed > 0
    (hourly,) = server.rows("SELECT SUM(energy_wh) AS wh FROM charging_hourlyenergy")
    assert hourly["wh"] == pytest.approx(billed)
    assert server.rows("SELECT * FROM charging_quarantinedmessage") == []


# --- SIGTERM --------------------------------------------------------------------------------------------------------


class Busy(threading.Thread):
    """A station that starts and stops sessions as fast as it is answered, and remembers what was answered."""

    def __init__(self, station: Station) -> None:
        super().__init__(daemon=True)
        self.station = station
        self.started: list[int] = []
        self.stopped: list[int] = []

    def run(self) -> None:
        with contextlib.suppress(AssertionError, WebSocketException, OSError):
            for wh in range(1_000, 10**6, 10):
                answer = self.station.ok("StartTransaction", frames.start_16(TAG, wh))
                self.started.append(answer["transactionId"])
                self.station.ok("StopTransaction", frames.stop_16(self.started[-1], wh + 10))
                self.stopped.append(self.started[-1])


def test_sigterm_under_load_keeps_what_was_answered(mortal: Server):
    server = mortal if mortal.running else mortal.start()
    busy = []
    for index in range(8):
        server.rest().create_station(f"BUSY-{index}")
        busy.append(Busy(Station(server, f"BUSY-{index}").connect()))
    for one in busy:
        one.start()
    wait_until(lambda: all(len(one.stopped) > 3 for one in busy), "every station to be busy")
    server.stop()
    assert server.process is not None and server.process.returncode == 0
    codes = [one.station.expect_close() for one in busy]
    for one in busy:
        one.join(30)
    assert codes == [1012] * 8
    rows = {
        int(row["transaction_id"]): row["state"]
        for row in server.rows(
            "SELECT t.transaction_id, t.state FROM charging_transaction t JOIN charging_chargingstation s"
            " ON s.id = t.station_id WHERE s.identity LIKE 'BUSY-%'"
        )
    }
    for one in busy:
        assert set(one.started) <= set(rows)
        assert {rows[number] for number in one.stopped} == {"ended"}
    # At most one message of each station was in work.
    assert len(rows) - sum(len(one.started) for one in busy) <= 8
    assert list(rows.values()).count("ended") - sum(len(one.stopped) for one in busy) <= 8
    assert server.rows("SELECT identity FROM charging_chargingstation WHERE online") == []


# --- The database ---------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def locked(server: Server) -> Iterator[None]:
    """Another process holds the database."""
    path = server.sqlite_path()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as other:
        other.execute("BEGIN EXCLUSIVE")
        try:
            yield
        finally:
            other.execute("ROLLBACK")


def test_a_locked_database_makes_answers_late_and_loses_nothing(
    server: Server, rest: Any, unique: Callable[[str], str]
):
    identity, tag = unique("LOCK"), unique("TAG")
    rest.create_station(identity)
    rest.create_tag(tag)
    answers: list[Any] = []
    with Station(server, identity) as station:
        station.ok("BootNotification", frames.boot())
        with locked(server):
            asking = threading.Thread(
                target=lambda: answers.append(station.call("StartTransaction", frames.start_16(tag, 1_000), timeout=60))
            )
            asking.start()
            for _ in range(20):
                # Reading goes on meanwhile.
                assert rest.get(f"stations/{identity}/")["online"]
            assert answers == []
        asking.join(60)
        assert answers[0][0] == 3
        known = answers[0][2]["transactionId"]
        assert station.ok("StopTransaction", frames.stop_16(known, 2_000)) == {}
    (row,) = rest.transactions(identity)
    assert (row["state"], row["energy_wh"], row["transaction_id"]) == ("ended", 1_000, str(known))


def test_a_database_locked_for_too_long_is_an_own_failure_without_details(start_server: StartServer, tmp_path: Path):
    """The station is told to try again; when the database is back, it finds one session."""
    impatient = f"sqlite:///{tmp_path / 'mobility.sqlite3'}?timeout=1"
    server = start_server({"DATABASE_URL": impatient}, data_dir=tmp_path)
    rest = server.rest()
    rest.create_station("PATIENT")
    rest.create_tag(TAG)
    start = frames.start_16(TAG, 1_000)
    with Station(server, "PATIENT") as station:
        station.ok("BootNotification", frames.boot())
        with locked(server):
            refused = station.call("StartTransaction", start, timeout=60)
            assert refused[2:] == ["InternalError", "", {}]
            wait_until(lambda: rest.http.get(f"{server.url}/readyz").status_code == 503, "readiness to be false")
        known = station.ok("StartTransaction", start)["transactionId"]
        assert station.ok("StartTransaction", start)["transactionId"] == known
        wait_until(lambda: rest.http.get(f"{server.url}/readyz").status_code == 200, "readiness to be true again")
        station.ok("StopTransaction", frames.stop_16(known, 1_500))
    assert [row["energy_wh"] for row in rest.transactions("PATIENT")] == [500]
    assert "locked" not in json.dumps(refused)
