"""Two sockets of one identity: the newest authenticated one wins, and the old one's end never touches it."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.ocpp.conftest import VERSIONS, Lab, alive
from tests.support.station import Station, upgrade
from tests.support.waiting import wait_until


@pytest.mark.parametrize("protocol", VERSIONS)
def test_the_newest_wins(lab: Lab, protocol: str) -> None:
    old = lab.station(protocol)
    new = lab.connect(old.identity, protocol)
    alive(new)
    assert old.expect_close() not in (None, 1000)
    alive(new)
    assert lab.row(new.identity)["online"] is True


def test_the_late_clean_up_of_the_old_one_touches_nothing(lab: Lab) -> None:
    old = lab.station()
    new = lab.connect(old.identity)
    old.expect_close()
    old.cut()
    for _ in range(10):
        alive(new)
        assert lab.row(new.identity)["online"] is True
    new.answers["Reset"] = {"status": "Accepted"}
    assert lab.rest.command(new.identity, {"command": "reset", "type": "soft"})["status"] == "accepted"


def test_a_half_open_line_is_taken_over(lab: Lab) -> None:
    """The old socket never says another word: no close, no answer to a ping."""
    old = lab.station()
    old.socket.socket.setblocking(False)
    new = lab.connect(old.identity)
    alive(new)


def test_it_is_offline_only_when_the_last_one_has_gone(lab: Lab) -> None:
    old = lab.station()
    new = lab.connect(old.identity)
    alive(new)
    new.close()
    wait_until(lambda: lab.row(old.identity)["online"] is False, "the station to be offline")


def test_without_the_password_nothing_is_displaced(lab: Lab) -> None:
    station = lab.station()
    for password in (None, "wrong-wrong-wrong-1"):
        answer = upgrade(lab.server, f"/OCPP/{station.identity}", identity=station.identity, password=password)
        assert answer.status == 401
    alive(station)


def test_many_at_once_leave_one(lab: Lab) -> None:
    identity = lab.create()
    with ThreadPoolExecutor(8) as pool:
        sockets: list[Station] = list(pool.map(lambda _: lab.connect(identity), range(8)))
    wait_until(lambda: sum(socket._open for socket in sockets) == 1, "all but one to be closed")
    (left,) = [socket for socket in sockets if socket._open]
    alive(left)
    assert lab.row(identity)["online"] is True


def test_flapping_raises_a_security_event(lab: Lab) -> None:
    identity = lab.create()
    for _ in range(6):
        alive(lab.connect(identity))
    wait_until(lambda: "ConnectionFlapping" in lab.security_events(identity), "the security event")


def test_an_honest_reconnect_is_no_flapping(lab: Lab) -> None:
    identity = lab.create()
    for _ in range(6):
        station = lab.connect(identity)
        alive(station)
        station.close()
        wait_until(lambda: lab.row(identity)["online"] is False)
    assert lab.security_events(identity) == []
