"""Many rows in one statement, for the ledger: plain INSERT and UPDATE over `executemany`, or over arrays on PostgreSQL.

The ORM's bulk calls build an expression per value; on the hot path that costs more than the database does. These
writers take tuples in the order of their columns, compile their SQL once per connection and convert only what a
database driver does not take as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from django.db import DEFAULT_DB_ALIAS, connection, connections, models

from charging import arrays

#: Rows of one statement on SQLite: with thirteen columns well below the least limit of parameters, 999.
MOST_ROWS = 64


class SqliteTimes:
    """Times as SQLite stores them. A batch writes the same few objects again and again: each is formatted once. They
    are kept, too, so that no other object takes the place of one that is remembered."""

    def __init__(self) -> None:
        self.known: dict[int, tuple[datetime, str]] = {}

    def text(self, value: datetime | None) -> str | None:
        if value is None:
            return None
        known = self.known.get(id(value))
        if known is None:
            utc = value if value.tzinfo is UTC else value.astimezone(UTC)
            known = self.known[id(value)] = value, utc.isoformat(" ")[:-6]
        return known[1]


def _json(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()


def _converter(field: models.Field[Any, Any]) -> Callable[[Any], Any] | None:
    """How a value of this field is handed to the driver; None where it goes as it is."""
    if isinstance(field, models.JSONField):
        return _json
    if isinstance(field, models.DateTimeField):
        if connection.vendor in ("sqlite", "postgresql"):
            return None
        return connection.ops.adapt_datetimefield_value
    if isinstance(field, models.DecimalField):
        adapt, digits, places = connection.ops.adapt_decimalfield_value, field.max_digits, field.decimal_places
        return lambda value: adapt(value, digits, places)
    return None


def _converted(row: Sequence[Any], converters: list[tuple[int, Callable[[Any], Any]]]) -> list[Any]:
    values = list(row)
    for i, convert in converters:
        values[i] = convert(values[i])
    return values


class _Statement:
    """SQL for one model and a list of columns, compiled for the connection of the calling thread."""

    def __init__(self, model: type[models.Model], columns: Sequence[str]) -> None:
        self.model, self.columns = model, list(columns)
        self._chunks: dict[int, str] = {}
        self._compiled: dict[str, tuple[str, list[tuple[int, Callable[[Any], Any]]], list[int]]] = {}

    def _sql(self, table: str, columns: list[str]) -> str:
        raise NotImplementedError

    def _fields(self) -> list[models.Field[Any, Any]]:
        found = [self.model._meta.get_field(name) for name in self.columns]
        assert all(isinstance(field, models.Field) for field in found)
        return found  # type: ignore[return-value]

    def compiled(self) -> tuple[str, list[tuple[int, Callable[[Any], Any]]], list[int]]:
        """The SQL, what is converted at which place, and where SQLite wants times as texts."""
        vendor = connection.vendor
        done = self._compiled.get(vendor)
        if done is None:
            quote = connection.ops.quote_name
            fields = self._fields()
            sql = self._sql(quote(self.model._meta.db_table), [quote(str(field.column)) for field in fields])
            converters = [(i, c) for i, field in enumerate(fields) if (c := _converter(field)) is not None]
            times = [i for i, field in enumerate(fields) if isinstance(field, models.DateTimeField)]
            done = sql, converters, times if vendor == "sqlite" else []
            self._compiled[vendor] = done
        return done


class Find(_Statement):
    """`Find(Model, ["field", ...])((value, ...))`: the primary key of the row with these values, or None."""

    def __init__(self, model: type[models.Model], columns: Sequence[str], *, where: str = "") -> None:
        super().__init__(model, columns)
        self.where = where

    def _sql(self, table: str, columns: list[str]) -> str:
        conditions = [f"{column} = %s" for column in columns] + ([self.where] if self.where else [])
        key = connection.ops.quote_name(str(self.model._meta.pk.column))
        return f"SELECT {key} FROM {table} WHERE {' AND '.join(conditions)}"  # noqa: S608

    def __call__(self, row: Sequence[Any]) -> int | None:
        sql, converters, times = self.compiled()
        with connection.cursor() as cursor:
            values = _converted(row, converters)
            for i in times:
                values[i] = SqliteTimes().text(values[i])
            cursor.execute(sql, values)
            found = cursor.fetchone()
        return None if found is None else int(found[0])


def no_rows() -> int:
    return 0


class _Many(_Statement):
    _over_arrays: arrays.Statement | None = None

    def _for_postgres(self) -> arrays.Statement:
        raise NotImplementedError

    def __call__(self, rows: Iterable[Sequence[Any]], times_known: SqliteTimes | None = None) -> arrays.Touched:
        """Run it for all rows; returns what says how many it touched. Statements that write the same times may share
        them."""
        # The proxy `connection` looks its thread up with each attribute.
        connected = connections[DEFAULT_DB_ALIAS]
        if connected.vendor == "sqlite":
            touched = self._in_chunks(connected, rows, times_known or SqliteTimes())
        elif connected.vendor == "postgresql":
            found = list(rows)
            if self._over_arrays is None:
                self._over_arrays = self._for_postgres()
            return self._over_arrays.run(found) if found else no_rows
        else:
            sql, converters, _ = self.compiled()
            ready = [_converted(row, converters) for row in rows]
            if not ready:
                return no_rows
            with connected.cursor() as cursor:
                cursor.executemany(sql, ready)
                touched = int(cursor.rowcount)
        return lambda: touched

    def _for_sqlite(self, rows: int) -> str:
        raise NotImplementedError

    def _in_chunks(self, connected: Any, rows: Iterable[Sequence[Any]], known: SqliteTimes) -> int:
        """SQLite's driver lets other threads run, and waits for them, with each statement it steps through: a row
        each would hand the interpreter to and fro for every one. Chunks are powers of two, so that few statements
        are compiled and kept."""
        values: list[Any] = []
        _, converters, times = self.compiled()
        lookup, text = known.known.get, known.text
        count = 0
        for row in rows:
            at = len(values)
            values += row
            count += 1
            for i in times:
                value = values[at + i]
                if value is not None:
                    found = lookup(id(value))
                    values[at + i] = found[1] if found is not None else text(value)
            for i, convert in converters:
                values[at + i] = convert(values[at + i])
        if not count:
            return 0
        connected.ensure_connection()
        execute, width, touched, begin = connected.connection.execute, len(values) // count, 0, 0
        with connected.wrap_database_errors:
            while begin < count:
                rows_now = min(MOST_ROWS, 1 << ((count - begin).bit_length() - 1))
                sql = self._chunks.get(rows_now)
                if sql is None:
                    sql = self._chunks[rows_now] = self._for_sqlite(rows_now)
                end = begin + rows_now
                touched += execute(sql, values[begin * width : end * width]).rowcount
                begin = end
        return touched


class Insert(_Many):
    """`Insert(Model, ["field", ...])(rows)`. Every column without a database default must be named."""

    def _sql(self, table: str, columns: list[str]) -> str:
        # Table and column names come from the models, values only as parameters.
        return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join(['%s'] * len(columns))})"  # noqa: S608

    def _for_sqlite(self, rows: int) -> str:
        quote = connection.ops.quote_name
        columns = [quote(str(field.column)) for field in self._fields()]
        row = f"({', '.join('?' * len(columns))})"
        table = quote(self.model._meta.db_table)
        return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([row] * rows)}"  # noqa: S608

    def _for_postgres(self) -> arrays.Statement:
        table = connection.ops.quote_name(self.model._meta.db_table)
        return arrays.insert(table, [arrays.Column(field) for field in self._fields()])


class Update(_Many):
    """`Update(Model, ["field", ...])(rows)`: each row ends with the primary key; no key comes twice.

    Args:
        where: a further condition in SQL over column names, such as `state = 'open'`.
        add: the fields to which the value is added instead of set.
    """

    def __init__(
        self, model: type[models.Model], columns: Sequence[str], *, where: str = "", add: Sequence[str] = ()
    ) -> None:
        super().__init__(model, columns)
        self.where, self.add = where, set(add)

    def _sql(self, table: str, columns: list[str]) -> str:
        quote = connection.ops.quote_name
        sets = [
            f"{column} = {column} + %s" if name in self.add else f"{column} = %s"
            for name, column in zip(self.columns, columns, strict=True)
        ]
        key = quote(str(self.model._meta.pk.column))
        return f"UPDATE {table} SET {', '.join(sets)} WHERE {key} = %s{' AND ' + self.where if self.where else ''}"  # noqa: S608

    def _for_sqlite(self, rows: int) -> str:
        quote = connection.ops.quote_name
        table, key = quote(self.model._meta.db_table), quote(str(self.model._meta.pk.column))
        sets = []
        for i, field in enumerate(self._fields(), 1):
            column = quote(str(field.column))
            sets.append(f"{column} = {column + ' + ' if field.name in self.add else ''}v.column{i}")
        row = f"({', '.join('?' * (len(sets) + 1))})"
        where = f" AND {self.where}" if self.where else ""
        return (
            f"UPDATE {table} SET {', '.join(sets)} FROM (VALUES {', '.join([row] * rows)}) AS v "  # noqa: S608
            f"WHERE {table}.{key} = v.column{len(sets) + 1}{where}"
        )

    def _for_postgres(self) -> arrays.Statement:
        table, key = connection.ops.quote_name(self.model._meta.db_table), self.model._meta.pk
        columns = [arrays.Column(field) for field in self._fields()]
        return arrays.update(
            table, columns, arrays.Column(key), self.where, [name in self.add for name in self.columns]
        )
