"""Backups: one archive with the database, the files of DATA_DIR, and a manifest with the checksum of each.

SQLite is copied by its online backup within one read transaction, so the server goes on writing; PostgreSQL by
`pg_dump`. A restore checks everything before it changes anything.
"""

import contextlib
import hashlib
import hmac
import json
import os
import shutil
import sqlite3
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader

FORMAT = 1
#: Of DATA_DIR, what is made anew, is a backup itself, or is the database.
LEFT_OUT = ("static", "backups", "last_backup.json", "server.log")
MANIFEST = "manifest.json"


class Unusable(Exception):
    """Why a backup cannot be made or restored, in a sentence."""


def engine() -> str:
    name = str(connection.vendor)
    if name not in ("sqlite", "postgresql"):
        raise Unusable(
            "SQL Server is backed up with its own BACKUP DATABASE; this command knows SQLite and PostgreSQL."
        )
    return name


def key_mark() -> str:
    """Tells two secret keys apart and gives neither away."""
    return hmac.new(settings.SECRET_KEY.encode(), b"which key is this", hashlib.sha256).hexdigest()[:16]


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# --- Making one ------------------------------------------------------------------------------------------------------


def make(path: Path | None = None) -> tuple[Path, dict[str, Any]]:
    """Write an archive, and its checksum beside it; -> its path and its manifest.

    Raises:
        Unusable.
    """
    now = datetime.now(UTC)
    wanted = path or settings.DATA_DIR / "backups" / f"mobility-{now:%Y%m%d-%H%M%S}.tar.gz"
    if wanted.exists():
        raise Unusable(f"There is a file {wanted} already.")
    wanted.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    unfinished = wanted.with_name(wanted.name + ".part")
    try:
        with tempfile.TemporaryDirectory(dir=wanted.parent) as folder:
            dump = Path(folder) / f"database.{'sqlite3' if engine() == 'sqlite' else 'dump'}"
            copy_database(dump)
            files = {dump.name: dump, **{f"data/{name}": found for name, found in data_files(Path(folder))}}
            manifest = {
                "format": FORMAT,
                "version": settings.VERSION,
                "created": now.isoformat(timespec="seconds"),
                "engine": engine(),
                "database": dump.name,
                "migrations": applied(),
                "secret_key": key_mark(),
                "files": {
                    name: {"sha256": sha256(found), "bytes": found.stat().st_size} for name, found in files.items()
                },
            }
            unfinished.touch(mode=0o600)
            with tarfile.open(unfinished, "w:gz", compresslevel=3) as archive:
                listing = Path(folder) / MANIFEST
                listing.write_text(json.dumps(manifest, indent=1))
                for name, found in {MANIFEST: listing, **files}.items():
                    archive.add(found, arcname=name, recursive=False)
        unfinished.replace(wanted)
    finally:
        unfinished.unlink(missing_ok=True)
    checksum_of(wanted).write_text(f"{sha256(wanted)}  {wanted.name}\n")
    note = {"at": manifest["created"], "path": str(wanted)}
    (settings.DATA_DIR / "last_backup.json").write_text(json.dumps(note))
    return wanted, manifest


def checksum_of(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")


def data_files(but: Path) -> Iterator[tuple[str, Path]]:
    """What DATA_DIR holds beside the database: the key, uploads, firmware."""
    for path in sorted(settings.DATA_DIR.rglob("*")):
        name = path.relative_to(settings.DATA_DIR)
        left_out = name.parts[0] in LEFT_OUT or path.is_relative_to(but) or path.is_symlink()
        if path.is_file() and not left_out and ".sqlite3" not in name.name and ".tar.gz" not in name.name:
            yield name.as_posix(), path


def applied() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for app, name in sorted(MigrationLoader(connection).applied_migrations):
        found.setdefault(app, []).append(name)
    return found


def copy_database(into: Path) -> None:
    if engine() == "sqlite":
        # In one step, so within one read transaction: with the write-ahead log nobody waits, and it never starts anew.
        with (
            contextlib.closing(sqlite3.connect(settings.DATABASES["default"]["NAME"], timeout=1)) as source,
            contextlib.closing(sqlite3.connect(into)) as target,
        ):
            source.backup(target, pages=-1, progress=patience(timedelta(minutes=1)))
            if target.execute("PRAGMA quick_check").fetchone() != ("ok",):
                raise Unusable("The copy of the database is damaged, so the database is: see its integrity_check.")
        return
    run_tool("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={into}")


def patience(most: timedelta) -> Callable[[int, int, int], None]:
    """Called after each try of a step: a copy that somebody's lock keeps out is tried again for ever."""
    until = time.monotonic() + most.total_seconds()

    def look(status: int, _remaining: int, _total: int) -> None:
        if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) and time.monotonic() > until:
            raise Unusable("Somebody has the database locked. What else uses it?")

    return look


