"""Compare this server, everything durable, with bare ones that store nothing: `make bench`."""

import argparse
import contextlib
import os
import platform
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.bench import contenders, planner
from tests.bench.contenders import Contender
from tests.support.environment import ROOT

ECHO, LIBRARY = "bare websockets echo", "bare websockets + ocpp, stores nothing"
SQLITE, POSTGRES = "this server, SQLite", "this server, PostgreSQL"
FLEET = "two gateways, portal, worker, beat; PostgreSQL, Redis, RabbitMQ"
Row = dict[str, Any]


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round, 50 stations, SQLite alone")
    parser.add_argument("--stations", type=int, nargs="+", help="how many at once (50 500)")
    parser.add_argument("--rounds", type=int, help="how often each server has its turn (3)")
    parser.add_argument("--seconds", type=float, help="how long a turn measures (5)")
    parser.add_argument("--no-postgres", action="store_true", help="leave PostgreSQL out")
    parser.add_argument("--fleet", action="store_true", help="also as processes of their own, 200 stations")
    parser.add_argument("--least", type=float, help="fail below this many times the bare ocpp server's messages/s")
    parser.add_argument("--pages", action="store_true", help="server time of pages with a million sessions instead")
    parser.add_argument("--live", action="store_true", help="how long a station's change takes to a phone instead")
    given = parser.parse_args()
    given.stations = sorted(
        given.stations or ([50] if given.quick else [200] if given.fleet else [50, 500]), reverse=True
    )
    given.rounds = given.rounds or (1 if given.quick else 3)
    given.seconds = given.seconds or (2 if given.quick else 5)
    given.no_postgres = given.no_postgres or given.quick
    return given


def machine() -> str:
    """CPU, cores, memory, and the versions that matter."""
    model = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), model)
    names = ("django", "uvicorn", "websockets", "uvloop", "ocpp", "jsonschema-rs", "orjson")
    packages = ", ".join(f"{name} {version(name)}" for name in names)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (
        f"{model}, {cores} cores shared by server and stations; {platform.system()} {platform.release()}; "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {packages}"
    )


def measure(contender: Contender, stations: int, seconds: float) -> Row:
    """One turn of the stations, in a process of their own."""
    arguments = [
        *("--ports", *map(str, contender.ports), "--pids", *map(str, contender.pids), "--also", contender.also),
        *("--stations", str(stations), "--seconds", str(seconds), "--password", contender.password),
    ]
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.load", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"the stations of {contender.name} failed:\n{done.stderr[-2000:]}")
    row: Row = orjson.loads(done.stdout)
    return row


def warm_up(contender: Contender) -> None:
    """What a server does once (imports, caches) belongs to no turn."""
    measure(contender, 5, 0.5)


def turn(contender: Contender, stations: int, seconds: float) -> Row:
    """A measured turn, and a line about it."""
    row = measure(contender, stations, seconds)
    print(
        f"  {stations:>4} stations, {contender.name}: {row['rate']:,.0f} messages/s, p99 {row['p99_ms']:.1f} ms, "
        f"{row['errors']} errors, connected in {row['connect_s']:.1f} s",
        file=sys.stderr,
        flush=True,
    )
    return row


def turn_of_bare(kind: str, name: str, stations: int, seconds: float) -> Row:
    """A bare server is made afresh for each turn."""
    with contenders.bare(kind, name) as contender:
        warm_up(contender)
        return turn(contender, stations, seconds)


def run(given: argparse.Namespace, durable: Sequence[Contender]) -> dict[tuple[int, str], list[Row]]:
    """(stations, server) -> one row for each round; the servers take turns within a round."""
    rows: dict[tuple[int, str], list[Row]] = {}
    for contender in durable:
        warm_up(contender)
    for stations in given.stations:
        for _ in range(given.rounds):
            for kind, name in (("echo", ECHO), ("ocpp", LIBRARY)):
                rows.setdefault((stations, name), []).append(turn_of_bare(kind, name, stations, given.seconds))
            for contender in durable:
                rows.setdefault((stations, contender.name), []).append(turn(contender, stations, given.seconds))
    return rows


