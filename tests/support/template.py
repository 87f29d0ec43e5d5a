"""A migrated database, made once for all servers of a test run and of later ones while no migration changes."""

import fcntl
import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path

from tests.support.environment import ROOT, without_settings

NAME = "mobility.sqlite3"
KEPT_S = 86_400


def fingerprint() -> str:
    """Changes with what a new database would contain."""
    mark = hashlib.sha256()
    for path in [ROOT / "constraints.txt", ROOT / "mobility/settings.py", *sorted(ROOT.glob("*/migrations/*.py"))]:
        mark.update(path.name.encode() + path.read_bytes())
    return mark.hexdigest()[:16]


@cache
def migrated() -> Path:
    """The file, made by `manage.py migrate` where it does not exist yet; copy it, do not open it."""
    folder = Path(tempfile.gettempdir()) / f"mobility-template-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder / f"{fingerprint()}.sqlite3"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not found.exists():
            for old in folder.glob("*.sqlite3"):
                # Another run may be copying one of today's.
                if time.time() - old.stat().st_mtime > KEPT_S:
                    old.unlink()
            with tempfile.TemporaryDirectory(dir=folder) as data_dir:
                settings = {"DATA_DIR": data_dir, "SECRET_KEY": "black-box-tests-only-" * 3}
                subprocess.run(
                    [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
                    cwd=ROOT,
                    env={**without_settings(os.environ), **settings},
                    check=True,
                )
                made = Path(data_dir) / NAME
                connection = sqlite3.connect(made)
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                connection.close()
                shutil.move(made, found)
    return found
