"""Many rows in one statement on PostgreSQL: each column is an array, and the statement stays the same for any number.

A statement per row, as `executemany` sends them, is parsed and planned for each row; one over `unnest` is prepared
once for a connection. Arrays are written as PostgreSQL's literals, which costs less than to let a driver look at every
value.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any

import orjson
import psycopg
from django.db import connection, models

Values = Iterable[Any]


def _quoted(values: Values) -> str:
    return (
        "{"
        + ",".join(
            "NULL" if value is None else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values
        )
        + "}"
    )


def _plain(values: Values) -> str:
    """Numbers, whose text needs no quotes."""
    return "{" + ",".join("NULL" if value is None else str(value) for value in values) + "}"


def _times(values: Values) -> str:
    """A batch writes the same few moments again and again."""
    known: dict[datetime | date | None, str] = {None: "NULL"}
    found = []
    for value in values:
        text = known.get(value)
        if text is None:
            assert value is not None
            text = known[value] = f'"{value.isoformat()}"'
        found.append(text)
    return "{" + ",".join(found) + "}"


def _documents(values: Values) -> str:
    return _quoted(None if value is None else orjson.dumps(value).decode() for value in values)


class Column:
    """How the values of a field become one parameter."""

    def __init__(self, field: "models.Field[Any, Any]") -> None:
        kind = str(field.db_type(connection))
        self.name = connection.ops.quote_name(str(field.column))
        self.cast = ""
        self.write: Callable[[Values], str] = _plain
        if isinstance(field, models.JSONField):
            self.type, self.cast, self.write = "text", "::jsonb", _documents
        elif kind.startswith(("varchar", "text")):
            # Not the column's own length: a cast would cut without a word what an assignment refuses.
            self.type, self.write = "text", _quoted
        elif kind.startswith(("timestamp", "date")):
            self.type, self.write = kind, _times
        else:
            self.type = kind.partition("(")[0]


#: How many rows a statement has touched; asked within `together`, it is not known yet.
Touched = Callable[[], int]


class Statement:
    """An INSERT or UPDATE over columns of values."""

    def __init__(self, sql: str, columns: Sequence[Column]) -> None:
        self.sql, self.columns = sql, columns

    def run(self, rows: Sequence[Sequence[Any]]) -> Touched:
        """Raises Django's database errors."""
        by_column = zip(self.columns, zip(*rows, strict=True), strict=True)
        parameters = [column.write(values) for column, values in by_column]
        connection.ensure_connection()
        with connection.wrap_database_errors:
            cursor = psycopg.Cursor(connection.connection)
            cursor.execute(self.sql, parameters)
        return lambda: cursor.rowcount


@contextlib.contextmanager
def together() -> Iterator[None]:
    """Send the statements within one after the other without waiting for the answer to each (PostgreSQL); what goes
    wrong with one of them is raised at the end. Other databases run them as they come."""
    if connection.vendor != "postgresql":
        yield
        return
    connection.ensure_connection()
    with connection.wrap_database_errors, connection.connection.pipeline():
        yield


def unnested(columns: Sequence[Column]) -> str:
    """`unnest(...) AS given(v0, v1, …)`, one parameter for each column."""
    arrays = ", ".join(f"%s::{column.type}[]" for column in columns)
    return f"unnest({arrays}) AS given({', '.join(f'v{i}' for i in range(len(columns)))})"


def insert(table: str, columns: Sequence[Column]) -> Statement:
    values = ", ".join(f"v{i}{column.cast}" for i, column in enumerate(columns))
    names = ", ".join(column.name for column in columns)
    return Statement(f"INSERT INTO {table} ({names}) SELECT {values} FROM {unnested(columns)}", columns)  # noqa: S608


def update(table: str, columns: Sequence[Column], key: Column, where: str, add: Sequence[bool]) -> Statement:
    """Each row ends with its key, and no key comes twice."""
    sets = ", ".join(
        f"{column.name} = {f'{table}.{column.name} + ' if added else ''}v{i}{column.cast}"
        for i, (column, added) in enumerate(zip(columns, add, strict=True))
    )
    every = [*columns, key]
    sql = f"UPDATE {table} SET {sets} FROM {unnested(every)} WHERE {table}.{key.name} = v{len(columns)}"  # noqa: S608
    return Statement(f"{sql} AND {where}" if where else sql, every)
