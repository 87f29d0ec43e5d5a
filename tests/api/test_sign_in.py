"""Tokens: how one gets them, how they end, and what is no token at all."""

import base64
import concurrent.futures
import contextlib
import hashlib
import hmac
import json
import secrets
import threading

import httpx
import pytest

from tests.support.people import PASSWORD, Person, create_people
from tests.support.server import Server

SECRET_KEY = "black-box-tests-only-" * 3


def pair(server: Server, person: Person, password: str = PASSWORD) -> dict[str, str]:
    response = httpx.post(f"{server.url}/api/v1/auth/token/", json={"email": person.email, "password": password})
    assert response.status_code == 200, response.text
    found: dict[str, str] = response.json()
    return found


def refresh(server: Server, token: str, key: str = "") -> httpx.Response:
    headers = {"Idempotency-Key": key} if key else {}
    return httpx.post(f"{server.url}/api/v1/auth/token/refresh/", json={"refresh": token}, headers=headers, timeout=30)


def at_once(
    server: Server, count: int, body: dict[str, str], headers: dict[str, str] | None = None
) -> list[httpx.Response]:
    """The same refresh from several clients at the same moment."""
    gate = threading.Barrier(count)

    def send(client: httpx.Client) -> httpx.Response:
        client.get("/healthz")
        gate.wait()
        return client.post("/api/v1/auth/token/refresh/", json=body, headers=headers)

    with contextlib.ExitStack() as stack, concurrent.futures.ThreadPoolExecutor(count) as pool:
        clients = [stack.enter_context(httpx.Client(base_url=server.url, timeout=30)) for _ in range(count)]
        return list(pool.map(send, clients))


def me(server: Server, access: str) -> int:
    headers = {"Authorization": f"Bearer {access}"}
    return httpx.get(f"{server.url}/api/v1/me/", headers=headers).status_code


def test_it_works(server: Server, person: Person) -> None:
    first = pair(server, person)
    assert me(server, first["access"]) == 200
    second = refresh(server, first["refresh"]).json()
    assert second["refresh"] != first["refresh"]
    assert me(server, second["access"]) == 200
    third = refresh(server, second["refresh"])
    assert third.status_code == 200


def test_an_address_is_found_in_any_case(server: Server, person: Person) -> None:
    body = {"email": f" {person.email.upper()} ", "password": PASSWORD}
    assert httpx.post(f"{server.url}/api/v1/auth/token/", json=body).status_code == 200


def test_a_reused_refresh_token_ends_the_sign_in(server: Server, person: Person) -> None:
    first, other = pair(server, person), pair(server, person)
    second = refresh(server, first["refresh"]).json()
    reused = refresh(server, first["refresh"])
    assert reused.status_code == 401
    assert reused.json()["code"] == "token_reused"
    assert refresh(server, second["refresh"]).status_code == 401
    assert me(server, second["access"]) == 401
    assert refresh(server, other["refresh"]).status_code == 200, "another sign-in of the same person goes on"


def test_of_parallel_refreshes_one_wins_and_the_others_harm_nothing(server: Server, person: Person) -> None:
    for _ in range(3):
        token = pair(server, person)["refresh"]
        answers = at_once(server, 8, {"refresh": token})
        won = [answer for answer in answers if answer.status_code == 200]
        assert len(won) == 1, [answer.text for answer in answers]
        assert {answer.status_code for answer in answers} == {200, 401}
        assert refresh(server, won[0].json()["refresh"]).status_code == 200


def test_a_lost_answer_is_given_again(server: Server, person: Person) -> None:
    token = pair(server, person)["refresh"]
    first, again = refresh(server, token, "retry-1"), refresh(server, token, "retry-1")
    assert again.status_code == 200
    assert again.json() == first.json()
    assert refresh(server, again.json()["refresh"]).status_code == 200
    stored = server.rows("select answer from accounts_tokenfamily where answer like ?", f"%{first.json()['refresh']}%")
    assert stored == [], "the answer is not kept in clear"


def test_another_key_is_a_reuse(server: Server, person: Person) -> None:
    token = pair(server, person)["refresh"]
    second = refresh(server, token, "retry-1").json()
    assert refresh(server, token, "retry-2").status_code == 401
    assert refresh(server, second["refresh"]).status_code == 401


def test_parallel_refreshes_with_one_key_get_one_pair(server: Server, person: Person) -> None:
    token = pair(server, person)["refresh"]
    answers = at_once(server, 4, {"refresh": token}, {"Idempotency-Key": "same"})
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["refresh"] for answer in answers}) == 1


def test_signing_out_ends_both_tokens(server: Server, person: Person) -> None:
    tokens = pair(server, person)
    body = {"refresh": tokens["refresh"]}
    assert httpx.post(f"{server.url}/api/v1/auth/logout/", json=body).status_code == 204
    assert me(server, tokens["access"]) == 401
    assert refresh(server, tokens["refresh"]).status_code == 401


def test_a_changed_password_ends_everything(server: Server, person: Person) -> None:
    tokens = pair(server, person)
    url, headers = f"{server.url}/api/v1/me/password/", {"Authorization": f"Bearer {tokens['access']}"}
    wrong = httpx.post(url, headers=headers, json={"old_password": "nope", "new_password": "a new one, and long 8"})
    assert wrong.status_code == 400
    assert set(wrong.json()["fields"]) == {"old_password"}
    weak = httpx.post(url, headers=headers, json={"old_password": PASSWORD, "new_password": "short"})
    assert set(weak.json()["fields"]) == {"new_password"}
    body = {"old_password": PASSWORD, "new_password": "a new one, and long 8"}
    assert httpx.post(url, headers=headers, json=body).status_code == 204
    assert me(server, tokens["access"]) == 401
    assert refresh(server, tokens["refresh"]).status_code == 401
    assert me(server, pair(server, person, "a new one, and long 8")["access"]) == 200


