"""Webhooks: signed, in time tried again, replayed, and never to where they must not lead."""

import hashlib
import hmac
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.receiver import Received
from tests.support.waiting import wait_until
from tests.told.conftest import Told


def is_signed(request: Received, secret: str) -> bool:
    signed = f"{request.headers['X-Mobility-Timestamp']}.".encode() + request.body
    wanted = "v1=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return hmac.compare_digest(request.headers["X-Mobility-Signature"], wanted)


def make(told: Told, path: str, *events: str) -> Any:
    return told.owner.rest.post("webhooks/", {"url": told.receiver.url + path, "events": list(events)}, status=201)


def finished(told: Told, hook: Any, count: int = 1) -> list[Any]:
    """The webhook's deliveries once so many are over, the oldest first."""

    def look() -> list[Any] | None:
        rows = told.owner.rest.get(f"webhooks/{hook['id']}/deliveries/")["results"][::-1]
        return rows if len([row for row in rows if row["status"] != "waiting"]) >= count else None

    return wait_until(look, f"{count} deliveries", 30)


def test_it_works(told: Told, unique: Callable[[str], str]) -> None:
    hook, identity = make(told, "/works", "station.*"), unique("CP")
    told.owner.rest.create_station(identity)
    request = told.receiver.wait("/works")[0]
    event = request.json
    assert (event["event"], event["station"], event["organization"]) == (
        "station.updated",
        identity,
        told.owner.organization_id,
    )
    assert event["data"]["identity"] == identity
    assert event["id"] == f"evt_{event['cursor']}"
    assert event["created"].endswith("Z")
    assert request.headers["X-Mobility-Event"] == "station.updated"
    assert request.headers["Content-Type"] == "application/json"
    assert is_signed(request, hook["secret"])
    assert not is_signed(request, "another")
    (row,) = finished(told, hook)
    assert (row["status"], row["attempts"], row["response_status"], row["response"]) == ("sent", 1, 200, "thanks, 200")
    assert row["request"].encode() == request.body
    assert hook["secret"] not in str(told.server.rows("SELECT * FROM accounts_webhook"))
    assert hook["secret"] not in str(told.owner.rest.get(f"webhooks/{hook['id']}/"))
    # What it did not ask for, and what happens elsewhere, it is not told.
    told.owner.rest.create_tag(unique("TAG"))
    told.stranger.rest.create_station(unique("CP"))
    told.owner.rest.patch(f"stations/{identity}/", {"name": "Renamed"})
    told.receiver.wait("/works", 2)
    assert [one.json["station"] for one in told.receiver.at("/works")] == [identity] * 2


def test_a_failure_is_tried_again_and_survives_a_restart(told: Told) -> None:
    hook = make(told, "/fails", "*")
    told.receiver.answer("/fails", 500)
    sent = told.owner.rest.post(f"webhooks/{hook['id']}/test/", status=202)
    told.receiver.wait("/fails")
    wait_until(
        lambda: told.owner.rest.get(f"webhooks/{hook['id']}/deliveries/")["results"][0]["response_status"] == 500
    )
    told.server.restart(kill=True)
    first, second = told.receiver.wait("/fails", 2)
    assert first.json == second.json
    assert first.json["event"] == "webhook.test"
    assert (first.headers["X-Mobility-Attempt"], second.headers["X-Mobility-Attempt"]) == ("1", "2")
    (row,) = finished(told, hook)
    assert (row["id"], row["status"], row["attempts"], row["error"]) == (sent["id"], "sent", 2, "")


def test_a_replay_has_the_same_id(told: Told) -> None:
    hook = make(told, "/again", "*")
    sent = told.owner.rest.post(f"webhooks/{hook['id']}/test/", status=202)
    finished(told, hook)
    replay = f"webhooks/{hook['id']}/deliveries/{sent['id']}/replay/"
    assert told.owner.rest.post(replay, status=202)["replay"] == 1
    first, second = told.receiver.wait("/again", 2)
    assert first.body == second.body
    assert [row["replay"] for row in finished(told, hook, 2)] == [0, 1]


def test_a_redirect_is_not_followed(told: Told) -> None:
    hook = make(told, "/moved", "*")
    told.receiver.answer("/moved", (302, {"Location": f"{told.receiver.url}/elsewhere"}))
    told.owner.rest.post(f"webhooks/{hook['id']}/test/", status=202)
    row = wait_until(
        lambda: [
            found
            for found in told.owner.rest.get(f"webhooks/{hook['id']}/deliveries/")["results"]
            if found["response_status"]
        ]
    )[0]
    assert row["response_status"] == 302
    assert "302" in row["error"]
    assert not told.receiver.at("/elsewhere")
    told.owner.rest.delete(f"webhooks/{hook['id']}/")


def test_the_secret_is_rotated_and_a_paused_one_is_told_nothing(told: Told, unique: Callable[[str], str]) -> None:
    hook = make(told, "/rotated", "station.updated")
    secret = told.owner.rest.post(f"webhooks/{hook['id']}/secret/")["secret"]
    assert secret != hook["secret"]
    told.owner.rest.patch(f"webhooks/{hook['id']}/", {"active": False})
    assert told.owner.rest.post(f"webhooks/{hook['id']}/test/", status=409)["code"] == "paused"
    watch = make(told, "/watch", "station.updated")
    told.owner.rest.create_station(unique("CP"))
    told.receiver.wait("/watch")
    told.owner.rest.delete(f"webhooks/{watch['id']}/")
    told.owner.rest.patch(f"webhooks/{hook['id']}/", {"active": True, "description": "on again"})
    told.owner.rest.create_station(unique("CP"))
    (request,) = told.receiver.wait("/rotated")
    assert is_signed(request, secret)
    assert not is_signed(request, hook["secret"])


def test_it_belongs_to_those_who_manage(told: Told) -> None:
    hook = make(told, "/mine", "command.*")
    path = f"webhooks/{hook['id']}/"
    assert told.manager.rest.get(path)["url"] == hook["url"]
    for person in (told.stranger, told.driver):
        assert hook["id"] not in [row["id"] for row in person.rest.each("webhooks/")]
        for method, where in (
            ("GET", path),
            ("PATCH", path),
            ("DELETE", path),
            ("POST", path + "secret/"),
            ("POST", path + "test/"),
            ("GET", path + "deliveries/"),
            ("POST", path + "deliveries/1/replay/"),
        ):
            assert person.rest.send(method, where, {}).status_code == 404, (person.role, method, where)
    body = {"url": "https://example.com/", "events": ["*"], "organization": told.owner.organization_id}
    told.driver.rest.post("webhooks/", body, status=403)
    told.stranger.rest.post("webhooks/", body, status=404)
    told.owner.rest.anonymous().post("webhooks/", body, status=401)
    told.manager.rest.delete(path, status=204)
    told.owner.rest.get(path, status=404)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"url": "ftp://example.com/"}, "url"),
        ({"url": "https://user:secret@example.com/"}, "url"),
        ({"url": "http://10.0.0.1/"}, "url"),
        ({"url": "http://[::1]:8080/"}, "url"),
        ({"url": "http://169.254.169.254/latest/meta-data/"}, "url"),
        ({"events": ["station.exploded"]}, "events"),
        ({"events": []}, "events"),
    ],
)
def test_what_is_unusable_is_named(told: Told, change: dict[str, Any], field: str) -> None:
    body = {"url": "https://example.com/hook", "events": ["*"], **change}
    assert list(told.owner.rest.post("webhooks/", body, status=400)["fields"]) == [field]
