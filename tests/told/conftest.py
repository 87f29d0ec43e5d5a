"""A server that may send to this machine, a receiver that it sends to, and the folder in which its mails arrive."""

from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.support.people import Person, create_people
from tests.support.receiver import Receiver
from tests.support.server import Server


@dataclass
class Told:
    """`owner`, `manager` and `driver` belong to one organization, `stranger` owns another."""

    server: Server
    receiver: Receiver
    mails: Path
    owner: Person
    manager: Person
    driver: Person
    stranger: Person

    def mails_to(self, email: str) -> list[EmailMessage]:
        """What has arrived whole."""
        found = []
        for path in self.mails.iterdir():
            # A mail of Django's file backend ends with a line of dashes.
            for part in path.read_bytes().split(b"-" * 79)[:-1]:
                mail = message_from_bytes(part.strip(), policy=policy.default)
                if mail["To"] == email:
                    found.append(mail)
        return found


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    folder = tmp_path_factory.mktemp("mails")
    env = {"EMAIL_URL": f"filemail:///{folder}", "OUTBOUND_ALLOWED_NETWORKS": "127.0.0.0/8"}
    with Receiver() as receiver, Server(env) as server:
        people = create_people(
            server,
            ("Owner", "owner", "Told"),
            ("Manager", "manager", "Told"),
            ("Driver", "driver", "Told"),
            ("Stranger", "owner", "Elsewhere"),
        )
        yield Told(server, receiver, folder, *people)