@pytest.mark.parametrize("end", ["user.is_active = False; user.save()", "user.delete()"])
def test_a_person_who_is_gone_is_signed_out(server: Server, person: Person, end: str) -> None:
    tokens = pair(server, person)
    server.shell(f"from accounts.models import User; user = User.objects.get(email={person.email!r}); {end}")
    assert me(server, tokens["access"]) == 401
    assert refresh(server, tokens["refresh"]).status_code == 401
    body = {"email": person.email, "password": PASSWORD}
    assert httpx.post(f"{server.url}/api/v1/auth/token/", json=body).status_code == 401


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def signed(header: dict[str, object], payload: str, key: str = SECRET_KEY, digest: str = "sha256") -> str:
    head = part(header)
    mac = hmac.new(key.encode(), f"{head}.{payload}".encode(), getattr(hashlib, digest)).digest()
    return f"{head}.{payload}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def test_what_is_no_access_token_is_401(server: Server, person: Person) -> None:
    tokens = pair(server, person)
    _, payload, signature = tokens["access"].split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    assert me(server, signed({"alg": "HS256", "typ": "JWT"}, payload)) == 200, "the test signs as the server does"
    forged = {
        "alg none": part({"alg": "none", "typ": "JWT"}) + f".{payload}.",
        "alg none, signature kept": part({"alg": "none"}) + f".{payload}.{signature}",
        "another alg with the right key": signed({"alg": "HS512", "typ": "JWT"}, payload, digest="sha512"),
        "an unknown critical header": signed({"alg": "HS256", "typ": "JWT", "crit": ["exp"]}, payload),
        "another key": signed({"alg": "HS256", "typ": "JWT"}, payload, key="guessed"),
        "other claims": f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part({**claims, 'user_id': '1'})}.{signature}",
        "another person in a signed token": signed({"alg": "HS256"}, part({**claims, "user_id": "1"})),
        "expired": signed({"alg": "HS256"}, part({**claims, "exp": 1_600_000_000})),
        "no family": signed({"alg": "HS256"}, part({k: v for k, v in claims.items() if k != "fam"})),
        "the refresh token": tokens["refresh"],
        "nothing": "x",
        "dots": "..",
    }
    assert {name: me(server, token) for name, token in forged.items()} == dict.fromkeys(forged, 401)
    assert refresh(server, tokens["access"]).status_code == 401, "an access token refreshes nothing"


def test_guessing_is_limited_and_locks_out_nobody_else(server: Server) -> None:
    mark = secrets.token_hex(3)
    victim, neighbour = create_people(
        server, ("Vic", "owner", f"Guessed {mark}"), ("Nina", "driver", f"Guessed {mark}")
    )
    url = f"{server.url}/api/v1/auth/token/"
    answers = [httpx.post(url, json={"email": victim.email, "password": f"guess {n}"}) for n in range(12)]
    assert answers[0].status_code == 401
    assert answers[-1].status_code == 429
    assert set(answers[-1].json()) == {"code", "message", "fields"}
    assert int(answers[-1].headers["retry-after"]) > 0
    locked = httpx.post(url, json={"email": victim.email, "password": PASSWORD})
    assert locked.status_code == 429, "the right password does not help while guesses are refused"
    assert httpx.post(url, json={"email": neighbour.email, "password": PASSWORD}).status_code == 200


def test_an_api_key_speaks_for_its_owner_until_it_is_revoked(server: Server, person: Person) -> None:
    made = person.rest.post("api-keys/", {"name": "Home Assistant", "role": "viewer"}, status=201)
    headers = {"Authorization": f"Api-Key {made['key']}"}
    url = f"{server.url}/api/v1/stations/"
    assert httpx.get(url, headers=headers).status_code == 200
    assert httpx.post(url, headers=headers, json={"identity": "BY-KEY"}).status_code == 403, (
        "a viewer's key adds nothing"
    )
    listed = person.rest.get("api-keys/")["results"]
    assert [row["id"] for row in listed] == [made["id"]]
    assert "key" not in listed[0]
    assert not server.rows("select 1 from accounts_apikey where hash like ?", f"%{made['key'].split('_')[1]}%")
    wrong = {"Authorization": f"Api-Key {made['key'][:-2]}xx"}
    assert httpx.get(url, headers=wrong).status_code == 401
    person.rest.delete(f"api-keys/{made['id']}/")
    assert httpx.get(url, headers=headers).status_code == 401


def test_a_key_has_at_most_its_owners_role(household: object, server: Server) -> None:
    viewer = household.viewer.rest  # type: ignore[attr-defined]
    assert viewer.post("api-keys/", {"name": "more", "role": "owner"}, status=403)["code"] == "forbidden"


def test_a_live_ticket_works_once(person: Person) -> None:
    answer = person.rest.post("live-ticket/", status=201)
    spend = (
        "from accounts.tickets import redeem_ticket as r; t = {!r};"
        "print([a.user.email if a else None for a in (r(t + 'x'), r(t), r(t))])"
    ).format(answer["ticket"])
    assert person.server.shell(spend).strip() == str([None, person.email, None])
