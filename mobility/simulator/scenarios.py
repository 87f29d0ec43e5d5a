"""Named scenarios: what the drivers, and the network, do to a station."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from mobility.simulator.charging import NotStarted
from mobility.simulator.connector import Transaction
from mobility.simulator.settings import Settings
from mobility.simulator.station import Station


class ScenarioFailed(Exception):
    """The scenario could not be played to its end; the text says why."""


@dataclass(frozen=True)
class Plan:
    """`duration_s` of a session and `pause_s` between two are simulated; `sessions` per connector, 0: endless."""

    duration_s: float | None = None
    sessions: int | None = None
    pause_s: float = 30.0


Scenario = Callable[[Station, Plan], Awaitable[None]]


async def run_station(
    settings: Settings,
    scenario: str = "plugged",
    plan: Plan | None = None,
    *,
    on_event: Callable[[dict[str, Any]], None] | None = None,
    stopping: asyncio.Event | None = None,
) -> Station:
    """Run one station until its scenario ends; the endless ones end by cancellation.

    When `stopping` is set, running transactions are stopped and delivered first. Returns the station, closed.
    Raises Refused, Unreachable or ScenarioFailed.
    """
    station = Station(settings, on_event=on_event)
    async with station:
        play = asyncio.ensure_future(SCENARIOS[scenario](station, plan or Plan()))
        halt = asyncio.ensure_future((stopping or asyncio.Event()).wait())
        life = station.life
        assert life is not None
        ends: set[asyncio.Future[Any]] = {play, halt, life}
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if life.done():
                life.result()
            if play.done():
                play.result()
            else:
                play.cancel()
                await station.finish()
        finally:
            play.cancel()
            halt.cancel()
            await asyncio.gather(play, halt, return_exceptions=True)
    return station


async def idle(station: Station, plan: Plan) -> None:
    """Stays available and obeys remote commands: a driver comes after a remote start, and leaves after the end."""
    while True:
        await station.wait_until(lambda s: any(c.finishing for c in s.connectors.values()), timeout_s=math.inf)
        await asyncio.sleep(station.random.uniform(0.5, 2))
        for connector in station.connectors.values():
            if connector.finishing:
                await station.unplug(connector.connector_id)


async def plugged(station: Station, plan: Plan) -> None:
    """A car stands at every connector, and charges when started remotely."""
    for connector_id in station.connectors:
        await station.plug_in(connector_id)
    await asyncio.Event().wait()


async def sleepy(station: Station, plan: Plan) -> None:
    """A car with a session at every connector falls asleep when it is held back, and wakes at the second offer only."""
    await station.wait_until(lambda s: s.online, timeout_s=math.inf)
    for connector_id in station.connectors:
        car = station.new_vehicle()
        car.naps = 1
        await station.plug_in(connector_id, car)
        with suppress(NotStarted):
            await station.start(connector_id)
    await asyncio.Event().wait()


async def charge(station: Station, plan: Plan) -> None:
    """Cars come, charge with the tag and leave, for ever (or for the planned number of sessions, all delivered)."""
    await _everywhere(station, plan, plan.sessions or 0)
    await station.settled()


async def once(station: Station, plan: Plan) -> None:
    """One complete session at every connector, delivered."""
    await _everywhere(station, plan, plan.sessions or 1, strict=True)
    await station.settled()


async def offline(station: Station, plan: Plan) -> None:
    """The network is cut in mid-session and comes back; then a whole session happens without it."""
    await station.wait_until(lambda s: s.online, timeout_s=math.inf)
    duration_s = plan.duration_s or 60.0
    transaction = await _begin(station, 1)
    await station.clock.sleep(duration_s / 3)
    station.cut()
    await station.clock.sleep(duration_s / 3)
    station.restore()
    await station.clock.sleep(duration_s / 3)
    await _leave(station, 1, transaction)
    station.cut()
    transaction = await _begin(station, 1)
    await station.clock.sleep(duration_s)
    await _leave(station, 1, transaction)
    station.restore()
    await station.settled()


async def flaky(station: Station, plan: Plan) -> None:
    """Sessions over a network that drops at random moments; everything is delivered in the end."""
    await station.wait_until(lambda s: s.online, timeout_s=math.inf)
    dropping = asyncio.ensure_future(_drop_at_random(station))
    try:
        await _everywhere(station, plan, plan.sessions or 1, strict=True)
    finally:
        dropping.cancel()
        await asyncio.gather(dropping, return_exceptions=True)
        station.restore()
    await station.settled()


async def retry(station: Station, plan: Plan) -> None:
    """Answers to the transaction's messages get lost, so that each is sent again under a new message id."""
    await station.wait_until(lambda s: s.online, timeout_s=math.inf)
    first = "StartTransaction" if station.settings.protocol == "1.6" else "TransactionEvent"
    last = "StopTransaction" if station.settings.protocol == "1.6" else "TransactionEvent"
    await station.plug_in(1)
    info = await station.authorize(station.settings.id_tag)
    if info.status != "Accepted":
        raise ScenarioFailed(f"the tag {station.settings.id_tag} is {info.status}")
    station.cache[station.settings.id_tag] = info
    station.options.local_pre_authorize = True
    station.lose_answer_to(first)
    transaction = await _begin(station, 1)
    await station.outbox.drained()
    await station.clock.sleep((plan.duration_s or 60.0) / 2)
    station.lose_answer_to("MeterValues" if station.settings.protocol == "1.6" else "TransactionEvent")
    if transaction.ended is None:
        station.sample(station.connectors[1], transaction, "Sample.Periodic")
    await station.outbox.drained()
    await station.clock.sleep((plan.duration_s or 60.0) / 2)
    station.lose_answer_to(last)
    await _leave(station, 1, transaction)
    await station.settled()


