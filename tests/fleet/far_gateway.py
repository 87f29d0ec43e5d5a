"""A gateway on a host of its own, whose cable to the services is cut: nothing is closed, nothing arrives.

tests/fleet/test_cut_cable.py runs it, in a network namespace that begins with nothing.
"""

from collections.abc import Iterator

import httpx
import pytest

from tests.fleet.conftest import TAG, MakeStations
from tests.support.fleet import FarPart, Fleet
from tests.support.light import Lights
from tests.support.network import Host
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow

IDENTITIES = [f"FAR-{index}" for index in range(40)]


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with Host() as host, Fleet(far=host) as running:
        running.rest().create_tag(TAG)
        yield running


def is_ready(gateway: FarPart) -> bool:
    return httpx.get(gateway.probe_url, timeout=30).status_code == 200


def test_what_stations_send_meanwhile_is_in_the_ledger_afterwards(fleet: Fleet, make_stations: MakeStations) -> None:
    gateway = fleet.gateways[0]
    assert isinstance(gateway, FarPart)
    make_stations(IDENTITIES)
    lights = Lights(gateway.ocpp_url, IDENTITIES, TAG, every_s=2.0)
    lights.start()
    wait_until(lambda: len(lights.charging) == len(IDENTITIES), "all stations to charge", 60)
    assert fleet.held() == {"gateway-a": len(IDENTITIES)}

    gateway.host.services.cut()
    wait_until(lambda: not is_ready(gateway), "the gateway to notice", 60)
    # The others do without it, and say so: its stations are offline, a command to one fails.
    wait_until(lambda: fleet.held() == {}, "its stations to be offline", 90)
    made = fleet.rest().command(IDENTITIES[0], {"command": "reset", "type": "soft"}, status=(200, 202, 409))
    assert made.get("status") in ("failed", None), made

    gateway.host.services.mend()
    wait_until(lambda: is_ready(gateway), "the gateway to be ready again", 60)
    before = dict(lights.answered)
    wait_until(lambda: all(lights.answered[one] > before[one] for one in IDENTITIES), "every station's answer", 90)
    wait_until(lambda: fleet.held() == {"gateway-a": len(IDENTITIES)}, "all of them to be online", 60)
    results = lights.finish()
    assert len(results) == len(IDENTITIES)
    found = {
        row["station"]: (row["transaction_id"], row["energy_wh"], row["state"])
        for row in fleet.rest().each("transactions/")
    }
    assert found == {one: (str(number), wh, "ended") for one, (number, wh) in results.items()}
    (hourly,) = fleet.postgres.rows("SELECT SUM(energy_wh) AS wh FROM charging_hourlyenergy")
    assert hourly["wh"] == pytest.approx(sum(wh for _, wh in results.values()))
