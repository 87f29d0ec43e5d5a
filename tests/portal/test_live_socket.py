"""/ws/live/: the JSON events of phones and scripts, with a cursor that leaves no gap and repeats nothing."""

import contextlib
from collections.abc import Callable

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from tests.portal.conftest import Garage, Live, Open, sign_in
from tests.support import frames
from tests.support.people import People, create_people
from tests.support.server import Server


def of(garage: Garage, event: str) -> Callable[[dict[str, object]], bool]:
    return lambda message: message.get("station") == garage.identity and message["event"] == event


def test_it_works(garage: Garage, live: Open, people: People) -> None:
    socket = live(people.owner)
    hello = socket.next()
    assert hello["event"] == "hello"
    with garage.connect() as station:
        station.ok("BootNotification", frames.boot())
        station.ok("StatusNotification", frames.status_16(1, "Preparing"))
        status = socket.until(of(garage, "connector.updated"))
        assert status["data"]["status"] == "Preparing"
        assert status["cursor"] > hello["cursor"]
        transaction = station.ok("StartTransaction", frames.start_16(garage.tag, 1000))["transactionId"]
        assert socket.until(of(garage, "transaction.started"))["data"]["state"] == "charging"
        station.ok("MeterValues", frames.meter_16(1500, 11_000, transaction_id=transaction))
        measured = socket.until(lambda m: of(garage, "connector.updated")(m) and m["data"]["power_w"] == 11_000)
        assert measured["data"]["evse_id"] == 1
        station.ok("StopTransaction", frames.stop_16(transaction, 3000))
        assert socket.until(of(garage, "transaction.ended"))["data"]["energy_wh"] == 2000
    cursors = [message["cursor"] for message in socket.seen]
    assert cursors == sorted(cursors)


def test_a_cursor_resumes_without_a_gap_or_a_repeat(garage: Garage, live: Open, people: People) -> None:
    first = live(people.owner)
    begin = first.next()["cursor"]
    statuses = ["Preparing", "SuspendedEV", "Finishing", "Available", "Unavailable", "Faulted"]
    with garage.connect() as station:
        station.ok("BootNotification", frames.boot())
        for status in statuses[:3]:
            station.ok("StatusNotification", frames.status_16(1, status))
        seen = first.until(lambda m: of(garage, "connector.updated")(m) and m["data"]["status"] == "Finishing")
        first.socket.close()
        for status in statuses[3:]:
            station.ok("StatusNotification", frames.status_16(1, status))
        again = live(people.owner, f"/ws/live/?cursor={seen['cursor']}")
        assert again.next() == {"event": "hello", "cursor": seen["cursor"]}
        again.until(lambda m: of(garage, "connector.updated")(m) and m["data"]["status"] == "Faulted")
        told = [m["data"]["status"] for m in first.seen + again.seen if of(garage, "connector.updated")(m)]
        assert told == statuses
        # Everything from the beginning is the same sequence, and each cursor comes once.
        whole = live(people.owner, f"/ws/live/?cursor={begin}")
        whole.until(lambda m: of(garage, "connector.updated")(m) and m["data"]["status"] == "Faulted")
        cursors = [m["cursor"] for m in whole.seen[1:]]
        assert cursors == sorted(set(cursors))
        assert [m["data"]["status"] for m in whole.seen if of(garage, "connector.updated")(m)] == statuses


@pytest.mark.parametrize("cursor", ["99999999999", "-4", "abc", ""])
def test_a_cursor_that_leads_nowhere_says_reset(live: Open, people: People, garage: Garage, cursor: str) -> None:
    socket = live(people.owner, f"/ws/live/?cursor={cursor or '%20'}")
    hello, reset = socket.next(), socket.next()
    assert (hello["event"], reset["event"]) == ("hello", "reset")
    assert reset["cursor"] == hello["cursor"]


def test_a_ticket_opens_it_once(server: Server, live: Open, people: People) -> None:
    ticket = people.owner.rest.post("live-ticket/")["ticket"]
    assert live(None, f"/ws/live/?ticket={ticket}").next()["event"] == "hello"
    with pytest.raises(InvalidStatus):
        live(None, f"/ws/live/?ticket={ticket}")


def test_nobody_gets_nothing(live: Open) -> None:
    with pytest.raises(InvalidStatus):
        live(None)


def test_a_page_from_elsewhere_gets_nothing(live: Open, people: People) -> None:
    with pytest.raises(InvalidStatus):
        live(people.owner, origin="https://evil.example")


def test_a_stranger_is_told_nothing(garage: Garage, live: Open, people: People, unique: Callable[[str], str]) -> None:
    mine = unique("OWN")
    people.stranger.rest.create_station(mine)
    socket = live(people.stranger)
    socket.next()
    with garage.connect() as station:
        station.ok("BootNotification", frames.boot())
        station.ok("StatusNotification", frames.status_16(1, "Preparing"))
        # What is told after it is told: so what is not there by then never comes.
        people.stranger.rest.patch(f"stations/{mine}/", {"name": "Changed"})
        socket.until(lambda m: m["station"] == mine)
    assert {m.get("station") for m in socket.seen[1:]} == {mine}


def test_a_driver_is_told_of_own_sessions_only(garage: Garage, live: Open, people: People) -> None:
    socket = live(people.member)
    socket.next()
    with garage.connect() as station:
        station.ok("BootNotification", frames.boot())
        station.ok("StartTransaction", frames.start_16(garage.tag, 1000))
        station.ok("StatusNotification", frames.status_16(1, "Charging"))
        socket.until(lambda m: of(garage, "connector.updated")(m) and m["data"]["status"] == "Charging")
    assert not [m for m in socket.seen if m["event"].startswith(("transaction.", "command."))]


@pytest.mark.parametrize(
    "how",
    [
        "user.is_active = False; user.save()",
        "user.set_password('another password 77'); user.save()",
        "Membership.objects.filter(user=user).delete()",
    ],
    ids=["deactivated", "password changed", "no member any more"],
)
def test_it_closes_when_the_right_ends(server: Server, live: Open, how: str) -> None:
    (person,) = create_people(server, ("Leaver", "viewer", "Leavers"))
    socket = live(person)
    socket.next()
    server.shell(f"from accounts.models import *; user = User.objects.get(email={person.email!r}); {how}")
    with pytest.raises(ConnectionClosed) as closed:
        socket.until(lambda _: False, timeout=30)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4403


def test_fifty_watch_at_once(garage: Garage, people: People) -> None:
    cookie = sign_in(garage.server, people.owner).cookies["sessionid"]
    url = garage.server.url.replace("http", "ws") + "/ws/live/"
    headers, origin = {"Cookie": f"sessionid={cookie}"}, Origin(garage.server.url)
    with contextlib.ExitStack() as stack:
        opened = (connect(url, additional_headers=headers, origin=origin, proxy=None) for _ in range(50))
        sockets = [Live(stack.enter_context(one)) for one in opened]
        for socket in sockets:
            socket.next()
        with garage.connect() as station:
            station.ok("BootNotification", frames.boot())
            station.ok("StatusNotification", frames.status_16(1, "Reserved"))
            for socket in sockets:
                socket.until(lambda m: of(garage, "connector.updated")(m) and m["data"]["status"] == "Reserved")
