"""A database, a Redis and a RabbitMQ of a test's own, where the machine has them."""

import contextlib
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any, NoReturn
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
import redis
from kombu import Connection
from kombu.exceptions import OperationalError
from psycopg import sql

from tests.support.environment import GIVEN

#: TEST_DATABASE=postgres runs the suite on PostgreSQL, each server and each worker on a database of its own.
ON_POSTGRES = GIVEN.get("TEST_DATABASE") == "postgres"
#: Where the suite runs on PostgreSQL, a worker is given its parent's DATABASE_URL: a database that is none yet.
_given = GIVEN.get("TEST_DATABASE_URL") or ("" if ON_POSTGRES else GIVEN.get("DATABASE_URL"))
POSTGRES = _given or "postgres://postgres@127.0.0.1:5432"
REDIS = GIVEN.get("TEST_REDIS_URL") or GIVEN.get("REDIS_URL") or "redis://127.0.0.1:6379"
RABBITMQ = GIVEN.get("TEST_BROKER_URL") or GIVEN.get("CELERY_BROKER_URL") or "amqp://guest:guest@127.0.0.1:5672//"


def rows_of(url: str, query: str, *parameters: Any) -> list[dict[str, Any]]:
    """What a query finds in a PostgreSQL database, by column names."""
    with psycopg.connect(url.replace("postgres://", "postgresql://")) as connection:
        cursor = connection.execute(query.encode(), parameters)
        names = [column.name for column in cursor.description or []]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def missing(what: str, how: str) -> NoReturn:
    """A test cannot run for want of a service: skipped, or failed with REQUIRE_SERVICES=1."""
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(f"needs {what}, and REQUIRE_SERVICES=1: {how}", pytrace=False)
    pytest.skip(f"needs {what}: {how}")


@contextlib.contextmanager
def postgres_database() -> Iterator[str]:
    """The URL of a new, empty database, dropped at the end.

    The server is that of TEST_DATABASE_URL, else DATABASE_URL, else the local one.
    """
    how = "start PostgreSQL on 127.0.0.1:5432 (trust for user postgres), or set TEST_DATABASE_URL"
    parts = urlsplit(POSTGRES)
    if parts.scheme not in ("postgres", "postgresql"):
        missing("PostgreSQL", how)
    admin = urlunsplit(parts._replace(scheme="postgresql", path=parts.path if parts.path.strip("/") else "/postgres"))
    name = f"mobility_test_{secrets.token_hex(6)}"
    try:
        with psycopg.connect(admin, autocommit=True, connect_timeout=5) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    except psycopg.OperationalError as error:
        missing("PostgreSQL", f"{how} ({str(error).splitlines()[0]})")
    try:
        yield urlunsplit(parts._replace(scheme="postgres", path=f"/{name}"))
    finally:
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@contextlib.contextmanager
def redis_database() -> Iterator[str]:
    """The URL of a Redis database that no other test run uses meanwhile, emptied before and after."""
    how = "start Redis on 127.0.0.1:6379, or set TEST_REDIS_URL"
    base = REDIS.rstrip("/")
    base = base.rsplit("/", 1)[0] if urlsplit(base).path else base
    for number in range(1, 16):
        client = redis.Redis.from_url(f"{base}/{number}", socket_connect_timeout=5)
        try:
            ours = client.set("mobility-test-lock", os.getpid(), nx=True, ex=1800)
        except redis.RedisError as error:
            missing("Redis", f"{how} ({error})")
        if ours:
            break
    else:
        missing("a free Redis database", "databases 1 to 15 hold a key mobility-test-lock; it expires in 30 minutes")
    try:
        for key in client.scan_iter():
            if key != b"mobility-test-lock":
                client.delete(key)
        yield f"{base}/{number}"
    finally:
        with contextlib.suppress(redis.RedisError):
            client.flushdb()
        client.close()


@contextlib.contextmanager
def rabbitmq_vhost() -> Iterator[str]:
    """The broker URL of a virtual host of our own; without the right to make one, the given one, locked and purged."""
    try:
        with Connection(RABBITMQ, connect_timeout=5) as connection:
            connection.connect()
    except (OSError, OperationalError) as error:
        missing("RabbitMQ", f"start RabbitMQ on 127.0.0.1:5672 (guest/guest), or set TEST_BROKER_URL ({error})")
    name = f"mobility-test-{secrets.token_hex(6)}"
    parts = urlsplit(RABBITMQ)
    if not _make_vhost(name, parts.username or "guest"):
        with _whole_vhost():
            yield RABBITMQ
        return
    try:
        yield urlunsplit(parts._replace(path=f"/{name}"))
    finally:
        _rabbitmqctl("delete_vhost", name)


def _rabbitmqctl(*arguments: str) -> bool:
    tool = shutil.which("rabbitmqctl")
    if not tool:
        return False
    done = subprocess.run([tool, "-q", *arguments], capture_output=True, timeout=60, check=False)
    return done.returncode == 0


def _make_vhost(name: str, user: str) -> bool:
    local = urlsplit(RABBITMQ).hostname in ("127.0.0.1", "localhost", "::1")
    if not (local and os.geteuid() == 0 and _rabbitmqctl("add_vhost", name)):
        return False
    if _rabbitmqctl("set_permissions", "-p", name, user, ".*", ".*", ".*"):
        return True
    _rabbitmqctl("delete_vhost", name)
    return False


@contextlib.contextmanager
def _whole_vhost() -> Iterator[None]:
    """Hold the configured virtual host alone: an exclusive queue is the lock, and Celery's queue is emptied."""
    with Connection(RABBITMQ, connect_timeout=5) as connection:

        def take(channel: Any) -> None:
            channel.queue_declare("mobility-test-lock", exclusive=True)

        connection.ensure(connection, take, max_retries=600, interval_start=0.5, interval_max=0.5)
        channel = connection.channel()
        channel.queue_declare("celery", durable=True, auto_delete=False)
        channel.queue_purge("celery")
        yield
