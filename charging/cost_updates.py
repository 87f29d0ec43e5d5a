"""Telling stations what a running session has cost so far: CostUpdated (2.0.1 I02), at bounded intervals."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from charging import live
from charging.actions.commands import tell_command
from charging.models import ChargingStation, Command, Transaction

ACTION = "CostUpdated"
Protocol = ChargingStation.Protocol
PATIENCE = timedelta(seconds=60)
#: What a station said that shows no cost: it is not asked again in this session.
REFUSED = (Command.Status.REJECTED, Command.Status.FAILED)


def tell(now: datetime) -> int:
    """Queue a CostUpdated for each session whose cost has changed since the last one; how many.

    The first comes an interval after the session's start. A 0 is not told: a station could show it as free.
    """
    every = timedelta(seconds=settings.COST_UPDATED_EVERY_S)
    if not every:
        return 0
    running = Transaction.objects.select_related("station").filter(
        state__in=Transaction.OPEN,
        station__online=True,
        station__protocol__in=(Protocol.OCPP201, Protocol.OCPP21),
        cost__gt=0,
        created_at__lte=now - every,
    )
    rows = list(running.order_by("pk")[:2000])
    last = _last_told(rows)
    told = 0
    for row in rows:
        before = last.get(row.pk)
        if before is not None and (before.status in REFUSED or before.created_at > now - every):
            continue
        if before is not None and before.params.get("payload", {}).get("totalCost") == float(row.cost or 0):
            continue
        _queue(row, now)
        told += 1
    return told


def _last_told(rows: Iterable[Transaction]) -> dict[int | None, Command]:
    keys = [row.pk for row in rows]
    found: dict[int | None, Command] = {}
    for index in range(0, len(keys), 500):
        sent = Command.objects.filter(transaction__in=keys[index : index + 500], kind="call", action=ACTION)
        found.update({command.transaction_id: command for command in sent.order_by("pk")})
    return found


def _queue(row: Transaction, now: datetime) -> None:
    """Nobody's wish, and so without a trace in the audit; the command itself says all of it."""
    payload = {"totalCost": float(row.cost or 0), "transactionId": row.transaction_id}
    with transaction.atomic():
        command = Command.objects.create(
            organization_id=row.organization_id,
            station=row.station,
            transaction=row,
            kind="call",
            action=ACTION,
            params={"payload": payload},
            created_at=now,
            expires_at=now + PATIENCE,
        )
        tell_command(command)
        live.wake_gateways(row.station_id)
