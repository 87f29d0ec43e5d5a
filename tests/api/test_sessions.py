"""Transactions, meter values, statistics, the log and exports over REST."""

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.api.conftest import Household
from tests.support.server import Server
from tests.support.station import Station
from tests.support.workbook import Workbook

Unique = Callable[[str], str]
#: Yesterday at ten: whole hours, so that the buckets are known.
TEN = datetime.now(UTC).replace(hour=10, minute=0, second=0, microsecond=0) - timedelta(days=1)


def at(hours: float) -> str:
    return (TEN + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Session:
    identity: str
    tag: str
    id: int
    wire_id: int


@pytest.fixture(scope="module")
def session(server: Server, household: Household) -> Iterator[Session]:
    """6,000 Wh in two hours at 0.30 a kWh, by a tag that looks like a formula and belongs to the driver."""
    rest, identity, tag = household.owner.rest, "SESSION-1", "=1+1"
    rest.create_station(identity)
    user = household.driver.rest.get("me/")["id"]
    rest.post("id-tags/", {"id_tag": tag, "user": user}, status=201)
    with Station(server, identity) as station:
        station.ok("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
        start = {"connectorId": 1, "idTag": tag, "meterStart": 1000, "timestamp": at(0)}
        wire_id = station.ok("StartTransaction", start)["transactionId"]
        for hours, wh in ((1, 5000), (2, 7000)):
            value = {"timestamp": at(hours), "sampledValue": [{"value": str(wh)}]}
            station.ok("MeterValues", {"connectorId": 1, "transactionId": wire_id, "meterValue": [value]})
        station.ok("StopTransaction", {"transactionId": wire_id, "meterStop": 7000, "timestamp": at(2)})
        (row,) = rest.transactions(identity)
        yield Session(identity, tag, row["id"], wire_id)


def test_a_transaction(household: Household, session: Session) -> None:
    row = household.viewer.rest.get(f"transactions/{session.id}/")
    wanted = {
        "station": session.identity,
        "evse_id": 1,
        "connector_id": 1,
        "transaction_id": str(session.wire_id),
        "id_tag": session.tag,
        "user": household.driver.rest.get("me/")["id"],
        "car": None,
        "meter_start_wh": 1000.0,
        "meter_stop_wh": 7000.0,
        "energy_wh": 6000.0,
        "cost": "1.80",
        "currency": "EUR",
        "state": "ended",
        "flags": [],
        "final": True,
        "price_per_kwh": "0.30",
        "started": at(0).replace("Z", ".000Z"),
        "ended": at(2).replace("Z", ".000Z"),
    }
    assert row.items() >= wanted.items()
    assert household.driver.rest.get(f"transactions/{session.id}/") == row
    household.stranger.rest.get(f"transactions/{session.id}/", status=404)


def test_its_meter_values(household: Household, session: Session) -> None:
    rows = household.driver.rest.get(f"transactions/{session.id}/meter-values/")["results"]
    assert [row["energy_wh"] for row in rows if row["energy_wh"] is not None][-2:] == [5000.0, 7000.0]
    assert rows[0]["samples"][0]["measurand"] == "Energy.Active.Import.Register"
    household.stranger.rest.get(f"transactions/{session.id}/meter-values/", status=404)
    later = household.owner.rest.get(f"transactions/{session.id}/meter-values/", params={"from": at(1.5)})
    assert later["count"] < len(rows)


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({"station": "SESSION-1"}, True),
        ({"station": "session-1"}, False),
        ({"state": "ended"}, True),
        ({"state": "lost,superseded"}, False),
        ({"open": "false"}, True),
        ({"open": "true"}, False),
        ({"id_tag": "=1+1"}, True),
        ({"id_tag": "other"}, False),
        ({"from": at(-1), "to": at(1)}, True),
        ({"from": at(1)}, False),
        ({"to": at(0)}, False),
        ({"from": at(-1).replace("Z", "+00:00")}, True),
    ],
)
def test_filters(household: Household, session: Session, params: dict[str, str], found: bool) -> None:
    rows = household.owner.rest.get("transactions/", params={**params, "page_size": 500})["results"]
    assert (session.id in {row["id"] for row in rows}) is found


def test_a_stranger_filters_nothing_out_of_it(household: Household, session: Session) -> None:
    assert household.stranger.rest.get("transactions/", params={"station": session.identity})["count"] == 0
    household.stranger.rest.get("statistics/energy/", params={"station": session.identity}, status=404)
    assert household.stranger.rest.get("messages/", params={"station": session.identity})["count"] == 0


def test_energy_by_the_hour(household: Household, session: Session) -> None:
    question = {"station": session.identity, "bucket": "hour", "from": at(-1), "to": at(3)}
    answer = household.viewer.rest.get("statistics/energy/", params=question)
    assert {bucket["start"]: bucket["energy_wh"] for bucket in answer["buckets"]} == {
        at(-1).replace("Z", ".000Z"): 0.0,
        at(0).replace("Z", ".000Z"): 4000.0,
        at(1).replace("Z", ".000Z"): 2000.0,
        at(2).replace("Z", ".000Z"): 0.0,
    }
    assert (answer["total_wh"], answer["previous_total_wh"], answer["trend_percent"]) == (6000.0, 0.0, None)


