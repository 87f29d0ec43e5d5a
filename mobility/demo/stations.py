"""The demo's simulated stations: at the first connector cars come and go; at the second one waits for a Start."""

import asyncio
import contextlib
import logging
import random
import ssl

from channels.db import database_sync_to_async
from django.conf import settings
from django.db.models import Max

from charging.models import Connector
from mobility.demo.data import STATIONS, TAGS, DemoStation
from mobility.simulator import (
    CallFailed,
    NoAnswer,
    NotStarted,
    Offline,
    Refused,
    Settings,
    Station,
    Unreachable,
    Vehicle,
)

log = logging.getLogger(__name__)

METER_EVERY_S = 5
SESSION_S = (8 * 60, 20 * 60)
PAUSE_S = (30, 90)
AGAIN_AFTER_S = 5


async def run_demo_stations() -> None:
    """Run the stations until cancelled; then what charges is ended and told first."""
    await asyncio.gather(*(run_one(demo, number) for number, demo in enumerate(STATIONS)))


async def run_one(demo: DemoStation, number: int) -> None:
    meter_wh = await database_sync_to_async(last_register_wh, thread_sensitive=False)(demo.identity)
    station = Station(
        Settings(
            url=own_url(),
            identity=demo.identity,
            password=demo.password,
            protocol=demo.protocol,
            connectors=demo.connectors,
            id_tag=TAGS[number % len(TAGS)][0],
            rated_power_w=float(demo.rated_power_w),
            battery_wh=float(demo.battery_wh),
            energy_wh=meter_wh,
            meter_interval_s=METER_EVERY_S,
            vendor="Demo",
            model=f"Simulated {demo.protocol}",
            never_connected_s=60.0,
            ssl_context=own_tls(),
        )
    )
    try:
        async with station:
            try:
                await asyncio.gather(
                    come_and_go(station, demo, random.Random(f"{demo.identity} now")),  # noqa: S311
                    stand_and_wait(station, demo),
                )
            finally:
                await station.finish(3.0)
    except (Refused, Unreachable) as problem:
        log.warning("The simulated station %s stays away: %s", demo.identity, problem)


async def come_and_go(station: Station, demo: DemoStation, draw: random.Random) -> None:
    """Cars arrive at the first connector, charge with the station's tag, and leave."""
    connector = station.connectors[1]
    await station.wait_until(lambda s: s.online, timeout_s=300)
    while True:
        await station.plug_in(1, a_car(demo, draw.uniform(0.15, 0.5), draw.choice((1, 3, 3))))
        await asyncio.sleep(2)
        with contextlib.suppress(NotStarted, CallFailed, NoAnswer, Offline):
            await station.start(1)
        if connector.transaction is None:
            await asyncio.sleep(AGAIN_AFTER_S)
            continue
        with contextlib.suppress(TimeoutError):
            await station.wait_until(lambda _: connector.transaction is None, timeout_s=draw.uniform(*SESSION_S))
        await station.unplug(1)
        await asyncio.sleep(draw.uniform(*PAUSE_S))


async def stand_and_wait(station: Station, demo: DemoStation) -> None:
    """A car stands at the second connector and charges whenever someone starts it from the portal."""
    if demo.connectors < 2:
        return
    await station.wait_until(lambda s: s.online, timeout_s=300)
    connector = station.connectors[2]
    while True:
        await station.plug_in(2, a_car(demo, 0.35))
        await station.wait_until(lambda _: connector.transaction is not None, timeout_s=10 * 365 * 86400)
        await station.wait_until(lambda _: connector.transaction is None, timeout_s=10 * 365 * 86400)
        await asyncio.sleep(5)
        await station.unplug(2)
        await asyncio.sleep(5)


def a_car(demo: DemoStation, soc: float, phases: int = 3) -> Vehicle:
    """A car at a fast charger, one of 11 kW, or one that charges on a single phase."""
    power_w = 120_000.0 if demo.rated_power_w > 43_000 else 11_000.0 if phases == 3 else 7_400.0
    return Vehicle(battery_wh=float(demo.battery_wh), soc=soc, max_power_w=power_w, phases=phases)


def last_register_wh(identity: str) -> float | None:
    """Where the station's meter stood, so that it goes on from there."""
    return Connector.objects.filter(station__identity=identity).aggregate(last=Max("energy_wh"))["last"]


def own_url() -> str:
    host = "127.0.0.1" if settings.BIND in ("0.0.0.0", "::") else settings.BIND  # noqa: S104
    host = f"[{host}]" if ":" in host else host
    return f"{'wss' if settings.TLS_CERT else 'ws'}://{host}:{settings.OCPP_PORT}/OCPP"


def own_tls() -> ssl.SSLContext | None:
    """Towards our own port the certificate's name does not matter."""
    if not settings.TLS_CERT:
        return None
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
