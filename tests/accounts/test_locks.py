"""What is held stops other writers, and nobody who only refers to it."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import connection

from accounts.locks import held
from accounts.models import Organization
from charging.models import ChargingStation


def said(query: Any) -> str:
    return str(query.query)


@pytest.mark.django_db
def test_as_lightly_as_the_database_can() -> None:
    said_here = said(held(ChargingStation.objects.filter(pk=1)))
    assert said_here.endswith("FOR NO KEY UPDATE") == (connection.vendor == "postgresql"), said_here
    assert said(Organization.objects.all()) in said(held(Organization.objects.all()))


@pytest.fixture
def two(postgres_url: str) -> Iterator[tuple[Any, Any]]:
    """Two connections, a station (1) and rows that refer to one, checked at the commit as Django's are."""
    url = postgres_url.replace("postgres://", "postgresql://")
    with psycopg.connect(url) as one, psycopg.connect(url) as other:
        one.execute("CREATE TABLE station (id int PRIMARY KEY)")
        reference = "REFERENCES station (id) DEFERRABLE INITIALLY DEFERRED"
        one.execute(f"CREATE TABLE reading (station int {reference})")
        one.execute("INSERT INTO station VALUES (1)")
        one.commit()
        for each in (one, other):
            each.execute("SET lock_timeout = '2s'")
            each.commit()
        yield one, other


def test_why_it_matters(two: tuple[Any, Any]) -> None:
    """A commit of a row that refers to a station waits for a full lock of that station, and not for a light one."""
    one, other = two
    one.execute("SELECT 1 FROM station FOR NO KEY UPDATE")
    other.execute("INSERT INTO reading VALUES (1)")
    other.commit()
    one.rollback()
    one.execute("SELECT 1 FROM station FOR UPDATE")
    other.execute("INSERT INTO reading VALUES (1)")
    with pytest.raises(psycopg.errors.LockNotAvailable):
        other.commit()
    other.rollback()
    one.rollback()
