"""Desired settings: what a station reports otherwise is drift, shown on its page and in the list, set again at once."""

import httpx
import pytest
from playwright.sync_api import expect

from charging.ledger.desired import is_same
from tests.portal.conftest import Garage, sign_in
from tests.support import frames
from tests.support.browser import Visits
from tests.support.people import People
from tests.support.server import Server
from tests.support.waiting import wait_until


def keys(interval: str) -> dict:
    return {"configurationKey": [{"key": "HeartbeatInterval", "value": interval, "readonly": False}]}


def post(client: httpx.Client, path: str, **fields: str) -> httpx.Response:
    return client.post(path, data={"csrfmiddlewaretoken": client.cookies["csrftoken"], **fields})


def test_drift_is_shown_and_set_again(server: Server, people: People, garage: Garage, visit: Visits) -> None:
    owner = sign_in(server, people.owner)
    path = f"/stations/{garage.identity}/"
    answers = {"GetConfiguration": keys("900"), "ChangeConfiguration": {"status": "Accepted"}}
    assert post(owner, f"{path}desired/", key="HeartbeatInterval", value="300").status_code == 302
    assert "drifted" not in owner.get(path).text
    with garage.connect(answers=answers) as station:
        station.ok("BootNotification", frames.boot())
        # After a boot the desired settings are asked for.
        assert station.expect_call("GetConfiguration").payload == {"key": ["HeartbeatInterval"]}
        listed = wait_until(lambda: garage.identity in owner.get("/stations/?drift=1").text)
        assert listed
        page = visit(server.url, people.owner)
        page.goto(server.url + path)
        expect(page.locator("#live")).to_have_attribute("data-state", "live")
        drift = page.locator("#drift")
        expect(drift).to_contain_text("The station reports 900, desired is 300")
        drift.get_by_role("button", name="Set it again").click()
        assert station.expect_call("ChangeConfiguration").payload == {"key": "HeartbeatInterval", "value": "300"}
        expect(drift.locator("li")).to_have_count(0, timeout=30_000)
        assert garage.identity not in owner.get("/stations/?drift=1").text


def test_what_may_be_desired(server: Server, people: People, garage: Garage) -> None:
    owner, member, stranger = (sign_in(server, person) for person in (people.owner, people.member, people.stranger))
    path = f"/stations/{garage.identity}/desired/"
    assert post(member, path, key="HeartbeatInterval", value="1").status_code == 403
    assert post(stranger, path, key="HeartbeatInterval", value="1").status_code == 404
    secret = post(owner, path, key="AuthorizationKey", value="1234")
    assert secret.status_code == 400
    assert "secret" in secret.text
    with garage.connect(
        answers={"GetConfiguration": {"configurationKey": [{"key": "X", "readonly": True}]}}
    ) as station:
        station.ok("BootNotification", frames.boot())
        garage.owner.rest.post(f"stations/{garage.identity}/commands/?wait=20", {"command": "get_configuration"})
        assert post(owner, path, key="X", value="1").status_code == 400


def test_desired_values_over_rest(people: People, garage: Garage) -> None:
    rest, path = garage.owner.rest, f"stations/{garage.identity}/desired-values/"
    made = rest.post(path, {"key": "MeterValueSampleInterval", "value": "60"}, status=200)
    assert (made["reported"], made["drifted_since"]) == (None, None)
    answers = {"GetConfiguration": {"configurationKey": [{"key": "metervaluesampleinterval", "value": "900"}]}}
    with garage.connect(answers=answers) as station:
        station.ok("BootNotification", frames.boot())
        (row,) = wait_until(lambda: rest.get(f"{path}?drifted=true")["results"])
    assert (row["key"], row["value"], row["reported"]) == ("MeterValueSampleInterval", "60", "900")
    assert rest.get(f"{path}?drifted=false")["count"] == 0
    # Desired as it is: no drift any more.
    assert rest.post(path, {"key": "MeterValueSampleInterval", "value": "900.0"}, status=200)["drifted_since"] is None
    people.stranger.rest.delete(f"{path}{row['id']}/", status=404)
    rest.delete(f"{path}{row['id']}/", status=204)
    assert rest.get(path)["count"] == 0


def test_many_stations_at_once(server: Server, people: People, garage: Garage) -> None:
    owner = sign_in(server, people.owner)
    fields = {"deed": "desired", "identity": garage.identity, "desired_key": "Idle", "desired_value": "0"}
    assert post(owner, "/fleet/", **fields).status_code == 302
    assert garage.identity in owner.get("/fleet/").text
    with garage.connect(answers={"GetConfiguration": {"configurationKey": []}}) as station:
        station.ok("BootNotification", frames.boot())
        assert station.expect_call("GetConfiguration").payload == {"key": ["Idle"]}


@pytest.mark.parametrize(
    ("desired", "reported", "same"),
    [
        ("300", "300.0", True), ("true", "True", True), ("A, B", "A,B", True), (" x", "x", True),
        ("300", "900", False), ("true", "1", False), ("A,B", "B,A", False), ("x", "X", False),
    ],
)  # fmt: skip
def test_what_counts_as_the_same(desired: str, reported: str, same: bool) -> None:
    assert is_same(desired, reported) is same
