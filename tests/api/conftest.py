"""Five people: one of each role in one organization, and a stranger who owns another."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.support.people import Person, create_people
from tests.support.server import Server


@dataclass
class Household:
    owner: Person
    manager: Person
    driver: Person
    viewer: Person
    stranger: Person


@pytest.fixture(scope="module")
def crowd(server: Server) -> Iterator[Person]:
    """Owners whom no other test knows, made all at once."""
    marks = [secrets.token_hex(3) for _ in range(16)]
    return iter(create_people(server, *(("Ada", "owner", f"Ada's {mark}") for mark in marks)))


@pytest.fixture
def person(crowd: Iterator[Person]) -> Person:
    return next(crowd)


@pytest.fixture(scope="session")
def household(server: Server) -> Household:
    mark = secrets.token_hex(3)
    home, away = f"Home {mark}", f"Away {mark}"
    roles = ("owner", "manager", "driver", "viewer")
    return Household(
        *create_people(server, *((role.title(), role, home) for role in roles), ("Stranger", "owner", away))
    )
