"""Is it alive, is it ready, how is it doing: `/healthz`, `/readyz`, `/metrics`."""

import asyncio
import ipaddress
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from datetime import timedelta

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from kombu.exceptions import OperationalError as BrokerError

from accounts.network import client_ip
from charging.live import LAYER_AWAY
from charging.queries import health
from mobility import fleet
from mobility.celery import app as celery_app
from ocpp_gateway.gateway import is_draining, ledger_trouble

log = logging.getLogger("mobility.health")

STARTED = time.monotonic()
#: Beat's task writes a sign of life every 20 s; a process that has just started has not had one yet.
FRESH = timedelta(seconds=120)
#: How long the checks may take.
PATIENCE_S = 3


class Unready(Exception):
    """What is missing, for the answer."""


def probes(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Answer those who watch over this process, whatever name or address they ask it by."""

    def middleware(request: HttpRequest) -> HttpResponse:
        view = PROBES.get(request.path)
        return get_response(request) if view is None else view(request)

    return middleware


def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> HttpResponse:
    """200 when everything is there that this process needs to do its part, else 503; each thing is named.

    A process that runs all parts needs them all. One of several stays in service while things are away that it can do
    without: a gateway serves stations without Redis, broker and scheduler, and the portal shows that they are away.
    """
    names = looked_at()
    found = states([name for name in CHECKS if name in names])
    needs = needed()
    ready = all(state == "ok" for name, state in found.items() if name in needs)
    body = {"status": "ready" if ready else "not ready", "checks": found}
    response = JsonResponse(body, status=200 if ready else 503, headers={"Cache-Control": "no-store"})
    # A probe that asks too early is no error to log.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


def state(name: str) -> str:
    """ok, or why not."""
    try:
        CHECKS[name]()
    except Unready as why:
        return str(why)
    except (DatabaseError, BrokerError, *LAYER_AWAY) as error:
        log.warning("Not ready, %s: %s", name, error)
        return "away"
    return "ok"


#: Checks that somebody waits for, or that have not come back.
_under_way: "dict[str, Future[str]]" = {}
_beginning = threading.Lock()


def states(names: list[str]) -> dict[str, str]:
    """What each check says, or that it does not come back: whoever asks has an answer within PATIENCE_S.

    What asks other machines does so in a thread of its own: over a cable that is cut it waits long, and a further
    probe does not wait once more beside it. The channel layer is asked in the server's own event loop, where it lives.
    """
    asked = {name: _ask(name) for name in names if name in PATIENT}
    found = {name: state(name) for name in names if name not in PATIENT}
    wait(asked.values(), timeout=PATIENCE_S)
    for name, future in asked.items():
        found[name] = future.result() if future.done() else f"no answer within {PATIENCE_S} s"
    return {name: found[name] for name in names}


def _ask(name: str) -> "Future[str]":
    with _beginning:
        future = _under_way.get(name)
        if future is None or future.done():
            future = _under_way[name] = Future()
            threading.Thread(target=_answer, args=(name, future), name=f"readyz-{name}", daemon=True).start()
        return future


def _answer(name: str, future: "Future[str]") -> None:
    try:
        future.set_result(state(name))
    except Exception as error:
        log.exception("The check of %s failed", name)
        future.set_result(type(error).__name__)
    finally:
        connection.close()


def database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()


def gateway() -> None:
    """New stations are taken in."""
    if is_draining():
        raise Unready("draining")


def ledger() -> None:
    """What stations send can be stored: reading may go on while writing does not."""
    trouble = ledger_trouble()
    if trouble:
        raise Unready(trouble)


def channel_layer() -> None:
    """A message goes round."""

    async def round_trip() -> None:
        layer = get_channel_layer()
        channel = await layer.new_channel("health.")
        await layer.send(channel, {"type": "health.check"})
        await layer.receive(channel)

    async def in_time() -> None:
        await asyncio.wait_for(round_trip(), PATIENCE_S)

    async_to_sync(in_time)()


def broker() -> None:
    """The broker answers; the embedded one lives as long as its worker."""
    if settings.CELERY_BROKER_URL.startswith("memory:"):
        thread_lives("worker")
        return
    with celery_app.connection_for_write() as link:
        link.ensure_connection(max_retries=1, timeout=PATIENCE_S)


def thread_lives(part: str) -> None:
    """The thread of `manage.py up` that is this process's worker or scheduler."""
    if not any(thread.name == f"celery-{part}" and thread.is_alive() for thread in threading.enumerate()):
        raise Unready(f"the embedded {part} does not run")


def worker() -> None:
    thread_lives("worker")


def scheduler() -> None:
    thread_lives("beat")


def beat() -> None:
    """The scheduler and a worker did something lately."""
    last = health.last_pulse("beat")
    if last is not None and timezone.now() - last < FRESH:
        return
    if time.monotonic() - STARTED > FRESH.total_seconds():
        raise Unready("no scheduled task has run for two minutes")


CHECKS: dict[str, Callable[[], None]] = {
    "database": database,
    "gateway": gateway,
    "ledger": ledger,
    "channel_layer": channel_layer,
    "broker": broker,
    "worker": worker,
    "scheduler": scheduler,
    "beat": beat,
}
SHARED = {"database", "channel_layer", "broker", "beat"}
#: What may wait longer for another machine than a probe waits for its answer.
PATIENT = SHARED - {"channel_layer"}
#: What a process that runs only some parts needs for each of them.
NEEDED = {
    "gateway": {"database", "gateway", "ledger"},
    "portal": {"database"},
    "worker": {"database", "broker", "worker"},
    "beat": {"database", "broker", "scheduler"},
}


def needed() -> set[str]:
    """The names of the checks without which this process is not ready."""
    if fleet.runs_all():
        return {*SHARED, "ledger"}
    return set().union(*(NEEDED[part] for part in fleet.running)) or {"database"}


def looked_at() -> set[str]:
    """The names of the checks that say something of this process."""
    return needed() | SHARED


def may_see_metrics(request: HttpRequest) -> bool:
    """Whoever has METRICS_TOKEN, and this machine itself as long as nobody is forwarded through it."""
    token = settings.METRICS_TOKEN
    given = request.headers.get("Authorization", "")
    if token and constant_time_compare(given, f"Bearer {token}"):
        return True
    if any(name in request.headers for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP")):
        return False
    try:
        return ipaddress.ip_address(client_ip(request)).is_loopback
    except ValueError:
        return False


def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text format 0.0.4."""
    if not may_see_metrics(request):
        return HttpResponse(
            "Metrics are for this machine, or for METRICS_TOKEN.\n", status=403, content_type="text/plain"
        )
    # What it reads of the fleet is read for a scrape alone, and its libraries are loaded by the first one.
    from mobility.metrics import text

    return HttpResponse(text(request.GET.get("only", "")), content_type="text/plain; version=0.0.4; charset=utf-8")


PROBES = {"/healthz": healthz, "/readyz": readyz, "/metrics": metrics}
