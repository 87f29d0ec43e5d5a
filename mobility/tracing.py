"""Tracing by OpenTelemetry, where OTEL_EXPORTER_OTLP_ENDPOINT says where to: HTTP requests, batches of OCPP messages,
Celery tasks. Without that setting nothing of it is loaded and nothing on any path looks for it.

The standard's own variables set the rest: OTEL_SERVICE_NAME, OTEL_EXPORTER_OTLP_HEADERS, OTEL_TRACES_SAMPLER, …
"""

import time
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from celery.signals import before_task_publish, task_failure, task_postrun, task_prerun, worker_process_init
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse

from mobility.logs import request_id

if TYPE_CHECKING:
    from charging.ledger.core import Work

GetResponse = Callable[[HttpRequest], HttpResponse]
#: Celery's header that carries the trace to the worker (W3C Trace Context).
HEADERS = ("traceparent", "tracestate")


def start() -> None:
    """Send spans from now on; called once per process by `mobility.apps`.

    Raises:
        ImproperlyConfigured: the optional packages are not installed.
    """
    try:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise ImproperlyConfigured("OTEL_EXPORTER_OTLP_ENDPOINT needs: pip install -r requirements-otel.txt") from error
    about = {"service.name": settings.OTEL_SERVICE_NAME, "service.version": settings.VERSION}
    provider = TracerProvider(resource=Resource.create(about))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    _watch_ledger()
    task_prerun.connect(_task_begins)
    task_postrun.connect(_task_ends)
    task_failure.connect(_task_fails)
    before_task_publish.connect(_task_is_sent)
    # The exporter's thread does not survive a fork.
    worker_process_init.connect(
        lambda **_: provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter())), weak=False
    )


def tracer() -> Any:
    from opentelemetry import trace

    return trace.get_tracer("mobility", settings.VERSION)


# --- HTTP ------------------------------------------------------------------------------------------------------------


def http_spans(get_response: GetResponse) -> GetResponse:
    """One span per request, below the caller's where it sent a `traceparent`. No query string, no headers: they may
    carry secrets."""
    from opentelemetry import trace
    from opentelemetry.propagate import extract

    def middleware(request: HttpRequest) -> HttpResponse:
        parent = extract({name: request.headers[name] for name in HEADERS if name in request.headers})
        with tracer().start_as_current_span(str(request.method), context=parent, kind=trace.SpanKind.SERVER) as span:
            response = get_response(request)
            match = request.resolver_match
            if match is not None:
                span.update_name(f"{request.method} /{match.route}")
                span.set_attribute("http.route", f"/{match.route}")
            span.set_attribute("http.request.method", str(request.method))
            span.set_attribute("http.response.status_code", response.status_code)
            span.set_attribute("mobility.request_id", request_id.get())
            if response.status_code >= 500:
                span.set_status(trace.StatusCode.ERROR)
            return response

    return middleware


# --- OCPP ------------------------------------------------------------------------------------------------------------


def _watch_ledger() -> None:
    from charging.ledger.core import Ledger

    Ledger.observers.append(_batch_done)


def _batch_done(works: "list[Work]", begun: float) -> None:
    """One span per batch of the ledger, with how many messages of which action were in it; no span per frame."""
    from opentelemetry import trace

    took_ns = int((time.monotonic() - begun) * 1e9)
    now = time.time_ns()
    failed = sum(work.error is not None for work in works)
    actions = Counter(work.exchange[2] for work in works if work.exchange is not None)
    span = tracer().start_span("ocpp batch", kind=trace.SpanKind.SERVER, start_time=now - took_ns)
    span.set_attribute("mobility.messages", len(works))
    span.set_attribute("mobility.stations", len({work.station_id for work in works}))
    span.set_attribute("mobility.actions", [f"{action} {count}" for action, count in actions.most_common(20)])
    if failed:
        span.set_attribute("mobility.failed", failed)
        span.set_status(trace.StatusCode.ERROR)
    span.end(now)


# --- Celery ----------------------------------------------------------------------------------------------------------

_running: dict[str, tuple[Any, Any]] = {}


def _task_is_sent(headers: dict[str, Any] | None = None, **_: Any) -> None:
    from opentelemetry.propagate import inject

    if headers is not None:
        inject(headers)


def _task_begins(task_id: str = "", task: Any = None, **_: Any) -> None:
    from opentelemetry import context, trace
    from opentelemetry.propagate import extract

    carried = {name: getattr(task.request, name, None) or (task.request.headers or {}).get(name) for name in HEADERS}
    parent = extract({name: value for name, value in carried.items() if value})
    span = tracer().start_span(str(task.name), context=parent, kind=trace.SpanKind.CONSUMER)
    span.set_attribute("celery.task_id", task_id)
    _running[task_id] = span, context.attach(trace.set_span_in_context(span))


def _task_fails(task_id: str = "", exception: BaseException | None = None, **_: Any) -> None:
    from opentelemetry import trace

    if task_id in _running and exception is not None:
        span = _running[task_id][0]
        span.set_attribute("error.type", type(exception).__name__)
        span.set_status(trace.StatusCode.ERROR)


def _task_ends(task_id: str = "", state: str | None = None, **_: Any) -> None:
    from opentelemetry import context

    if task_id in _running:
        span, token = _running.pop(task_id)
        span.set_attribute("celery.state", str(state))
        span.end()
        context.detach(token)
