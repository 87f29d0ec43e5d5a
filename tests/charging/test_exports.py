"""Exports of many rows: read in slices, written as they come."""

import tracemalloc
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Organization
from charging import exports
from charging.exports import SLICE, Column, Sheet, csv_pieces, in_order, neutral, xlsx_file
from charging.models import ChargingStation, Transaction
from mobility.errors import Invalid
from tests.support.workbook import Workbook


@pytest.mark.parametrize("lead", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＠"])
def test_no_text_is_a_formula(lead: str) -> None:
    assert neutral(f"{lead}1+1") == f"'{lead}1+1"
    assert neutral(f"1{lead}1") == f"1{lead}1"


def test_a_csv_begins_before_its_rows_have_been_read() -> None:
    read = 0

    def rows() -> Iterator[list[Any]]:
        nonlocal read
        for read in range(1, 10 * SLICE + 1):
            yield [read, -1.5, None, "a,b"]

    pieces = csv_pieces(Sheet("x", [Column("n"), Column("f"), Column("none"), Column("text")], rows()))
    assert next(pieces).startswith('n,f,none,text\r\n1,-1.5,,"a,b"\r\n')
    assert read <= SLICE
    rest = "".join(pieces)
    assert rest.endswith(f'{10 * SLICE},-1.5,,"a,b"\r\n')


def test_a_workbook_of_many_rows_needs_little_memory() -> None:
    text = "x" * 1000
    rows = ([number, f"{number} {text}"] for number in range(10_000))
    tracemalloc.start()
    try:
        with xlsx_file([Sheet("x", [Column("n"), Column("text")], rows)]) as file:
            _, peak = tracemalloc.get_traced_memory()
            data = file.read()
    finally:
        tracemalloc.stop()
    assert peak < 4_000_000, "the rows alone are ten times that"
    assert len(Workbook(data).table("x")) == 10_000


def test_a_cell_is_what_its_value_is() -> None:
    noon = datetime(2026, 1, 2, 12, tzinfo=UTC)
    values = ["=1+1", "https://evil.example", "007", "a\x00\x07b", 1.5, Decimal("1.80"), True, None, float("nan")]
    values += [noon, noon.astimezone(timezone(timedelta(hours=5))), date(2026, 1, 2)]
    columns = [Column(str(number), exports.MOMENT) for number in range(len(values))]
    (row,) = Workbook(xlsx_file([Sheet("x", columns, [values])]).read()).table("x")
    assert [row[str(number)] for number in range(4)] == [
        ("s", "=1+1"),
        ("s", "https://evil.example"),
        ("s", "007"),
        ("s", "ab"),
    ]
    assert [row[str(number)] for number in (4, 5, 6)] == [("n", "1.5"), ("n", "1.8"), ("b", "1")]
    assert row.get("7", ("n", "")) == row.get("8", ("n", "")) == ("n", "")
    assert row["9"] == row["10"] == ("n", "46024.5")
    assert row["11"] == ("n", "46024")


@pytest.fixture
def many(db: None) -> int:
    organization = Organization.objects.create(name="Many")
    station = ChargingStation.objects.create(organization=organization, identity="MANY")
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    count = 2 * SLICE + 7
    Transaction.objects.bulk_create(
        Transaction(
            organization=organization,
            station=station,
            transaction_id=str(number),
            started=begin + timedelta(minutes=number * 7 % count),
        )
        for number in range(count)
    )
    return count


def test_rows_come_in_slices_and_in_order(many: int) -> None:
    rows = Transaction.objects.select_related("station").order_by("-started", "-pk")
    with CaptureQueriesContext(connection) as seen:
        found = [(row.started, row.pk, row.station.identity) for row in in_order(rows)]
    assert len(found) == many
    assert found == sorted(found, reverse=True)
    assert len(seen) == 1 + 3


def test_more_rows_than_a_sheet_holds_are_refused(many: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = Transaction.objects.all()
    assert exports.fits_in_sheet(rows) is rows
    monkeypatch.setattr(exports, "MOST_IN_SHEET", many - 1)
    with pytest.raises(Invalid, match="more rows than a sheet holds"):
        exports.fits_in_sheet(rows)