def test_the_trend_compares_with_the_period_before(household: Household, session: Session) -> None:
    question = {"station": session.identity, "bucket": "hour", "from": at(1), "to": at(2)}
    answer = household.viewer.rest.get("statistics/energy/", params=question)
    assert (answer["total_wh"], answer["previous_total_wh"], answer["trend_percent"]) == (2000.0, 4000.0, -50.0)


@pytest.mark.parametrize("bucket", ["day", "week", "month"])
def test_costs(household: Household, session: Session, bucket: str) -> None:
    answer = household.viewer.rest.get("statistics/costs/", params={"station": session.identity, "bucket": bucket})
    assert (answer["total"], answer["currency"]) == ("1.80", "EUR")
    assert sum(float(entry["cost"]) for entry in answer["buckets"]) == 1.8


def test_a_driver_counts_own_charging(household: Household, session: Session) -> None:
    answer = household.driver.rest.get("statistics/costs/", params={"station": session.identity})
    assert answer["total"] == "1.80"


@pytest.mark.parametrize(
    ("question", "field"),
    [
        ({"bucket": "year"}, "bucket"),
        ({"from": "yesterday"}, "from"),
        ({"from": at(2), "to": at(1), "bucket": "hour"}, "from"),
        ({"from": "1990-01-01", "bucket": "hour"}, "bucket"),
    ],
)
def test_a_bad_question_names_its_field(household: Household, question: dict[str, str], field: str) -> None:
    answer = household.owner.rest.get("statistics/energy/", params=question, status=400)
    assert set(answer["fields"]) == {field}


def test_the_log_is_not_for_drivers(household: Household, session: Session) -> None:
    params = {"station": session.identity, "action": "StartTransaction"}
    (row,) = household.viewer.rest.get("messages/", params=params)["results"]
    assert (row["sender"], row["outcome"], row["station"]) == ("station", "ok", session.identity)
    assert str(session.wire_id) in row["response"]
    assert household.driver.rest.get("messages/", params=params)["count"] == 0
    household.viewer.rest.get("messages/", params={"sender": "nobody"}, status=400)


def test_security_events_are_not_for_drivers(server: Server, household: Household, session: Session) -> None:
    with Station(server, session.identity) as station:
        stop = {"transactionId": 77, "meterStop": 1, "timestamp": at(3)}
        station.ok("StopTransaction", stop)
        note = {"type": "TamperDetectionActivated", "timestamp": at(3)}
        station.ok("SecurityEventNotification", note)
    params = {"station": session.identity, "type": "TamperDetectionActivated"}
    assert household.viewer.rest.get("security-events/", params=params)["count"] == 1
    assert household.driver.rest.get("security-events/", params=params)["count"] == 0
    assert household.stranger.rest.get("security-events/", params=params)["count"] == 0


def table(person: Any, **params: str) -> list[dict[str, str]]:
    response = person.rest.send("GET", "exports/transactions/", params=params, headers={"Accept": "text/csv"})
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(response.text)))


def test_the_table_has_no_formulas_and_nothing_of_others(household: Household, session: Session) -> None:
    (row,) = table(household.owner, station=session.identity)
    assert row["id_tag"] == "'=1+1"
    assert (row["energy_wh"], row["cost"], row["station"]) == ("6000.0", "1.80", session.identity)
    assert table(household.stranger, station=session.identity) == []
    asked = {"Accept": "text/csv"}
    refused = household.owner.rest.send("GET", "exports/transactions/?open=perhaps", headers=asked)
    assert (refused.status_code, set(refused.json()["fields"])) == (400, {"open"})


def test_the_workbook_has_the_fields_as_types(household: Household, session: Session) -> None:
    def rows(person: Any) -> list[dict[str, tuple[str, str]]]:
        asked = {"format": "xlsx", "station": session.identity}
        response = person.rest.send("GET", "exports/transactions/", params=asked)
        assert response.status_code == 200, response.text
        assert "spreadsheetml" in response.headers["content-type"]
        return Workbook(response.content).table("transactions")

    (row,) = rows(household.viewer)
    assert (row["id"], row["id_tag"], row["energy_wh"]) == (("n", str(session.id)), ("s", "=1+1"), ("n", "6000"))
    assert (row["cost"], row["price_per_kwh"], row["final"]) == (("n", "1.8"), ("n", "0.3"), ("b", "1"))
    assert row["started"][0] == "n"
    assert rows(household.stranger) == []
    refused = household.owner.rest.get("exports/transactions/", params={"format": "pdf"}, status=400)
    assert set(refused["fields"]) == {"format"}
    household.owner.rest.anonymous().get("exports/transactions/", status=401)
