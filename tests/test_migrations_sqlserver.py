"""Every migration compiles for SQL Server and keeps to what SQL Server takes; no server is needed."""

import pytest
from django.db import models
from django.db.migrations import CreateModel, Migration
from django.db.models.functions import Lower

from tests.support.sqlserver import compile_for_sqlserver, every_migration

ID = ("id", models.BigAutoField(primary_key=True))


def test_every_migration_compiles_for_sqlserver() -> None:
    sql, findings, count = compile_for_sqlserver(every_migration())
    assert not findings, f"of {count} operations:\n" + "\n".join(findings)
    made = " ".join(sql)
    assert "CREATE TABLE [accounts_user]" in made
    assert "CREATE TABLE [charging_" in made


def model(*fields: tuple[str, models.Field], **options: object) -> Migration:
    operations = [CreateModel("Sample", [ID, *fields], options)]
    return type("Initial", (Migration,), {"operations": operations})("0001_initial", "sample")


ENDED = ("ended", models.DateTimeField(null=True))
NAME = ("name", models.CharField(max_length=50))
BAD = {
    "IS NULL OR": model(
        NAME,
        ENDED,
        constraints=[
            models.UniqueConstraint(
                fields=["name"], condition=models.Q(ended__isnull=True) | models.Q(name="x"), name="bad"
            )
        ],
    ),
    "has the predicate": model(
        NAME, constraints=[models.UniqueConstraint(fields=["name"], condition=~models.Q(name=""), name="bad")]
    ),
    "LIKE": model(NAME, indexes=[models.Index(fields=["name"], condition=models.Q(name__startswith="x"), name="bad")]),
    "nullable column and no condition": model(
        NAME, ENDED, constraints=[models.UniqueConstraint(fields=["name", "ended"], name="bad")]
    ),
    "over an expression": model(NAME, constraints=[models.UniqueConstraint(Lower("name"), name="bad")]),
    "bad is over an expression": model(NAME, indexes=[models.Index(Lower("name"), name="bad")]),
    "1,800 bytes": model(("name", models.CharField(max_length=900, unique=True))),
    "1,000,000 bytes": model(("name", models.TextField(db_index=True))),
}


@pytest.mark.parametrize("what", BAD)
def test_what_sqlserver_refuses_is_found(what: str) -> None:
    _, findings, _ = compile_for_sqlserver([BAD[what]])
    assert any(what in finding for finding in findings), findings


def test_what_sqlserver_takes_is_not_found() -> None:
    good = model(
        NAME,
        ENDED,
        constraints=[
            models.UniqueConstraint(fields=["name"], condition=models.Q(ended__isnull=True, id__gt=3), name="open"),
            models.CheckConstraint(condition=models.Q(name="x") | models.Q(name="y"), name="known"),
        ],
        indexes=[models.Index(fields=["-ended", "name"], name="latest")],
    )
    sql, findings, _ = compile_for_sqlserver([good])
    assert not findings
    assert any("WHERE ([ended] IS NULL AND [id] > 3)" in statement for statement in sql), sql
