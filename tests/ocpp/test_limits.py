"""Limits: failed handshakes slow down guessing and nobody else; frames and messages are bounded."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from ocpp_gateway.limits import MOST_KEYS, Buckets, FailedHandshakes, FrameRate
from tests.ocpp.conftest import VERSIONS, Lab, alive
from tests.support import frames
from tests.support.server import Server
from tests.support.station import PASSWORD, upgrade

LIMITS = {"OCPP_FAILURES_PER_SOURCE": "20", "OCPP_FAILURES_PER_IDENTITY": "5", "OCPP_FAILURE_REFILL_S": "600"}


@pytest.fixture(scope="module")
def guarded() -> Iterator[Server]:
    with Server(LIMITS) as server:
        for identity in ("KNOWN", "VICTIM", "REAL", "REAL WITH BLANK", "QUIET"):
            server.rest().create_station(identity)
        yield server


def knock(server: Server, identity: str, password: str | None = PASSWORD, target: str = "") -> int:
    return upgrade(server, target or f"/OCPP/{identity}", identity=identity, password=password).status


def test_guessing_a_password_is_slowed(guarded: Server) -> None:
    answers = [upgrade(guarded, "/OCPP/VICTIM", identity="VICTIM", password=f"guess-number-{n:04}") for n in range(8)]
    assert [answer.status for answer in answers] == [401] * 5 + [429] * 3
    assert 0 < int(answers[-1].headers["retry-after"]) <= 600
    # Before any hash: the right password is not even looked at. Others from the same source come in.
    assert knock(guarded, "VICTIM") == 429
    assert knock(guarded, "KNOWN") == 101


def test_guessing_names_is_slowed_and_real_stations_get_in(guarded: Server) -> None:
    statuses = [knock(guarded, f"NOBODY-{n}") for n in range(30)]
    assert statuses[-1] == 429
    assert set(statuses) == {404, 429}
    for identity, target in (
        ("REAL", ""),
        ("REAL", "/OCPP/REAL/"),
        ("REAL", "/ocpp//REAL"),
        ("REAL", "/OCPP/REAL?x=1"),
        ("REAL WITH BLANK", "/OCPP/REAL%20WITH%20BLANK"),
        ("real", "/OCPP/real"),
        ("QUIET", ""),
    ):
        assert knock(guarded, identity, target=target) == 101, target or identity
    # One that was created this moment, too.
    guarded.rest().create_station("BRAND-NEW")
    assert knock(guarded, "BRAND-NEW") == 101


def test_a_malformed_identity_counts_as_a_failure(guarded: Server) -> None:
    assert knock(guarded, "x", target="/OCPP/a%00b") in (400, 404, 429)
    assert [knock(guarded, "x", target="/OCPP/") for _ in range(25)][-1] == 429


def test_500_right_handshakes_at_once_are_never_refused(server: Server) -> None:
    """Twenty stations, each of them again and again: only the load of a reconnect storm, none of its hosts."""
    rest = server.rest()
    identities = [f"STORM-{n}" for n in range(20)]
    for identity in identities:
        rest.create_station(identity)
    with ThreadPoolExecutor(25) as pool:
        got = set(
            pool.map(
                lambda n: upgrade(server, f"/OCPP/STORM-{n % 20}", identity=f"STORM-{n % 20}", timeout=60).status,
                range(500),
            )
        )
    assert got == {101}


# --- Frames ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", VERSIONS)
def test_a_frame_over_the_limit_closes_the_socket_with_1009(lab: Lab, protocol: str) -> None:
    station = lab.station(protocol)
    station.send(json.dumps([2, "x" * (1024 * 1024), "Heartbeat", {}]))
    assert station.expect_close() == 1009
    again = lab.connect(station.identity, protocol, boot=True)
    alive(again)


def test_a_frame_just_below_the_limit_is_read(lab: Lab) -> None:
    station = lab.station()
    head = [2, "big-1", "DataTransfer", {"vendorId": "V", "data": ""}]
    head[3]["data"] = "x" * (256 * 1024 - len(json.dumps(head)) - 16)  # type: ignore[index]
    assert station.raw(json.dumps(head), "big-1")[0] == 3
    alive(station)


def test_a_backlog_of_offline_messages_is_taken(lab: Lab) -> None:
    station, tag = lab.station(), lab.tag()
    number = station.ok("StartTransaction", frames.start_16(tag, 0, frames.ts(-600)))["transactionId"]
    for n in range(1, 501):
        payload = frames.meter_16(n, transaction_id=number, timestamp=frames.ts(-600 + n))
        station.send(json.dumps([2, f"backlog-{n}", "MeterValues", payload]))
    station.call("Heartbeat", {}, timeout=60)
    assert lab.transaction(station.identity)["energy_wh"] == 500


# --- The buckets -----------------------------------------------------------------------------------------------------


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_is_emptied_and_refilled() -> None:
    clock = Clock()
    buckets = Buckets(3, 10, clock)
    assert buckets.wait_s("a") == 0
    for _ in range(3):
        assert buckets.wait_s("a") == 0
        buckets.take("a")
    assert 0 < buckets.wait_s("a") <= 10
    assert buckets.wait_s("b") == 0
    clock.now += 10
    assert buckets.wait_s("a") == 0
    buckets.take("a")
    assert buckets.wait_s("a") > 0
    clock.now += 10_000
    for _ in range(3):
        assert buckets.wait_s("a") == 0
        buckets.take("a")
    assert buckets.wait_s("a") > 0, "it never holds more than its size"


def test_buckets_are_bounded() -> None:
    buckets = Buckets(1, 10, Clock())
    for number in range(MOST_KEYS + 100):
        buckets.take(str(number))
    assert len(buckets._left) <= MOST_KEYS
    assert buckets.wait_s(str(MOST_KEYS + 99)) > 0


def test_the_source_counts_for_unknown_names_only() -> None:
    limits = FailedHandshakes(per_source=2, per_identity=5, refill_s=10)
    limits.failed("1.2.3.4", "x")
    limits.failed("1.2.3.4", "y")
    assert limits.wait_s("1.2.3.4", "z", known=False) > 0
    assert limits.wait_s("1.2.3.4", "z", known=True) == 0
    assert limits.wait_s("5.6.7.8", "z", known=False) == 0


def test_a_backlog_of_5000_frames_is_not_slowed() -> None:
    rate = FrameRate()
    assert max(rate.delay_s(rate.at) for _ in range(5_000)) == 0
    assert max(rate.delay_s(rate.at) for _ in range(10_000)) > 0
