"""Two gateways, a portal, a worker and two schedulers on PostgreSQL, Redis and RabbitMQ: one product."""

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from charging.ledger.owners import pulse_of
from tests.fleet.conftest import TAG, MakeStations
from tests.support import frames
from tests.support.balancer import Balancer
from tests.support.fleet import Fleet, Part
from tests.support.honest import Honest, honest
from tests.support.light import Lights
from tests.support.receiver import Receiver
from tests.support.server import Server
from tests.support.station import SILENT, Station, upgrade
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow

#: How many simulated stations, and how many of them are sent a command by the portal.
STATIONS, COMMANDED = 200, 16


def gateway_of(fleet: Fleet, prefix: str) -> dict[str, str]:
    """identity -> the gateway that holds it."""
    rows = fleet.postgres.rows(
        "SELECT identity, gateway FROM charging_chargingstation WHERE online AND identity LIKE %s", f"{prefix}-%"
    )
    return {row["identity"]: row["gateway"] for row in rows}


def on_either(fleet: Fleet, prefix: str, count: int) -> list[str]:
    """So many stations, half of them on each gateway."""
    by_gateway: dict[str, list[str]] = {}
    for identity, gateway in sorted(gateway_of(fleet, prefix).items()):
        by_gateway.setdefault(gateway, []).append(identity)
    assert len(by_gateway) == 2
    return [identity for held in by_gateway.values() for identity in held[: count // 2]]


def test_two_hundred_stations_two_gateways_one_killed_and_the_ledger_balances(
    fleet: Fleet, make_stations: MakeStations
):
    rest = fleet.rest()
    make_stations([f"FLEET-{index}" for index in range(STATIONS)])
    calm = {"speed": 60, "meter_interval_s": 120, "retry_interval_s": 0.5}
    stations = Honest(
        [honest(fleet.ocpp_url, TAG, index, "FLEET", **calm) for index in range(STATIONS)],
        sessions=1,
        lasting_s=(200, 500),
    )
    stations.may_begin.clear()
    stations.may_end.clear()
    stations.start()
    wait_until(lambda: len(stations.online) == STATIONS, "all stations to be online", 90)
    held = fleet.held()
    assert sum(held.values()) == STATIONS
    assert min(held.values()) >= STATIONS // 4, held
    stations.may_begin.set()
    wait_until(lambda: stations.begun == STATIONS, "all sessions", 90)

    # From the portal's process to stations on either gateway.
    commanded = on_either(fleet, "FLEET", COMMANDED)
    for identity in commanded:
        made = rest.command(identity, {"command": "trigger", "message": "status"}, wait=30)
        assert made["status"] == "accepted", made

    fleet.end(fleet.gateways[0], signal.SIGKILL)
    wait_until(lambda: fleet.held().get("gateway-b") == STATIONS, "the other gateway to hold all", 60)
    for identity in commanded:
        made = rest.command(identity, {"command": "trigger", "message": "status"}, wait=30)
        assert made["status"] == "accepted", made
    fleet.gateways[0].start()
    stations.may_end.set()
    stations.join(150)
    assert len(stations.truth) == STATIONS

    # No command was lost, none was given twice.
    obeyed = {identity: count for (identity, action), count in stations.obeyed.items() if action == "TriggerMessage"}
    assert obeyed == dict.fromkeys(commanded, 2)
    billed = 0.0
    rows: dict[str, list[dict[str, Any]]] = {}
    for row in rest.each("transactions/"):
        rows.setdefault(row["station"], []).append(row)
    for identity, expected in stations.results():
        assert [row["energy_wh"] for row in rows[identity]] == expected, identity
        assert [(row["state"], row["flags"]) for row in rows[identity]] == [("ended", [])]
        billed += sum(expected)
    (hourly,) = fleet.postgres.rows("SELECT SUM(energy_wh) AS wh FROM charging_hourlyenergy")
    assert billed > 0
    assert hourly["wh"] == pytest.approx(billed)
    assert fleet.postgres.rows("SELECT * FROM charging_quarantinedmessage") == []


def test_a_rolling_restart_loses_nothing(fleet: Fleet, make_stations: MakeStations):
    """One gateway after the other is sent SIGTERM under load, drains by slices, and comes back."""
    identities = [f"ROLL-{index}" for index in range(120)]
    make_stations(identities)
    stations = Lights(fleet.ocpp_url, identities, TAG, every_s=1.0)
    stations.start()
    wait_until(lambda: len(stations.charging) == len(identities), "all stations to charge", 60)
    for gateway in fleet.gateways:
        sent_away = sum(stations.closed.values())
        began = time.monotonic()
        gateway.stop(timeout=60)
        # By slices over --drain-seconds 2, not all at once.
        assert time.monotonic() - began > 1
        assert gateway.process is not None and gateway.process.returncode == 0
        assert sum(stations.closed.values()) > sent_away
        wait_until(lambda: len(stations.connected) == len(identities), "the other gateway to hold them", 60)
        gateway.start()
    assert set(stations.closed) == {1012}
    results = stations.finish()
    assert len(results) == len(identities)
    for row in fleet.rest().each("transactions/", page_size=500):
        if row["station"] in results:
            number, energy_wh = results.pop(row["station"])
            assert (row["transaction_id"], row["energy_wh"], row["state"]) == (str(number), energy_wh, "ended")
    assert results == {}


def test_two_schedulers_do_each_thing_once(fleet: Fleet, make_stations: MakeStations):
    """What one of them has done, the other leaves: each session's end reaches the webhook once."""
    rest = fleet.rest()
    identities = [f"TWICE-{index}" for index in range(12)]
    make_stations(identities)
    with Receiver() as receiver:
        hook = rest.post("webhooks/", {"url": f"{receiver.url}/once", "events": ["transaction.ended"]}, status=201)
        for identity in identities:
            with Station(fleet, identity) as station:  # type: ignore[arg-type]
                station.ok("BootNotification", frames.boot())
                number = station.ok("StartTransaction", frames.start_16(TAG, 1_000))["transactionId"]
                station.ok("StopTransaction", frames.stop_16(number, 2_000))

        def told() -> Counter[str]:
            return Counter(request.headers["X-Mobility-Delivery"] or "" for request in receiver.requests)

        wait_until(lambda: len(told()) >= len(identities), "every delivery", 60)
        # The schedulers go on for a while before it is counted.
        since = fleet.postgres.rows("SELECT now() AS at")[0]["at"]
        wait_until(
            lambda: fleet.postgres.rows("SELECT 1 AS n FROM charging_pulse WHERE name = 'beat' AND at > %s", since),
            "the next sign of life",
            60,
        )
        assert set(told().values()) == {1}
        rest.delete(f"webhooks/{hook['id']}/")


def test_a_stale_owner_delivers_nothing(fleet: Fleet, make_stations: MakeStations):
    """A station moves to the other gateway while Redis is away, and the first one never hears of it: it looks at the
    row, and ends its own connection; a command goes out once, on the new one."""
    make_stations(["MOVED-1"])
    rest = fleet.rest()
    old = Station(fleet.gateways[0], "MOVED-1", answers={"Reset": {"status": "Accepted"}}).connect()
    old.ok("BootNotification", frames.boot())
    fleet.redis.stop()
    try:
        with Station(fleet.gateways[1], "MOVED-1", answers={"Reset": {"status": "Accepted"}}) as new:
            new.ok("BootNotification", frames.boot())
            made = rest.command("MOVED-1", {"command": "reset", "type": "soft"}, wait=40)
            assert made["status"] == "accepted", made
            assert old.expect_close(timeout=40) == 4001
            assert [call.action for call in old.calls] == []
            assert [call.action for call in new.calls] == ["Reset"]
            assert rest.get("stations/MOVED-1/")["online"]
    finally:
        fleet.redis.start()


# --- Faults: what stations have, through all of them -----------------------------------------------------------------

#: So many sockets are on the gateway that is killed; 500 want a machine with nothing else to do.
SOCKETS = int(os.environ.get("FLEET_SOCKETS", "200"))


@pytest.fixture(scope="module")
def lights(fleet: Fleet, make_stations: MakeStations) -> Iterator[Lights]:
    """Many stations that charge while things break; all on the first gateway, as long as that lives."""
    identities = [f"LIGHT-{index}" for index in range(SOCKETS)]
    make_stations(identities)
    with Balancer([one.ocpp_port for one in fleet.gateways], in_turn=False) as balancer:
        found = Lights(balancer.ocpp_url, identities, TAG, every_s=6.0)
        found.start()
        wait_until(lambda: len(found.charging) == SOCKETS, "all sockets to charge", 120)
        yield found


def reach(lights: Lights, more: int = 1, timeout: float = 60) -> None:
    """Wait until every station has been answered so often again."""
    before = dict(lights.answered)
    wait_until(
        lambda: all(lights.answered[identity] >= count + more for identity, count in before.items()),
        "every station to be answered again",
        timeout,
    )


def portal_says(fleet: Fleet) -> str:
    """The dashboard, as the admin sees it."""
    with httpx.Client(base_url=fleet.url, follow_redirects=True, timeout=30) as browser:
        browser.get("/login/")
        form = {"csrfmiddlewaretoken": browser.cookies["csrftoken"], "username": Server.email}
        answer = browser.post("/login/", data={**form, "password": Server.password}, headers={"Origin": fleet.url})
        assert answer.status_code == 200
        page = browser.get("/")
        assert page.status_code == 200
        return page.text


def last_pulse(fleet: Fleet) -> Any:
    rows = fleet.postgres.rows("SELECT at FROM charging_pulse WHERE name = 'beat'")
    return rows[0]["at"] if rows else None


def wait_for_pulse(fleet: Fleet) -> None:
    """The scheduler, the broker and a worker work together again."""
    before = last_pulse(fleet)
    wait_until(lambda: last_pulse(fleet) != before, "the next sign of life", 60)


def ready(part: Part) -> tuple[int, dict[str, str]]:
    answer = httpx.get(part.probe_url, timeout=30)
    return answer.status_code, answer.json()["checks"]


def commanded(fleet: Fleet, lights: Lights, identity: str) -> None:
    """A command from the portal is given to the station once."""
    before = lights.calls[identity, "TriggerMessage"]
    made = fleet.rest().command(identity, {"command": "trigger", "message": "status"}, wait=30)
    assert made["status"] == "accepted", made
    assert lights.calls[identity, "TriggerMessage"] == before + 1


def test_redis_stops_and_comes_back_empty(fleet: Fleet, lights: Lights):
    fleet.redis.stop()
    commanded(fleet, lights, "LIGHT-0")
    status, checks = ready(fleet.gateways[0])
    assert (status, checks["ledger"], checks["channel_layer"]) == (200, "ok", "away")
    assert "Live updates" in portal_says(fleet)
    reach(lights)
    fleet.redis.start()
    wait_until(lambda: ready(fleet.gateways[0])[1]["channel_layer"] == "ok", "Redis to be found again", 60)
    commanded(fleet, lights, "LIGHT-1")
    assert "Live updates" not in portal_says(fleet)


def test_the_broker_stops(fleet: Fleet, lights: Lights):
    fleet.rabbit.stop()
    status, checks = ready(fleet.gateways[0])
    assert (status, checks["broker"]) == (200, "away")
    assert ready(fleet.worker)[0] == 503
    commanded(fleet, lights, "LIGHT-2")
    reach(lights)
    fleet.rabbit.start()
    wait_for_pulse(fleet)
    wait_until(lambda: ready(fleet.worker)[0] == 200, "the worker to be ready", 60)


def test_the_worker_and_the_schedulers_are_killed(fleet: Fleet, lights: Lights):
    for part in (fleet.worker, *fleet.beats):
        part.kill()
    # As if it were a minute later.
    with fleet.postgres.admin("mobility") as connection:
        connection.execute("UPDATE charging_pulse SET at = at - interval '2 minutes' WHERE name = 'beat'")
    assert "Scheduler or worker" in portal_says(fleet)
    commanded(fleet, lights, "LIGHT-3")
    reach(lights)
    for part in (fleet.worker, *fleet.beats):
        part.spawn()
    wait_for_pulse(fleet)
    assert "Scheduler or worker" not in portal_says(fleet)


def test_the_database_is_slow(fleet: Fleet, lights: Lights):
    """Answers wait for what they acknowledge, readiness says so, and nothing is answered before it is stored."""
    with fleet.postgres.admin("mobility") as other, other.transaction():
        other.execute("LOCK TABLE charging_meterreading IN ACCESS EXCLUSIVE MODE")
        wait_until(lambda: ready(fleet.gateways[0])[0] == 503, "readiness to say it", 30)
        held = dict(lights.answered)
        assert ready(fleet.gateways[0])[1]["ledger"] != "ok"
        assert lights.answered == held
    reach(lights)
    assert ready(fleet.gateways[0])[0] == 200


def test_the_database_restarts(fleet: Fleet, lights: Lights):
    fleet.postgres.stop()
    wait_until(lambda: ready(fleet.gateways[0])[0] == 503, "readiness to say it", 60)
    assert upgrade(fleet.gateways[0], "/OCPP/LIGHT-0", identity="LIGHT-0").status == 503
    fleet.postgres.start()
    reach(lights)
    wait_until(lambda: ready(fleet.gateways[0])[0] == 200, "the gateway to be ready", 60)
    commanded(fleet, lights, "LIGHT-4")
    wait_for_pulse(fleet)


def test_a_gateway_with_all_of_them_is_killed(fleet: Fleet, lights: Lights):
    assert fleet.held()["gateway-a"] >= SOCKETS
    fleet.end(fleet.gateways[0], signal.SIGKILL)
    wait_until(lambda: fleet.held().get("gateway-b", 0) >= SOCKETS, "the other gateway to hold all", 60)
    reach(lights)
    commanded(fleet, lights, "LIGHT-5")


def test_a_dead_gateway_shows_no_station_online(fleet: Fleet, make_stations: MakeStations):
    """Also a station that never connects again is offline within a minute, and its command has an end."""
    make_stations(["GONE-1"])
    with Station(fleet.gateways[1], "GONE-1", answers={"Reset": SILENT}) as station:
        station.ok("BootNotification", frames.boot())
        made = fleet.rest().command("GONE-1", {"command": "reset", "type": "soft"}, wait=0, status=202)
        station.expect_call("Reset")
        fleet.gateways[0].start()
        fleet.end(fleet.gateways[1], signal.SIGKILL)
        # As if it were a minute later.
        aged = "UPDATE charging_pulse SET at = at - interval '1 minute' WHERE name = %s"
        with fleet.postgres.admin("mobility") as connection:
            assert connection.execute(aged, [pulse_of("gateway-b")]).rowcount == 1
        wait_until(lambda: not fleet.rest().get("stations/GONE-1/")["online"], "the station to be offline", 75)
        assert fleet.rest().get(f"commands/{made['id']}/")["status"] == "failed"
    fleet.gateways[1].start()


def test_after_all_faults_the_ledger_balances(fleet: Fleet, lights: Lights):
    results = lights.finish()
    assert len(results) == SOCKETS
    found: dict[str, list[tuple[str, float, str]]] = {}
    for row in fleet.rest().each("transactions/"):
        found.setdefault(row["station"], []).append((row["transaction_id"], row["energy_wh"], row["state"]))
    for identity, (number, energy_wh) in results.items():
        assert found[identity] == [(str(number), energy_wh, "ended")], identity
    (hourly,) = fleet.postgres.rows("SELECT SUM(energy_wh) AS wh FROM charging_hourlyenergy")
    (billed,) = fleet.postgres.rows("SELECT SUM(energy_wh) AS wh FROM charging_transaction")
    assert hourly["wh"] == pytest.approx(billed["wh"])
    assert fleet.postgres.rows("SELECT * FROM charging_quarantinedmessage") == []
