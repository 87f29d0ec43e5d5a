"""Nobody does over REST what is not theirs to do: each route and method, by each kind of person and key.

The routes come from the URL configuration: one that has no case in tests/api/ownership.py fails.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts import tokens
from tests.api.ownership import CASES, DONE, ONESELF, PUBLIC, May
from tests.api.world import ROLES, World, build_world

pytestmark = pytest.mark.slow

RANK = {role: number for number, role in enumerate(reversed(ROLES))}
READS = ("GET",)


def routes(patterns: list[Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for entry in patterns:
        path = before + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from routes(entry.url_patterns, path)
        elif isinstance(entry, URLPattern) and path.startswith("api/v1/"):
            yield path.removeprefix("api/v1/"), entry.callback


def called(route: str) -> list[str]:
    """A route with its placeholders called as what stands before them; one for each word of a choice."""
    choice = re.search(r"\(\?P<deed>(\w+)\|(\w+)\)", route)
    if choice:
        plain = re.sub(r"\^|\$|\(\?P<deed>.*?\)", "", route)
        return [name for word in choice.groups() for name in called(plain.removesuffix("/").rstrip("/") + f"/{word}/")]
    named = re.sub(r"\(\?P<\w+>[^)]*\)|<\w+:\w+>", "<>", re.sub(r"[\^$]", "", route))
    parts = named.split("/")
    return ["/".join(f"<{parts[at - 1]}>" if part == "<>" else part for at, part in enumerate(parts))]


def served() -> dict[str, set[str]]:
    """Every route of the REST API with its methods."""
    found: dict[str, set[str]] = {}
    for route, view in routes(get_resolver().url_patterns):
        methods = {name.upper() for name in ("get", "post", "put", "patch", "delete") if hasattr(view.cls, name)}
        for name in called(route):
            found.setdefault(name, set()).update(methods)
    return found


def test_every_route_and_method_has_a_case() -> None:
    assert served() == {route: set(methods) for route, methods in CASES.items()}


class Caller:
    def __init__(self, world: World, header: str) -> None:
        self.client = Client(headers={"authorization": header} if header else {})
        self.client.raise_request_exception = False
        self.things = {**world.home.things, "driver": world.home.users["driver"].pk}

    def filled(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self.filled(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.filled(inner) for inner in value]
        if isinstance(value, str) and value.startswith("{"):
            return self.things[value[1:-1]]
        return value

    def send(self, method: str, route: str, may: May) -> tuple[int, str]:
        """The answer, of which nothing stays."""
        path = re.sub(r"<([\w-]+)>", lambda match: str(self.things[match[1]]), route)
        with transaction.atomic():
            answer = self.client.generic(
                method, f"/api/v1/{path}{may.query}", json.dumps(self.filled(may.body or {})), "application/json"
            )
            text = "" if answer.streaming else answer.content.decode(errors="replace")
            transaction.set_rollback(True)
        return answer.status_code, text


def wanted(role: str, may: May) -> tuple[int, ...]:
    if role in may.hidden:
        return (404,)
    may_do = may.least == ONESELF or role in may.also or RANK[role] >= RANK.get(may.least, len(RANK))
    return may.status if may_do else (403,)


@pytest.fixture
def world(db: None) -> World:
    return build_world()


def each() -> Iterator[tuple[str, str, May]]:
    for route, methods in CASES.items():
        for method, may in methods.items():
            yield route, method, may


def test_who_may_and_who_may_not(world: World) -> None:
    wrong: list[str] = []

    def expect(who: str, method: str, route: str, answer: tuple[int, str], statuses: tuple[int, ...]) -> None:
        if answer[0] not in statuses:
            wrong.append(f"{method} {route} as {who}: {answer[0]}, not {statuses}: {answer[1][:160]}")

    people = {role: bearer(world, role) for role in ROLES}
    nobody, stranger = (
        Caller(world, ""),
        strange(world),
    )
    key = Caller(world, f"Api-Key {world.home.things['key']}")
    for route, method, may in each():
        if may.least == PUBLIC:
            expect("nobody", method, route, nobody.send(method, route, may), may.status)
            continue
        expect("nobody", method, route, nobody.send(method, route, may), (401,))
        for role, caller in people.items():
            expect(role, method, route, caller.send(method, route, may), wanted(role, may))
        expect("stranger", method, route, stranger.send(method, route, may), for_a_stranger(method, route, may))
        enough = may.status if may.key else (403,)
        expect("a key that reads", method, route, key.send(method, route, may), enough)
    assert not wrong, "\n".join(wrong)


def bearer(world: World, role: str) -> Caller:
    return Caller(world, f"Bearer {tokens.start_family(world.home.users[role]).access}")


def strange(world: World) -> Caller:
    return Caller(world, f"Bearer {tokens.start_family(world.away.users['owner']).access}")


def for_a_stranger(method: str, route: str, may: May) -> tuple[int, ...]:
    """What is not theirs does not exist, whether the address or the body names it."""
    if may.least == ONESELF:
        return may.status
    if "<" in route:
        return (404,)
    if method in READS:
        return may.status
    return (400, 404) if may.body and "{" in json.dumps(may.body)[1:] else (403,)


def test_no_list_shows_a_stranger_anything_of_the_household(world: World) -> None:
    """Whatever belongs to the household bears one of these marks."""
    stranger = strange(world)
    marks = ("CP-HOME", "TAG-home", "ALIAS-HOME", "@home.example.com", "WAIT-HOME")
    shown = []
    for route, method, may in each():
        if method in READS and "<" not in route and may.least != PUBLIC:
            status, text = stranger.send(method, route, may)
            assert status in DONE or status in may.status, route
            shown += [route for mark in marks if mark.lower() in text.lower()]
    assert not shown
