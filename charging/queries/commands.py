"""Reading commands, and waiting for a station's answer."""

import asyncio
import contextlib
import time
from typing import Any

from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from django.db.models import QuerySet

from accounts.actors import Actor
from charging.live import LAYER_AWAY
from charging.models import Command
from charging.queries.scope import iso, one, own_for_drivers

LOOK_EVERY_S = 1.0


def visible(actor: Actor) -> QuerySet[Command]:
    """The organization's commands; a driver's own."""
    rows = Command.objects.select_related("station", "connector", "actor")
    return own_for_drivers(actor, rows, owner="actor")


def get(actor: Actor, pk: object) -> Command:
    """Raises NotFound."""
    return one(visible(actor), "command", pk=pk)


def is_done(command: Command) -> bool:
    return command.status not in Command.WAITING


async def wait_until_done(command: Command, seconds: float) -> Command:
    """The command as it is once the station has answered, or when the time is over.

    The channel layer may lose a message, so that the row is read again every second as well.
    """
    layer = get_channel_layer()
    channel = await layer.new_channel("command.wait.")
    group = f"command.{command.pk}"
    deadline = time.monotonic() + seconds
    with contextlib.suppress(*LAYER_AWAY):
        await layer.group_add(group, channel)
    try:
        while True:
            command = await sync_to_async(_fresh)(command)
            left = deadline - time.monotonic()
            if is_done(command) or left <= 0:
                return command
            pause = min(LOOK_EVERY_S, left)
            try:
                await asyncio.wait_for(layer.receive(channel), pause)
            except TimeoutError:
                continue
            except LAYER_AWAY:
                await asyncio.sleep(pause)
    finally:
        with contextlib.suppress(*LAYER_AWAY):
            await layer.group_discard(group, channel)


def _fresh(command: Command) -> Command:
    return Command.objects.select_related("station", "connector", "actor").get(pk=command.pk)


def as_json(command: Command) -> dict[str, Any]:
    """A command as REST and live events give it. Costs no query for one of `visible`."""
    return {
        "id": command.pk,
        "station": command.station.identity,
        "command": command.kind,
        "status": str(command.status),
        "late": command.late,
        "evse_id": command.connector.evse_number if command.connector else None,
        "connector_id": command.connector.number if command.connector else None,
        "transaction": command.transaction_id,
        "params": command.params,
        "action": command.action,
        "request": command.request,
        "response": command.response,
        "error": command.error,
        "user": command.actor_id,
        "created": iso(command.created_at),
        "sent": iso(command.sent_at),
        "answered": iso(command.answered_at),
        "expires": iso(command.expires_at),
    }
