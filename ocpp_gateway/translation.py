"""What translators share: the shape of a handled message, and the little that all versions say alike.

A translator has a method per inbound action, marked with `ocpp.routing.on`, which takes the payload as it is on the
wire and a Context, and returns a fact and the function that makes the answer from what the ledger says of it. It has
one per neutral command, which returns the wire action and payload, and one that reads the station's answer.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ocpp.routing import create_route_map

from charging.facts import Fact
from charging.ledger.commands import Outcome
from charging.models import Command
from mobility.errors import Problem

MOST_NUMBER = 9999
MASK = "•••"

Payload = dict[str, Any]
Handled = tuple[Fact, Callable[[Any], Payload]]


class Refusal(Exception):
    """A message that fits its schema and still cannot be meant: kind as in `rpc.CODES`, and the field."""

    def __init__(self, kind: str, where: str) -> None:
        super().__init__(where)
        self.kind, self.where = kind, where


class NotSupported(Problem):
    """The station's version has no way to say this."""

    code = "not_supported"
    status = 409


@dataclass(slots=True)
class Context:
    """What a translator knows beside the payload.

    Attributes:
        drift_s: how far the station's clock is ahead, measured on messages about now.
        wrong: (kind, example) found while translating, counted for the station.
    """

    received: datetime
    drift_s: float | None = None
    wrong: list[tuple[str, str]] = field(default_factory=list)


def small(value: Any, where: str) -> int:
    """An EVSE or connector number.

    Raises:
        Refusal: negative, or larger than any station has.
    """
    number = int(value)
    if not 0 <= number <= MOST_NUMBER:
        raise Refusal("enum", where)
    return number


def nothing(_: Any) -> Payload:
    return {}


def text(payload: Payload, name: str) -> str:
    value = payload.get(name)
    return value if isinstance(value, str) else ""


class Translator:
    """Base of the versions. `routes` maps an inbound action to its handler."""

    protocol = ""
    #: neutral command -> (method name, the wire actions it may become)
    commands: dict[str, tuple[str, ...]] = {}
    #: status words that mean yes
    yes = frozenset({"Accepted", "AcceptedCanceled", "Unlocked", "Scheduled", "RebootRequired"})

    def __init__(self) -> None:
        self.routes: dict[str, Callable[[Payload, Context], Handled]] = {
            action: entry["_on_action"] for action, entry in create_route_map(self).items()
        }

    def call_for(self, command: Command, params: Payload) -> tuple[str, Payload]:
        """The wire action and payload of a command.

        Raises:
            NotSupported: the version cannot say it.
        """
        if command.kind == "call":
            return command.action, dict(params.get("payload") or {})
        known = self.commands.get(command.kind)
        if known is None:
            raise NotSupported(f"OCPP {self.protocol} has no command for {command.kind.replace('_', ' ')}.")
        action, payload = getattr(self, known[0])(command, params)
        return str(action), payload

    def outcome_of(self, command: Command, payload: Payload, received: datetime) -> Outcome:
        """How a CALLRESULT ends its command."""
        status = text(payload, "status")
        if status and status not in self.yes:
            return Outcome(Command.Status.REJECTED, payload, refusal_text(command, status, payload))
        return Outcome(Command.Status.ACCEPTED, payload, facts=self.facts_in(command, payload, received))

    def facts_in(self, command: Command, payload: Payload, received: datetime) -> list[Fact]:
        return []


REFUSALS = {
    ("start", "Rejected"): "The station refused to start. Is the cable plugged in, and the connector free?",
    ("stop", "Rejected"): "The station refused to stop: it knows no such running transaction.",
    ("unlock", "UnlockFailed"): "The connector could not be unlocked. Is the cable under tension?",
    ("unlock", "NotSupported"): "This connector has no lock that can be opened from afar.",
    ("unlock", "OngoingAuthorizedTransaction"): "A transaction runs on this connector; stop it first.",
    ("unlock", "UnknownConnector"): "The station knows no such connector.",
    ("set_configuration", "NotSupported"): "The station knows no such key.",
    ("reserve", "Rejected"): "The station refused to reserve.",
    ("reserve", "Occupied"): "The connector is occupied, or reserved for someone else.",
    ("reserve", "Faulted"): "The connector is out of order.",
    ("reserve", "Unavailable"): "The connector is out of service.",
    ("cancel_reservation", "Rejected"): "The station knows no such reservation.",
    ("update_firmware", "Rejected"): "The station refused the firmware update.",
    ("update_firmware", "InvalidCertificate"): "The station refused the signing certificate.",
    ("update_firmware", "RevokedCertificate"): "The station refused the signing certificate: it is revoked.",
    ("get_log", "Rejected"): "The station refused to upload a log.",
}


def refusal_text(command: Command, status: str, payload: Payload) -> str:
    said = REFUSALS.get((command.kind, status), f"The station answered {status}.")
    info = payload.get("statusInfo")
    if isinstance(info, dict):
        more = info.get("additionalInfo") or info.get("reasonCode")
        if isinstance(more, str) and more:
            said += f" It says: {more[:200]}"
    return said