SCENARIOS: dict[str, Scenario] = {
    "plugged": plugged,
    "sleepy": sleepy,
    "idle": idle,
    "charge": charge,
    "once": once,
    "offline": offline,
    "flaky": flaky,
    "retry": retry,
}


async def _everywhere(station: Station, plan: Plan, sessions: int, *, strict: bool = False) -> None:
    await station.wait_until(lambda s: s.online, timeout_s=math.inf)
    async with asyncio.TaskGroup() as group:
        for connector_id in station.connectors:
            group.create_task(_cycle(station, connector_id, plan, sessions, strict))


async def _cycle(station: Station, connector_id: int, plan: Plan, sessions: int, strict: bool) -> None:
    done = 0
    while not sessions or done < sessions:
        if done:
            await station.clock.sleep(plan.pause_s * station.random.uniform(0.5, 1.5))
        try:
            transaction = await _begin(station, connector_id)
        except ScenarioFailed as error:
            if strict:
                raise
            station.emit("not_started", connector_id=connector_id, text=str(error))
            await station.unplug(connector_id)
            await asyncio.sleep(30)
            continue
        duration_s = plan.duration_s or (60.0 if sessions else station.random.uniform(1200, 3600))
        await _until_done(station, transaction, duration_s)
        await _leave(station, connector_id, transaction)
        done += 1


async def _begin(station: Station, connector_id: int) -> Transaction:
    """The driver plugs in and presents the tag."""
    await station.plug_in(connector_id)
    connector = station.connectors[connector_id]
    try:
        return await station.start(connector_id) or _running(connector.transaction)
    except NotStarted as error:
        if connector.transaction is not None:
            return connector.transaction
        raise ScenarioFailed(f"connector {connector_id} did not start: {error}") from error


def _running(transaction: Transaction | None) -> Transaction:
    if transaction is None:
        raise ScenarioFailed("the cable was pulled before the transaction started")
    return transaction


async def _until_done(station: Station, transaction: Transaction, duration_s: float) -> None:
    """Until the time is over, the car is full, or somebody stopped it."""
    with suppress(TimeoutError):
        await station.wait_until(
            lambda s: transaction.ended or transaction.charging_state == "SuspendedEV",
            timeout_s=station.clock.real_delay(duration_s),
        )


async def _leave(station: Station, connector_id: int, transaction: Transaction) -> None:
    """The driver presents the tag again, unless it is over already, and takes the cable."""
    if transaction.ended is None:
        await station.stop(connector_id)
    await station.unplug(connector_id)


async def _drop_at_random(station: Station) -> None:
    while True:
        await asyncio.sleep(station.random.uniform(0.3, 4))
        station.cut()
        await asyncio.sleep(station.random.uniform(0.05, 2))
        station.restore()
