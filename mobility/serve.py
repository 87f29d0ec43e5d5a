"""A process: portal and OCPP port as two servers in one event loop, Celery worker and beat in threads beside it; all of
them, or the parts that it is told to run.

Both ports are uvicorn servers, because daphne can only answer a refused upgrade with 403, speaks no
permessage-deflate and has no back-pressure towards a slow reader; `docs/architecture.md` has the measurements.
"""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
import ssl
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import uvicorn
import uvloop
from celery.beat import EmbeddedService
from celery.worker import WorkController
from channels.layers import get_channel_layer
from django.conf import settings

from mobility.celery import app as celery_app
from mobility.fleet import PARTS
from mobility.layers import HomeLoopChannelLayer
from mobility.tls import client_certificates
from mobility.websocket import ShortCutProtocol

if TYPE_CHECKING:
    from ocpp_gateway.gateway import Gateway

log = logging.getLogger("mobility")

Extra = Callable[[], Awaitable[None]]
GRACE_S = 5
#: Frames make many small objects and no cycles: the collector looks less often than every 700 of them.
GC_THRESHOLDS = (20_000, 20, 20)
CLOSING_S = 3
#: How soon a worker or scheduler that has ended by itself is started again.
KEEP_S = 5.0


class PortInUse(Exception):
    """A port that the product wants is taken; the message says by which setting to choose another."""


