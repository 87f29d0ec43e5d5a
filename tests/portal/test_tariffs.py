"""Tariffs from their form to a session's bill and the month's statement; dynamic prices; who sees what."""

import io
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from tests.portal.conftest import Garage, sign_in
from tests.support import frames
from tests.support.browser import Visits
from tests.support.people import People
from tests.support.server import Server
from tests.support.workbook import Workbook

Unique = Callable[[str], str]


def post(client: httpx.Client, path: str, files: Any = None, **fields: str) -> httpx.Response:
    data = {"csrfmiddlewaretoken": client.cookies["csrftoken"], **fields}
    return client.post(path, data=data, files=files, headers={"Referer": str(client.base_url)})


PARTS = {
    "p0-kind": "energy",
    "p0-price": "0,40",
    "p1-kind": "idle",
    "p1-price": "0.10",
    "p1-from_minutes": "10",
    "p2-kind": "session",
    "p2-price": "1",
    "tax_percent": "19",
    "valid_from": "2020-01-01T00:00",
}


def made(client: httpx.Client, name: str, **more: str) -> str:
    """The path of a new tariff."""
    answer = post(client, "/tariffs/new/", name=name, currency="EUR", deed="add", **{**PARTS, **more})
    assert answer.status_code == 302, re.findall(r'class="problem"[^>]*>([^<]*)', answer.text)
    return answer.headers["location"]


def test_it_works(server: Server, people: People, garage: Garage, unique: Unique) -> None:
    """From the form to the station's page, a session's lines, its receipt, and the statement of its month."""
    owner, name = sign_in(server, people.owner), unique("Tariff")
    path = made(owner, name)
    shown = owner.get(path).text
    assert "Energy: 0.40 EUR/kWh" in shown
    # 22 kWh, and an hour idle of which ten minutes are free.
    assert "8.80 €" in shown
    assert "14.80 €" in shown
    pk = path.strip("/").split("/")[-1]
    assert post(owner, "/tariffs/", deed="assign", tariff=pk, target=f"station:{garage.identity}").status_code == 302
    assert (
        "0.40 EUR/kWh · 0.10 EUR/min idle, from 10 min on · 1.00 EUR/session"
        in owner.get(f"/stations/{garage.identity}/").text
    )
    with garage.connect() as station:
        station.ok("BootNotification", frames.boot())
        begun = station.ok("StartTransaction", frames.start_16(garage.tag, 0, frames.ts(-60)))["transactionId"]
        for minutes, wh in ((-40, 4_000), (-30, 5_000), (-1, 5_000)):
            values = frames.meter_16(wh, 0, transaction_id=begun, timestamp=frames.ts(minutes))
            station.ok("MeterValues", values)
        station.ok("StopTransaction", frames.stop_16(begun, 5_000))
    (row,) = people.owner.rest.transactions(garage.identity)
    assert row["tariff"] == name
    assert [line["part"] for line in row["cost_lines"]] == ["energy", "idle", "session"]
    assert float(row["cost"]) == pytest.approx(2 + 2 + 1, abs=0.05)
    page = owner.get(f"/transactions/{row['id']}/").text
    assert "Idle time" in page
    assert "0.40 €/kWh" in page
    receipt = owner.get(f"/transactions/{row['id']}/receipt.pdf")
    assert receipt.content.startswith(b"%PDF")
    month = f"{datetime.now(UTC):%Y-%m}"
    overview = owner.get("/statements/", params={"by": "id_tag", "month": month}).text
    assert garage.tag in overview
    book = Workbook(owner.get("/statements/export.xlsx", params={"by": "id_tag", "month": month}).content)
    assert garage.tag in str(book.sheets["Statements"])
    link = next(part for part in re.findall(r'href="([^"]*statement\.pdf[^"]*)"', overview)).replace("&amp;", "&")
    assert owner.get(link).content.startswith(b"%PDF")


