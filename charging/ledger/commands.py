"""Commands on their way: claimed by the connection that owns the station, completed by the station's answer."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q

from charging import aftermath
from charging.actions.commands import settle_new_password
from charging.facts import Fact
from charging.ledger import profiles
from charging.ledger.batch import Batch
from charging.ledger.state import StationState
from charging.live import Event
from charging.models import ChargingStation, Command
from charging.queries import commands as command_queries
from mobility.errors import Problem


@dataclass(frozen=True, slots=True)
class Claimed:
    """A command that this connection now has to send. `masked` is the payload as it is stored and logged."""

    command: Command
    message_id: str
    action: str
    payload: dict[str, Any]
    masked: dict[str, Any]


@dataclass(slots=True)
class Outcome:
    """How a command ended: its status, what a person reads, and the facts that the answer carries."""

    status: str
    response: dict[str, Any] | None = None
    error: str = ""
    facts: list[Fact] = field(default_factory=list)


ApplyFact = Callable[[Batch, StationState, Fact], Any]
Translate = Callable[[Command], tuple[str, dict[str, Any], dict[str, Any]]]


def command_event(command: Command) -> Event:
    station = command.station
    data = command_queries.as_json(command)
    return Event(
        "command.updated", command.organization_id, station.pk, station.identity, data, user_id=command.actor_id
    )


def claim(batch: Batch, state: StationState, connection_id: str, translate: Translate) -> Claimed | None:
    """The oldest command that waits for this station, marked as sent; None when there is none, or the connection no
    longer owns the station. What cannot be said in the station's version fails with the reason."""
    if not ChargingStation.objects.filter(pk=state.station.pk, connection_id=connection_id, online=True).exists():
        return None
    waiting = (
        Command.objects.filter(station=state.station, status=Command.Status.QUEUED, expires_at__gt=batch.now)
        .select_related("connector", "transaction", "station", "id_tag")
        .order_by("pk")
    )
    for command in waiting[:20]:
        try:
            action, payload, masked = translate(command)
        except Problem as problem:
            _finish(batch, command, Outcome(Command.Status.FAILED, error=problem.message))
            continue
        message_id = str(uuid.uuid4())
        claimed = Command.objects.filter(pk=command.pk, status=Command.Status.QUEUED).update(
            status=Command.Status.SENT,
            sent_at=batch.now,
            action=action,
            request=masked,
            message_id=message_id,
            connection_id=connection_id,
        )
        if claimed:
            command.status, command.sent_at = Command.Status.SENT, batch.now
            command.action, command.request, command.message_id = action, masked, message_id
            batch.tell(command_event(command))
            return Claimed(command, message_id, action, payload, masked)
    return None


def _finish(batch: Batch, command: Command, outcome: Outcome) -> None:
    command.status = outcome.status
    command.response = outcome.response
    command.error = outcome.error[:500]
    command.answered_at = batch.now
    settle_new_password(command)
    profiles.settle(batch, command)
    if outcome.status != Command.Status.TIMED_OUT:
        command.sealed = ""
    command.save(update_fields=["status", "response", "error", "answered_at", "late", "sealed"])
    batch.ended_commands.append((command.kind, str(command.status)))
    batch.tell(command_event(command))
    for event in aftermath.command_ended(command, batch.now):
        batch.tell(event)


def answered(batch: Batch, state: StationState, command_id: int, outcome: Outcome, apply: ApplyFact) -> bool:
    """Complete a command. A late answer still completes one that timed out or failed with its connection."""
    command = Command.objects.select_related("station", "connector", "transaction", "id_tag").get(pk=command_id)
    late = command.status in (Command.Status.TIMED_OUT, Command.Status.FAILED)
    if command.status != Command.Status.SENT and not (late and outcome.status != Command.Status.TIMED_OUT):
        return False
    if late and outcome.response is None:
        return False
    command.late = late
    for fact in outcome.facts:
        apply(batch, state, fact)
    _finish(batch, command, outcome)
    return True


def late_answer(batch: Batch, state: StationState, message_id: str) -> Command | None:
    """The command that an answer without a waiting call belongs to: it came after the time-out or a reconnect."""
    return (
        Command.objects.select_related("station", "connector", "transaction", "id_tag")
        .filter(Q(station=state.station), message_id=message_id)
        .exclude(message_id="")
        .first()
    )
