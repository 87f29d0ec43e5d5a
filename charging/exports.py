"""Tables as CSV and XLSX files: row by row, so that a hundred thousand rows need no more memory than a few hundred.

What stations and people typed is text in both: no cell becomes a formula.
"""

import csv
import math
import tempfile
from array import array
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import chain
from typing import IO, Any, TypeVar

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.db.models import Model, QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.translation import gettext as _

from charging.queries.scope import iso
from mobility.errors import Invalid

M = TypeVar("M", bound=Model)
P = TypeVar("P", str, bytes)

CSV = "text/csv; charset=utf-8"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
#: So many rows are read and written at a time; fewer than any database's limit of parameters.
SLICE = 500
#: What a sheet holds, with room for its heading.
MOST_IN_SHEET = 1_000_000
MOST_IN_CELL = 32_000
PIECE_BYTES = 65_536

#: How Excel shows a column.
KILO, MONEY, PRICE, MOMENT, DAY = "0.000", "0.00", "0.00###", "yyyy-mm-dd hh:mm:ss", "yyyy-mm-dd"
#: With these a spreadsheet takes a text for a formula, the full-width forms included.
LEADS_ON = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
NO_CONTROLS = {number: None for number in range(32) if number not in (9, 10, 13)}


@dataclass(frozen=True, slots=True)
class Column:
    heading: str
    form: str = ""
    width: int = 14


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table. Its cells are texts, numbers, truths, days, moments (without a zone: the reader's own) or None."""

    title: str
    columns: Sequence[Column]
    rows: Iterable[Sequence[Any]]


def in_order(rows: QuerySet[M]) -> Iterator[M]:
    """The rows in their order, read in slices: whoever downloads slowly holds no cursor open in the database."""
    keys = array("q", rows.values_list("pk", flat=True).iterator(chunk_size=10_000))
    unordered = rows.order_by()
    for begin in range(0, len(keys), SLICE):
        wanted = keys[begin : begin + SLICE]
        found = unordered.in_bulk(wanted)
        yield from (found[key] for key in wanted if key in found)


def neutral(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(LEADS_ON) else text


def as_text(value: Any) -> Any:
    if isinstance(value, str):
        return neutral(value)
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}" if value.tzinfo is None else iso(value)
    return value


class Line:
    """A file whose writes come back as its lines."""

    def write(self, text: str) -> str:
        return text


def csv_pieces(sheet: Sheet) -> Iterator[str]:
    """The file in pieces of some hundred lines."""
    writer = csv.writer(Line())
    piece = [str(writer.writerow([column.heading for column in sheet.columns]))]
    for row in sheet.rows:
        piece.append(str(writer.writerow([as_text(value) for value in row])))
        if len(piece) >= SLICE:
            yield "".join(piece)
            piece.clear()
    yield "".join(piece)


def xlsx_file(sheets: Iterable[Sheet]) -> IO[bytes]:
    """A workbook in a temporary file, to be read from its beginning. Rows go to the disk as they are written."""
    # Here, so that only who exports pays for it.
    from xlsxwriter import Workbook

    file = tempfile.TemporaryFile()  # noqa: SIM115 (whoever reads it closes it)
    never = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with Workbook(file, {"constant_memory": True, **never}) as book:
        bold = book.add_format({"bold": True})
        for sheet in sheets:
            page = book.add_worksheet(sheet.title[:31])
            page.freeze_panes(1, 0)
            forms = []
            for number, column in enumerate(sheet.columns):
                forms.append(book.add_format({"num_format": column.form}) if column.form else None)
                page.set_column(number, number, column.width, forms[number])
                page.write_string(0, number, column.heading, bold)
            for at, row in enumerate(sheet.rows, 1):
                for number, value in enumerate(row):
                    write_cell(page, at, number, value, forms[number])
    file.seek(0)
    return file


def write_cell(page: Any, at: int, number: int, value: Any, form: Any) -> None:
    if value is None or value == "" or (isinstance(value, float) and not math.isfinite(value)):
        return
    if isinstance(value, bool):
        page.write_boolean(at, number, value)
    elif isinstance(value, (int, float, Decimal)):
        page.write_number(at, number, float(value), form)
    elif isinstance(value, datetime):
        plain = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
        page.write_datetime(at, number, plain, form)
    elif isinstance(value, date):
        page.write_datetime(at, number, value, form)
    else:
        page.write_string(at, number, str(value).translate(NO_CONTROLS)[:MOST_IN_CELL])


def pieces_of(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(PIECE_BYTES):
            yield piece


def fits_in_sheet(rows: QuerySet[M]) -> QuerySet[M]:
    """Raises Invalid: there are more than a sheet holds."""
    if rows.count() > MOST_IN_SHEET:
        raise Invalid(_("These are more rows than a sheet holds. Choose fewer, or take CSV."))
    return rows


def download(
    request: HttpRequest, sheets: Sequence[Sheet], form: str, name: str, *, marked: bool = False
) -> StreamingHttpResponse:
    """The sheets as a file called `name`.`form`; as CSV, the first of them.

    `marked` puts a byte order mark in front of CSV: without it Excel misreads what is not ASCII.
    """
    csv_file = form == "csv"
    pieces: Iterator[Any] = csv_pieces(sheets[0]) if csv_file else pieces_of(xlsx_file(sheets))
    if csv_file and marked:
        pieces = chain(["\ufeff"], pieces)
    return StreamingHttpResponse(
        one_by_one(pieces) if isinstance(request, ASGIRequest) else pieces,
        content_type=CSV if csv_file else XLSX,
        headers={"Content-Disposition": f'attachment; filename="{name}.{form}"', "Cache-Control": "no-store"},
    )


async def one_by_one(pieces: Iterator[P]) -> AsyncIterator[P]:
    """The same for an asynchronous server, which would otherwise gather all of them before it sends the first."""
    step = sync_to_async(lambda: next(pieces, None))
    while (piece := await step()) is not None:
        yield piece
