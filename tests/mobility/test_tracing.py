"""Tracing, as a collector receives it over OTLP/HTTP; off, nothing of it is loaded."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import httpx
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support import frames
from tests.support.environment import ROOT
from tests.support.receiver import Receiver
from tests.support.server import Server
from tests.support.station import Station
from tests.support.waiting import wait_until

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def spans(collector: Receiver) -> list[dict[str, Any]]:
    found = []
    for received in collector.at("/v1/traces"):
        for group in ExportTraceServiceRequest.FromString(received.body).resource_spans:
            service = {one.key: one.value.string_value for one in group.resource.attributes}["service.name"]
            for scope in group.scope_spans:
                for span in scope.spans:
                    values = {
                        one.key: one.value.string_value or one.value.int_value or str(one.value.array_value)
                        for one in span.attributes
                    }
                    found.append({"name": span.name, "trace": span.trace_id.hex(), "service": service, **values})
    return found


def test_requests_messages_and_tasks_are_traced(start_server: Callable[..., Server]) -> None:
    with Receiver() as collector:
        server = start_server(
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
                "OTEL_SERVICE_NAME": "charging",
                "OTEL_BSP_SCHEDULE_DELAY": "200",
            }
        )
        server.rest().create_station("TRACED")
        headers = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01", "X-Request-ID": "traced-request"}
        httpx.get(f"{server.url}/stations/TRACED/?ticket=secret-ticket", headers=headers)
        with Station(server, "TRACED") as station:
            station.ok("BootNotification", frames.boot())

        def found(**wanted: str) -> dict[str, Any]:
            def look() -> dict[str, Any] | None:
                return next(
                    (one for one in spans(collector) if all(text in str(one.get(k)) for k, text in wanted.items())),
                    None,
                )

            return wait_until(look, f"a span {wanted}", timeout=60)

        request = found(name="GET /stations/<str:identity>/")
        assert (request["trace"], request["mobility.request_id"]) == (TRACE, "traced-request")
        assert request["service"] == "charging"
        batch = {"name": "ocpp batch", "mobility.actions": "BootNotification 1"}
        assert int(found(**batch)["mobility.stations"]) >= 1
        assert found(name="charging.tasks.pulse")["celery.state"] == "SUCCESS"
        assert not any(b"secret-ticket" in received.body for received in collector.requests)


def test_off_it_is_not_loaded() -> None:
    code = (
        "import os, sys, django; os.environ['DJANGO_SETTINGS_MODULE'] = 'tests.settings'; django.setup(); "
        "from django.conf import settings; from charging.ledger.core import Ledger; "
        "assert 'mobility.tracing' not in sys.modules; "
        "assert not [name for name in sys.modules if name.startswith('opentelemetry.exporter')]; "
        "assert 'mobility.tracing.http_spans' not in settings.MIDDLEWARE; assert Ledger.observers == []"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
