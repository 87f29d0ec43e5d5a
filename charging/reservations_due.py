"""Reservations whose time has come: planned ones are sent, held ones expire. Each is claimed by one scheduler."""

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from accounts.actors import Actor
from accounts.locks import held
from charging import live
from charging.actions.commands import Draft, queue_command
from charging.claims import claimed
from charging.commands import KINDS
from charging.live import Event
from charging.models import Command, Reservation
from charging.queries.scope import iso
from charging.reserving import change

log = logging.getLogger("charging.reserving")

Status = Reservation.Status
LEASE = timedelta(seconds=30)
MOST_AT_ONCE = 500
NOT_THERE = "The station was not connected while this reservation should have held."


def has_due() -> bool:
    """Whether any wants to be looked at."""
    return Reservation.objects.filter(due_at__lte=timezone.now()).exists()


def run_due(now: datetime) -> int:
    """Look at every reservation whose time has come; -> how many. Of two schedulers one takes each."""
    taken = 0
    for (pk,) in claimed(Reservation.objects.all(), "due_at", now, lease=LEASE, most=MOST_AT_ONCE):
        taken += 1
        try:
            look(pk, now)
        except Exception:
            log.exception("Reservation %s cannot be looked at", pk)
    return taken


def look(pk: int, now: datetime) -> None:
    """One transaction: what is sent and what the row says of it are committed together, or neither."""
    with transaction.atomic():
        row = held(Reservation.objects.all()).filter(pk=pk).first()
        if row is None or row.due_at is None:
            return
        events: list[Event] = []
        if row.status == Status.PLANNED:
            events = begin(row, now)
        elif row.expires_at <= now:
            events = change(row, Status.EXPIRED, now)
        else:
            Reservation.objects.filter(pk=row.pk).update(due_at=row.expires_at)
        if events:
            live.publish(*events)


def begin(row: Reservation, now: datetime) -> list[Event]:
    """Send a planned one when its time has come; while the station is away it waits, until it would be over."""
    if row.expires_at <= now:
        return change(row, Status.FAILED, now, reason=NOT_THERE)
    if not row.station.online or row.starts_at > now:
        Reservation.objects.filter(pk=row.pk).update(due_at=max(row.starts_at, now + LEASE / 3))
        return []
    return send(row, now)


def send(row: Reservation, now: datetime) -> list[Event]:
    """Queue the ReserveNow of a reservation whose row is saved."""
    command = Command(
        organization_id=row.organization_id,
        station=row.station,
        connector=row.connector,
        id_tag=row.id_tag,
        kind="reserve",
        params={
            "number": row.number,
            "id_tag": row.id_token,
            "group_tag": row.group_tag,
            "expires": iso(row.expires_at),
        },
        actor=row.actor,
        expires_at=min(row.expires_at, now + timedelta(seconds=KINDS["reserve"].lifetime_s)),
    )
    actor = Actor(user=row.actor, name=row.actor.email if row.actor else "system", is_system=row.actor is None)
    queue_command(actor, station=row.station, kind="reserve", params=command.params, row=Draft(command))
    return change(row, Status.REQUESTED, now, command=command, due_at=row.expires_at)