def test_a_refused_form_keeps_what_was_typed(server: Server, people: People, unique: Unique) -> None:
    owner = sign_in(server, people.owner)
    form = {**PARTS, "p1-price": "much", "name": unique("Tariff"), "currency": "EUR"}
    answer = post(owner, "/tariffs/new/", deed="add", **form)
    assert answer.status_code == 400
    assert 'value="much"' in answer.text
    assert 'value="0,40"' in answer.text
    more = post(owner, "/tariffs/new/", deed="more", **form)
    assert more.status_code == 200
    assert 'name="p3-kind"' in more.text


def test_a_new_version_begins_as_the_last_one(server: Server, people: People, unique: Unique) -> None:
    owner = sign_in(server, people.owner)
    path = made(owner, unique("Tariff"))
    page = owner.get(path).text
    assert 'name="p1-from_minutes"' in page
    assert 'value="10"' in page
    changed = {**PARTS, "p0-price": "0.50", "valid_from": ""}
    assert post(owner, path, deed="version", **changed).status_code == 302
    assert "version 2 holds now" in owner.get(path).text
    assert post(owner, f"{path}delete/", version="1").status_code == 302
    assert post(owner, f"{path}delete/").headers["location"] == "/tariffs/"
    assert owner.get(path).status_code == 404


def test_prices_are_uploaded_and_drawn(server: Server, people: People, unique: Unique, visit: Visits) -> None:
    zone = unique("ZONE")
    owner = sign_in(server, people.owner)
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    text = "begin,price_per_mwh\n" + "".join(f"{day}T{hour:02d}:00Z,{hour * 10}\n" for hour in range(24))
    file = {"file": ("prices.csv", io.BytesIO(text.encode()), "text/csv")}
    answer = post(owner, "/prices/", file, deed="upload", zone=zone, currency="EUR")
    assert answer.headers["location"] == f"/prices/?zone={zone}"
    refused = post(owner, "/prices/", {"file": ("x.csv", b"a,b\n", "text/csv")}, deed="upload", zone=zone)
    assert refused.status_code == 400
    page = visit(server.url, people.owner)
    page.goto(f"{server.url}/prices/?zone={zone}")
    expect(page.get_by_role("heading", name=zone)).to_be_visible()
    expect(page.locator("canvas")).to_be_visible()
    page.get_by_text("Figures").click()
    expect(page.locator("tbody tr")).to_have_count(24)


def test_what_drivers_and_strangers_see(server: Server, people: People, unique: Unique) -> None:
    owner, name = sign_in(server, people.owner), unique("Tariff")
    path = made(owner, name)
    driver, stranger = sign_in(server, people.member), sign_in(server, people.stranger)
    for other in (driver, stranger):
        assert other.get(path).status_code == 404
        assert name not in other.get("/tariffs/").text
        assert post(other, path, deed="rename", name="Mine").status_code == 404
    assert driver.get("/tariffs/new/").status_code == 403
    assert driver.get("/statements/").status_code == 200
    assert stranger.get("/statements/statement.pdf", params={"by": "user", "key": "1"}).status_code == 404


def test_the_calculator_goes_by_a_sites_clock(server: Server, people: People, unique: Unique) -> None:
    """0.50 a kWh from 18:00 to 21:00 there, 0.20 else: 22 kWh from 18:00 on, by the clock of the first site."""
    owner, rest = sign_in(server, people.owner), people.owner.rest
    # The first by name, whatever others have made.
    site = rest.post("sites/", {"name": f"0 {unique('Site')}", "time_zone": "Europe/Berlin"}, status=201)
    evening = {"p0-kind": "energy", "p0-price": "0.50", "p0-from_time": "18:00", "p0-to_time": "21:00"}
    path = made(owner, unique("Evening"), **{**evening, "p1-kind": "energy", "p1-price": "0.20"})
    page = owner.get(path).text
    assert re.search(rf'<option value="{site["id"]}" selected>', page)
    # 16:00 UTC of a summer's day; the owner has no time zone of the own.
    asked = {"start": "2026-07-01T16:00", "minutes": "180", "kwh": "22", "idle": "0"}
    by_site = owner.get(path, params={**asked, "site": str(site["id"])}).text
    by_utc = owner.get(path, params={**asked, "site": ""}).text
    assert "11.00 €" in by_site
    assert "11.00 €" not in by_utc
    rest.delete(f"sites/{site['id']}/")
