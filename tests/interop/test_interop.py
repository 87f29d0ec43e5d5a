"""A charging session by stations we did not write, and the same energy and money wherever one looks.

The stations: the npm package `ocpp-rpc` in strict mode, and the charge-point side of the Python package `ocpp`.
"""

import json
import queue
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.support.browser import Visits
from tests.support.people import People
from tests.support.server import Server
from tests.support.services import missing
from tests.support.station import PASSWORD
from tests.support.waiting import wait_until

HERE = Path(__file__).parent
STATIONS = [
    pytest.param("station16.mjs", "ocpp1.6", id="ocpp-rpc-1.6"),
    pytest.param("station201.mjs", "ocpp2.0.1", id="ocpp-rpc-2.0.1"),
    pytest.param("station_ocpp.py", "ocpp1.6", id="python-ocpp-1.6"),
    pytest.param("station_ocpp.py", "ocpp2.0.1", id="python-ocpp-2.0.1"),
    pytest.param("station_ocpp.py", "ocpp2.1", id="python-ocpp-2.1"),
]
# What every script does: from 1,000 to 13,345 Wh at 0.30 a kWh, with 11 kW on the way.
ENERGY_WH = 12_345
COST = Decimal("3.70")


def interpreter(script: str) -> list[str]:
    if script.endswith(".py"):
        return [sys.executable, "-u"]
    node = shutil.which("node")
    if not node:
        missing("Node.js", "install it (Debian: sudo apt-get install nodejs npm)")
    if not (HERE / "node_modules" / "ocpp-rpc").is_dir():
        missing("the npm package ocpp-rpc", "npm --prefix tests/interop ci")
    return [node]


class Driven:
    """A station script as a child process: its JSON lines, one step after the other."""

    def __init__(self, script: str, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [*interpreter(script), str(HERE / script), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._lines: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def expect(self, step: str, timeout: float = 30) -> dict[str, Any]:
        """The next line that is this step; a fault or an end before it fails the test with what was said."""
        while True:
            line = self._lines.get(timeout=timeout)
            if line is None:
                said = self.process.stderr.read() if self.process.stderr else ""
                raise AssertionError(f"the station ended with {self.process.wait(10)} before {step!r}:\n{said[-3000:]}")
            said_now: dict[str, Any] = json.loads(line)
            assert "fault" not in said_now, said_now["fault"]
            if said_now["step"] == step:
                return said_now

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


@pytest.fixture
def drive() -> Iterator[Callable[..., Driven]]:
    driven: list[Driven] = []

    def start(script: str, *arguments: str) -> Driven:
        driven.append(Driven(script, *arguments))
        return driven[-1]

    yield start
    for station in driven:
        station.close()


@pytest.mark.parametrize(("script", "protocol"), STATIONS)
def test_a_session_is_the_same_everywhere(
    script: str,
    protocol: str,
    server: Server,
    people: People,
    unique: Callable[[str], str],
    drive: Callable[..., Driven],
    visit: Visits,
) -> None:
    rest = people.owner.rest
    identity, tag = unique("INTEROP"), unique("TAG")[:20]
    rest.create_station(identity)
    rest.create_tag(tag)
    station = drive(script, server.ocpp_url, identity, PASSWORD, protocol, tag)

    booted = station.expect("booted")
    assert booted["status"] == "Accepted"
    assert booted["interval"] > 0
    assert booted["currentTime"].endswith("Z")
    assert station.expect("authorized")["status"] == "Accepted"
    charging = station.expect("charging")
    assert charging["status"] == "Accepted"

    seen = rest.get(f"stations/{identity}/")
    assert seen["online"] is True
    assert seen["protocol"] == protocol.removeprefix("ocpp")
    assert seen["evses"][0]["connectors"][0]["power_w"] == pytest.approx(11_000)
    (open_transaction,) = rest.transactions(identity)
    assert open_transaction["state"] == "charging"
    assert open_transaction["ended"] is None

    page = visit(f"{server.url}/?station={identity}", people.owner)
    connector = page.locator(f'[data-connector="{identity}:1:1"]')
    expect(connector.locator("[data-status]")).to_have_attribute("data-status", "Charging")
    expect(connector.locator("[data-figure=power]")).to_have_text("11.0 kW")
    expect(connector.locator("[data-figure=energy]")).to_have_text("5.50 kWh")
    expect(connector.locator("[data-figure=cost]")).to_have_text("1.65 €")

    command = rest.command(identity, {"command": "stop", "transaction": open_transaction["id"]})
    assert command["status"] == "accepted", command
    station.expect("stopped")

    transaction = wait_until(lambda: ended(rest.transactions(identity)), "the ended transaction")
    assert transaction["energy_wh"] == pytest.approx(ENERGY_WH)
    assert Decimal(transaction["cost"]) == COST
    assert transaction["currency"] == "EUR"
    assert transaction["stop_reason"] == "Remote"
    assert transaction["id_tag"].upper() == tag

    (row,) = server.rows(
        "SELECT t.energy_wh, t.cost FROM charging_transaction t JOIN charging_chargingstation s ON s.id = t.station_id"
        " WHERE s.identity = ?",
        identity,
    )
    assert float(row["energy_wh"]) == pytest.approx(ENERGY_WH)
    assert Decimal(str(row["cost"])) == COST

    # The open page follows by itself; the list is a new page.
    expect(connector.locator("[data-status]")).to_have_attribute("data-status", "Available")
    expect(connector.locator("[data-figure]")).to_have_count(0)
    page.goto(f"{server.url}/transactions/")
    line = page.locator("tr", has_text=identity)
    expect(line).to_contain_text(re.compile(r"12\.3[45] kWh"))
    expect(line).to_contain_text("3.70 €")


def ended(rows: list[dict[str, Any]]) -> dict[str, Any] | None:
    assert len(rows) == 1, rows
    return rows[0] if rows[0]["state"] == "ended" else None
