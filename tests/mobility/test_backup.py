"""Backup and restore, for real: while stations write, back into a fresh folder, and the ledger balances."""

import contextlib
import json
import os
import secrets
import sqlite3
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from mobility import archive
from tests.support import frames
from tests.support.environment import ROOT, free_port, without_settings
from tests.support.server import Server
from tests.support.services import ON_POSTGRES
from tests.support.station import Station

pytestmark = pytest.mark.slow
of_the_file = pytest.mark.skipif(ON_POSTGRES, reason="this is about SQLite's file; PostgreSQL has a test of its own")


def manage(folder: Path, *arguments: str, status: int = 0, env: Mapping[str, str] | None = None) -> str:
    """A management command over a data folder whose ports nobody listens on; -> what it printed."""
    ports = {"PORTAL_PORT": str(free_port()), "OCPP_PORT": str(free_port())}
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**without_settings(os.environ), "DATA_DIR": str(folder), **ports, **(env or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


class Charging(threading.Thread):
    """A station in a session that sends meter values as fast as they are answered; `acknowledged` in Wh."""

    def __init__(self, station: Station, id_tag: str) -> None:
        super().__init__(daemon=True)
        self.station, self.ending, self.acknowledged = station, threading.Event(), 0
        station.ok("BootNotification", frames.boot())
        start = {"connectorId": 1, "idTag": id_tag, "meterStart": 0, "timestamp": frames.ts()}
        self.transaction = station.ok("StartTransaction", start)["transactionId"]

    def run(self) -> None:
        while not self.ending.is_set():
            wh = self.acknowledged + 1
            sample = {"value": str(wh), "measurand": "Energy.Active.Import.Register", "unit": "Wh"}
            # Two readings of one moment would be one.
            reading = {"timestamp": datetime.now(UTC).isoformat(), "sampledValue": [sample]}
            values = {"connectorId": 1, "transactionId": self.transaction, "meterValue": [reading]}
            self.station.ok("MeterValues", values)
            self.acknowledged = wh


def query(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(path) as database:
        return database.execute(sql).fetchall()


@of_the_file
def test_under_load_and_back(server: Server, unique: Callable[[str], str], tmp_path: Path) -> None:
    rest, identity, tag = server.rest(), unique("BACKUP"), unique("TAG")
    rest.create_station(identity, price_per_kwh="0.30")
    rest.create_tag(tag)
    (server.data_dir / "uploads").mkdir(exist_ok=True)
    (server.data_dir / "uploads" / "plan.txt").write_text("a plan")
    made = tmp_path / "copy.tar.gz"
    with Station(server, identity) as station:
        charging = Charging(station, tag)
        charging.start()
        before = charging.acknowledged
        said = server.manage("backup", str(made)).stdout
        after = charging.acknowledged
        charging.ending.set()
        charging.join(20)
    assert str(made) in said
    assert made.stat().st_mode & 0o077 == 0
    assert after > before, "the server went on writing meanwhile"

    folder = tmp_path / "restored"
    assert "Restored" in manage(folder, "restore", str(made), env={"SECRET_KEY": "black-box-tests-only-" * 3})
    database = folder / "mobility.sqlite3"
    assert query(database, "PRAGMA integrity_check") == [("ok",)]
    ((energy, in_hours, pk),) = query(
        database,
        "SELECT energy_wh, hourly_wh, t.id FROM charging_transaction t "
        "JOIN charging_chargingstation s ON s.id = t.station_id "
        f"WHERE s.identity = '{identity}'",
    )
    assert before <= energy <= after + 1
    ((hours,),) = query(
        database,
        "SELECT SUM(h.energy_wh) FROM charging_hourlyenergy h JOIN charging_chargingstation s ON s.id = h.station_id "
        f"WHERE s.identity = '{identity}'",
    )
    assert hours == pytest.approx(sum(json.loads(in_hours).values()))
    ((readings, last),) = query(
        database, f"SELECT COUNT(*), MAX(energy_wh) FROM charging_meterreading WHERE transaction_id = {pk}"
    )
    assert (readings >= before, last) == (True, energy)
    assert (folder / "uploads" / "plan.txt").read_text() == "a plan"
    restored_twice(folder, made, database)


def restored_twice(folder: Path, made: Path, database: Path) -> None:
    """What is there is not overwritten unasked, and is kept then."""
    with sqlite3.connect(database) as there:
        there.execute("CREATE TABLE newer (id INTEGER)")
    assert "--yes" in manage(folder, "restore", str(made), status=1)
    assert query(database, "SELECT COUNT(*) FROM newer") == [(0,)]
    manage(folder, "restore", str(made), "--yes")
    assert query(database, "SELECT COUNT(*) FROM sqlite_master WHERE name = 'newer'") == [(0,)]
    former = min(folder.glob("*.before-restore-*"))
    assert query(former, "SELECT COUNT(*) FROM newer") == [(0,)]


def test_a_running_server_is_not_restored_over(server: Server, tmp_path: Path) -> None:
    done = server.manage("restore", str(tmp_path / "any.tar.gz"), "--yes", check=False)
    assert done.returncode == 1
    assert "running" in done.stderr


def changed(path: Path, into: Path, **changes: object) -> Path:
    """The archive with another manifest, or with `database` cut."""
    folder = into / "changed"
    with tarfile.open(path) as packed:
        packed.extractall(folder, filter="data")
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest.update(changes)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    made = into / "changed.tar.gz"
    with tarfile.open(made, "w:gz") as packed:
        for part in folder.rglob("*"):
            packed.add(part, arcname=part.relative_to(folder).as_posix(), recursive=False)
    return made


@pytest.mark.django_db(transaction=True)
@of_the_file
def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    made, _ = archive.make(tmp_path / "copy.tar.gz")
    with pytest.raises(archive.Unusable, match="already"):
        archive.make(made)

    def refused(path: Path, why: str) -> None:
        with pytest.raises(archive.Unusable, match=why):
            archive.read(path, tmp_path / secrets.token_hex(4))

    assert archive.read(made, tmp_path / "read")["engine"] == "sqlite"
    newer = {"charging": ["0001_initial", "9999_the_future"]}
    refused(changed(made, tmp_path, migrations=newer, version="9.9.9"), "9.9.9")
    refused(changed(made, tmp_path, engine="postgresql"), "postgresql")
    refused(changed(made, tmp_path, files={"manifest.json": {"sha256": "0" * 64, "bytes": 1}}), "damaged")
    with made.open("r+b") as file:
        file.seek(made.stat().st_size // 2)
        file.write(b"\0" * 64)
    refused(made, "checksum")


def test_postgresql(postgres_url: str, tmp_path: Path) -> None:
    env = {"DATABASE_URL": postgres_url, "SECRET_KEY": "postgres-tests-" * 4}
    manage(tmp_path, "migrate", "--verbosity", "0", env=env)

    def shell(code: str) -> str:
        code = f"from accounts.models import Organization as O; {code}"
        return manage(tmp_path, "shell", "--verbosity", "0", "--no-imports", "--command", code, env=env).strip()

    shell("O.objects.create(name='Kept')")
    made = tmp_path / "copy.tar.gz"
    assert "SECRET_KEY is set from outside" in manage(tmp_path, "backup", str(made), env=env)
    shell("O.objects.create(name='Later')")
    names = "print(*O.objects.values_list('name', flat=True).order_by('pk'))"
    assert "--yes" in manage(tmp_path, "restore", str(made), status=1, env=env)
    assert shell(names) == "Kept Later"
    manage(tmp_path, "restore", str(made), "--yes", env=env)
    assert shell(names) == "Kept"
    assert list((tmp_path / "backups").glob("before-restore-*.dump"))


@pytest.mark.django_db(transaction=True)
def test_a_database_that_somebody_locks_is_not_waited_for_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("this is about SQLite's file")
    patience = archive.patience
    monkeypatch.setattr(archive, "patience", lambda _most: patience(timedelta(0)))
    file = tmp_path / "locked.sqlite3"
    monkeypatch.setitem(settings.DATABASES["default"], "NAME", str(file))
    with contextlib.closing(sqlite3.connect(file)) as other:
        other.execute("CREATE TABLE t (n)")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(archive.Unusable, match="locked"):
            archive.copy_database(tmp_path / "copy.sqlite3")
