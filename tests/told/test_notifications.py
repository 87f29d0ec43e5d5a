"""What people are told: the right ones, once, over the channels they chose, with a log that says how it went."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from accounts.push_crypto import decoded, encoded, point
from tests.portal.conftest import sign_in
from tests.support import frames
from tests.support.forms import post
from tests.support.people import Person
from tests.support.receiver import Received
from tests.support.server import Server
from tests.support.station import Station
from tests.support.waiting import wait_until
from tests.told.conftest import Told


class Browser:
    """What a browser keeps of a subscription, and how it reads a push (RFC 8291 §4, RFC 8188 §2)."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.auth = b"0123456789abcdef"

    def as_json(self) -> dict[str, Any]:
        keys = {"p256dh": encoded(point(self.key.public_key())), "auth": encoded(self.auth)}
        return {"endpoint": self.endpoint, "keys": keys}

    def read(self, body: bytes) -> Any:
        salt, length = body[:16], body[20]
        sender, sealed = body[21 : 21 + length], body[21 + length :]
        shared = self.key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender))
        info = b"WebPush: info\0" + point(self.key.public_key()) + sender
        material = HKDF(hashes.SHA256(), 32, self.auth, info).derive(shared)
        key = HKDF(hashes.SHA256(), 16, salt, b"Content-Encoding: aes128gcm\0").derive(material)
        nonce = HKDF(hashes.SHA256(), 12, salt, b"Content-Encoding: nonce\0").derive(material)
        plain = AESGCM(key).decrypt(nonce, sealed, None)
        assert plain[-1:] == b"\x02"
        return json.loads(plain[:-1])


def check_signature(request: Received, push_key: str, audience: str) -> None:
    """RFC 8292: signed by the key that the browser was given, for this push service."""
    scheme, _, rest = request.headers["Authorization"].partition(" ")
    fields = dict(part.strip().split("=", 1) for part in rest.split(","))
    assert (scheme, fields["k"]) == ("vapid", push_key)
    head, claims, signature = fields["t"].split(".")
    assert json.loads(decoded(claims))["aud"] == audience
    raw = decoded(signature)
    signed = utils.encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decoded(push_key))
    public.verify(signed, f"{head}.{claims}".encode(), ec.ECDSA(hashes.SHA256()))


def user_id(person: Person) -> int:
    return int(person.rest.get("me/")["id"])


def about(person: Person | Server, words: str) -> list[Any]:
    """What a person was told that has these words in it, once all of it has been sent or has failed."""
    rest = person.rest() if isinstance(person, Server) else person.rest
    rows = [row for row in rest.get("notifications/")["results"] if words in row["title"]]
    assert not [one for row in rows for one in row["deliveries"] if one["status"] == "waiting"]
    return rows


def charge(told: Told, identity: str, tag: str, reason: str = "Local") -> Station:
    """A session from 1.0 to 4.0 kWh; the station stays connected."""
    station = Station(told.server, identity).connect()
    station.ok("BootNotification", frames.boot())
    station.ok("StatusNotification", frames.status_16(1, "Charging"))
    started = station.ok("StartTransaction", frames.start_16(tag, 1000, frames.ts(-20)))["transactionId"]
    station.ok("StopTransaction", {**frames.stop_16(started, 4000), "reason": reason})
    return station


@pytest.fixture
def place(told: Told, unique: Callable[[str], str]) -> tuple[str, str]:
    """A station, and the driver's tag."""
    identity, tag = unique("CP"), unique("TAG")
    told.owner.rest.create_station(identity, name=f"Pole {identity}")
    told.owner.rest.create_tag(tag, user=user_id(told.driver))
    return identity, tag


