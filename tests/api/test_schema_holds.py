"""Every operation answers as the OpenAPI document says, whatever it is sent: schemathesis makes the requests from it.

In-process, over a database with one thing of each kind: the ids of real things take turns with made-up ones.
"""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.test import override_settings
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from accounts import tokens
from tests.api.world import World, build_world

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = {GenerationMode.POSITIVE: 2, GenerationMode.NEGATIVE: 1}
#: These end the sign-in that the requests are sent with, or wait for another server.
LEFT_OUT = {("POST", "/api/v1/auth/token/")}


@pytest.fixture
def world(db: None) -> Iterator[World]:
    """Its connection stays open between requests, as with Django's own test client."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield build_world()
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def real_ids(world: World, path: str) -> Iterator[dict[str, Any]]:
    """Whose things they are: one's own, made-up ones, a stranger's."""
    return itertools.cycle([world.ids(path), {}, world.ids(path, stranger=True)])


def test_no_operation_breaks_its_description(world: World) -> None:
    pair = tokens.start_family(world.owner, device="schemathesis")
    headers = {"Authorization": f"Bearer {pair.access}"}
    schema = schemathesis.openapi.from_wsgi("/api/schema/", get_wsgi_application())
    failures: list[str] = []
    count = 0
    with override_settings(API_RATE_LIMIT=0, ALLOWED_HOSTS=["*"]):
        for result in schema.get_all_operations():
            operation: Any = result.ok()  # type: ignore[union-attr]
            if (operation.method.upper(), operation.path) in LEFT_OUT:
                continue
            for mode, most in EXAMPLES.items():
                count += 1
                try:
                    attack(operation, mode, most, headers, real_ids(world, operation.path))
                except FailureGroup as problem:
                    failures.append(
                        f"{operation.method.upper()} {operation.path} ({mode.value}): {told(problem)}"[:1500]
                    )
    assert count > 200
    assert not failures, "\n\n".join(failures)


def told(problem: Any) -> str:
    return "; ".join(str(one) for one in problem.exceptions)


def attack(
    operation: Any, mode: GenerationMode, most: int, headers: dict[str, str], ids: Iterator[dict[str, Any]]
) -> None:
    @settings(
        max_examples=most,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def send(case: Any) -> None:
        case.path_parameters = {**case.path_parameters, **next(ids)}
        # What a station would have to answer takes as long as one waits for it.
        (case.query or {}).pop("wait", None)
        case.call_and_validate(headers=headers, checks=CHECKS)

    send()
