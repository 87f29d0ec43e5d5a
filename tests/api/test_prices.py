"""Dynamic prices over REST: many at once, all or none, and the same again changes nothing."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.api.conftest import Household


def slots(count: int, minutes: int = 15, price: str = "0.10") -> list[dict[str, Any]]:
    begin = datetime(2031, 3, 1, tzinfo=UTC)
    step = timedelta(minutes=minutes)
    return [
        {
            "begin": (begin + step * index).isoformat(),
            "end": (begin + step * (index + 1)).isoformat(),
            "price_per_kwh": price,
        }
        for index in range(count)
    ]


@pytest.fixture
def zone() -> str:
    return f"Z-{secrets.token_hex(4)}"


def test_it_works(household: Household, zone: str) -> None:
    rest = household.manager.rest
    body: dict[str, Any] = {"zone": zone, "slots": slots(8)}
    assert rest.put("prices/", body) == {"zone": zone, "added": 8, "changed": 0, "unchanged": 0}
    assert rest.put("prices/", body) == {"zone": zone, "added": 0, "changed": 0, "unchanged": 8}
    body["slots"][3]["price_per_kwh"] = "-0.05"
    assert rest.post("prices/", body)["changed"] == 1
    listed = household.driver.rest.get("prices/", params={"zone": zone, "from": "2031-03-01T00:40:00Z"})
    assert listed["count"] == 6
    assert listed["results"][1]["price_per_kwh"] == "-0.05"
    assert household.stranger.rest.get("prices/", params={"zone": zone})["count"] == 0


def test_an_hour_takes_the_place_of_its_quarters(household: Household, zone: str) -> None:
    rest = household.manager.rest
    rest.put("prices/", {"zone": zone, "slots": slots(8)})
    rest.put("prices/", {"zone": zone, "slots": slots(1, minutes=60, price="0.2")})
    listed = rest.get("prices/", params={"zone": zone})["results"]
    assert [slot["begin"][11:16] for slot in listed] == ["00:00", "01:00", "01:15", "01:30", "01:45"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"end": "2031-03-01T00:00:00Z"}, "slots.0.end"),
        ({"end": "2031-03-01T00:20:00Z"}, "slots.1.begin"),
        ({"price_per_kwh": "much"}, "slots.0.price_per_kwh"),
        ({"begin": "soon"}, "slots.0.begin"),
    ],
)
def test_a_bad_price_keeps_all_of_them_out(household: Household, zone: str, change: dict[str, str], field: str) -> None:
    rows = slots(3)
    rows[0] |= change
    answer = household.manager.rest.put("prices/", {"zone": zone, "slots": rows}, status=400)
    assert set(answer["fields"]) == {field}
    assert household.manager.rest.get("prices/", params={"zone": zone})["count"] == 0


def test_only_managers_write(household: Household, zone: str) -> None:
    body = {"zone": zone, "slots": slots(1)}
    household.viewer.rest.put("prices/", body, status=403)
    household.driver.rest.put("prices/", body, status=403)
    household.viewer.rest.post("price-sources/", {"zone": zone, "url": "https://example.com/"}, status=403)


@pytest.mark.parametrize("url", ["ftp://example.com/", "http://127.0.0.1/", "http://[::1]/", "http://a:b@example.com/"])
def test_a_source_leads_to_the_public_internet(household: Household, zone: str, url: str) -> None:
    answer = household.manager.rest.post("price-sources/", {"zone": zone, "url": url}, status=400)
    assert set(answer["fields"]) == {"url"}


def test_a_source_says_what_went_wrong(household: Household, zone: str) -> None:
    """A name that leads into the server's own network is found out when it is asked."""
    rest = household.manager.rest
    wish = {"zone": zone, "url": "http://localhost.localdomain./prices?zone={zone}"}
    made = rest.post("price-sources/", wish, status=201)
    assert rest.post("price-sources/", wish, status=409)["code"] == "already_exists"
    read = rest.post(f"price-sources/{made['id']}/read/")
    assert read["error"]
    household.stranger.rest.post(f"price-sources/{made['id']}/read/", status=404)
    rest.delete(f"price-sources/{made['id']}/")