def test_a_driver_is_told_of_the_own_session_by_mail_and_in_the_portal(told: Told, place: tuple[str, str]) -> None:
    identity, tag = place
    told.driver.rest.patch("me/notifications/", {"events": {"session_finished": {"email": True, "push": False}}})
    told.manager.rest.patch("me/notifications/", {"events": {"any_session_finished": {"portal": True}}})
    before = told.driver.rest.get("me/notifications/")["unread"]
    charge(told, identity, tag).close()
    (row,) = wait_until(lambda: about(told.driver, identity), "the driver's notification")
    assert row["kind"] == "session_finished"
    assert "3.00 kWh" in row["title"]
    assert "0.90 €" in row["text"]
    assert [(one["channel"], one["status"], one["error"]) for one in row["deliveries"]] == [("email", "sent", "")]
    (mail,) = [mail for mail in told.mails_to(told.driver.email) if identity in mail["Subject"]]
    assert mail["Subject"] == row["title"]
    assert "0.90 €" in mail.get_content()
    assert f"http://localhost:{told.server.portal_port}{row['path']}" in mail.get_content()
    # The manager gets it under the manager's own wish, the owner, who wished nothing, not at all; nobody twice.
    (other,) = wait_until(lambda: about(told.manager, identity), "the manager's notification")
    assert (other["kind"], other["deliveries"]) == ("any_session_finished", [])
    assert about(told.owner, identity) == about(told.stranger, identity) == []
    # The bell counts it until it is read.
    client = sign_in(told.server, told.driver)
    assert f">{before + 1}</span>" in client.get("/profile/notifications/unread/").text
    assert post(client, "/profile/notifications/read/").headers["location"] == "/profile/notifications/"
    assert told.driver.rest.get("me/notifications/")["unread"] == 0


def test_an_end_that_nobody_wished_a_fault_and_a_security_event(told: Told, place: tuple[str, str]) -> None:
    identity, tag = place
    with charge(told, identity, tag, "PowerLoss") as station:
        fault = {**frames.status_16(1, "Faulted"), "errorCode": "GroundFailure"}
        for _again in range(2):
            station.ok("StatusNotification", fault)
        station.ok("StatusNotification", frames.status_16(1, "Available"))
    told.server.shell(
        "from datetime import timedelta; from django.utils import timezone;"
        "from charging import housekeeping; from charging.models import ChargingStation;"
        f"s = ChargingStation.objects.get(identity={identity!r}); s.online = False;"
        "s.disconnected_at = timezone.now() - timedelta(minutes=11); s.save();"
        "housekeeping.tell_offline(timezone.now()); housekeeping.tell_offline(timezone.now());"
    )
    (row,) = wait_until(lambda: about(told.driver, identity), "the driver's notification")
    assert (row["kind"], "PowerLoss" in row["text"]) == ("session_interrupted", True)

    def manager() -> list[Any] | None:
        rows = about(told.manager, identity)
        return rows if any(row["kind"] == "station_offline" for row in rows) else None

    rows = wait_until(manager, "the manager's notifications")
    assert sorted(row["kind"] for row in rows) == ["any_session_interrupted", "station_fault", "station_offline"]
    (faulted,) = [row for row in rows if row["kind"] == "station_fault"]
    assert "GroundFailure" in faulted["text"]
    assert len([mail for mail in told.mails_to(told.manager.email) if identity in mail["Subject"]]) == 2


def test_a_push_reaches_the_browser_and_an_ended_one_is_forgotten(told: Told, place: tuple[str, str]) -> None:
    identity, tag = place
    key = told.driver.rest.get("me/notifications/")["push_key"]
    browsers = [Browser(f"{told.receiver.url}/push/{name}") for name in ("here", "gone")]
    made = [told.driver.rest.post("push-subscriptions/", browser.as_json(), status=201) for browser in browsers]
    told.driver.rest.post("push-subscriptions/", browsers[0].as_json(), status=201)
    told.receiver.answer("/push/gone", 410)
    told.driver.rest.patch("me/notifications/", {"events": {"session_finished": {"email": False, "push": True}}})
    charge(told, identity, tag).close()
    (request,) = told.receiver.wait("/push/here")
    message = browsers[0].read(request.body)
    assert identity in message["title"]
    assert message["path"].startswith("/transactions/")
    assert request.headers["Content-Encoding"] == "aes128gcm"
    check_signature(request, key, told.receiver.url)
    (row,) = wait_until(lambda: about(told.driver, identity), "the outcome")
    assert sorted((one["status"], bool(one["error"])) for one in row["deliveries"]) == [
        ("failed", True),
        ("sent", False),
    ]
    assert [one["id"] for one in told.driver.rest.get("push-subscriptions/")["results"]] == [made[0]["id"]]
    # It is the driver's own, to everyone else it does not exist.
    told.owner.rest.delete(f"push-subscriptions/{made[0]['id']}/", status=404)
    told.driver.rest.delete(f"push-subscriptions/{made[0]['id']}/", status=204)
    assert encoded(browsers[0].auth) not in str(told.server.rows("SELECT * FROM accounts_pushsubscription"))