def ratio(rows: dict[tuple[int, str], list[Row]], stations: int, name: str, what: str = "rate") -> float:
    """Median over the rounds of this server's figure divided by the bare `ocpp` server's of the same round."""
    pairs = zip(rows[stations, name], rows[stations, LIBRARY], strict=True)
    return statistics.median(ours[what] / bare[what] for ours, bare in pairs)


def table(rows: dict[tuple[int, str], list[Row]]) -> str:
    """The medians as Markdown."""
    lines = [
        "| stations | server | messages/s | × bare ocpp | p50 ms | p99 ms | CPU µs/message "
        "| KiB/idle station | s to connect |",
        "|---:|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    most = max(stations for stations, _ in rows)
    for stations, name in sorted(rows, key=lambda key: key[0]):
        of = rows[stations, name]

        def median(what: str, of: list[Row] = of) -> float:
            return statistics.median(row[what] for row in of)

        lines.append(
            f"| {stations} | {name} | {median('rate'):,.0f} | {ratio(rows, stations, name):.2f} | "
            f"{median('p50_ms'):.1f} | {median('p99_ms'):.1f} | {median('cpu_us'):.0f} | "
            f"{memory(of, fresh=name in (ECHO, LIBRARY) or stations == most)} | {median('connect_s'):.1f} |"
        )
    return "\n".join(lines)


def memory(rows: list[Row], *, fresh: bool) -> str:
    """KiB for each idle station; a process keeps what it has freed, so only its first full turn shows them."""
    return f"{rows[0]['kib_per_station']:.0f}" if fresh else "–"


def check_stored(contender: Contender, rows: dict[tuple[int, str], list[Row]]) -> bool:
    """Whether every acknowledged reading is a row in the database."""
    sent = sum(row["readings"] for key, of in rows.items() if key[1] == contender.name for row in of)
    stored = contender.stored_readings() or 0
    print(f"{contender.name}: {stored:,} meter readings stored, {sent:,} acknowledged")
    return stored >= sent


def main() -> int:
    given = options()
    if given.live:
        from tests.bench import live

        print(machine(), flush=True)
        return live.main()
    if given.pages:
        return subprocess.run([sys.executable, "-m", "tests.bench.pages"], cwd=ROOT, check=False).returncode
    began = time.monotonic()
    most = max(given.stations)
    with contextlib.ExitStack() as stack:
        durable = [stack.enter_context(contenders.ours(SQLITE, most))]
        if not given.no_postgres:
            try:
                durable.append(stack.enter_context(contenders.postgres(POSTGRES, most)))
            except pytest.skip.Exception as reason:
                print(f"without PostgreSQL: {reason}", file=sys.stderr)
        if given.fleet:
            durable.append(stack.enter_context(contenders.fleet(FLEET, most)))
        rows = run(given, durable)
        print(f"\n{machine()}\n{given.rounds} rounds of {given.seconds:g} s, medians.\n\n{table(rows)}\n")
        stored = [check_stored(contender, rows) for contender in durable]
    errors = sum(row["errors"] for of in rows.values() for row in of)
    ratios = {stations: ratio(rows, stations, SQLITE) for stations in given.stations}
    cpu = max(ratio(rows, stations, SQLITE, "cpu_us") for stations in given.stations)
    shown = ", ".join(f"{value:.2f} at {stations} stations" for stations, value in sorted(ratios.items()))
    print(f"{errors} errors, {time.monotonic() - began:.0f} s")
    print(f"times the bare ocpp server's messages/s, everything durable on SQLite: {shown}; {cpu:.2f} times its CPU")
    print(planner.row())
    return 0 if all(stored) and not errors and min(ratios.values()) >= (given.least or 0) else 1


if __name__ == "__main__":
    sys.exit(main())
