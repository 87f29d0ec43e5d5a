"""What holds for every operation: idempotency keys, ETags, sparse fields, limits, scopes of keys."""

import secrets
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from redis.exceptions import ConnectionError as Away

from accounts import kept_answers, limits, tokens
from accounts.actors import actor_of
from accounts.api_keys import create_api_key
from accounts.models import KeptAnswer, Membership, Organization, User
from charging.models import ChargingStation, Command
from tests.api.conftest import Household
from tests.support.server import Server

API = "/api/v1/"


class Api:
    """The REST API in this process, as an owner."""

    def __init__(self, header: str) -> None:
        self.client = Client(headers={"authorization": header})

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return getattr(self.client, method)(API + path, body, content_type="application/json", headers=sent)


@pytest.fixture
def owner(db: None) -> User:
    user = User.objects.create_user("owner@example.com", None)
    Membership.objects.create(organization=Organization.objects.create(name="Home"), user=user, role="owner")
    return user


@pytest.fixture
def api(owner: User) -> Api:
    return Api(f"Bearer {tokens.start_family(owner).access}")


@pytest.fixture
def counted() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


# --- Idempotency -------------------------------------------------------------------------------------------------


def test_the_same_key_and_body_are_done_once(api: Api) -> None:
    body = {"identity": "CP-1"}
    first, again = (api.send("post", "stations/", body, idempotency_key="k1") for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()["password"] == again.json()["password"], "the secret that is shown once is in the same answer"
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert ChargingStation.objects.count() == 1
    kept = KeptAnswer.objects.get()
    assert first.json()["password"] not in f"{kept.answer} {kept.key} {kept.request}", "nothing is kept in clear"


def test_another_body_with_the_key_is_refused(api: Api) -> None:
    api.send("post", "stations/", {"identity": "CP-1"}, idempotency_key="k1")
    other = api.send("post", "stations/", {"identity": "CP-2"}, idempotency_key="k1")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert ChargingStation.objects.count() == 1


def test_what_was_refused_may_come_again(api: Api) -> None:
    assert api.send("post", "stations/", {"identity": ""}, idempotency_key="k1").status_code == 400
    assert api.send("post", "stations/", {"identity": "CP-1"}, idempotency_key="k1").status_code == 201


def test_a_key_belongs_to_who_sent_it(api: Api) -> None:
    other = User.objects.create_user("other@example.com", None)
    Membership.objects.create(organization=Organization.objects.create(name="Away"), user=other, role="owner")
    theirs = Api(f"Bearer {tokens.start_family(other).access}")
    assert api.send("post", "stations/", {"identity": "CP-1"}, idempotency_key="k1").status_code == 201
    assert theirs.send("post", "stations/", {"identity": "CP-2"}, idempotency_key="k1").json()["identity"] == "CP-2"


def test_a_request_that_is_being_served_is_not_begun_again(api: Api) -> None:
    api.send("post", "stations/", {"identity": "CP-1"}, idempotency_key="k1")
    KeptAnswer.objects.update(status=None, answer="")
    busy = api.send("post", "stations/", {"identity": "CP-1"}, idempotency_key="k1")
    assert (busy.status_code, busy.json()["code"]) == (409, "in_progress")
    assert int(busy.headers["retry-after"]) > 0
    KeptAnswer.objects.update(created_at=timezone.now() - timedelta(minutes=3))
    broken = api.send("post", "stations/", {"identity": "CP-1"}, idempotency_key="k1")
    assert (broken.status_code, broken.json()["code"]) == (409, "outcome_unknown")


def test_after_a_day_the_key_is_free_and_its_row_goes(api: Api) -> None:
    api.send("post", "cars/", {"name": "Zoe"}, idempotency_key="k1")
    KeptAnswer.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert "idempotency-replayed" not in api.send("post", "cars/", {"name": "Zoe"}, idempotency_key="k1").headers
    KeptAnswer.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert kept_answers.prune() == 1


@pytest.mark.parametrize("key", ["x" * 201, "a\tb"])
def test_an_unusable_key_is_told(api: Api, key: str) -> None:
    assert api.send("post", "cars/", {"name": "Zoe"}, idempotency_key=key).json()["code"] == "bad_idempotency_key"


def test_a_body_too_large_to_compare_is_told(api: Api) -> None:
    answer = api.send("post", "id-tags/import/", {"text": "x" * 3_000_000}, idempotency_key="k1")
    assert (answer.status_code, answer.json()["code"]) == (400, "too_large")


def test_without_a_key_a_command_costs_no_query_more(api: Api, owner: User) -> None:
    station = ChargingStation.objects.create(
        organization=Organization.objects.get(), identity="CP-1", protocol="1.6", online=False
    )
    body = {"command": "get_configuration"}
    api.send("post", f"stations/{station.identity}/commands/", body)

    def queries(**headers: str) -> list[str]:
        with CaptureQueriesContext(connection) as seen:
            assert api.send("post", f"stations/{station.identity}/commands/", body, **headers).status_code == 202
        return [query["sql"] for query in seen if "keptanswer" in query["sql"]]

    assert queries() == []
    assert len(queries(idempotency_key="k1")) == 2
    assert Command.objects.count() == 3


# --- ETags -------------------------------------------------------------------------------------------------------


def test_what_one_has_is_not_sent_again(api: Api) -> None:
    api.send("post", "stations/", {"identity": "CP-1"})
    for path in ("stations/", "stations/CP-1/"):
        first = api.send("get", path)
        tag = first.headers["etag"]
        again = api.send("get", path, if_none_match=tag)
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
        assert first.headers["cache-control"] == "private, no-cache"
        ChargingStation.objects.update(online=not ChargingStation.objects.get().online)
        assert api.send("get", path, if_none_match=tag).status_code == 200


def test_a_change_is_refused_when_another_came_first(api: Api) -> None:
    api.send("post", "stations/", {"identity": "CP-1", "name": "Old"})
    tag = api.send("get", "stations/CP-1/").headers["etag"]
    ChargingStation.objects.update(last_seen=timezone.now(), online=True)
    mine = api.send("patch", "stations/CP-1/", {"name": "Mine"}, if_match=tag)
    assert mine.status_code == 200, "what the station does is no change of what can be edited"
    late = api.send("patch", "stations/CP-1/", {"name": "Late"}, if_match=tag)
    assert (late.status_code, late.json()["code"]) == (412, "changed_meanwhile")
    assert api.send("delete", "stations/CP-1/", if_match=tag).status_code == 412
    assert ChargingStation.objects.get().name == "Mine"
    fresh = api.send("get", "stations/CP-1/").headers["etag"]
    assert api.send("patch", "stations/CP-1/", {"name": "Next"}, if_match=f'"other", {fresh}').status_code == 200
    assert api.send("delete", "stations/CP-1/", if_match="*").status_code == 204
    assert KeptAnswer.objects.count() == 0, "no lock is left behind"


# --- Sparse fields -----------------------------------------------------------------------------------------------


def test_only_the_fields_that_are_asked_for(api: Api) -> None:
    api.send("post", "stations/", {"identity": "CP-1"})
    listed = api.send("get", "stations/?fields=identity,online").json()
    assert listed["results"] == [{"identity": "CP-1", "online": False}]
    assert set(listed) == {"count", "next", "previous", "results"}
    assert api.send("get", "stations/CP-1/?fields=tariff").json() == {"tariff": None}
    unknown = api.send("get", "stations/?fields=password_hash")
    assert (unknown.status_code, set(unknown.json()["fields"])) == (400, {"fields"})


# --- Limits ------------------------------------------------------------------------------------------------------


def test_a_limit_is_told_and_kept(api: Api, owner: User, counted: None) -> None:
    with override_settings(API_RATE_LIMIT=3):
        answers = [api.send("get", "me/") for _ in range(4)]
        key = create_api_key(actor_of(owner), name="Script").key
        by_key = Api(f"Api-Key {key}").send("get", "stations/")
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["ratelimit-remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert answers[0].headers["ratelimit-limit"] == "3"
    assert 0 < int(answers[3].headers["retry-after"]) <= 60
    assert answers[3].json()["code"] == "rate_limited"
    assert by_key.status_code == 200, "each key has a count of its own"


def test_bad_tokens_are_counted_by_their_source(db: None, counted: None) -> None:
    with override_settings(API_RATE_LIMIT=2):
        statuses = [Api("Bearer x").send("get", "me/").status_code for _ in range(3)]
    assert statuses == [401, 401, 429]


def test_all_processes_count_together(redis_url: str, start_server: Callable[..., Server]) -> None:
    """Two servers, one Redis; who is limited at one is limited at the other."""
    first = start_server({"REDIS_URL": redis_url, "API_RATE_LIMIT": "20"})
    remaining = [int(httpx.get(f"{first.url}/api/v1/me/").headers["ratelimit-remaining"]) for _ in range(3)]
    with override_settings(
        API_RATE_LIMIT=20,
        CACHES={
            "default": {
                "BACKEND": "django.core.cache.backends.redis.RedisCache",
                "LOCATION": redis_url,
                "KEY_PREFIX": "mobility",
            }
        },
    ):
        here = limits.take("ip:127.0.0.1")
    assert here is not None
    assert here.remaining < remaining[0], "another process goes on counting where the server is"


def test_without_its_cache_nothing_is_counted_and_everything_served(
    api: Api, monkeypatch: pytest.MonkeyPatch, counted: None
) -> None:
    def away(*args: Any) -> int:
        raise Away("no Redis")

    monkeypatch.setattr(limits, "_away_until", 0.0)
    monkeypatch.setattr(limits, "cache", type("Gone", (), {"incr": away, "add": away})())
    with override_settings(API_RATE_LIMIT=1):
        assert [api.send("get", "me/").status_code for _ in range(3)] == [200, 200, 200]
    monkeypatch.setattr(limits, "_away_until", 0.0)


# --- Scopes of keys ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scope", "reads", "operates", "manages"),
    [("read", 200, 403, 403), ("operate", 200, 202, 403), ("manage", 200, 202, 201)],
)
def test_a_key_does_what_its_scope_says(owner: User, scope: str, reads: int, operates: int, manages: int) -> None:
    ChargingStation.objects.create(organization=Organization.objects.get(), identity="CP-1", protocol="1.6")
    made = create_api_key(actor_of(owner), name="Script", role="owner", scope=scope)
    api = Api(f"Api-Key {made.key}")
    assert api.send("get", "stations/").status_code == reads
    command = api.send("post", "stations/CP-1/commands/", {"command": "get_configuration"})
    assert command.status_code == operates
    refused = api.send("post", "stations/", {"identity": "CP-2"})
    assert refused.status_code == manages
    if manages == 403:
        assert refused.json()["code"] == "scope_too_small"
    person = api.send("patch", "me/", {"name": "X"})
    assert (person.status_code, person.json()["code"]) == (403, "person_needed")


def test_the_scope_that_a_role_usually_has(household: Household) -> None:
    rest = household.owner.rest
    given = {}
    for role in ("viewer", "driver", "manager"):
        made = rest.post("api-keys/", {"name": secrets.token_hex(3), "role": role}, status=201)
        given[role] = made["scope"]
        rest.delete(f"api-keys/{made['id']}/")
    assert given == {"viewer": "read", "driver": "operate", "manager": "manage"}
    assert set(rest.post("api-keys/", {"name": "x", "scope": "all"}, status=400)["fields"]) == {"scope"}
