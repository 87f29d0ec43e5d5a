"""Prices as sources and files have them."""

import contextlib
import http.server
import json
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from accounts.models import Organization
from charging import daily_prices, price_readers
from charging.models import PriceSlot, PriceSource
from charging.price_files import rows_of_csv
from charging.price_readers import CannotRead, fetch, read_json, rows_of
from mobility.errors import Invalid

BEGIN = datetime(2026, 11, 24, tzinfo=UTC)
HOUR = timedelta(hours=1)
WANTED = [(BEGIN, BEGIN + HOUR, Decimal("0.081")), (BEGIN + HOUR, BEGIN + 2 * HOUR, Decimal("-0.0005"))]
MS = int(BEGIN.timestamp() * 1000)
SHAPES: list[Any] = [
    [
        {"begin": "2026-11-24T01:00:00+01:00", "end": "2026-11-24T01:00:00Z", "price_per_kwh": "0.081"},
        {"begin": "2026-11-24T01:00:00Z", "end": "2026-11-24T02:00:00Z", "price_per_kwh": "-0.0005"},
    ],
    {
        "object": "list",
        "data": [
            {"start_timestamp": MS, "end_timestamp": MS + 3_600_000, "marketprice": Decimal("81"), "unit": "Eur/MWh"},
            {
                "start_timestamp": MS + 3_600_000,
                "end_timestamp": MS + 7_200_000,
                "marketprice": Decimal("-0.5"),
                "unit": "Eur/MWh",
            },
        ],
    },
    {
        "unix_seconds": [Decimal(MS // 1000), Decimal(MS // 1000 + 3600)],
        "price": [Decimal(81), Decimal("-0.5")],
        "unit": "EUR / MWh",
    },
]


@pytest.mark.parametrize("document", SHAPES)
def test_the_shapes_of_public_services(document: Any) -> None:
    parsed = json.loads(json.dumps(document, default=float), parse_float=Decimal, parse_int=Decimal)
    assert rows_of(parsed) == WANTED


@pytest.mark.parametrize(
    "document", [[], {}, "no", 3, None, [{"begin": "x"}], [{"price": 1}], [{"begin": "2026-01-01T00:00Z"}], [3]]
)
def test_what_has_no_prices_says_so(document: Any) -> None:
    with pytest.raises(CannotRead):
        rows_of(document)


def test_a_file() -> None:
    text = "begin;end;price_per_mwh\n2026-11-24T01:00;2026-11-24T02:00;81,0\n2026-11-24T02:00;;-0,5\n"
    rows = rows_of_csv(text.encode(), ZoneInfo("Europe/Berlin"))
    assert [(row.begin, row.end, row.price_per_kwh) for row in rows] == WANTED


def test_the_hour_that_comes_twice() -> None:
    lines = [f"2026-10-25T{hour:02d}:00,{index}" for index, hour in enumerate((1, 2, 2, 3))]
    rows = rows_of_csv("\n".join(["begin,price_per_kwh", *lines]).encode(), ZoneInfo("Europe/Berlin"))
    assert [row.begin - rows[0].begin for row in rows] == [HOUR * index for index in range(4)]
    assert all(row.end - row.begin == HOUR for row in rows)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"a,b\n1,2\n",
        b"begin,price_per_kwh\n",
        b"begin,price_per_kwh\nx,1\n",
        b"begin,price_per_kwh\n2026-01-01T00:00,x\n",
    ],
)
def test_a_bad_file_is_refused(body: bytes) -> None:
    with pytest.raises(Invalid) as refused:
        rows_of_csv(body, UTC)
    assert set(refused.value.fields) == {"file"}


class Source(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        good = self.path.startswith("/prices")
        body = json.dumps(SHAPES[0], default=str).encode() if good else b""
        self.send_response(200 if good else 302)
        self.send_header("Location", "/prices")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """No line in the test's output."""


@pytest.fixture
def source() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Source) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_the_servers_own_network_is_not_asked(source: str) -> None:
    with pytest.raises(CannotRead, match="own network"):
        fetch(f"{source}/prices")


def test_a_source_that_never_comes_to_an_end_is_cut(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """It always says something, so that no wait for the next byte takes too long."""
    settings.OUTBOUND_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    monkeypatch.setattr(price_readers, "TOTAL_S", 0.3)
    over = threading.Event()

    def drip(listening: socket.socket) -> None:
        line, _ = listening.accept()
        with line, contextlib.suppress(OSError):
            line.sendall(b"HTTP/1.1 200 OK\r\nX-Drip: ")
            while not over.wait(0.02):
                line.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=drip, args=(listening,), daemon=True)
        thread.start()
        try:
            with pytest.raises(CannotRead):
                fetch(f"http://127.0.0.1:{listening.getsockname()[1]}/prices")
        finally:
            over.set()
            thread.join()


@pytest.mark.django_db
def test_a_source_is_read_every_day(source: str, settings: Any) -> None:
    settings.OUTBOUND_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    home = Organization.objects.create(name="Home")
    row = PriceSource.objects.create(organization=home, zone="Z", url=f"{source}/prices?zone={{zone}}&day={{from}}")
    bad = PriceSource.objects.create(organization=home, zone="Moved", url=f"{source}/elsewhere")
    now = BEGIN + HOUR
    assert daily_prices.read_due(now) == 2
    assert list(PriceSlot.objects.order_by("begin").values_list("begin", "end", "price_per_kwh")) == WANTED
    row.refresh_from_db()
    bad.refresh_from_db()
    assert (row.error, row.read_at) == ("", now)
    assert "302" in bad.error
    assert [due.zone for due in daily_prices.due(now + HOUR)] == ["Moved"]
    assert [due.zone for due in daily_prices.due(now + 13 * HOUR)] == ["Z", "Moved"], "tomorrow's prices are out"
    assert read_json(f"{source}/prices", "Z", now, now) == WANTED
