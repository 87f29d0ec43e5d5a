"""Fixtures that every test may use; tests/support/ says what is behind them."""

import contextlib
import logging
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import settings
from playwright.sync_api import Browser

from tests.support.browser import Visits, chromium
from tests.support.people import People, create_trio
from tests.support.rest import Rest
from tests.support.server import Server
from tests.support.services import postgres_database, rabbitmq_vhost, redis_database

StartServer = Callable[..., Server]

# No test depends on how fast the machine is.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
# One line for each request would bury what a failing test says.
logging.getLogger("httpx").setLevel(logging.WARNING)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Modules that take long come first, then those with many tests: at the end no worker waits for a long one."""
    modules: dict[str, list[pytest.Item]] = {}
    for item in items:
        modules.setdefault(item.nodeid.partition("::")[0], []).append(item)

    def length(found: list[pytest.Item]) -> tuple[int, int]:
        return sum(item.get_closest_marker("slow") is not None for item in found), len(found)

    items[:] = [item for found in sorted(modules.values(), key=length, reverse=True) for item in found]


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """One running server for each worker, shared by its tests: take a `unique` name for whatever you create."""
    with Server() as running:
        yield running


@pytest.fixture
def start_server() -> Iterator[StartServer]:
    """Starts servers of the test's own (the arguments are those of `Server`) and ends them with the test."""
    with contextlib.ExitStack() as stack:

        def start(env: Any = None, **more: Any) -> Server:
            return stack.enter_context(Server(env, **more))

        yield start


@pytest.fixture
def unique() -> Callable[[str], str]:
    """`unique("CP")` -> a name that no other test uses."""

    def name(prefix: str = "T") -> str:
        return f"{prefix}-{secrets.token_hex(4)}".upper()

    return name


@pytest.fixture(scope="session")
def rest(server: Server) -> Rest:
    """The shared server's REST API as its first admin, who also owns the first organization."""
    return server.rest()


@pytest.fixture(scope="session")
def people(server: Server) -> People:
    """`people.owner`, `people.member` (the same organization, role driver), `people.stranger`."""
    return create_trio(server)


@pytest.fixture(scope="module")
def postgres_url() -> Iterator[str]:
    """An empty PostgreSQL database of this module's own."""
    with postgres_database() as url:
        yield url


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    """A Redis database of this module's own."""
    with redis_database() as url:
        yield url


@pytest.fixture(scope="module")
def rabbitmq_url() -> Iterator[str]:
    """A RabbitMQ virtual host of this module's own."""
    with rabbitmq_vhost() as url:
        yield url


@pytest.fixture(scope="module")
def chromium_process() -> Iterator[Browser]:
    """One headless Chromium for a module; see tests/support/browser.py for what such a module must not do."""
    with chromium() as browser:
        yield browser


@pytest.fixture
def visit(chromium_process: Browser) -> Iterator[Visits]:
    """`visit(url, person=None)` -> a page; at the end no page may have logged an error or asked another site."""
    visits = Visits(chromium_process)
    yield visits
    visits.close()
