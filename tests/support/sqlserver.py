"""SQL Server's view of the migrations, without a server: the backend compiles, and its limits are checked.

What SQL Server refuses, or the backend leaves out without a word, is a `Finding`:
* an operation that the backend cannot compile (a condition with OR among them);
* a filtered index whose predicate is more than comparisons with constants joined by AND;
* an index or constraint over expressions (the backend makes none);
* a unique constraint of several columns with a nullable one and no condition (two NULLs are equal there);
* a key over 1,700 bytes (900 for a primary key), or one with an unbounded text in it.
"""

import contextlib
import re
import sys
import types
from collections.abc import Iterable, Iterator
from typing import Any

from django.db import connections
from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import F, Index, Model, UniqueConstraint

try:
    import pyodbc  # noqa: F401
except ImportError:
    # The backend imports pyodbc for its exceptions and constants; without unixODBC on the machine it cannot load.
    # Nothing here speaks to a database, so names alone are enough.
    _names = types.ModuleType("pyodbc")
    _names.__dict__.update(version="5.5.0", __getattr__=lambda name: name)
    _names.__dict__.update(dict.fromkeys(("Error", "DataError", "OperationalError", "IntegrityError"), Exception))
    sys.modules["pyodbc"] = _names
from mssql.base import DatabaseWrapper

Finding = str
MAX_KEY_BYTES = 1700
MAX_PRIMARY_KEY_BYTES = 900
VARIABLE_WIDTH = {"nvarchar": 2, "varbinary": 1, "char": 1}
FIXED_WIDTH = {
    "int": 4,
    "bigint": 8,
    "smallint": 2,
    "bit": 1,
    "date": 3,
    "datetime2": 8,
    "datetimeoffset": 10,
    "time": 5,
    "double": 8,
}

_LITERAL = r"(?:N?'(?:[^']|'')*'|-?\d+(?:\.\d+)?)"
_TEST = rf"(?:IS(?: NOT)? NULL|(?:=|<>|!=|>=?|<=?)\s*{_LITERAL}|IN\s*\({_LITERAL}(?:,\s*{_LITERAL})*\))"
_CONJUNCT = re.compile(rf"\(*\s*\[\w+\]\s*{_TEST}\s*\)*")


class EmptyCursor:
    """A cursor of a database with nothing in it."""

    def execute(self, sql: str, params: Any = ()) -> "EmptyCursor":
        return self

    def fetchone(self) -> None:
        return None

    def fetchall(self) -> list[Any]:
        return []

    def fetchmany(self, size: int = 0) -> list[Any]:
        return []

    def close(self) -> None:
        """Nothing is open."""

    def __enter__(self) -> "EmptyCursor":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class Offline(DatabaseWrapper):
    """SQL Server 2019 that nobody runs."""

    sql_server_version = 2019
    to_azure_sql_db = False

    def __init__(self) -> None:
        options: dict[str, Any] = {
            "NAME": "offline",
            "ENGINE": "mssql",
            "OPTIONS": {},
            "TIME_ZONE": None,
            "USER": "",
            "PASSWORD": "",
        }
        rest = {"HOST": "", "PORT": "", "CONN_MAX_AGE": 0, "AUTOCOMMIT": True, "ATOMIC_REQUESTS": False}
        super().__init__({**options, **rest, "CONN_HEALTH_CHECKS": False, "TEST": {}}, alias="offline")

    def ensure_connection(self) -> None:
        """There is nothing to connect to."""

    def cursor(self) -> EmptyCursor:
        return EmptyCursor()


def every_migration() -> list[Migration]:
    """All migrations of all installed applications, each after those it depends on."""
    loader = MigrationLoader(None)
    plan: list[tuple[str, str]] = []
    for target in sorted(loader.graph.leaf_nodes()):
        plan += [key for key in loader.graph.forwards_plan(target) if key not in plan]
    return [loader.graph.nodes[key] for key in plan]


@contextlib.contextmanager
def offline_connection() -> Iterator[Offline]:
    """The backend under its alias, since conditions are compiled by way of `django.db.connections`."""
    connection = Offline()
    connections[connection.alias] = connection
    try:
        yield connection
    finally:
        del connections[connection.alias]


