"""The same product on what it ships with, and on PostgreSQL, Redis and RabbitMQ: same energy, same cost, same words."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
import redis
from websockets.sync.client import connect

from tests.support import frames
from tests.support.rest import Rest
from tests.support.server import Server
from tests.support.station import SILENT, Station
from tests.support.waiting import wait_until

pytestmark = pytest.mark.slow

TAG = "ENGINE-TAG"
HOUR = 60


@pytest.fixture(scope="module", params=["embedded", "services"])
def engine(request: pytest.FixtureRequest) -> Iterator[Server]:
    """`manage.py up` over SQLite with everything in memory, and over PostgreSQL with Redis and RabbitMQ."""
    env = {}
    if request.param == "services":
        env = {
            "DATABASE_URL": request.getfixturevalue("postgres_url"),
            "REDIS_URL": request.getfixturevalue("redis_url"),
            "CELERY_BROKER_URL": request.getfixturevalue("rabbitmq_url"),
        }
    with Server(env) as server:
        server.rest().create_tag(TAG)
        yield server


@pytest.fixture(scope="module")
def api(engine: Server) -> Rest:
    return engine.rest()


class Events:
    """/ws/live/ of the first admin."""

    def __init__(self, server: Server, cursor: int | None = None) -> None:
        ticket = server.rest().post("live-ticket/")["ticket"]
        more = f"&cursor={cursor}" if cursor is not None else ""
        self.socket = connect(
            f"ws://127.0.0.1:{server.portal_port}/ws/live/?ticket={ticket}{more}",
            proxy=None,
            legacy=True,
            ping_interval=None,
            max_queue=None,
        )
        self.seen: list[dict[str, Any]] = []

    def next(self) -> dict[str, Any]:
        self.seen.append(json.loads(self.socket.recv(timeout=30)))
        return self.seen[-1]

    def until(self, station: str, event: str, **data: Any) -> dict[str, Any]:
        while True:
            message = self.next()
            if (message["event"], message.get("station")) == (event, station) and data.items() <= message[
                "data"
            ].items():
                return message


def session(station: Station, protocol: str) -> None:
    """From one hour ago to now, across an hour: 1,000 to 8,000 Wh, with a dip."""
    at = [frames.ts(minutes) for minutes in (-60, -40, -30, -20, -1)]
    if protocol == "ocpp1.6":
        known = station.ok("StartTransaction", frames.start_16(TAG, 1_000, at[0]))["transactionId"]
        for moment, wh in zip(at[1:4], (3_000, 0, 5_000), strict=True):
            station.ok("MeterValues", frames.meter_16(wh, 11_000, transaction_id=known, timestamp=moment))
        station.ok("StopTransaction", frames.stop_16(known, 8_000, at[4], reason="Local"))
        return
    name = f"{station.identity}-tx"
    send = lambda kind, number, **more: station.ok(  # noqa: E731
        "TransactionEvent", frames.event_2x(kind, number, name, timestamp=at[number], **more)
    )
    send("Started", 0, energy_wh=1_000, id_token=TAG, info={"chargingState": "Charging"})
    for number, wh in ((1, 3_000), (2, 0), (3, 5_000)):
        send("Updated", number, energy_wh=wh, power_w=11_000, evse_id=None)
    send("Ended", 4, energy_wh=8_000, evse_id=None, info={"stoppedReason": "Local"})


@pytest.mark.parametrize("protocol", ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"])
def test_a_session_costs_the_same_everywhere(engine: Server, api: Rest, protocol: str):
    identity = f"ENGINE-{protocol.upper()}"
    api.create_station(identity, price_per_kwh="0.305")
    events = Events(engine)
    with Station(engine, identity, protocol) as station:
        station.ok("BootNotification", frames.boot(protocol))
        session(station, protocol)
        started = events.until(identity, "transaction.started")
        ended = events.until(identity, "transaction.ended")
    (row,) = api.transactions(identity)
    assert (row["energy_wh"], row["cost"], row["currency"], row["state"]) == (7_000, "2.14", "EUR", "ended")
    assert (row["id_tag"], row["stop_reason"], row["flags"]) == (TAG, "Local", ["dip_dropped"])
    assert (started["data"]["id"], ended["data"]["energy_wh"], ended["data"]["cost"]) == (row["id"], 7_000, "2.14")
    readings = list(api.each(f"transactions/{row['id']}/meter-values/"))
    assert [reading["energy_wh"] for reading in readings if reading["energy_wh"] is not None] == [3_000, 0, 5_000]
    day = datetime.now(UTC) - timedelta(days=1)
    wanted = {"station": identity, "bucket": "hour", "from": day.isoformat(), "to": datetime.now(UTC).isoformat()}
    energy = api.get("statistics/energy/", params=wanted)
    assert energy["total_wh"] == pytest.approx(7_000)
    costs = api.get("statistics/costs/", params=wanted)
    assert float(costs["total"]) == pytest.approx(2.135, abs=0.0051)


@pytest.mark.parametrize(("protocol", "action"), [("ocpp1.6", "Reset"), ("ocpp2.0.1", "Reset")])
def test_a_command_is_answered(engine: Server, api: Rest, protocol: str, action: str):
    identity = f"ENGINE-COMMAND-{protocol.upper()}"
    api.create_station(identity)
    events = Events(engine)
    with Station(engine, identity, protocol, answers={action: {"status": "Accepted"}}) as station:
        station.ok("BootNotification", frames.boot(protocol))
        assert api.command(identity, {"command": "reset", "type": "soft"})["status"] == "accepted"
        assert station.expect_call(action).payload["type"] in ("Soft", "OnIdle")
        events.until(identity, "command.updated", status="accepted")
        station.answers[action] = SILENT
        waiting = api.command(identity, {"command": "reset", "type": "soft"}, wait=0, status=202)
        station.expect_call(action)
    wait_until(lambda: api.get(f"commands/{waiting['id']}/")["status"] == "failed", "the command to fail with its line")


def test_text_that_a_database_refuses_reaches_none(engine: Server, api: Rest):
    """NUL, lone surrogates, integers beyond 64 bits: the message is answered, and the next one is, too."""
    api.create_station("ENGINE-TEXT")
    with Station(engine, "ENGINE-TEXT") as station:
        boot = json.dumps([2, "b", "BootNotification", {"chargePointVendor": "A\x00B", "chargePointModel": "\ud800"}])
        assert station.raw(boot, "b")[0] == 3
        start = {**frames.start_16("NUL\x00TAG", 1_000), "reservationId": 2**70}
        assert station.raw(json.dumps([2, "s", "StartTransaction", start]), "s")[0] in (3, 4)
        huge = json.dumps([2, "m", "MeterValues", frames.meter_16(1e300, 1e300)])
        assert station.raw(huge, "m")[0] == 3
        assert station.raw('[2,"n","StatusNotification",{"connectorId":1,\x00"status":"Available"}]', "n")[0] in (3, 4)
        assert station.ok("StartTransaction", frames.start_16(TAG, 1_000))["transactionId"] > 0
    assert api.get("stations/ENGINE-TEXT/")["vendor"] == "AB"


#: Two ledgers of two processes, as of two gateways, take the same messages at the same moment.
RACE = """
import json, threading
from accounts.models import Organization
from charging.models import *
from django.db import connection
from tests.ledger import harness

