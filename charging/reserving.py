"""What becomes of a reservation: the station's answer, its use, its end.

Every change goes by a conditional update of what is still open, so that of two that come at once one has an effect.
"""

from datetime import datetime
from typing import Any

from charging.live import Event
from charging.models import Command, Reservation
from charging.queries import reservations

Status = Reservation.Status
UNKNOWN_THERE = "The station did not know this reservation any more."


def change(row: Reservation, status: Status, now: datetime, *, reason: str = "", **more: Any) -> list[Event]:
    """Move a reservation from the status it was read in to another; -> the event to tell, none where someone else
    was first."""
    values: dict[str, Any] = {"status": status, "reason": reason[:500], **more}
    if status not in Reservation.OPEN:
        values |= {"ended_at": now, "due_at": None}
    if not Reservation.objects.filter(pk=row.pk, status=row.status).update(**values):
        return []
    for name, value in values.items():
        setattr(row, name, value)
    return [reservations.event(row)]


def command_ended(command: Command, now: datetime) -> list[Event]:
    """The command has ended, by the station's answer or without one: so its reservation is held, refused or over."""
    rows = Reservation.objects.select_related("station", "connector", "id_tag", "user")
    if command.kind == "reserve":
        row = rows.filter(command_id=command.pk).first()
        return [] if row is None else reserve_ended(row, command, now)
    if command.kind == "cancel_reservation":
        number = command.params.get("number")
        row = rows.filter(station_id=command.station_id, number=number, status__in=Reservation.OPEN).first()
        return [] if row is None else cancel_ended(row, command, now)
    return []


def reserve_ended(row: Reservation, command: Command, now: datetime) -> list[Event]:
    """1.6 §5.13, 2.0.1 H01: the answer, which may come after we had given up waiting for it."""
    if row.status not in (Status.REQUESTED, Status.FAILED):
        return []
    if command.status == Command.Status.ACCEPTED:
        if row.expires_at <= now:
            return change(row, Status.EXPIRED, now, answered_at=now)
        return change(row, Status.ACCEPTED, now, answered_at=now, ended_at=None, due_at=row.expires_at)
    if command.status == Command.Status.REJECTED:
        return change(row, Status.REFUSED, now, reason=command.error, answered_at=now)
    if row.status == Status.REQUESTED:
        status = Status.CANCELLED if command.status == Command.Status.CANCELLED else Status.FAILED
        return change(row, status, now, reason=command.error)
    return []


def cancel_ended(row: Reservation, command: Command, now: datetime) -> list[Event]:
    """1.6 §5.2, 2.0.1 H02: Rejected says that the station holds no such reservation; so it is over either way."""
    if command.status == Command.Status.ACCEPTED:
        return change(row, Status.CANCELLED, now)
    if command.status == Command.Status.REJECTED and (command.response or {}).get("status") == "Rejected":
        return change(row, Status.CANCELLED, now, reason=UNKNOWN_THERE)
    return []