def test_what_a_browser_cannot_be_is_refused(told: Told) -> None:
    good = Browser("https://push.example.com/1").as_json()
    for change, field in (
        ({"endpoint": "http://push.example.com/1"}, "endpoint"),
        ({"endpoint": "https://10.0.0.1/1"}, "endpoint"),
        ({"keys": {**good["keys"], "p256dh": "AAAA"}}, "p256dh"),
        ({"keys": {**good["keys"], "auth": "AAAA"}}, "auth"),
    ):
        answer = told.driver.rest.post("push-subscriptions/", {**good, **change}, status=400)
        assert list(answer["fields"]) == [field]


def test_platform_admins_are_told_of_a_station_that_knocks(told: Told, unique: Callable[[str], str]) -> None:
    stranger = unique("KNOCK")
    with pytest.raises(Exception, match="404"):
        Station(told.server, stranger).connect()
    (row,) = wait_until(lambda: about(told.server, stranger), "the admin's notification")
    assert (row["kind"], row["path"]) == ("station_waiting", "/waiting/")
    assert about(told.owner, stranger) == []
    assert [mail for mail in told.mails_to(told.server.email) if stranger in mail["Subject"]]


def test_choices_are_of_what_can_concern_one(told: Told) -> None:
    drivers, owners = (person.rest.get("me/notifications/")["events"] for person in (told.driver, told.owner))
    assert "station_fault" in owners
    assert not {"station_fault", "any_session_finished", "station_waiting"} & set(drivers)
    assert "station_waiting" not in owners
    wrong = {"events": {"station_waiting": {"email": True}, "session_started": {"pigeon": True}}}
    answer = told.owner.rest.patch("me/notifications/", wrong, status=400)
    assert set(answer["fields"]) == {"station_waiting", "session_started"}
    told.owner.rest.patch("me/notifications/", {"events": {"session_started": {"portal": "perhaps"}}}, status=400)
    changed = told.owner.rest.patch("me/notifications/", {"events": {"session_started": {"email": True}}})["events"]
    assert changed["session_started"] == {"email": True, "push": False, "portal": False}
    # The page changes the same table, and its boxes are the whole of it.
    client = sign_in(told.server, told.owner)
    assert 'name="session_started.email" aria-label="Your session has started: E-mail" checked' in client.get(
        "/profile/notifications/"
    ).text.replace("\n", " ")
    post(client, "/profile/notifications/choose/", **{"session_started.push": "on"})
    events = told.owner.rest.get("me/notifications/")["events"]
    assert events["session_started"] == {"email": False, "push": True, "portal": False}
    assert not any(events["station_fault"].values())


def test_machines_have_no_notifications(told: Told) -> None:
    key = told.owner.rest.post("api-keys/", {"name": "machine", "role": "manager"}, status=201)["key"]
    machine = told.owner.rest.anonymous()
    for path in ("me/notifications/", "notifications/", "push-subscriptions/"):
        assert machine.send("GET", path, headers={"Authorization": f"Api-Key {key}"}).status_code == 403
        assert machine.send("GET", path).status_code == 401
    assert machine.send("GET", "webhooks/", headers={"Authorization": f"Api-Key {key}"}).status_code == 200
