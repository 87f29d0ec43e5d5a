"""The dashboard's charts: their figures are those of the sessions, of what one may see, and they follow the page."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.portal.conftest import sign_in
from tests.support import frames
from tests.support.browser import Visits
from tests.support.people import People, Person, create_trio
from tests.support.server import Server
from tests.support.station import Station
from tests.support.workbook import Workbook

#: Yesterday at ten: in the days that are shown and, with its week and month, known.
TEN = datetime.now(UTC).replace(hour=10, minute=0, second=0, microsecond=0) - timedelta(days=1)


@dataclass
class Charged:
    """Two stations at 0.30 a kWh: 6 kWh at the first yesterday, 3 kWh twenty days before; 2 kWh at the second, by
    the member, yesterday."""

    server: Server
    people: People
    first: str = "STAT-1"
    second: str = "STAT-2"


def charge(station: Station, tag: str, begin: datetime, energy_wh: int) -> None:
    def at(hours: float) -> str:
        return (begin + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")

    started = station.ok("StartTransaction", frames.start_16(tag, 1000, at(0)))["transactionId"]
    station.ok("StopTransaction", {"transactionId": started, "meterStop": 1000 + energy_wh, "timestamp": at(2)})


@pytest.fixture(scope="module")
def charged(server: Server) -> Iterator[Charged]:
    people = create_trio(server)
    rest, found = people.owner.rest, Charged(server, people)
    member = people.member.rest.get("me/")["id"]
    for identity, tag, user in ((found.first, "STATOWN", None), (found.second, "STATMEM", member)):
        rest.create_station(identity, name=f"Charts {identity}")
        rest.post("id-tags/", {"id_tag": tag, **({"user": user} if user else {})}, status=201)
    with Station(server, found.first) as station:
        station.ok("BootNotification", frames.boot())
        charge(station, "STATOWN", TEN - timedelta(days=20), 3000)
        charge(station, "STATOWN", TEN, 6000)
    with Station(server, found.second) as station:
        station.ok("BootNotification", frames.boot())
        charge(station, "STATMEM", TEN, 2000)
    yield found


@pytest.fixture
def owner(charged: Charged) -> httpx.Client:
    return sign_in(charged.server, charged.people.owner)


def figures(html: str, table: str) -> list[list[float]]:
    """The values of a chart's table, row by row."""
    body = html.split(f'id="{table}"')[1].split("</table>")[0].split("<tbody>")[1].split("</tbody>")[0]
    return [[float(value) for value in re.findall(r'data-value="([^"]*)"', row)] for row in body.split("</tr>")[:-1]]


def column(html: str, table: str, number: int = 0) -> float:
    return round(sum(row[number] for row in figures(html, table)), 3)


def sessions_of(person: Person, **filters: Any) -> tuple[float, float]:
    rows = list(person.rest.each("transactions/", **filters))
    return (
        round(sum(row["energy_wh"] for row in rows) / 1000, 3),
        round(sum(float(row["cost"]) for row in rows), 2),
    )


def page_of(client: httpx.Client, path: str = "/statistics/", **params: str) -> str:
    answer = client.get(path, params=params)
    assert answer.status_code == 200, answer.status_code
    return answer.text


@pytest.mark.parametrize(("bucket", "bars"), [("day", 14), ("week", 12), ("month", 12)])
def test_the_bars_are_the_sum_of_the_sessions(charged: Charged, owner: httpx.Client, bucket: str, bars: int) -> None:
    since = (TEN - timedelta(days=13)).isoformat() if bucket == "day" else "2000-01-01"
    energy_kwh, cost = sessions_of(charged.people.owner, **{"from": since})
    html = page_of(owner, bucket=bucket)
    assert len(figures(html, "energy-history")) == len(figures(html, "cost-history")) == bars
    assert column(html, "energy-history") == energy_kwh == (8.0 if bucket == "day" else 11.0)
    assert column(html, "cost-history") == cost


def test_the_bar_stands_on_its_day(owner: httpx.Client) -> None:
    assert [row[0] for row in figures(page_of(owner), "energy-history")][-3:-1] == [0.0, 8.0]


def test_the_trend_compares_with_the_days_before(charged: Charged, owner: httpx.Client) -> None:
    assert "+166.7 %" in page_of(owner)
    assert page_of(owner, station=charged.first).count("+100.0 %") == 2
    assert "nothing to compare with" in page_of(owner, station=charged.second)


