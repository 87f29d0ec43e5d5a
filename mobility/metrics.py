"""`/metrics`: what Prometheus scrapes from every process, and from one of them about the whole fleet.

Each process tells of itself: what it counted since its start, and whether it reaches what it depends on. What is read
from the database is the same wherever it is asked; only processes that serve the portal tell it, and
`/metrics?only=process` or `?only=fleet` asks for one half (docs/operations.md).
"""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from threading import Lock
from typing import Any

from celery.signals import task_postrun, task_prerun
from django.conf import settings
from django.db import Error as DatabaseError
from kombu.exceptions import OperationalError as BrokerError
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from charging.ledger import figures
from charging.queries import health as queries
from mobility import fleet
from mobility.celery import app as celery_app
from mobility.middleware import HTTP
from ocpp_gateway import rpc, schemas
from ocpp_gateway.gateway import Gateway, gateways

OUTCOMES = {"ok", "timed out", "", "GenericError", "ProtocolError", "RpcFrameworkError", "MessageTypeNotSupported"}
OUTCOMES |= {code for pair in rpc.CODES.values() for code in pair}
ACTIONS = {action for protocol in schemas.PACKAGES for action in schemas.of(protocol).requests}


class Tasks:
    """The Celery tasks that this process ran: by name and state, and their seconds."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._begun: dict[str, float] = {}
        self.ended: Counter[tuple[str, str]] = Counter()
        self.seconds: dict[str, float] = {}
        task_prerun.connect(self._begins)
        task_postrun.connect(self._ends)

    def _begins(self, task_id: str = "", **_: Any) -> None:
        with self._lock:
            self._begun[task_id] = time.monotonic()

    def _ends(self, task_id: str = "", task: Any = None, state: str | None = None, **_: Any) -> None:
        name = str(getattr(task, "name", ""))
        with self._lock:
            begun = self._begun.pop(task_id, time.monotonic())
            self.ended[name, str(state or "unknown").lower()] += 1
            self.seconds[name] = self.seconds.get(name, 0.0) + time.monotonic() - begun


TASKS_RUN = Tasks()


def counter(name: str, about: str, labels: Iterable[str], samples: Mapping[Any, float]) -> Metric:
    family = CounterMetricFamily(name, about, labels=list(labels))
    for key, value in samples.items():
        family.add_metric([str(part) for part in (key if isinstance(key, tuple) else (key,))], value)
    return family


def gauge(name: str, about: str, labels: Iterable[str], samples: Mapping[Any, float]) -> Metric:
    family = GaugeMetricFamily(name, about, labels=list(labels))
    for key, value in samples.items():
        family.add_metric([str(part) for part in (key if isinstance(key, tuple) else (key,))], value)
    return family


def histogram(name: str, about: str, bounds: Iterable[float], counts: list[int], total: float) -> Metric:
    """`counts` has one more than the bounds; Prometheus wants them added up."""
    buckets, so_far = [], 0
    for bound, count in zip([*(f"{bound:g}" for bound in bounds), "+Inf"], list(counts), strict=True):
        so_far += count
        buckets.append((bound, float(so_far)))
    return HistogramMetricFamily(name, about, buckets=buckets, sum_value=total)


class OfProcess(Collector):
    """What this process counted and reaches."""

    def collect(self) -> Iterator[Metric]:
        yield gauge(
            "mobility_info",
            "The running version, and the parts of this process.",
            ("version", "parts"),
            {(settings.VERSION, ",".join(fleet.running) or "portal"): 1},
        )
        requests = HTTP.seen()
        labels = ("method", "status")
        counts = {key: count for key, (count, _) in requests.items()}
        seconds = {key: total for key, (_, total) in requests.items()}
        yield counter("mobility_http_requests", "HTTP requests that were answered.", labels, counts)
        yield counter("mobility_http_request_seconds", "Time spent in answering them.", labels, seconds)
        ended = dict(TASKS_RUN.ended)
        yield counter("mobility_tasks", "Celery tasks that this process ran, by state.", ("task", "state"), ended)
        yield counter("mobility_task_seconds", "Time spent in them.", ("task",), dict(TASKS_RUN.seconds))
        about = "Commands that this process saw end, by kind and outcome."
        yield counter("mobility_command_outcomes", about, ("kind", "outcome"), dict(figures.ENDED))
        yield from self.dependencies()
        for gateway in gateways():
            yield from self.of_gateway(gateway)

    def dependencies(self) -> Iterator[Metric]:
        """Each is asked now; what does not answer in time is away."""
        from mobility import health

        up, took = {}, {}
        for name in ("database", "channel_layer", "broker"):
            if name == "broker" and not fleet.runs_all() and settings.CELERY_BROKER_URL.startswith("memory:"):
                continue
            begun = time.monotonic()
            try:
                health.CHECKS[name]()
                up[name] = 1.0
            except (health.Unready, DatabaseError, BrokerError, OSError, TimeoutError):
                up[name] = 0.0
            took[name] = time.monotonic() - begun
        yield gauge("mobility_dependency_up", "Whether this process reaches it.", ("dependency",), up)
        yield gauge("mobility_dependency_seconds", "How long it took to answer just now.", ("dependency",), took)

    def of_gateway(self, gateway: Gateway) -> Iterator[Metric]:
        ledger, counted = gateway.ledger, gateway.ledger.figures
        held = Counter(one.protocol for one in list(gateway.connections.values()))
        yield gauge("mobility_gateway_connections", "Stations that this process holds.", ("protocol",), held)
        refused = dict(gateway.refusals.counted)
        yield counter("mobility_handshakes_refused", "Handshakes that were refused, by status.", ("status",), refused)
        yield counter("mobility_messages", "Messages by sender, action and outcome.", *messages(counted.messages))
        size = "Messages in one commit."
        yield histogram("mobility_ledger_batch_size", size, figures.SIZES, counted.sizes, counted.works)
        took = "From the beginning of a batch until it is committed."
        yield histogram("mobility_ledger_batch_seconds", took, figures.SECONDS, counted.latencies, counted.seconds)
        waiting = "Messages that wait for the next batch."
        yield gauge("mobility_ledger_queue", waiting, (), {(): ledger.waiting})
        yield counter("mobility_ledger_retries", "Batches that were tried again.", (), {(): counted.retried})
        yield counter("mobility_ledger_failures", "Messages that our own code failed at.", (), {(): counted.failed})


def messages(counted: Mapping[figures.Outcome, int]) -> tuple[tuple[str, ...], dict[figures.Outcome, int]]:
    """(labels, samples): names that stations invented are counted together."""
    found: Counter[figures.Outcome] = Counter()
    for (sender, action, outcome), count in list(counted.items()):
        known = action if action in ACTIONS else "other"
        found[sender, known, (outcome or "none") if outcome in OUTCOMES else "other"] += count
    return ("sender", "action", "outcome"), dict(found)


class OfFleet(Collector):
    """What the database and the broker say about all processes together."""

    def collect(self) -> Iterator[Metric]:
        for name, kind, about, labels, samples in queries.measures():
            yield (counter if kind == "counter" else gauge)(name, about, labels, samples)
        depth = self.depth()
        if depth is not None:
            about = "Celery tasks that wait for a worker."
            yield gauge("mobility_broker_queue", about, ("queue",), {"celery": depth})

    def depth(self) -> int | None:
        """None where the broker cannot be asked."""
        try:
            with celery_app.connection_for_read() as link:
                link.ensure_connection(max_retries=0, timeout=3)
                return int(link.default_channel.queue_declare("celery", passive=True).message_count)
        except (BrokerError, OSError, TimeoutError, *celery_app.connection_for_read().channel_errors):
            return None


def text(only: str = "") -> bytes:
    """The scrape: `only` is "process", "fleet", or empty for all that this process tells."""
    registry = CollectorRegistry()
    tells_fleet = "portal" in fleet.running or not fleet.running
    if only != "fleet":
        ProcessCollector(registry=registry)
        registry.register(_Lazy(OfProcess()))
    if only == "fleet" or (tells_fleet and only != "process"):
        registry.register(_Lazy(OfFleet()))
    return generate_latest(registry)


class _Lazy(Collector):
    """A collector that is not asked when it is registered."""

    def __init__(self, collector: Collector) -> None:
        self.collector = collector

    def collect(self) -> Iterable[Metric]:
        return self.collector.collect()

    def describe(self) -> Iterable[Metric]:
        return ()