organization = Organization.objects.first()
lost = []

def take(bench, barrier, rounds):
    try:
        with harness.ledger() as ledger:
            bench.ledger = ledger
            for messages in rounds:
                barrier.wait(30)
                lost.extend(str(work.error) for work in bench.commit(*messages) if work.error)
    except Exception as error:
        lost.append(repr(error))
        barrier.abort()
    finally:
        connection.close()

def copy(bench):
    other = object.__new__(harness.Bench)
    other.__dict__.update(bench.__dict__)
    return other

one = harness.Bench(None, "2.0.1", organization=organization)
rounds = []
for number in range(8):
    name = f"race-{number}"
    rounds.append([harness.event("Started", 0, number * 30, 1000, transaction=name, token=harness.TAG)])
    rounds.append([harness.event("Updated", 1, number * 30 + 10, 1500, transaction=name)])
    rounds.append([harness.event("Ended", 2, number * 30 + 20, 2000, transaction=name)])
barrier = threading.Barrier(2)
threads = [threading.Thread(target=take, args=(copy(one), barrier, rounds)) for _ in range(2)]
[thread.start() for thread in threads]
[thread.join(120) for thread in threads]
rows = one.transactions()
cursors = list(Change.objects.order_by("cursor").values_list("cursor", flat=True))
print(json.dumps({
    "lost": lost,
    "energies": [row.energy_wh for row in rows],
    "states": sorted({row.state for row in rows}),
    "events": TransactionEvent.objects.filter(station=one.station).count(),
    "readings": MeterReading.objects.filter(station=one.station).count(),
    "hours": sum(one.hours().values()),
    "quarantined": QuarantinedMessage.objects.filter(station=one.station).count(),
    "gaps": cursors != list(range(cursors[0], cursors[0] + len(cursors))),
}))
"""


def test_two_processes_that_take_the_same_messages_apply_them_once(engine: Server, api: Rest):
    found = json.loads(engine.shell(RACE).strip().splitlines()[-1])
    assert found == {
        "lost": [],
        "energies": [1_000] * 8,
        "states": ["ended"],
        "events": 24,
        "readings": 24,
        "hours": pytest.approx(8_000),
        "quarantined": 0,
        "gaps": False,
    }


def report(engine: Server, identity: str) -> None:
    """A station that says ten times how it is."""
    with Station(engine, identity) as connected:
        for number in range(10):
            status = "Preparing" if number % 2 else "Available"
            connected.ok("StatusNotification", frames.status_16(1 + number % 3, status))


def rename(engine: Server, identity: str) -> None:
    """A person who gives a station ten names."""
    for number in range(10):
        engine.rest().patch(f"stations/{identity}/", {"name": f"Name {number}"})


def test_the_feed_tells_each_change_once_whoever_writes(engine: Server, api: Rest):
    """Stations and people write at once; one reader stays, one comes back again and again with its cursor."""
    identities = [f"ENGINE-FEED-{number}" for number in range(4)]
    for identity in identities:
        api.create_station(identity)
    staying = Events(engine)
    begin = staying.next()["cursor"]
    with ThreadPoolExecutor(8) as pool:
        writing = [pool.submit(work, engine, identity) for identity in identities for work in (report, rename)]
        returning: list[dict[str, Any]] = []
        # 80 changes at least: what each of the eight visits waits for will come.
        for _ in range(8):
            events = Events(engine, returning[-1]["cursor"] if returning else begin)
            assert events.next()["event"] == "hello"
            returning += [events.next() for _ in range(9)]
            events.socket.close()
        for written in writing:
            written.result()
    with Station(engine, identities[0]) as connected:
        connected.ok("StatusNotification", frames.status_16(2, "Faulted"))
    staying.until(identities[0], "connector.updated", status="Faulted")
    end = staying.seen[-1]["cursor"]
    last = Events(engine, returning[-1]["cursor"])
    last.until(identities[0], "connector.updated", status="Faulted")
    told = [(message["cursor"], message["event"]) for message in staying.seen[1:]]
    assert [cursor for cursor, _ in told] == list(range(begin + 1, end + 1))
    assert [(message["cursor"], message["event"]) for message in [*returning, *last.seen[1:]]] == told


def test_the_scheduler_and_the_worker_are_at_work(engine: Server, api: Rest):
    ready = api.http.get(f"{engine.url}/readyz")
    assert ready.status_code == 200, ready.text
    code = "from charging.queries.health import last_pulse; print(last_pulse('beat') is not None)"
    wait_until(lambda: engine.shell(code).strip().endswith("True"), "the first pulse", timeout=60)


def test_nothing_has_failed_so_far(engine: Server):
    """What follows breaks things on purpose."""
    failed = [line for line in engine.log().splitlines() if " ERROR " in line or "Traceback" in line]
    assert failed == [], engine.log()[-3000:]


def test_a_database_that_drops_every_connection_is_asked_again(engine: Server, api: Rest):
    """As after its restart: no station and no person notices."""
    url = engine.overrides.get("DATABASE_URL")
    if url is None:
        pytest.skip("SQLite is a file: there is no connection to drop")
    api.create_station("ENGINE-DROPPED")
    with Station(engine, "ENGINE-DROPPED") as station:
        station.ok("BootNotification", frames.boot())
        for wh in (1_000, 2_000, 3_000):
            with psycopg.connect(url.replace("postgres://", "postgresql://"), autocommit=True) as other:
                ended = other.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                ).fetchall()
            assert ended
            known = station.ok("StartTransaction", frames.start_16(TAG, wh), timeout=30)["transactionId"]
            assert api.get("stations/ENGINE-DROPPED/")["online"]
            station.ok("StopTransaction", frames.stop_16(known, wh + 500), timeout=30)
    assert [row["energy_wh"] for row in api.transactions("ENGINE-DROPPED")] == [500] * 3


def test_a_redis_that_forgets_everything_is_joined_again(engine: Server, api: Rest):
    """Live events and commands go on; what was missed meanwhile comes from the feed."""
    url = engine.overrides.get("REDIS_URL")
    if url is None:
        pytest.skip("the embedded channel layer lives and dies with the process")
    api.create_station("ENGINE-FLUSHED")
    events = Events(engine)
    with Station(engine, "ENGINE-FLUSHED", answers={"Reset": {"status": "Accepted"}}) as station:
        station.ok("BootNotification", frames.boot())
        client = redis.Redis.from_url(url)
        client.flushdb()
        client.set("mobility-test-lock", 1, ex=1800)
        station.ok("StatusNotification", frames.status_16(1, "Preparing"))
        events.until("ENGINE-FLUSHED", "connector.updated", status="Preparing")
        made = api.command("ENGINE-FLUSHED", {"command": "reset", "type": "soft"}, wait=30)
        assert made["status"] == "accepted"
