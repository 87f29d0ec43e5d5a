"""Schedules against simulated stations: a car that sleeps is woken, and while the server is away the station keeps to
the plan that it stores."""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, closing
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from mobility.simulator import Settings
from mobility.simulator import Station as Simulated
from mobility.simulator.clock import Clock
from mobility.simulator.scenarios import SCENARIOS, Plan
from tests.support.people import create_trio
from tests.support.server import Server
from tests.support.station import PASSWORD

#: The stations' clocks are three hours slow, so that an hour can pass at once without anything in the future.
SLOW_S = 3 * 3600.0
PROTOCOLS = ("1.6", "2.0.1", "2.1")


class Leaps:
    """A clock that can leap forward."""

    def __init__(self) -> None:
        self.ahead_s = 0.0
        self.clock = Clock(1.000001, SLOW_S, monotonic=lambda: time.monotonic() + self.ahead_s)


@pytest.fixture(scope="module")
def own_server() -> Iterator[Server]:
    """One that may be stopped."""
    with Server() as server:
        yield server


def window(begins: timedelta, ends: timedelta) -> list[dict[str, Any]]:
    begin, end = datetime.now(UTC) + begins, datetime.now(UTC) + ends
    return [{"weekday": begin.weekday(), "begin": f"{begin:%H:%M}", "end": f"{end:%H:%M}"}]


async def until(check: Callable[[], Any], what: str, seconds: float = 60) -> Any:
    """A blocking look, made elsewhere, until it finds something."""
    for _ in range(int(seconds * 4)):
        found = await asyncio.to_thread(check)
        if found:
            return found
        await asyncio.sleep(0.25)
    raise AssertionError(f"no {what}")


def simulated(server: Server, protocol: str, identity: str, tag: str, clock: Clock | None = None) -> Simulated:
    settings = Settings(
        url=server.ocpp_url,
        identity=identity,
        password=PASSWORD,
        protocol=protocol,
        id_tag=tag,
        soc_percent=10,
        meter_interval_s=300 if clock else 1,
        boot_s=0.01,
        backoff_min_s=0.2,
        backoff_random_s=0.1,
        attempts=50,
        retry_interval_s=0.2,
    )
    return Simulated(settings, clock=clock)


def test_a_sleeping_car_is_held_released_and_woken(own_server: Server) -> None:
    """The scenario `sleepy`: the first offer after the hold does not wake the car, the one after it does."""
    people = create_trio(own_server)
    driver = people.member.rest
    people.owner.rest.create_station("SLEEPY")
    people.owner.rest.post("id-tags/", {"id_tag": "SLEEPYTAG", "user": driver.get("me/")["id"]}, status=201)
    station = simulated(own_server, "2.0.1", "SLEEPY", "SLEEPYTAG")

    async def play() -> None:
        async with station:
            playing = asyncio.ensure_future(SCENARIOS["sleepy"](station, Plan()))
            connector = station.connectors[1]
            await station.wait_until(lambda _: connector.transaction is not None)
            body: dict[str, Any] = {"station": "SLEEPY", "id_tag": "SLEEPYTAG", "technique": "hold"}
            body |= {"mode": "schedule", "windows": window(timedelta(minutes=60), timedelta(minutes=120))}
            made = await asyncio.to_thread(driver.post, "schedules/", body)
            await station.wait_until(lambda _: connector.evse.limit_w() == 0, timeout_s=60)
            await asyncio.to_thread(driver.patch, f"schedules/{made['id']}/", {"charge_now": True})
            await station.wait_until(lambda _: connector.evse.limit_w() > 0, timeout_s=60)
            assert connector.charging_state() == "SuspendedEV", "released, and asleep"

            def codes() -> list[str]:
                runs = driver.get(f"schedules/{made['id']}/runs/")["results"]
                return next((steps(run) for run in runs if run["state"] in ("sent", "running")), [])

            await until(lambda: "releases" in codes(), "released run")
            # Three minutes pass in which nothing flows.
            with closing(sqlite3.connect(own_server.sqlite_path(), timeout=20)) as database, database:
                database.execute("UPDATE charging_schedulerun SET watch_until = due_at WHERE state = 'sent'")
            await station.wait_until(lambda _: connector.charging_state() == "Charging", timeout_s=60)
            log = await until(lambda: (found := codes()) and found[-1] == "charges" and found, "power in the log")
            assert [code for code in log if code in ("holds", "releases", "wakes", "charges")] == [
                "holds",
                "releases",
                "wakes",
                "charges",
            ]
            playing.cancel()

    asyncio.run(asyncio.wait_for(play(), 200))


