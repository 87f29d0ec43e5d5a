"""Tariffs, their versions, whom they hold for, and what they compute, over REST."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.api.conftest import Household

Unique = Callable[[str], str]

PARTS: list[dict[str, Any]] = [
    {"kind": "energy", "price": "0.30", "from_time": "22:00", "to_time": "06:00"},
    {"kind": "energy", "price": "0.45"},
    {"kind": "idle", "price": "0.10", "from_minutes": "30"},
    {"kind": "session", "price": "1"},
]


def tariff(unique: Unique, **version: Any) -> dict[str, Any]:
    return {"name": unique("Tariff"), "version": {"parts": PARTS, "tax_percent": "19", **version}}


def test_it_works(household: Household, unique: Unique) -> None:
    rest = household.manager.rest
    made = rest.post("tariffs/", tariff(unique), status=201)
    (version,) = made["versions"]
    assert (version["number"], version["prices_include_tax"], version["parts"][1]["per"]) == (1, True, "kwh")
    assert "22:00–06:00" in version["description"][0]
    # 10 kWh from 21:30 to 22:30 at an even pace, then 45 minutes of which 30 are free.
    session = {"started": "2026-01-10T21:30:00Z", "minutes": 105, "energy_wh": 10_000, "idle_minutes": 45}
    bill = rest.post(f"tariffs/{made['id']}/calculate/", session)
    lines = [(line["part"], line["quantity"], line["price"], line["gross"]) for line in bill["lines"]]
    assert lines == [
        ("energy", "5", "0.30", "1.50"),
        ("energy", "5", "0.45", "2.25"),
        ("idle", "15", "0.10", "1.50"),
        ("session", "1", "1", "1.00"),
    ]
    assert (bill["total"], bill["net"], bill["tax"], bill["idle_from"]) == (
        "6.25",
        "5.25",
        "1.00",
        "2026-01-10T22:30:00.000Z",
    )
    changed = rest.patch(f"tariffs/{made['id']}/", {"name": made["name"] + "!"})
    assert changed["name"].endswith("!")
    rest.delete(f"tariffs/{made['id']}/")
    rest.get(f"tariffs/{made['id']}/", status=404)


def test_a_version_is_added_and_taken_back(household: Household, unique: Unique) -> None:
    rest = household.manager.rest
    made = rest.post("tariffs/", tariff(unique, valid_from="2020-01-01T00:00:00Z"), status=201)
    path = f"tariffs/{made['id']}/"
    more = {"parts": [{"kind": "session", "price": "7"}], "valid_from": "2030-01-01T00:00:00Z"}
    assert rest.post(f"{path}versions/", more, status=201)["number"] == 2
    session = {"minutes": 10, "energy_wh": 0}
    assert rest.post(f"{path}calculate/", {"started": "2029-12-31T23:00:00Z", **session})["version"] == 1
    assert rest.post(f"{path}calculate/", {"started": "2030-01-01T00:00:00Z", **session})["total"] == "7.00"
    rest.delete(f"{path}versions/2/")
    assert rest.delete(f"{path}versions/1/", status=409)["code"] == "last_version"


@pytest.mark.parametrize(
    ("version", "field"),
    [
        ({"parts": []}, "parts"),
        ({"parts": [{"kind": "magic", "price": 1}]}, "parts.0.kind"),
        ({"parts": [{"kind": "energy", "price": "-1"}]}, "parts.0.price"),
        ({"parts": [{"kind": "energy", "price": "0.1234567"}]}, "parts.0.price"),
        ({"parts": [{"kind": "energy"}]}, "parts.0.price"),
        ({"parts": [{"kind": "energy", "price": 1, "per": "hour"}]}, "parts.0.per"),
        ({"parts": [{"kind": "energy", "price": 1, "from_time": "25:00"}]}, "parts.0.from_time"),
        ({"parts": [{"kind": "energy", "price": 1, "weekdays": [0]}]}, "parts.0.weekdays"),
        ({"parts": [{"kind": "energy", "price": 1, "from_day": "02-30"}]}, "parts.0.from_day"),
        ({"parts": [{"kind": "energy", "price": 1, "from_kwh": 5, "to_kwh": 5}]}, "parts.0.to_kwh"),
        ({"parts": [{"kind": "time", "price": 1, "dynamic": {"zone": "X"}}]}, "parts.0.dynamic"),
        ({"parts": [{"kind": "energy", "price": 1, "colour": "red"}]}, "parts.0.colour"),
        ({"minimum": "5", "maximum": "4"}, "maximum"),
        ({"tax_percent": "101"}, "version.tax_percent"),
    ],
)
def test_a_bad_version_names_its_field(
    household: Household, unique: Unique, version: dict[str, Any], field: str
) -> None:
    answer = household.manager.rest.post("tariffs/", tariff(unique, **version), status=400)
    assert set(answer["fields"]) == {field}


def test_it_is_assigned_and_said_at_the_station(household: Household, unique: Unique) -> None:
    rest, identity = household.manager.rest, unique("CP")
    rest.post("stations/", {"identity": identity, "price_per_kwh": "0.29"}, status=201)
    assert rest.get(f"stations/{identity}/")["tariff"] is None
    made = rest.post("tariffs/", tariff(unique, valid_from="2020-01-01T00:00:00Z"), status=201)
    wish = {"scope": "station", "target": identity, "tariff": made["id"]}
    first = rest.post("tariff-assignments/", wish, status=201)
    assert (first["target"], first["tariff_name"]) == (identity, made["name"])
    assert rest.post("tariff-assignments/", wish, status=201)["id"] == first["id"], "the same target once"
    shown = household.viewer.rest.get(f"stations/{identity}/")["tariff"]
    assert (shown["id"], shown["description"]) == (
        made["id"],
        "0.30–0.45 EUR/kWh · 0.10 EUR/min idle, from 30 min on · 1.00 EUR/session",
    )
    rest.delete(f"tariff-assignments/{first['id']}/")
    assert rest.get(f"stations/{identity}/")["tariff"] is None


def test_who_may_see_and_change(household: Household, unique: Unique) -> None:
    made = household.manager.rest.post("tariffs/", tariff(unique), status=201)
    path = f"tariffs/{made['id']}/"
    assert household.viewer.rest.get(path)["id"] == made["id"]
    household.viewer.rest.post("tariffs/", tariff(unique), status=403)
    household.viewer.rest.post(f"{path}versions/", {"parts": PARTS}, status=403)
    household.driver.rest.get(path, status=404)
    household.stranger.rest.get(path, status=404)
    household.stranger.rest.post(f"{path}calculate/", {}, status=404)
    wish = {"scope": "organization", "tariff": made["id"]}
    household.stranger.rest.post("tariff-assignments/", wish, status=404)
    household.viewer.rest.post("tariff-assignments/", wish, status=403)


def test_a_target_of_others_cannot_be_named(household: Household, unique: Unique) -> None:
    identity = unique("CP")
    household.stranger.rest.post("stations/", {"identity": identity}, status=201)
    made = household.manager.rest.post("tariffs/", tariff(unique), status=201)
    wish = {"scope": "station", "target": identity, "tariff": made["id"]}
    household.manager.rest.post("tariff-assignments/", wish, status=404)
    answer = household.manager.rest.post("tariff-assignments/", {**wish, "target": ""}, status=400)
    assert set(answer["fields"]) >= {"target"}


def test_holidays(household: Household, unique: Unique) -> None:
    rest = household.manager.rest
    day = {"day": "2026-12-25", "name": "Christmas"}
    made = rest.post("holidays/", day, status=201)
    assert rest.post("holidays/", {**day, "name": "Xmas"}, status=201)["id"] == made["id"]
    parts = [{"kind": "session", "price": "1", "holidays": "only"}, {"kind": "session", "price": "3"}]
    priced = rest.post("tariffs/", tariff(unique, parts=parts), status=201)
    session = {"minutes": 10, "energy_wh": 0}
    totals = [
        rest.post(f"tariffs/{priced['id']}/calculate/", {"started": f"2026-12-{day}T10:00:00Z", **session})["total"]
        for day in (24, 25)
    ]
    assert totals == ["3.00", "1.00"]
    household.viewer.rest.delete(f"holidays/{made['id']}/", status=403)
    rest.delete(f"holidays/{made['id']}/")