def test_one_station(charged: Charged, owner: httpx.Client) -> None:
    html = page_of(owner, station=charged.second)
    assert (column(html, "energy-history"), column(html, "cost-history")) == (2.0, 0.6)


@pytest.mark.parametrize("span", ["week", "month"])
def test_sessions_by_day(charged: Charged, owner: httpx.Client, span: str) -> None:
    html = page_of(owner, span=span, at=f"{TEN:%Y-%m-%d}")
    days = figures(html, "charge-sessions")
    assert len(days) == 7 if span == "week" else 28 <= len(days) <= 31
    day = TEN.weekday() if span == "week" else TEN.day - 1
    assert days[day] == [8.0, 2.4]
    first = TEN - timedelta(days=day)
    end = first + timedelta(days=len(days))
    bounds = {"from": f"{first:%Y-%m-%d}", "to": f"{end:%Y-%m-%d}"}
    wanted = sessions_of(charged.people.owner, **bounds)
    assert (column(html, "charge-sessions"), column(html, "charge-sessions", 1)) == wanted


def test_a_driver_sees_the_own_charging(charged: Charged) -> None:
    html = page_of(sign_in(charged.server, charged.people.member))
    assert (column(html, "energy-history"), column(html, "charge-sessions")) == (2.0, 2.0)
    tiles = page_of(sign_in(charged.server, charged.people.member), "/")
    assert "Cost today" in tiles and "Revenue" not in tiles


def test_nothing_of_others(charged: Charged) -> None:
    stranger = sign_in(charged.server, charged.people.stranger)
    html = page_of(stranger)
    assert "Nothing was charged" in html and charged.first not in html
    for path in ("/", "/statistics/", "/statistics/sessions.xlsx"):
        assert stranger.get(path, params={"station": charged.first}).status_code == 404, path
    book = Workbook(stranger.get("/statistics/sessions.xlsx", params={"at": f"{TEN:%Y-%m-%d}"}).content)
    assert book.table("Sessions") == []
    assert {day["Energy (kWh)"] for day in book.table("Days")} == {("n", "0")}


def test_what_is_shown_is_what_is_exported(charged: Charged, owner: httpx.Client) -> None:
    asked = {"station": charged.first, "at": f"{TEN:%Y-%m-%d}"}
    answer = owner.get("/statistics/sessions.xlsx", params=asked)
    assert answer.headers["content-disposition"].startswith("attachment")
    book = Workbook(answer.content)
    days = [float(day["Energy (kWh)"][1]) for day in book.table("Days")]
    assert days == [row[0] for row in figures(page_of(owner, **asked), "charge-sessions")]
    (row,) = book.table("Sessions")
    assert (row["Identity"], row["Energy (kWh)"], row["Cost"]) == (("s", charged.first), ("n", "6"), ("n", "1.8"))


@pytest.mark.parametrize("params", [{"bucket": "year"}, {"span": "x"}, {"at": "2020-13-45"}, {"at": "9999-12-31"}])
def test_an_odd_address_is_forgiven(owner: httpx.Client, params: dict[str, str]) -> None:
    assert len(figures(page_of(owner, **params), "energy-history")) == 14


# --- In the browser --------------------------------------------------------------------------------------------------

DRAWN = """() => Array.from(document.querySelectorAll("#statistics canvas")).map((canvas) => {
  const chart = Chart.getChart(canvas);
  return chart && chart.data.datasets.map((set) => [set.label, set.data.reduce((a, b) => a + b, 0)]);
})"""


COLOUR = "Chart.getChart(document.querySelector('#statistics canvas')).data.datasets[0].backgroundColor"


def drawn(page: Page) -> Any:
    expect(page.locator("#statistics:not(.waiting) canvas").first).to_be_visible()
    return page.evaluate(DRAWN)


def test_the_charts_draw_the_tables(charged: Charged, visit: Visits) -> None:
    page = visit(charged.server.url, charged.people.owner)
    page.goto(f"{charged.server.url}/?at={TEN:%Y-%m-%d}")
    energy, cost, sessions = drawn(page)
    assert energy == [["Energy", 8]]
    assert [[label, round(value, 2)] for label, value in cost] == [["Cost", 2.4]]
    assert [label for label, _ in sessions] == ["Energy", "Cost"]
    page.locator("#statistics summary").first.click()
    expect(page.get_by_role("table").first).to_be_visible()


