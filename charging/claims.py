"""Rows whose time has come: each is claimed by one scheduler, of any number that look at once."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet


def claimed(
    rows: "QuerySet[Any]", field: str, now: datetime, *, lease: timedelta, most: int, also: tuple[str, ...] = ()
) -> Iterator[tuple[Any, ...]]:
    """(primary key, and the columns of `also`) of each row that is due, the longest waiting first.

    Args:
        field: the indexed time at which a row is due.
        lease: how long a claimed row is left alone: should its process die, it is due again.
        most: how many are looked at in one run.
    """
    due = rows.filter(**{f"{field}__lte": now}).order_by(field, "pk").values_list("pk", field, *also)
    for pk, at, *more in list(due[:most]):
        if rows.filter(pk=pk, **{field: at}).update(**{field: now + lease}):
            yield pk, *more
