"""Energy and money of OCPP 1.6 sessions, as meters and stations really tell them."""

from decimal import Decimal
from typing import Any

import pytest

from tests.ocpp.conftest import Lab, alive
from tests.ocpp.test_transactions_16 import begin
from tests.support.frames import meter_16, stop_16, ts


def session(lab: Lab, start_wh: int, values: list[Any], stop_wh: int, **settings: Any) -> dict[str, Any]:
    """A session of an hour with equally spaced values; -> the transaction."""
    station, tag = lab.station(**settings), lab.tag()
    number = begin(station, tag, start_wh, -60)
    for index, wh in enumerate(values, 1):
        station.ok("MeterValues", meter_16(wh, transaction_id=number, timestamp=ts(-60 + 50 * index / len(values))))
    station.ok("StopTransaction", stop_16(number, stop_wh, ts(0)))
    alive(station)
    return lab.transaction(station.identity)


@pytest.mark.parametrize(
    ("start", "values", "stop", "energy", "flag"),
    [
        (1000, [2000, 3000, 4000], 5000, 4000, None),
        (1000, [], 5000, 4000, None),
        (1000, [2000, 0, 4000], 5000, 4000, "dip_dropped"),
        (1000, [2000, 3000, 0], 5000, 4000, "dip_dropped"),
        (1000, [2000, 3000, 100, 600], 1100, 3100, "meter_restarted"),
        (0, [910_000, 910_083], 910_083, 83, "baseline_replaced"),
        (5000, [100, 600, 900], 5900, 900, None),
        (5000, [], 4000, 0, "stop_below_start"),
    ],
    ids=["plain", "no values", "dip", "dip at the end", "restart", "baseline", "per session", "below the start"],
)
def test_the_energy_of_a_session(
    lab: Lab, start: int, values: list[int], stop: int, energy: float, flag: str | None
) -> None:
    row = session(lab, start, values, stop)
    assert row["energy_wh"] == energy
    assert row["state"] == "ended"
    if flag:
        assert flag in row["flags"]


def test_an_implausible_energy_is_shown_and_held(lab: Lab) -> None:
    row = session(lab, 1000, [], 9_000_000_000)
    assert row["energy_wh"] == 8_999_999_000
    assert "implausible_energy" in row["flags"]
    assert row["final"] is False


@pytest.mark.parametrize(
    ("energy_wh", "price", "cost"),
    [
        (12_345, "0.30", "3.70"),
        (50, "0.30", "0.02"),
        (49, "0.30", "0.01"),
        (16, "0.30", "0.00"),
        (17, "0.30", "0.01"),
        (1005, "1.00", "1.01"),
        (2675, "1.00", "2.68"),
        (1000, "0.12345", "0.12"),
        (1000, "0.125", "0.13"),
        (1000, "0", "0.00"),
        (1000, None, None),
    ],
)
def test_money_is_rounded_half_up_once(lab: Lab, energy_wh: int, price: str | None, cost: str | None) -> None:
    row = session(lab, 0, [], energy_wh, price_per_kwh=price)
    assert row["cost"] == cost
    assert cost is None or Decimal(cost) == Decimal(row["cost"])


def test_the_price_is_that_of_the_start(lab: Lab) -> None:
    station, tag = lab.station(price_per_kwh="0.30"), lab.tag()
    number = begin(station, tag, 0)
    lab.rest.patch(f"stations/{station.identity}/", {"price_per_kwh": "9.99"})
    station.ok("StopTransaction", stop_16(number, 10_000))
    assert lab.transaction(station.identity)["cost"] == "3.00"


def test_transaction_data_and_live_values_of_one_moment_are_one_reading(lab: Lab) -> None:
    station, tag = lab.station(), lab.tag()
    number, moment = begin(station, tag), ts(-10)
    values = meter_16(4000, transaction_id=number, timestamp=moment)
    station.ok("MeterValues", values)
    power = [{"value": "11000", "measurand": "Power.Active.Import", "unit": "W"}]
    data = [values["meterValue"][0], {"timestamp": moment, "sampledValue": power}]
    station.ok("StopTransaction", stop_16(number, 5000, transactionData=data))
    row = lab.transaction(station.identity)
    (reading,) = lab.rest.get(f"transactions/{row['id']}/meter-values/")["results"]
    assert (reading["energy_wh"], reading["power_w"]) == (4000, 11_000)
    assert row["energy_wh"] == 4000


def test_begin_and_end_are_never_the_live_value(lab: Lab) -> None:
    station, tag = lab.station(), lab.tag()
    number = begin(station, tag, 1000)
    for minute, wh in ((-40, 2000), (-20, 3000)):
        sampled = [
            {"value": "1000", "context": "Transaction.Begin"},
            {"value": str(wh), "context": "Sample.Periodic"},
            {"value": "99999", "context": "Transaction.End"},
        ]
        values = {
            "connectorId": 1,
            "transactionId": number,
            "meterValue": [{"timestamp": ts(minute), "sampledValue": sampled}],
        }
        station.ok("MeterValues", values)
        assert lab.connector(station.identity)["energy_wh"] == wh
    assert lab.transaction(station.identity)["energy_wh"] == 2000
