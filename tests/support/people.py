"""The three people of every permission test: owner, member of the same organization, stranger."""

import json
import secrets
from dataclasses import dataclass, field

from tests.support.rest import Rest
from tests.support.server import Server

PASSWORD = "open sesame, it is me 4"

# Runs inside the project (`manage.py shell`): argv is one JSON list of {email, role, organization}.
_CREATE = """
import json
from accounts.models import Membership, Organization, User
made = {{}}
for row in json.loads({wanted!r}):
    organization, _ = Organization.objects.get_or_create(name=row["organization"])
    user = User.objects.create_user(row["email"], {password!r}, name=row["name"])
    Membership.objects.create(organization=organization, user=user, role=row["role"])
    made[row["email"]] = organization.pk
print(json.dumps(made))
"""


@dataclass
class Person:
    """Someone who can sign in at one server: `rest` is the REST API as that person."""

    server: Server = field(repr=False)
    email: str
    role: str
    organization_id: int
    password: str = field(default=PASSWORD, repr=False)

    @property
    def rest(self) -> Rest:
        return self.server.rest(self.email, self.password)


@dataclass
class People:
    """`owner` and `member` (a driver) belong to one organization, `stranger` owns another. None is a platform admin."""

    owner: Person
    member: Person
    stranger: Person


def create_people(server: Server, *wanted: tuple[str, str, str]) -> list[Person]:
    """Create people from (name, role, organization); roles are owner, manager, driver, viewer."""
    rows = [
        {
            "name": name,
            "email": f"{name.lower()}-{secrets.token_hex(3)}@example.com",
            "role": role,
            "organization": where,
        }
        for name, role, where in wanted
    ]
    made = json.loads(server.shell(_CREATE.format(wanted=json.dumps(rows), password=PASSWORD)))
    return [Person(server, row["email"], row["role"], made[row["email"]]) for row in rows]


def create_trio(server: Server) -> People:
    """A fresh trio in two fresh organizations."""
    mark = secrets.token_hex(3)
    return People(
        *create_people(
            server,
            ("Owner", "owner", f"Hillside {mark}"),
            ("Member", "driver", f"Hillside {mark}"),
            ("Stranger", "owner", f"Elsewhere {mark}"),
        )
    )