def run_tool(tool: str, *arguments: str) -> None:
    """One of PostgreSQL's tools on our database; the password goes by the environment, where `ps` does not show it."""
    database = settings.DATABASES["default"]
    if not shutil.which(tool):
        raise Unusable(f"{tool} is not installed here. On Debian or Ubuntu: sudo apt-get install postgresql-client")
    names = {"PGHOST": "HOST", "PGPORT": "PORT", "PGUSER": "USER", "PGPASSWORD": "PASSWORD", "PGDATABASE": "NAME"}
    given = {name: str(database[key]) for name, key in names.items() if database.get(key)}
    done = subprocess.run(
        [tool, *arguments], env={**os.environ, **given}, capture_output=True, text=True, timeout=6 * 3600, check=False
    )
    if done.returncode:
        raise Unusable(f"{tool} failed: {done.stderr.strip()[-1000:]}")


# --- Restoring one ---------------------------------------------------------------------------------------------------


def read(path: Path, into: Path) -> dict[str, Any]:
    """Unpack an archive into a folder and check it; -> its manifest.

    Raises:
        Unusable: no backup, damaged, of another engine, or of a newer version.
    """
    beside = checksum_of(path)
    if beside.is_file() and beside.read_text().split()[:1] != [sha256(path)]:
        raise Unusable(f"{path.name} is not what it was: its checksum differs from the one in {beside.name}.")
    try:
        with tarfile.open(path, "r:gz") as archive:
            archive.extractall(into, filter="data")
        manifest: dict[str, Any] = json.loads((into / MANIFEST).read_text())
        kept = manifest["files"].items()
        damaged = [name for name, one in kept if sha256(into / name) != one["sha256"]]
    except (OSError, EOFError, tarfile.TarError, ValueError, KeyError) as error:
        raise Unusable(f"{path} is no backup of this product, or is damaged: {error}") from error
    if damaged:
        raise Unusable(f"The backup is damaged: {', '.join(damaged[:5])} differ from their checksums.")
    check_fits(manifest)
    return manifest


def check_fits(manifest: dict[str, Any]) -> None:
    if manifest["format"] != FORMAT:
        raise Unusable(f"This is a backup of form {manifest['format']}; this version reads form {FORMAT}.")
    if manifest["engine"] != engine():
        raise Unusable(f"This is a backup of {manifest['engine']}, and DATABASE_URL names {engine()}.")
    known = set(MigrationLoader(None, ignore_no_migrations=True).disk_migrations)
    newer = [
        f"{app}.{name}" for app, names in manifest["migrations"].items() for name in names if (app, name) not in known
    ]
    if newer:
        raise Unusable(
            f"The backup is of the newer version {manifest['version']}, this is {settings.VERSION}: "
            f"it has {newer[-1]}, which is not known here. Install that version first."
        )


def holds_data() -> bool:
    """Whether a restore would overwrite something."""
    if engine() == "sqlite":
        path = Path(settings.DATABASES["default"]["NAME"])
        return path.exists() and path.stat().st_size > 0
    return bool(connection.introspection.table_names())


def put_back(folder: Path, manifest: dict[str, Any]) -> list[Path]:
    """Replace database and files by those of an unpacked archive; -> where the former database was kept, if it was."""
    kept = []
    dump = folder / manifest["database"]
    if manifest["engine"] == "sqlite":
        connection.close()
        path = Path(settings.DATABASES["default"]["NAME"])
        if path.exists():
            former = path.with_name(f"{path.name}.before-restore-{datetime.now(UTC):%Y%m%d-%H%M%S}")
            for end in ("", "-wal", "-shm"):
                with contextlib.suppress(FileNotFoundError):
                    path.with_name(path.name + end).rename(former.with_name(former.name + end))
            kept.append(former)
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(dump, path)
    else:
        if holds_data():
            former = settings.DATA_DIR / "backups" / f"before-restore-{datetime.now(UTC):%Y%m%d-%H%M%S}.dump"
            former.parent.mkdir(exist_ok=True, mode=0o700)
            copy_database(former)
            former.chmod(0o600)
            kept.append(former)
        # Also tables that the backup does not have: what a later version made would be in the way of its migrations.
        with connection.cursor() as cursor:
            for table in connection.introspection.table_names(cursor):
                cursor.execute(f"DROP TABLE {connection.ops.quote_name(table)} CASCADE")
        connection.close()
        how = "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error"
        run_tool("pg_restore", *how, f"--dbname={settings.DATABASES['default']['NAME']}", str(dump))
    for name in manifest["files"]:
        if name.startswith("data/"):
            target = settings.DATA_DIR / name.removeprefix("data/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(folder / name, target)
    return kept