def test_what_is_chosen_stays_in_the_address(charged: Charged, visit: Visits) -> None:
    page = visit(charged.server.url, charged.people.owner)
    page.evaluate("window.sameDocument = true")
    drawn(page)
    page.get_by_role("link", name="Months").click()
    expect(page.locator("#graph-bucket-month")).to_have_attribute("aria-current", "true")
    expect(page.locator("#graph-bucket-month")).to_be_focused()
    page.get_by_role("link", name="Month", exact=True).click()
    expect(page.locator("#graph-span-month")).to_have_attribute("aria-current", "true")
    name = page.locator(".stepper-name").inner_text()
    page.get_by_role("link", name="Earlier").click()
    expect(page.locator(".stepper-name")).not_to_have_text(name)
    assert page.evaluate("window.sameDocument")
    expect(page).to_have_url(re.compile(r"/\?bucket=month&span=month&at=\d{4}-\d\d-01$"))
    page.get_by_label("Station", exact=True).select_option(charged.second)
    expect(page).to_have_url(re.compile(rf"station={charged.second}.*bucket=month"))
    expect(page.locator("#statistics .graph-total").first).to_contain_text("2.0 kWh")
    expect(page.locator(".station-card")).to_have_count(1)
    page.reload()
    expect(page.locator("#graph-bucket-month")).to_have_attribute("aria-current", "true")
    page.get_by_role("link", name="Later").click()
    expect(page.locator(".stepper-name")).to_have_text(name)


def test_the_charts_follow_the_theme(charged: Charged, visit: Visits) -> None:
    page = visit(charged.server.url, charged.people.owner, color_scheme="light")
    drawn(page)
    light = page.evaluate(f"() => {COLOUR}")
    page.emulate_media(color_scheme="dark")
    # The page's policy forbids Playwright's own wait for a condition.
    look = f"const look = () => ({COLOUR}) === light ? setTimeout(look, 20) : done(true)"
    wait = f"new Promise((done) => {{ {look}; look(); }})"
    assert page.evaluate(f"(light) => {wait}", light)


def test_a_live_swap_leaves_the_charts_alone(charged: Charged, visit: Visits) -> None:
    page = visit(charged.server.url, charged.people.owner)
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    drawn(page)
    page.evaluate("document.querySelector('#statistics canvas').kept = true")
    page.evaluate("document.getElementById('region').old = true")
    # A new station makes the whole region stale.
    charged.people.owner.rest.create_station("STAT-NEW", name="Charts of a new one")
    expect(page.get_by_role("link", name="Charts of a new one")).to_be_visible()
    assert page.evaluate("document.getElementById('region').old") is None
    assert page.evaluate("document.querySelector('#statistics canvas').kept")
    assert drawn(page)[0] == [["Energy", 8]]


def test_a_session_that_ends_shows_in_the_charts(server: Server, visit: Visits) -> None:
    owner = create_trio(server).owner
    owner.rest.create_station("STAT-LIVE")
    owner.rest.create_tag("STATLIVE")
    page = visit(server.url, owner)
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    expect(page.locator("#statistics")).to_contain_text("Nothing was charged")
    page.evaluate("window.sameDocument = true")
    with Station(server, "STAT-LIVE") as station:
        station.ok("BootNotification", frames.boot())
        for number in (1, 2):
            # Another time and another register: the same ones would be the same message again.
            start = frames.start_16("STATLIVE", 900 + 100 * number, frames.ts(number - 3))
            begin = station.ok("StartTransaction", start)["transactionId"]
            station.ok("StopTransaction", frames.stop_16(begin, 1000 + 100 * number))
            expect(page.locator("#charge-sessions tfoot")).to_contain_text(f"{number / 10:.2f} kWh", timeout=30_000)
            page.locator("#statistics details:has(#charge-sessions)").evaluate("(details) => (details.open = true)")
    expect(page.locator("#charge-sessions")).to_be_visible()
    assert page.evaluate("window.sameDocument")


def test_without_script_there_is_a_page(charged: Charged, visit: Visits) -> None:
    page = visit(charged.server.url, charged.people.owner, java_script_enabled=False)
    page.get_by_role("link", name="Statistics").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Statistics")
    page.get_by_role("link", name="Weeks").click()
    page.locator("#statistics summary").first.click()
    expect(page.locator("#energy-history tbody tr")).to_have_count(12)