def compile_for_sqlserver(migrations: Iterable[Migration]) -> tuple[list[str], list[Finding], int]:
    """-> (SQL statements, findings, how many operations were compiled)."""
    with offline_connection() as connection:
        return _compile_all(connection, migrations)


def _compile_all(connection: Offline, migrations: Iterable[Migration]) -> tuple[list[str], list[Finding], int]:
    state = ProjectState()
    sql: list[str] = []
    findings: list[Finding] = []
    count = 0
    for migration in migrations:
        for operation in migration.operations:
            count += 1
            where = f"{migration.app_label}.{migration.name}: {operation.describe()}"
            try:
                state, statements = _compile(connection, migration.app_label, operation, state)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is the finding
                findings.append(f"{where}: {error!r}")
                operation.state_forwards(migration.app_label, state)
                continue
            sql += statements
            findings += [f"{where}: {what}" for statement in statements for what in predicate_faults(statement)]
    for model in state.apps.get_models(include_auto_created=True):
        findings += [f"{model._meta.label}: {what}" for what in key_faults(connection, model)]
    return sql, findings, count


def _compile(
    connection: Offline, app_label: str, operation: Operation, before: ProjectState
) -> tuple[ProjectState, list[str]]:
    after = before.clone()
    operation.state_forwards(app_label, after)
    if not operation.reduces_to_sql:
        return after, []
    with connection.schema_editor(collect_sql=True, atomic=False) as editor:
        operation.database_forwards(app_label, editor, before, after)
    return after, list(editor.collected_sql)


def predicate_faults(statement: str) -> Iterator[str]:
    """What SQL Server does not take as the predicate of a filtered index."""
    found = re.match(r"CREATE (?:UNIQUE )?(?:NONCLUSTERED )?INDEX (\S+) .*? WHERE (.*?);?$", statement, re.DOTALL)
    if found:
        for conjunct in re.split(r"\s+AND\s+", found[2].strip()):
            if not _CONJUNCT.fullmatch(conjunct.strip()):
                yield f"index {found[1]} has the predicate {found[2].strip()}"


def keys(model: type[Model]) -> Iterator[tuple[str, list[str], bool, bool]]:
    """(name, field names, unique, conditioned) of everything that becomes an index; no field names: an expression."""
    options = model._meta
    for field in options.local_fields:
        if field.primary_key or field.unique or getattr(field, "db_index", False):
            yield field.name, [field.name], field.unique, True
    for index in options.indexes:
        yield index.name, [] if _has_expressions(index) else [name for name, _ in index.fields_orders], False, True
    for constraint in options.constraints:
        if isinstance(constraint, UniqueConstraint):
            yield constraint.name, list(constraint.fields), True, constraint.condition is not None
    for fields in options.unique_together:
        # The backend conditions these itself.
        yield "unique_together", list(fields), True, True


def _has_expressions(index: Index) -> bool:
    return any(not isinstance(expression, F | str) for expression in index.expressions)


def key_faults(connection: Offline, model: type[Model]) -> Iterator[str]:
    """What is wrong with a model's indexes and unique constraints on SQL Server."""
    for name, names, unique, conditioned in keys(model):
        if not names:
            yield f"{name} is over an expression, and the backend leaves it out"
            continue
        fields = [model._meta.get_field(field) for field in names]
        if unique and len(fields) > 1 and not conditioned and any(field.null for field in fields):
            yield f"{name} has a nullable column and no condition"
        primary = len(fields) == 1 and getattr(fields[0], "primary_key", False)
        most = MAX_PRIMARY_KEY_BYTES if primary else MAX_KEY_BYTES
        width = sum(column_bytes(str(field.db_type(connection) or "")) for field in fields)
        if width > most:
            yield f"{name} is a key of up to {width:,} bytes; SQL Server takes {most:,}"


def column_bytes(db_type: str) -> int:
    """The most bytes a value of this column takes in a key; an unbounded one takes a million."""
    kind, _, rest = db_type.partition("(")
    if kind in VARIABLE_WIDTH:
        length = rest.rstrip(")")
        return int(length) * VARIABLE_WIDTH[kind] if length.isdigit() else 1_000_000
    if kind == "numeric":
        return 17
    return FIXED_WIDTH[kind.split()[0]]
