"""One process or many: which parts a process runs, and what several of them have to share.

The parts are `gateway` (the OCPP port), `portal` (pages, REST, live sockets), `worker` and `beat`. Processes with
different parts may run on different hosts, any number of each; they share the database, Redis and the broker.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings

from mobility import environment

PARTS = ("gateway", "portal", "worker", "beat")
#: The parts of this process; a plain server or Celery command is told by what it is.
running: list[str] = []


def run_parts(parts: list[str]) -> None:
    """Note what this process runs, before its servers are loaded."""
    running[:] = [part for part in PARTS if part in parts]


def runs_all() -> bool:
    return set(running) == set(PARTS)


def refuse_what_is_not_shared(parts: Sequence[str]) -> None:
    """End the process with one line and exit status 2 where what it would use lives in one process or file only.

    For a process that runs only some of the parts; one that runs all of them needs nothing to share.
    """
    runs = f"this process runs only: {', '.join(parts)}"
    if settings.CELERY_BROKER_URL.startswith("memory:"):
        environment.refuse(
            "CELERY_BROKER_URL",
            f"memory:// lives within one process, and {runs}. Set amqp://… or redis://…, the same for all processes.",
        )
    if not settings.REDIS_URL:
        environment.refuse(
            "REDIS_URL",
            f"without it wake-ups and live events stay in one process, and {runs}. Set redis://…, the same for all.",
        )
    if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        environment.refuse(
            "DATABASE_URL",
            f"SQLite is a file of one machine with one writer, and {runs}. Set postgres://… or mssql://….",
        )
    if settings.SECRET_KEY_IS_OWN:
        environment.refuse(
            "SECRET_KEY",
            f"without it each DATA_DIR has a key of its own, and {runs}. Set the same key for all processes.",
        )


def refuse_a_lonely_server() -> None:
    """The same for uvicorn, daphne and their kind, which load `mobility.asgi` without `manage.py`."""
    if Path(sys.argv[0]).name != "manage.py":
        refuse_what_is_not_shared(["gateway or portal"])