def steps(run: dict[str, Any]) -> list[str]:
    return [step["code"] for step in run["steps"]]


class Night:
    """Three stations whose driver has plugged in, presented a card, and made a schedule for the hour after the next."""

    def __init__(self, server: Server) -> None:
        people = create_trio(server)
        self.server, self.owner, self.driver = server, people.owner.rest, people.member.rest
        self.leaps = Leaps()
        self.stations = [self.station(protocol) for protocol in PROTOCOLS]

    def station(self, protocol: str) -> Simulated:
        identity, tag = f"AWAY-{protocol}", f"AWAYTAG{protocol.replace('.', '')}"
        self.owner.create_station(identity)
        self.owner.post("id-tags/", {"id_tag": tag, "user": self.driver.get("me/")["id"]}, status=201)
        return simulated(self.server, protocol, identity, tag, self.leaps.clock)

    async def pass_by(self) -> None:
        async with AsyncExitStack() as stack:
            for station in self.stations:
                await stack.enter_async_context(station)
                await station.wait_until(lambda s: s.online)
                await station.plug_in(1)
                await station.start(1)
                await asyncio.to_thread(self.schedule, station)
            for station in self.stations:
                await station.wait_until(lambda s: s.connectors[1].charging_state() == "SuspendedEVSE", timeout_s=60)
            await until(self.all_accepted, "accepted plans")
            await asyncio.to_thread(self.server.stop)
            for station in self.stations:
                await station.wait_until(lambda s: not s.online)
            await self.see()
            for station in self.stations:
                await station.unplug(1)
            # From this thread: the process ends with the thread that made it.
            self.server.spawn()
            await asyncio.to_thread(self.server.wait)
            for station in self.stations:
                await station.settled()
                assert station.problems == []

    def schedule(self, station: Simulated) -> None:
        body: dict[str, Any] = {
            "station": station.settings.identity,
            "id_tag": station.settings.id_tag,
            "technique": "hold",
        }
        body |= {"mode": "schedule", "windows": window(timedelta(minutes=60), timedelta(minutes=120))}
        self.driver.post("schedules/", body)

    def all_accepted(self) -> bool:
        rows = [row for row in self.owner.get("charging-profiles/")["results"] if row["schedule"] is not None]
        assert {row["purpose"] for row in rows} <= {"transaction"}
        return len(rows) == len(PROTOCOLS) and all(row["status"] == "accepted" for row in rows)

    async def see(self) -> None:
        """Before the window, in it, and after it; the energy says the same in the end."""
        for minutes, state in ((50, "SuspendedEVSE"), (15, "Charging"), (30, "Charging"), (30, "SuspendedEVSE")):
            self.leaps.ahead_s += minutes * 60
            for station in self.stations:
                station.limits_changed()
                await asyncio.sleep(0)
                await station.wait_until(partial(is_in, state))


def is_in(state: str, station: Simulated) -> bool:
    return station.connectors[1].charging_state() == state


def test_a_station_charges_in_its_window_while_the_server_is_away(own_server: Server) -> None:
    night = Night(own_server)
    asyncio.run(asyncio.wait_for(night.pass_by(), 240))
    rest = own_server.rest()
    for station in night.stations:
        (own,) = station.sessions
        (row,) = rest.get(f"transactions/?station={station.settings.identity}")["results"]
        assert own.meter_stop_wh is not None
        delivered_wh = own.meter_stop_wh - own.meter_start_wh
        # An hour of 11 kW, which begins and ends by the minute.
        assert 9_000 < delivered_wh < 12_500
        assert (row["state"], row["energy_wh"]) == ("ended", pytest.approx(delivered_wh, abs=1))
