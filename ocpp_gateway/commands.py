"""Delivering commands: one CALL at a time per station, in order, paced; the row says what became of each.

Never awaited inside a handler: a station may well send its own messages before it answers ours.
"""

import asyncio
import logging
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson
from django.utils.translation import gettext

from charging.actions.commands import real_params, without_secrets
from charging.ledger import commands as ledger_commands
from charging.ledger.commands import Claimed, Outcome
from charging.ledger.core import NotApplied, OutcomeUnknown, Work, apply_fact
from charging.models import Command
from mobility.documents import within_64_bits
from mobility.errors import Invalid, Problem
from ocpp_gateway import directions, rpc, schemas
from ocpp_gateway.log import masked
from ocpp_gateway.translation import NotSupported, Payload

if TYPE_CHECKING:
    from ocpp_gateway.connection import Connection

log = logging.getLogger("ocpp_gateway")
PACE_S = 0.05
#: After a boot, stations are busy: our first call waits this long, or until they have said something else.
SETTLE_S = 2.0
STARTS_AND_STOPS = frozenset(
    {"RemoteStartTransaction", "RemoteStopTransaction", "RequestStartTransaction", "RequestStopTransaction"}
)


def check_call(protocol: str, action: str, payload: dict[str, Any]) -> None:
    """Whether the CSMS may send this CALL to a station of this version.

    Raises:
        Invalid: `fields` names the action or the place in the payload.
    """
    if protocol not in schemas.PACKAGES:
        raise Invalid(
            gettext("OCPP %(protocol)s is not spoken here.") % {"protocol": protocol},
            fields={"protocol": gettext("unknown version")},
        )
    schema = schemas.of(protocol).requests.get(action)
    if schema is None or not directions.may_csms_call(protocol, action):
        why = gettext("%(action)s is no action in OCPP %(protocol)s.")
        if schema:
            why = gettext("%(action)s is a message that stations send in OCPP %(protocol)s.")
        said = why % {"action": action, "protocol": protocol}
        raise Invalid(said, fields={"action": said})
    error = schema.first_error(payload)
    if error:
        raise Invalid(
            gettext("The payload does not fit OCPP %(protocol)s: %(error)s") % {"protocol": protocol, "error": error},
            fields={"payload": error},
        )


def actions_of(protocol: str) -> list[str]:
    """The actions that the CSMS may call in this version."""
    if protocol not in schemas.PACKAGES:
        return []
    return sorted(action for action in schemas.of(protocol).requests if directions.may_csms_call(protocol, action))


class NotAccepted(Problem):
    """The boot of the station was answered Pending or Rejected, and this may not be sent to such a one."""

    code = "not_accepted"
    status = 409


def check_registration(registration: str | None, action: str) -> None:
    """A rejected station is sent nothing; a pending one whatever sets it up, and no start or stop (1.6 §4.2; 2.0.1
    B02.FR.05, B03).

    Raises:
        NotAccepted.
    """
    if registration == "rejected":
        raise NotAccepted(
            "The station is set to rejected. Accept it in its settings; it is served from its next boot on."
        )
    if registration == "pending" and action in STARTS_AND_STOPS:
        raise NotAccepted("The station is still pending: it may not charge before it is accepted and has booted again.")


def translate(connection: "Connection", command: Command) -> tuple[str, Payload, Payload]:
    """(action, payload, payload with secrets masked); strict in what we send: the schema has the last word."""
    try:
        action, payload = connection.translator.call_for(command, within_64_bits(real_params(command)))
    except (AssertionError, KeyError, TypeError, ValueError) as error:
        # For instance a transaction that began under another version, before the station was updated.
        log.warning("Command %s cannot be said in OCPP %s: %r", command.pk, connection.protocol, error)
        raise NotSupported(f"This cannot be said in OCPP {connection.protocol}, which the station speaks.") from error
    check_registration(connection.registration, action)
    check_call(connection.protocol, action, payload)
    return action, payload, without_secrets(payload) if command.sealed else payload


async def deliver(connection: "Connection") -> None:
    """Send what waits for this station until nothing does."""
    await connection.settled(SETTLE_S)
    while not connection.ended:
        claim = partial(
            ledger_commands.claim, connection_id=connection.connection_id, translate=partial(translate, connection)
        )
        try:
            work = await connection.ledger.submit(Work(connection.station_id, call=claim))
        except (NotApplied, OutcomeUnknown):
            return
        if work.result is None:
            return
        await _send(connection, work.result)
        await asyncio.sleep(PACE_S)


