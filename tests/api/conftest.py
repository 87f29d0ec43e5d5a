"""Five people: one of each role in one organization, and a stranger who owns another."""

import secrets
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


@pytest.fixture(scope="session")
def household(server: Server) -> Household:
    mark = secrets.token_hex(3)
    home, away = f"Home {mark}", f"Away {mark}"
    roles = ("owner", "manager", "driver", "viewer")
    return Household(
        *create_people(server, *((role.title(), role, home) for role in roles), ("Stranger", "owner", away))
    )
