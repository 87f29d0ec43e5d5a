"""Simulated stations that queue what they cannot deliver, and in the end know what should be in the ledger."""

import asyncio
import contextlib
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

from mobility.simulator import Settings
from mobility.simulator import Station as Simulated
from mobility.simulator.charging import NotStarted
from tests.support.station import PASSWORD

PROTOCOLS = ("1.6", "2.0.1", "2.1")


def honest(url: str, tag: str, index: int, prefix: str = "HONEST", **more: Any) -> Settings:
    """A station with a clock that begins two hours ago and runs fast."""
    values: dict[str, Any] = {
        "url": url,
        "identity": f"{prefix}-{index}",
        "password": PASSWORD,
        "protocol": PROTOCOLS[index % 3],
        "id_tag": tag,
        "rated_power_w": 22_000,
        "soc_percent": 5,
        "speed": 120,
        "backlog_s": 7200,
        "meter_interval_s": 20,
        "boot_s": 0.01,
        "backoff_min_s": 0.1,
        "backoff_random_s": 0.2,
        "attempts": 50,
        "retry_interval_s": 0.2,
        "seed": index,
        **more,
    }
    return Settings(**values)


class Honest(threading.Thread):
    """Such stations in an event loop of their own, each with a number of sessions.

    `truth` is what they know of their sessions in the end; `obeyed` counts the commands that each was given.
    """

    def __init__(self, settings: list[Settings], sessions: int, lasting_s: tuple[float, float] = (60, 150)) -> None:
        super().__init__(daemon=True)
        self.settings, self.sessions, self.lasting_s = settings, sessions, lasting_s
        self.begun = 0
        self.online: set[str] = set()
        self.truth: dict[str, list[Any]] = {}
        self.problems: list[Any] = []
        self.obeyed: Counter[tuple[str, str]] = Counter()
        #: Sessions begin once it is set, and do not end before `may_end` is.
        self.may_begin, self.may_end = threading.Event(), threading.Event()
        self.may_begin.set()
        self.may_end.set()

    def run(self) -> None:
        asyncio.run(self.drive_all())

    async def drive_all(self) -> None:
        await asyncio.gather(*(self.drive(settings) for settings in self.settings))

    def _noted(self, event: dict[str, Any]) -> None:
        if event["event"] == "command":
            self.obeyed[event["identity"], event["action"]] += 1

    async def drive(self, settings: Settings) -> None:
        async with Simulated(settings, on_event=self._noted) as station:
            await station.wait_until(lambda s: s.online, timeout_s=90)
            self.online.add(settings.identity)
            await _set(self.may_begin)
            for _ in range(self.sessions):
                await self._session(station)
            await asyncio.wait_for(station.settled(), 120)
            self.problems += station.problems
            self.truth[settings.identity] = list(station.sessions)

    async def _session(self, station: Simulated) -> None:
        await station.plug_in(1)
        transaction = station.connectors[1].transaction
        while transaction is None:
            with contextlib.suppress(NotStarted):
                transaction = await station.start(1)
            await station.clock.sleep(1)
        self.begun += 1
        await station.clock.sleep(station.random.uniform(*self.lasting_s))
        await _set(self.may_end)
        with contextlib.suppress(NotStarted):
            # A command may have ended it already.
            await station.stop(1)
        await station.unplug(1)

    def results(self) -> Iterator[tuple[str, list[float]]]:
        """(identity, the energy of each of its sessions in Wh), after the end."""
        assert self.problems == []
        for identity, sessions in self.truth.items():
            yield identity, [session.energy_wh for session in sessions]


async def _set(event: threading.Event) -> None:
    while not event.is_set():  # noqa: ASYNC110 - set from another thread
        await asyncio.sleep(0.05)
