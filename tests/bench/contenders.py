"""The servers of a run: each knows its port, its process, and how many readings it holds."""

import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import psycopg

from tests.bench.load import identity
from tests.support.environment import ROOT, free_port
from tests.support.server import Server
from tests.support.services import postgres_database
from tests.support.station import PASSWORD
from tests.support.waiting import wait_until


@dataclass
class Contender:
    """Something that serves OCPP 1.6 on a loopback port."""

    name: str
    port: int
    pid: int
    password: str = ""
    also: str = ""
    server: Server | None = field(default=None, repr=False)

    def stored_readings(self) -> int | None:
        """How many meter readings the database holds; None for a server that stores nothing."""
        query = "SELECT count(*) AS n FROM charging_meterreading"
        if self.server is None:
            return None
        url = self.server.overrides.get("DATABASE_URL")
        if not url:
            return int(self.server.rows(query)[0]["n"])
        with psycopg.connect(url) as connection:
            row = connection.execute(query).fetchone()
            return int(row[0]) if row else 0


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


@contextlib.contextmanager
def bare(kind: str, name: str) -> Iterator[Contender]:
    """A fresh process of `tests.bench.bare`."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "tests.bench.bare", str(port), kind], cwd=ROOT)
    try:
        wait_until(lambda: _listens(port), f"the {name} server", 30)
        yield Contender(name, port, process.pid)
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def ours(name: str, stations: int, database_url: str = "") -> Iterator[Contender]:
    """`manage.py up` with every station and the tag known."""
    with Server({"DATABASE_URL": database_url} if database_url else None) as server:
        rest = server.rest()
        rest.create_tag("BENCHTAG")
        for number in range(stations):
            rest.create_station(identity(number))
        also = f" {urlsplit(database_url).path.strip('/')} " if database_url else ""
        yield Contender(name, server.ocpp_port, server.pid, PASSWORD, also, server)


@contextlib.contextmanager
def postgres(name: str, stations: int) -> Iterator[Contender]:
    """The same over a new PostgreSQL database; pytest's Skipped when there is no PostgreSQL."""
    with postgres_database() as url, ours(name, stations, url) as contender:
        yield contender
