"""Where one is signed in, how that ends, and that nobody's guesses lock out who is known."""

import contextlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.support.people import PASSWORD, Person
from tests.support.server import Server

pytestmark = pytest.mark.slow

ANDROID = "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
RIGHT_ENDED = 4403


class Phone:
    """A client with tokens of its own."""

    def __init__(self, person: Person, agent: str = ANDROID) -> None:
        self.server = person.server
        self.http = httpx.Client(base_url=f"{person.server.url}/api/v1/", headers={"User-Agent": agent}, timeout=30)
        answer = self.http.post("auth/token/", json={"email": person.email, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        self.refresh = answer.json()["refresh"]
        self.http.headers["Authorization"] = f"Bearer {answer.json()['access']}"

    def devices(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.http.get("me/devices/").json()["results"]
        return found

    def socket(self, stack: contextlib.ExitStack) -> Any:
        ticket = self.http.post("live-ticket/").json()["ticket"]
        line = stack.enter_context(connect(f"{self.server.url.replace('http', 'ws')}/ws/live/?ticket={ticket}"))
        line.recv(timeout=20)
        return line


class Browser:
    """A browser that is signed in to the portal."""

    def __init__(self, person: Person, address: str = "127.0.0.1") -> None:
        self.server = person.server
        self.http = httpx.Client(base_url=person.server.url, headers={"User-Agent": FIREFOX}, timeout=30)
        assert self.sign_in(person.email, PASSWORD).status_code == 302

    def sign_in(self, email: str, password: str) -> httpx.Response:
        self.http.get("/login/")
        return self.post("/login/", {"username": email, "password": password})

    def post(self, path: str, data: dict[str, str]) -> httpx.Response:
        token = {"csrfmiddlewaretoken": self.http.cookies["csrftoken"]}
        return self.http.post(path, data={**data, **token}, headers={"Origin": self.server.url})

    def is_in(self) -> bool:
        return self.http.get("/profile/").status_code == 200

    def socket(self, stack: contextlib.ExitStack, path: str) -> Any:
        cookie = "; ".join(f"{name}={value}" for name, value in self.http.cookies.items())
        address = f"{self.server.url.replace('http', 'ws')}{path}"
        headers = {"Cookie": cookie, "Origin": self.server.url}
        line = stack.enter_context(connect(address, additional_headers=headers))
        line.recv(timeout=20)
        return line


def ends_with(line: Any) -> int:
    """The code with which the server closes the socket."""
    with pytest.raises(ConnectionClosed) as closed:
        while True:
            line.recv(timeout=30)
    received = closed.value.rcvd
    assert received is not None
    return int(received.code)


def test_devices_are_listed_and_signed_out(person: Person) -> None:
    phone, other, browser = Phone(person), Phone(person, "MyScript/1.0"), Browser(person)
    rows = phone.devices()
    assert {(row["kind"], row["name"], row["current"]) for row in rows} == {
        ("app", "Chrome, Android", True),
        ("app", "MyScript/1.0", False),
        ("browser", "Firefox, Linux", False),
    }
    assert {row["source_ip"] for row in rows} == {"127.0.0.1"}
    page = browser.http.get("/profile/").text
    assert "Chrome, Android" in page
    assert "MyScript/1.0" in page
    script = next(row["id"] for row in rows if row["name"] == "MyScript/1.0")
    assert browser.post(f"/profile/devices/{script}/sign-out/", {}).headers["location"] == "/profile/"
    assert other.http.get("me/").status_code == 401
    assert other.http.post("auth/token/refresh/", json={"refresh": other.refresh}).status_code == 401
    assert phone.http.delete(f"me/devices/{script}/").status_code == 404
    portal = next(row["id"] for row in rows if row["kind"] == "browser")
    assert phone.http.delete(f"me/devices/{portal}/").status_code == 204
    assert not browser.is_in()
    assert [row["current"] for row in phone.devices()] == [True]


def test_nobody_sees_or_ends_the_devices_of_others(person: Person, crowd: Iterator[Person]) -> None:
    theirs, mine = Phone(next(crowd)), Phone(person)
    (device,) = theirs.devices()
    assert mine.http.get(f"me/devices/{device['id']}/").status_code == 404
    assert mine.http.delete(f"me/devices/{device['id']}/").status_code == 404
    assert theirs.http.get("me/").status_code == 200


def test_sockets_end_with_the_sign_in_that_opened_them(person: Person) -> None:
    phone, lost, left, browser = Phone(person), Phone(person), Phone(person), Browser(person)
    with contextlib.ExitStack() as stack:
        lines = [lost.socket(stack), left.socket(stack)]
        lines += [browser.socket(stack, path) for path in ("/ws/live/", "/ws/pages/?view=stations")]
        assert left.http.post("auth/logout/", json={"refresh": left.refresh}).status_code == 204
        assert phone.http.delete("me/devices/").status_code == 204
        assert [ends_with(line) for line in lines] == [RIGHT_ENDED] * 4
    assert (lost.http.get("me/").status_code, browser.is_in()) == (401, False)
    assert phone.http.get("me/").status_code == 200


def test_a_changed_password_ends_everything_but_the_browser_that_changed_it(person: Person) -> None:
    phone, here, there = Phone(person), Browser(person), Browser(person)
    with contextlib.ExitStack() as stack:
        line = phone.socket(stack)
        changed = here.post(
            "/profile/", {"form": "password", "old_password": PASSWORD, "new_password": "a new one, and long 8"}
        )
        assert changed.status_code == 302
        assert (here.is_in(), there.is_in(), phone.http.get("me/").status_code) == (True, False, 401)
        assert ends_with(line) == RIGHT_ENDED
    assert here.http.get("/profile/").text.count("Firefox, Linux") >= 1, "it is listed itself"


def test_who_was_deactivated_signs_in_anew(person: Person, server: Server) -> None:
    phone, browser = Phone(person), Browser(person)
    server.shell(
        f"from accounts.models import User; user = User.objects.get(email={person.email!r});"
        "user.is_active = False; user.save(); user.is_active = True; user.save()"
    )
    assert phone.http.get("me/").status_code == 401
    assert not browser.is_in()
    assert Phone(person).http.get("me/").status_code == 200


def test_a_known_device_gets_in_while_others_guess(person: Person, crowd: Iterator[Person]) -> None:
    """They guess from the very same address; who has signed in from this device before is counted apart."""
    known = Phone(person)
    cookie = known.http.cookies["known_device"]
    url, body = f"{person.server.url}/api/v1/auth/token/", {"email": person.email, "password": "guess"}
    guesses = [httpx.post(url, json={**body, "email": f" {person.email.upper()} "}) for _ in range(12)]
    assert guesses[-1].status_code == 429, "however the address is written"
    right = {"email": person.email, "password": PASSWORD}
    assert httpx.post(url, json=right).status_code == 429
    assert httpx.post(url, json=right, cookies={"known_device": cookie}).status_code == 200
    stolen = next(crowd)
    for _ in range(12):
        last = httpx.post(url, json={"email": stolen.email, "password": "x"}, cookies={"known_device": cookie})
    assert last.status_code == 429, "a cookie is worth nothing for other people"
    for _ in range(12):
        last = httpx.post(url, json=body, cookies={"known_device": cookie})
    assert last.status_code == 429, "nor does it let anyone guess on"
