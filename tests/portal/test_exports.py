"""Files of sessions: what the list shows, as text that no spreadsheet runs; and the receipt of one."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect
from pypdf import PdfReader

from tests.portal.conftest import sign_in
from tests.support import frames
from tests.support.browser import Visits
from tests.support.people import People, create_trio
from tests.support.server import Server
from tests.support.station import Station
from tests.support.workbook import Workbook

EVIL_NAME = '=HYPERLINK("http://evil.example","Łódź <b>&")'
EVIL_TAG = "@SUM(1+9)*CMD"
EVIL_PERSON = "+A1|'x'!B2"


@dataclass
class Sold:
    """6 kWh at 0.30 with hostile names and a hostile tag; a session that runs; and one at another station."""

    server: Server
    people: People
    ended: int = 0
    running: int = 0


@pytest.fixture(scope="module")
def sold(server: Server) -> Iterator[Sold]:
    people = create_trio(server)
    rest, found = people.owner.rest, Sold(server, people)
    for identity, name in (("SOLD-1", EVIL_NAME), ("SOLD-2", "Harmless")):
        rest.create_station(identity, name=name)
    user = people.owner.rest.get("me/")["id"]
    rest.post("id-tags/", {"id_tag": EVIL_TAG, "user": user}, status=201)
    rest.patch("me/", {"name": EVIL_PERSON})
    for identity, wh in (("SOLD-1", 6000), ("SOLD-2", 1000)):
        with Station(server, identity) as station:
            station.ok("BootNotification", frames.boot())
            begin = station.ok("StartTransaction", frames.start_16(EVIL_TAG, 500, frames.ts(-90)))["transactionId"]
            station.ok("StopTransaction", frames.stop_16(begin, 500 + wh))
            if identity == "SOLD-1":
                station.ok("StartTransaction", frames.start_16(EVIL_TAG, 7000))
    rows = rest.transactions("SOLD-1")
    found.ended = next(row["id"] for row in rows if row["state"] == "ended")
    found.running = next(row["id"] for row in rows if row["state"] != "ended")
    yield found


@pytest.fixture
def owner(sold: Sold) -> httpx.Client:
    return sign_in(sold.server, sold.people.owner)


def csv_of(client: httpx.Client, **params: str) -> list[dict[str, str]]:
    answer = client.get("/transactions/export.csv", params=params)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.content.startswith(b"\xef\xbb\xbf"), "Excel needs the mark to read it as UTF-8"
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


def book_of(client: httpx.Client, **params: str) -> list[dict[str, Any]]:
    answer = client.get("/transactions/export.xlsx", params=params)
    assert answer.status_code == 200
    return Workbook(answer.content).table("Sessions")


def test_no_cell_of_the_csv_runs(sold: Sold, owner: httpx.Client) -> None:
    row = next(row for row in csv_of(owner) if row["Session"] == str(sold.ended))
    assert row["Station"] == f"'{EVIL_NAME}"
    assert row["Id tag"] == f"'{EVIL_TAG}"
    assert row["Who"] == f"'{EVIL_PERSON}"
    assert (row["Energy (kWh)"], row["Cost"], row["Currency"]) == ("6.0", "1.80", "EUR")


def test_the_cells_of_the_workbook_have_types(sold: Sold, owner: httpx.Client) -> None:
    rows = book_of(owner)
    row = next(row for row in rows if row["Session"] == ("n", str(sold.ended)))
    assert row["Station"] == ("s", EVIL_NAME)
    assert row["Id tag"] == ("s", EVIL_TAG)
    assert row["Who"] == ("s", EVIL_PERSON)
    assert (row["Energy (kWh)"], row["Cost"]) == (("n", "6"), ("n", "1.8"))
    started, ended = (row[name] for name in ("Started (UTC)", "Ended (UTC)"))
    assert started[0] == ended[0] == "n"
    assert (float(ended[1]) - float(started[1])) * 24 * 60 == pytest.approx(90, abs=2)
    assert all(kind != "f" for row in rows for kind, _ in row.values())


def test_the_filters_of_the_list_hold(sold: Sold, owner: httpx.Client) -> None:
    assert len(csv_of(owner)) == len(book_of(owner)) == 3
    assert [row["Identity"] for row in csv_of(owner, q="Harmless")] == ["SOLD-2"]
    assert [row["Session"] for row in csv_of(owner, state="open")] == [str(sold.running)]
    assert [row["Session"] for row in book_of(owner, station="SOLD-1", state="ended")] == [("n", str(sold.ended))]
    assert csv_of(owner, to="2001-01-01") == []


def test_nothing_of_others(sold: Sold) -> None:
    for person in (sold.people.stranger, sold.people.member):
        client = sign_in(sold.server, person)
        assert csv_of(client) == book_of(client) == []
        assert client.get(f"/transactions/{sold.ended}/receipt.pdf").status_code == 404
    nobody = httpx.get(f"{sold.server.url}/transactions/export.csv")
    assert nobody.status_code == 302 and "/login/" in nobody.headers["location"]


def test_the_times_are_the_readers(sold: Sold, owner: httpx.Client) -> None:
    def started() -> str:
        return next(value for name, value in csv_of(owner, state="ended")[0].items() if name.startswith("Started"))

    before = started()
    sold.people.owner.rest.patch("me/", {"time_zone": "Asia/Tokyo"})
    try:
        (name,) = [name for name in csv_of(owner)[0] if name.startswith("Started")]
        assert name == "Started (Asia/Tokyo)"
        assert started() != before
    finally:
        sold.people.owner.rest.patch("me/", {"time_zone": "UTC"})


def test_a_receipt(sold: Sold, owner: httpx.Client) -> None:
    answer = owner.get(f"/transactions/{sold.ended}/receipt.pdf")
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF")
    reader = PdfReader(io.BytesIO(answer.content))
    text = " ".join(reader.pages[0].extract_text().split())
    for wanted in ("1.80 €", "6.000 kWh", "0.30 €/kWh", "SOLD-1", "Łódź <b>&", EVIL_TAG, f"No. {sold.ended}"):
        assert wanted in text, text
    assert len(reader.pages) == 1
    assert "/Annots" not in reader.pages[0], "a link that a station wrote must not be one"


def test_no_receipt_while_it_runs(sold: Sold, owner: httpx.Client) -> None:
    answer = owner.get(f"/transactions/{sold.running}/receipt.pdf")
    assert answer.status_code == 409
    assert "still runs" in answer.text


def test_the_buttons_take_the_filter_along(sold: Sold, visit: Visits) -> None:
    page = visit(sold.server.url, sold.people.owner)
    page.goto(f"{sold.server.url}/transactions/?q=Harmless&state=ended")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    lines = download.value.path().read_text("utf-8-sig").splitlines()
    assert download.value.suggested_filename.endswith(".csv")
    assert len(lines) == 2 and "SOLD-2" in lines[1]
    with page.expect_download() as download:
        page.get_by_role("link", name="XLSX").click()
    assert len(Workbook(download.value.path().read_bytes()).table("Sessions")) == 1
    page.goto(f"{sold.server.url}/transactions/{sold.ended}/")
    href = page.get_by_role("link", name="Receipt").get_attribute("href")
    assert href == f"/transactions/{sold.ended}/receipt.pdf"
    page.goto(f"{sold.server.url}/transactions/{sold.running}/")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.get_by_role("link", name="Receipt")).to_have_count(0)