class Server(uvicorn.Server):
    """A uvicorn server that leaves the signals to this module."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listening_socket(port: int, setting: str) -> socket.socket:
    """A bound socket, or a clear word on why there is none.

    Raises:
        PortInUse.
    """
    family = socket.AF_INET6 if ":" in settings.BIND else socket.AF_INET
    found = socket.socket(family)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((settings.BIND, port))
    except OSError as error:
        found.close()
        why = f"{settings.BIND}:{port} cannot be used ({error.strerror}). Choose another port with {setting}=…"
        raise PortInUse(why) from error
    found.listen(4096)
    return found


def server(application: Any, **options: Any) -> Server:
    config = uvicorn.Config(
        application,
        loop="none",
        http="httptools",
        ws=ShortCutProtocol,
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
        ssl_certfile=settings.TLS_CERT or None,
        ssl_keyfile=settings.TLS_KEY or None,
        **options,
    )
    config.load()
    if config.ssl is not None:
        config.ssl.minimum_version = ssl.TLSVersion.TLSv1_2
    return Server(config)


class Stopping(asyncio.Event):
    """Set by the first signal, at `since`."""

    since = 0.0


class Background:
    """Celery worker and beat in threads of this process; either is started again should it ever end by itself."""

    def __init__(self, parts: Sequence[str]) -> None:
        self.parts = [part for part in ("worker", "beat") if part in parts]
        self.running: dict[str, threading.Thread] = {}
        self._worker: WorkController | None = None
        self._beat: threading.Thread | None = None
        self._stopping = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="celery-keeper", daemon=True)

    def start(self) -> None:
        for part in self.parts:
            self._start(part)
        if self.parts:
            self._keeper.start()

    def _start(self, part: str) -> None:
        if part == "worker":
            worker = self._worker = WorkController(
                app=celery_app,
                pool="threads",
                # Two may be busy with slow receivers of mails and webhooks; the others keep the schedule.
                concurrency=4,
                hostname=f"embedded-{os.getpid()}@{socket.gethostname()}",
                without_heartbeat=True,
                without_mingle=True,
                without_gossip=True,
                quiet=True,
            )
            thread = threading.Thread(target=worker.start, name="celery-worker", daemon=True)
        else:
            thread = self._beat = EmbeddedService(celery_app, thread=True, scheduler_cls=settings.CELERY_BEAT_SCHEDULER)
            thread.name, thread.daemon = "celery-beat", True
        self.running[part] = thread
        thread.start()

    def _keep(self) -> None:
        while not self._stopping.wait(KEEP_S):
            for part, thread in list(self.running.items()):
                if not thread.is_alive() and not self._stopping.is_set():
                    log.error("The %s has ended by itself; it is started again", part)
                    self._start(part)

    def stop(self) -> None:
        """End both; a task that does not end in time does not keep the process."""
        self._stopping.set()
        ending = threading.Thread(target=self._stop, name="celery-stop", daemon=True)
        ending.start()
        ending.join(timeout=GRACE_S)

    def _stop(self) -> None:
        if self._beat is not None:
            self._beat.service.stop()  # type: ignore[attr-defined]
        if self._worker is not None:
            # Waits for tasks that run.
            self._worker.stop()
        if settings.CELERY_BROKER_URL.startswith("memory:"):
            # What remains are two loops that sleep for up to two seconds before they look. Nothing of them is lost but
            # when each task last ran.
            if self._beat is not None:
                self._beat.service.sync()  # type: ignore[attr-defined]
            return
        for thread in self.running.values():
            thread.join()


@dataclass(slots=True)
class Port:
    """A server and the socket that it listens on."""

    server: "Server"
    listening: socket.socket


def run(*, ready: Callable[[], None], extras: tuple[Extra, ...] = (), parts: Sequence[str] = PARTS) -> None:
    """Serve until SIGINT or SIGTERM; then end stations and pages in order, and return.

    Args:
        ready: called once the ports listen.
        extras: coroutines that run beside the servers, such as simulated stations; cancelled first.
        parts: what this process runs, of `mobility.fleet.PARTS`.

    Raises:
        PortInUse.
    """
    sockets = {
        part: listening_socket(port, setting)
        for part, port, setting in (
            ("portal", settings.PORTAL_PORT, "PORTAL_PORT"),
            ("gateway", settings.OCPP_PORT, "OCPP_PORT"),
            ("probes", settings.HEALTH_PORT, "HEALTH_PORT"),
        )
        if part in parts or (part == "probes" and port)
    }
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(parts, sockets, ready, extras))


def _ports(sockets: dict[str, socket.socket]) -> dict[str, Port]:
    from mobility import asgi

    made: dict[str, Callable[[], Server]] = {
        "portal": lambda: server(asgi.portal, ws_max_size=1024 * 1024),
        # Pings keep a line open through NATs; that some stations never answer them is no reason to end it.
        "gateway": lambda: server(
            asgi.ocpp,
            ws_max_size=settings.OCPP_MAX_FRAME,
            ws_ping_interval=60,
            ws_ping_timeout=None,
            **client_certificates(),
        ),
        "probes": lambda: server(asgi.probes),
    }
    return {part: Port(made[part](), listening) for part, listening in sockets.items()}


async def _serve(
    parts: Sequence[str], sockets: dict[str, socket.socket], ready: Callable[[], None], extras: tuple[Extra, ...]
) -> None:
    loop = asyncio.get_running_loop()
    layer = get_channel_layer()
    if isinstance(layer, HomeLoopChannelLayer):
        layer.home = loop
    stopping = Stopping()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, _stop, stopping)
    runtime = await _gateway() if "gateway" in parts else None
    ports = _ports(sockets)
    serving = [loop.create_task(port.server.serve(sockets=[port.listening])) for port in ports.values()]
    background = Background(parts)
    await asyncio.to_thread(background.start)
    while not all(port.server.started for port in ports.values()):  # noqa: ASYNC110 - uvicorn tells nobody
        await asyncio.sleep(0.01)
    # What exists now lives as long as the process: the collector need not look at it again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    await asyncio.to_thread(ready)
    running = [loop.create_task(_extra(extra)) for extra in extras]
    await stopping.wait()
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    if runtime is not None:
        await runtime.stop()
        await _closed(ports["gateway"].server)
    for port in ports.values():
        port.server.should_exit = True
    await asyncio.gather(*serving, return_exceptions=True)
    await asyncio.to_thread(background.stop)


async def _gateway() -> "Gateway":
    from ocpp_gateway.gateway import gateway

    return await gateway()


async def _closed(one: Server) -> None:
    """Wait until the peers have answered the closing of their sockets. A line that is cut while a station is sending
    is reset, and the station never reads why."""
    deadline = time.monotonic() + CLOSING_S
    while one.server_state.connections and time.monotonic() < deadline:  # noqa: ASYNC110 - ends by the clock, too
        await asyncio.sleep(0.02)


async def _extra(extra: Extra) -> None:
    try:
        await extra()
    except asyncio.CancelledError:
        raise
    except Exception:
        log.exception("Something that runs beside the server ended with an error")


def _stop(stopping: "Stopping") -> None:
    # A terminal may hand one Ctrl-C to the process twice; only a later one is impatience.
    if stopping.is_set() and time.monotonic() - stopping.since > 1:
        sys.stderr.write("Stopped at once.\n")
        sys.stderr.flush()
        raise SystemExit(130)
    if not stopping.is_set():
        stopping.since = time.monotonic()
        stopping.set()
