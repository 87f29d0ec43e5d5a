"""A stop that never comes (field quirk 15): closed with the last reading, corrected by a stop that comes after all."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support import frames
from tests.support.rest import Rest
from tests.support.server import Server
from tests.support.station import Station
from tests.support.waiting import wait_until

#: Three minutes go by for one station; then the task runs, in a process of its own as a worker's would be.
LATER = """
from datetime import timedelta
from django.db.models import F
from charging.models import ChargingStation, Connector, MeterReading
from charging.tasks import close_lost_transactions
ago = timedelta(minutes=3)
station = ChargingStation.objects.get(identity={identity!r})
station.transactions.update(created_at=F("created_at") - ago)
Connector.objects.filter(station=station).update(status_received_at=F("status_received_at") - ago)
MeterReading.objects.filter(station=station).update(received_at=F("received_at") - {silent} * ago)
close_lost_transactions()
"""


@pytest.fixture
def session(server: Server, rest: Rest, unique: Callable[[str], str]) -> Any:
    """A station whose connector is free again while its transaction runs: (station, transaction id)."""
    identity, tag = unique("LOST"), unique("TAG")
    rest.create_station(identity)
    rest.create_tag(tag)
    with Station(server, identity) as station:
        station.ok("BootNotification", frames.boot())
        known = station.ok("StartTransaction", frames.start_16(tag, 1_000, frames.ts(-50)))["transactionId"]
        station.ok("StatusNotification", frames.status_16(1, "Charging"))
        station.ok("MeterValues", frames.meter_16(2_500, transaction_id=known, timestamp=frames.ts(-20)))
        station.ok("StatusNotification", frames.status_16(1, "Available"))
        yield station, known


def hourly_wh(server: Server, identity: str) -> float:
    (row,) = server.rows(
        "SELECT SUM(energy_wh) AS wh FROM charging_hourlyenergy h JOIN charging_chargingstation s"
        " ON s.id = h.station_id WHERE s.identity = ?",
        identity,
    )
    return float(row["wh"])


def test_a_lost_stop_is_closed_and_a_later_one_corrects_it(server: Server, rest: Rest, session: Any):
    station, known = session
    server.shell(LATER.format(identity=station.identity, silent=1))
    (row,) = rest.transactions(station.identity)
    assert (row["state"], row["energy_wh"], row["cost"], row["flags"]) == ("lost", 1_500, "0.45", ["stop_lost"])
    assert hourly_wh(server, station.identity) == pytest.approx(1_500)
    # The gateway has not heard of it: another process's in-memory layer does not reach it.
    station.ok("MeterValues", frames.meter_16(3_000, transaction_id=known, timestamp=frames.ts(-10)))
    station.ok("StopTransaction", frames.stop_16(known, 4_000, frames.ts(-5)))
    (row,) = rest.transactions(station.identity)
    assert (row["state"], row["energy_wh"], row["cost"], row["flags"]) == ("ended", 3_000, "0.90", [])
    assert hourly_wh(server, station.identity) == pytest.approx(3_000)


def test_a_transaction_whose_meter_is_heard_is_not_closed(server: Server, rest: Rest, session: Any):
    """A connector that says Available while the values go on is wrong, and not the transaction."""
    station, _ = session
    server.shell(LATER.format(identity=station.identity, silent=0))
    assert rest.transactions(station.identity)[0]["state"] == "charging"


def test_the_connector_is_free_for_the_next_session(server: Server, rest: Rest, session: Any):
    station, _ = session
    server.shell(LATER.format(identity=station.identity, silent=1))
    tag = rest.transactions(station.identity)[0]["id_tag"]
    following = station.ok("StartTransaction", frames.start_16(tag, 2_600))["transactionId"]
    station.ok("StopTransaction", frames.stop_16(following, 3_000, frames.ts(1)))
    states = wait_until(lambda: [row["state"] for row in rest.transactions(station.identity)])
    assert states == ["lost", "ended"]
    assert [row["energy_wh"] for row in rest.transactions(station.identity)] == [1_500, 400]
