"""How long a station's change takes to whoever watches: `make bench ARGS="--live"`.

One server as it comes, one station, and two who watch it: a client of `/ws/live/`, and the drivers' app in Chromium at
a phone's size. The time runs from before the station sends a StatusNotification until the client holds the event, and
until the app's page says the new status.
"""

import json
import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from websockets.sync.client import connect

from tests.support import frames
from tests.support.browser import Visits, chromium
from tests.support.server import Server
from tests.support.station import Station

IDENTITY = "LIVE-1"
CHANGES = 60
#: Status and what the app's chip says of it.
SAID = {"Available": "Available", "Preparing": "Preparing"}
PHONE: dict[str, Any] = {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "locale": "en-GB"}
WATCH = """() => {
  const now = () => performance.timeOrigin + performance.now();
  window.seen = {};
  const look = () => {
    for (const chip of document.querySelectorAll(".chip")) window.seen[chip.textContent] ??= now();
  };
  window.forget = () => { window.seen = {}; };
  new MutationObserver(look).observe(document.body, { childList: true, subtree: true, characterData: true });
}"""


@dataclass(frozen=True)
class Watcher:
    """Somebody who can sign in."""

    email: str
    password: str


def client(server: Server, stack: ExitStack) -> Callable[[str], float]:
    """-> a function that waits for the connector's status, and says when it came (ms since the epoch)."""
    ticket = server.rest().post("live-ticket/")["ticket"]
    url = f"ws://127.0.0.1:{server.portal_port}/ws/live/?ticket={ticket}"
    socket = stack.enter_context(connect(url, proxy=None, ping_interval=None, max_queue=None))

    def heard(status: str) -> float:
        while True:
            event = json.loads(socket.recv(timeout=30))
            if event["event"] == "connector.updated" and event["data"]["status"] == status:
                return time.time() * 1000

    return heard


def app(server: Server, stack: ExitStack) -> Callable[[str], float]:
    """-> a function that waits for the status on the app's page, and says when it was there (ms since the epoch)."""
    visits = Visits(stack.enter_context(chromium()))
    page = visits(f"{server.url}/app/", Watcher(server.email, server.password), **PHONE)
    page.wait_for_selector(".live[data-state=live]", timeout=30_000)
    page.evaluate(WATCH)

    def shown(status: str) -> float:
        text = SAID[status]
        page.wait_for_function("text => window.seen[text] !== undefined", arg=text, timeout=30_000)
        at = float(page.evaluate("text => window.seen[text]", text))
        page.evaluate("forget()")
        return at

    return shown


def row(name: str, taken: list[float]) -> str:
    cuts = statistics.quantiles(taken, n=20)
    return f"| {name} | {statistics.median(taken):.1f} | {cuts[18]:.1f} | {max(taken):.1f} |"


def main() -> int:
    with Server() as server, ExitStack() as stack:
        server.rest().create_station(IDENTITY)
        with Station(server, IDENTITY).connect() as station:
            station.ok("BootNotification", frames.boot())
            station.ok("StatusNotification", frames.status_16(1, "Unavailable"))
            heard, shown = client(server, stack), app(server, stack)
            sockets, pages = [], []
            for number in range(CHANGES):
                status = list(SAID)[number % 2]
                sent = time.time() * 1000
                station.ok("StatusNotification", frames.status_16(1, status))
                sockets.append(heard(status) - sent)
                pages.append(shown(status) - sent)
    print(f"\n{CHANGES} changes of a connector's status, from before the station sends until:\n")
    print("| who watches | p50 ms | p95 ms | slowest ms |\n|---|---:|---:|---:|")
    print(row("a client of /ws/live/ holds the event", sockets))
    print(row("the app's page in Chromium says it", pages))
    return 0
