"""The servers of a run: each knows its port, its process, and how many readings it holds."""

import contextlib
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tests.bench.load import identity
from tests.support.environment import ROOT, free_port
from tests.support.fleet import Fleet
from tests.support.rest import Rest
from tests.support.server import Server
from tests.support.services import postgres_database
from tests.support.station import PASSWORD
from tests.support.waiting import wait_until

Rows = Callable[[str], list[dict[str, Any]]]


@dataclass
class Contender:
    """Something that serves OCPP 1.6 on loopback ports; stations take them in turn."""

    name: str
    ports: list[int]
    pids: list[int]
    password: str = ""
    also: str = ""
    rows: Rows | None = field(default=None, repr=False)

    def stored_readings(self) -> int | None:
        """How many meter readings the database holds; None for a server that stores nothing."""
        return None if self.rows is None else int(self.rows("SELECT count(*) AS n FROM charging_meterreading")[0]["n"])


def register(rest: Rest, stations: int) -> None:
    rest.create_tag("BENCHTAG")
    for number in range(stations):
        rest.create_station(identity(number))


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
        yield Contender(name, [port], [process.pid])
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def ours(name: str, stations: int, database_url: str = "") -> Iterator[Contender]:
    """`manage.py up` with every station and the tag known."""
    with Server({"DATABASE_URL": database_url} if database_url else None) as server:
        register(server.rest(), stations)
        also = f" {urlsplit(database_url).path.strip('/')} " if database_url else ""
        yield Contender(name, [server.ocpp_port], [server.pid], PASSWORD, also, server.rows)


@contextlib.contextmanager
def postgres(name: str, stations: int) -> Iterator[Contender]:
    """The same over a new PostgreSQL database; pytest's Skipped when there is no PostgreSQL."""
    with postgres_database() as url, ours(name, stations, url) as contender:
        yield contender


@contextlib.contextmanager
def fleet(name: str, stations: int) -> Iterator[Contender]:
    """Two gateways, a portal, a worker and two schedulers over a PostgreSQL, a Redis and a RabbitMQ of their own; the
    CPU is that of all six processes and the database's, not of Redis and the broker."""
    with Fleet() as running:
        register(running.rest(), stations)
        ports, pids = [one.ocpp_port for one in running.gateways], [part.pid for part in running.parts]
        yield Contender(name, ports, pids, PASSWORD, "postgres: postgres mobility ", running.postgres.rows)
