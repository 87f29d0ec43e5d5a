"""Unknown identities: refused, listed, adopted in one click."""

from urllib.parse import quote

import pytest

from charging.models import WaitingStation
from ocpp_gateway import auth
from tests.ocpp.conftest import VERSIONS, Lab, alive
from tests.support.people import People
from tests.support.server import Server
from tests.support.station import PASSWORD, Station, upgrade


def knock(lab: Lab, identity: str, **more: object) -> int:
    return upgrade(lab.server, f"/OCPP/{identity}", **{"identity": identity, **more}).status  # type: ignore[arg-type]


def test_it_is_listed_with_what_it_said(lab: Lab) -> None:
    identity = lab.unique("WAIT")
    for _ in range(3):
        assert knock(lab, identity, protocols="ocpp2.0.1, ocpp1.6", headers={"User-Agent": "Wallbox/7"}) == 404
    (row,) = [row for row in lab.rest.each("waiting-stations/") if row["identity"] == identity]
    assert (row["attempts"], row["had_credentials"], row["user_agent"]) == (3, True, "Wallbox/7")
    assert row["source_ip"] == "127.0.0.1"
    assert "ocpp2.0.1" in row["subprotocols"]
    assert PASSWORD not in str(row)


@pytest.mark.parametrize("protocol", VERSIONS)
def test_adoption_shows_a_password_once(lab: Lab, protocol: str) -> None:
    identity = lab.unique("WAIT")
    knock(lab, identity)
    made = lab.rest.post(f"waiting-stations/{identity}/adopt/", {}, status=201)
    assert 16 <= len(made["password"]) <= 20
    assert "password" not in lab.row(identity) or not lab.row(identity)["password"]
    assert [row for row in lab.rest.each("waiting-stations/") if row["identity"] == identity] == []
    assert knock(lab, identity) == 401
    alive(lab.connect(identity, protocol, password=made["password"]))


def test_the_next_password_is_learnt(lab: Lab) -> None:
    identity = lab.unique("WAIT")
    knock(lab, identity)
    made = lab.rest.post(f"waiting-stations/{identity}/adopt/", {"learn": True}, status=201)
    assert not made["password"]
    assert knock(lab, identity, password=None) == 401
    assert knock(lab, identity, password="the-first-one-wins") == 101
    assert knock(lab, identity, password="another-one-does-not") == 401
    assert knock(lab, identity, password="the-first-one-wins") == 101


def test_only_platform_admins_see_and_adopt(lab: Lab, people: People) -> None:
    identity = lab.unique("WAIT")
    knock(lab, identity)
    for person in (people.owner, people.member, people.stranger):
        assert person.rest.get("waiting-stations/")["results"] == []
        person.rest.post(f"waiting-stations/{identity}/adopt/", {}, status=404)
    lab.rest.post("waiting-stations/NEVER-SEEN/adopt/", {}, status=404)


def test_a_hostile_identity_is_only_text(lab: Lab) -> None:
    identity = lab.unique("<b>'\"%")
    assert upgrade(lab.server, f"/OCPP/{quote(identity, safe='')}", password=None).status == 404
    assert identity in [row["identity"] for row in lab.rest.each("waiting-stations/")]


@pytest.mark.django_db
def test_the_list_is_capped() -> None:
    for number in range(auth.MOST_WAITING + 30):
        auth.keep_waiting(auth.Request(identity=f"WAIT-{number}", source="192.0.2.1", secure=False, offered=[]))
    listed = set(WaitingStation.objects.values_list("identity", flat=True))
    assert len(listed) == auth.MOST_WAITING
    assert f"WAIT-{auth.MOST_WAITING + 29}" in listed
    assert "WAIT-0" not in listed


def test_a_laboratory_takes_everyone_in(start_server: object) -> None:
    server: Server = start_server({"ACCEPT_UNKNOWN_STATIONS": "1"})  # type: ignore[operator]
    with Station(server, "ANYBODY", password=None) as station:
        alive(station)
    assert server.rest().get("stations/ANYBODY/")["security_profile"] == 0