async def _send(connection: "Connection", claimed: Claimed) -> None:
    command = claimed.command
    answer: asyncio.Future[rpc.Answer] = asyncio.get_running_loop().create_future()
    connection.waiting = (claimed.message_id, answer)
    connection.asked_for(claimed.action, claimed.payload)
    frame = rpc.call(claimed.message_id, claimed.action, claimed.payload)
    try:
        await connection.send_text(frame)
        async with asyncio.timeout(connection.call_timeout_s):
            received = await answer
    except TimeoutError:
        text = f"The station did not answer within {connection.call_timeout_s} s. It may still act on it."
        outcome = Outcome(Command.Status.TIMED_OUT, error=text)
        connection.unanswered.add(claimed.message_id)
        received = None
    except (OSError, RuntimeError):
        # The line is gone. The connection's own end tells the command why it failed.
        return
    finally:
        connection.waiting = None
    if received is not None:
        outcome = outcome_of(connection, command, claimed.action, received)
    await store(connection, command, outcome, claimed, received)


def outcome_of(connection: "Connection", command: Command, action: str, answer: rpc.Answer) -> Outcome:
    """What an answer means; one that breaks its schema is read as far as it can be (quirk row 22)."""
    if answer.payload is None:
        said = f": {answer.error_text}" if answer.error_text else ""
        if answer.error_code in ("NotImplemented", "NotSupported"):
            said = " because it does not know this command" + said
            return Outcome(Command.Status.REJECTED, None, f"The station refused{said}.")
        return Outcome(Command.Status.FAILED, None, f"The station answered with the error {answer.error_code}{said}.")
    schema = schemas.of(connection.protocol).responses.get(action)
    if schema is not None and not schema.is_valid(answer.payload):
        connection.wrong.append(("wrong_answer", f"{action}: {schema.first_error(answer.payload)}"))
    try:
        return connection.translator.outcome_of(command, answer.payload, datetime.now(UTC))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        log.warning("The answer of %s to %s cannot be read: %r", connection.identity, action, error)
        return Outcome(Command.Status.FAILED, answer.payload, "The station's answer could not be understood.")


async def store(
    connection: "Connection", command: Command, outcome: Outcome, claimed: Claimed, received: rpc.Answer | None
) -> None:
    """Complete the command, apply what the answer reports, and log the exchange, in one commit."""
    if outcome.response is not None:
        outcome.response = without_secrets(outcome.response)
    sent = masked(rpc.call(claimed.message_id, claimed.action, claimed.masked)) if connection.logs else ""
    exchange = ("csms", claimed.message_id, claimed.action, sent)
    work = Work(
        connection.station_id,
        call=partial(ledger_commands.answered, command_id=command.pk, outcome=outcome, apply=apply_fact),
        answer=lambda _: logged(received),
        exchange=exchange,
        received_at=command.sent_at,
        violations=connection.take_wrong(),
    )
    try:
        await connection.ledger.submit(work)
    except (NotApplied, OutcomeUnknown) as error:
        log.error("The answer of %s to command %s is not stored: %s", connection.identity, command.pk, error)


def logged(answer: rpc.Answer | None) -> tuple[str, str]:
    """(text, outcome) of an answer for the message log."""
    if answer is None:
        return "", "timed out"
    if answer.payload is None:
        return orjson.dumps(
            [4, answer.message_id, answer.error_code, answer.error_text, {}]
        ).decode(), answer.error_code
    return masked(rpc.result(answer.message_id, answer.payload)), "ok"


async def late(connection: "Connection", answer: rpc.Answer) -> None:
    """An answer for which nobody waits: it completes its command, if there is one, after a time-out or a reconnect."""
    look_up = partial(ledger_commands.late_answer, message_id=answer.message_id)
    try:
        work = await connection.ledger.submit(Work(connection.station_id, call=look_up))
    except (NotApplied, OutcomeUnknown):
        return
    command: Command | None = work.result
    if command is None:
        connection.wrong.append(("stray_answer", answer.message_id))
        return
    outcome = outcome_of(connection, command, command.action, answer)
    claimed = Claimed(command, answer.message_id, command.action, {}, command.request or {})
    await store(connection, command, outcome, claimed, answer)
