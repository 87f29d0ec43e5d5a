"""Rows that are held until the commit."""

from typing import TypeVar

from django.db import connection
from django.db.models import Model, QuerySet

M = TypeVar("M", bound=Model)


def held(rows: QuerySet[M]) -> QuerySet[M]:
    """The rows locked against other writers, as lightly as the database can.

    On PostgreSQL a full lock also stops whoever commits a row that only refers to one of these: the ledger, which holds
    the head of the feed at that moment, and whoever holds these rows wants it next. That is a deadlock.
    """
    return rows.select_for_update(no_key=connection.features.has_select_for_no_key_update)
