"""The hot queries compile for SQL Server: what the ledger asks for each message, what pages and REST ask, and what beat
runs. Everything that is asked of SQLite here is compiled for SQL Server on the way; no server is needed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest
from django.core.exceptions import EmptyResultSet, FullResultSet
from django.db import NotSupportedError, models
from django.db.models.sql import compiler
from django.test import Client
from django.utils import timezone

import charging.bulk
from accounts.models import Membership, Organization, User
from charging import housekeeping
from charging.ledger import batch, owners, readings
from charging.models import ChargingStation
from charging.queries import health
from tests.ledger import harness
from tests.ledger.conftest import NewBench
from tests.support.sqlserver import Offline, offline_connection

PAGES = (
    "/", "/stations/", "/transactions/", "/statistics/", "/id-tags/", "/cars/", "/sites/", "/schedules/", "/tariffs/",
    "/audit/", "/members/", "/waiting/",
)  # fmt: skip


@pytest.fixture
def bench(db: None) -> Iterator[NewBench]:
    with harness.ledger() as ledger:
        yield lambda protocol="1.6": harness.Bench(ledger, protocol)


class Compiled:
    """What was compiled: the SQL, and what could not be."""

    def __init__(self, connection: Offline) -> None:
        self.connection = connection
        self.sql: set[str] = set()
        self.faults: set[str] = set()

    def take(self, query: Any) -> None:
        try:
            made = query.clone().get_compiler(connection=self.connection).as_sql()
        except (EmptyResultSet, FullResultSet):
            return
        except (NotSupportedError, NotImplementedError, AttributeError, TypeError, ValueError) as error:
            self.faults.add(f"{error!r}: {query.model.__name__}, {query.where}")
            return
        self.sql |= {one[0] for one in (made if isinstance(made, list) else [made])}


@contextmanager
def compiled_too() -> Iterator[Compiled]:
    """Whatever the ORM executes within is compiled for SQL Server as well."""
    executes = {kind: kind.execute_sql for kind in (compiler.SQLCompiler, compiler.SQLInsertCompiler)}
    with offline_connection() as connection, pytest.MonkeyPatch.context() as patched:
        found = Compiled(connection)
        for kind, execute in executes.items():

            def also(self: Any, *args: Any, execute: Any = execute, **more: Any) -> Any:
                if self.using != connection.alias:
                    found.take(self.query)
                return execute(self, *args, **more)

            patched.setattr(kind, "execute_sql", also)
        yield found


def session(bench: NewBench, protocol: str) -> None:
    one = bench(protocol)
    if protocol == "1.6":
        one.commit(harness.start_16(0, 1_000))
        number = int(one.transactions()[0].transaction_id)
        one.commit(harness.meter_16(10, 2_000, number))
        one.commit(harness.meter_16(5, 1_500, number), harness.stop_16(30, 3_000, number))
        return
    one.commit(harness.event("Started", 0, 0, 1_000, token=harness.TAG))
    one.commit(harness.event("Updated", 1, 10, 2_000))
    one.commit(harness.event("Ended", 2, 30, 3_000))


@pytest.mark.parametrize("protocol", ["1.6", "2.0.1"])
def test_what_a_session_asks(bench: NewBench, protocol: str) -> None:
    with compiled_too() as found:
        session(bench, protocol)
    assert found.faults == set()
    assert len(found.sql) > 10
    assert any("[charging_transaction]" in sql for sql in found.sql)


@pytest.mark.django_db
def test_what_pages_and_beat_ask(bench: NewBench) -> None:
    session(bench, "1.6")
    user = User.objects.create_superuser("sql@example.com", "x")
    Membership.objects.create(organization=Organization.objects.get(), user=user, role="owner")
    browser = Client()
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    identity = ChargingStation.objects.values_list("identity", flat=True).first()
    now = timezone.now()
    with compiled_too() as found:
        for page in (*PAGES, f"/stations/{identity}/"):
            assert browser.get(page).status_code == 200, page
        list(health.measures())
        list(housekeeping.overdue_commands(now))
        housekeeping.tell_offline(now)
        housekeeping.prune_messages(now)
        owners.give_up_dead(now)
    assert found.faults == set()
    assert len(found.sql) > 60


STATEMENTS = {
    name: value
    for module in (batch, readings)
    for name, value in vars(module).items()
    if isinstance(value, charging.bulk._Statement)
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_what_the_ledger_writes(name: str) -> None:
    statement = STATEMENTS[name]
    with offline_connection() as connection, patch.object(charging.bulk, "connection", connection):
        sql, converters, times = type(statement).compiled(statement)
        statement._compiled.pop(connection.vendor, None)
    assert f"[{statement.model._meta.db_table}]" in sql
    assert sql.count("%s") == len(statement.columns) + (not sql.startswith(("INSERT", "SELECT")))
    assert times == []
    # A time is handed over as the driver takes it, never as SQLite's text.
    fields = [statement.model._meta.get_field(column) for column in statement.columns]
    assert {i for i, _ in converters} >= {
        i for i, field in enumerate(fields) if isinstance(field, models.DateTimeField)
    }


def test_what_cannot_be_compiled_is_found() -> None:
    with compiled_too() as found:
        found.take(ChargingStation.objects.distinct("name").query)
    assert found.faults
