"""Reserving a connector for a tag, and giving a reservation up."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.actions import action, authorize
from accounts.actors import Actor, Role
from accounts.locks import held
from charging import live, reservations_due, reserving
from charging.actions import targets
from charging.actions.commands import cancel_command, send_command
from charging.commands import KINDS
from charging.models import EVSE, ChargingStation, Command, Connector, Reservation
from charging.profile_params import Checks
from charging.queries import reservations
from mobility.errors import Conflict, Invalid

#: A start this near is now.
NOW = timedelta(seconds=30)
SHORTEST, LONGEST, AHEAD = timedelta(minutes=1), timedelta(days=7), timedelta(days=90)
#: So many open ones has a driver at most: a reservation keeps others away.
MOST_OF_A_DRIVER = 5


@action("reservation.create", role=Role.DRIVER)
def reserve(actor: Actor, *, station: ChargingStation, values: Mapping[str, Any]) -> Reservation:
    """Reserve a connector, or any connector of a station, for a tag.

    Args:
        values: `evse_id`, `connector_id` (neither: any connector), `id_tag` (else the actor's default one), `starts`
            (null: now), `expires`. One that starts later is held by us and sent when its start comes.

    Returns:
        The reservation, requested or planned; `reservation.updated` tells what the station answers.

    Raises:
        Invalid: with every field that is wrong.
        Conflict: `station_offline`; `reservation_conflict`, whose `fields` names the other one; `not_supported` where
            the station has said that it takes no (such) reservation; `too_many_reservations`.
    """
    now = timezone.now()
    starts_at, expires_at = times(values, now)
    is_now = starts_at <= now + NOW
    if is_now and not station.online:
        raise Conflict(
            _("%(station)s is not connected, so it cannot be told now.") % {"station": station}, code="station_offline"
        )
    connector = targets.connector_of(station, values, KINDS["reserve"])
    refuse_unsupported(station, connector)
    tag = targets.tag_of(actor, station, values)
    if station.protocol == "1.6" and len(tag.id_tag) > 20:
        why = _("This tag has more than the 20 characters that OCPP 1.6 can carry.")
        raise Invalid(why, fields={"id_tag": why})
    # Of two that ask at once, the second sees what the first has reserved.
    held(ChargingStation.objects.all()).get(pk=station.pk)
    refuse_many(actor, station)
    refuse_overlap(actor, station, connector, starts_at, expires_at)
    row = Reservation(
        organization_id=station.organization_id,
        station=station,
        connector=connector,
        number=next_number(station),
        id_tag=tag,
        id_token=tag.id_tag,
        group_tag=tag.parent_id_tag,
        user=tag.user,
        actor=actor.user,
        status=Reservation.Status.PLANNED,
        starts_at=now if is_now else starts_at,
        expires_at=expires_at,
        due_at=starts_at,
        created_at=now,
    )
    row.save(force_insert=True)
    events = reservations_due.send(row, now) if is_now else [reservations.event(row)]
    live.publish(*events)
    return row


def times(values: Mapping[str, Any], now: datetime) -> tuple[datetime, datetime]:
    """(from, until). Raises Invalid."""
    checks = Checks(values)
    starts_at, expires_at = checks.moment("starts") or now, checks.moment("expires")
    wrong = checks.wrong
    if "starts" not in wrong and starts_at < now - SHORTEST:
        wrong["starts"] = _("This lies in the past.")
    elif starts_at > now + AHEAD:
        wrong["starts"] = _("This is more than %(days)s days ahead.") % {"days": AHEAD.days}
    starts_at = max(starts_at, now)
    if expires_at is None:
        wrong.setdefault("expires", _("Say until when."))
    elif expires_at < starts_at + SHORTEST:
        wrong["expires"] = _("This is at least a minute after the start, and not in the past.")
    elif expires_at > starts_at + LONGEST:
        wrong["expires"] = _("A reservation lasts %(days)s days at most.") % {"days": LONGEST.days}
    checks.finish()
    assert expires_at is not None
    return starts_at, expires_at


def refuse_unsupported(station: ChargingStation, connector: Connector | None) -> None:
    """Raise Conflict where the station's configuration says that it will not take it."""
    if reservations.refuses_all(station):
        raise Conflict(
            _("%(station)s takes no reservations, its configuration says.") % {"station": station}, code="not_supported"
        )
    if connector is None and reservations.refuses_whole(station):
        why = _("%(station)s reserves single connectors only: choose one.") % {"station": station}
        raise Conflict(why, code="not_supported", fields={"connector_id": why})


def refuse_many(actor: Actor, station: ChargingStation) -> None:
    if actor.can(Role.MANAGER, station.organization_id):
        return
    own = reservations.visible(actor).filter(status__in=Reservation.OPEN, organization_id=station.organization_id)
    if own.count() >= MOST_OF_A_DRIVER:
        raise Conflict(
            _("You have %(most)s reservations already. Cancel one first.") % {"most": MOST_OF_A_DRIVER},
            code="too_many_reservations",
        )


def refuse_overlap(
    actor: Actor, station: ChargingStation, connector: Connector | None, starts_at: datetime, expires_at: datetime
) -> None:
    """Raise Conflict where the connector's EVSE is reserved then, or as many are as the station has."""
    others = reservations.overlapping(station, starts_at, expires_at)
    same = [row for row in others if connector and row.connector and row.connector.evse_number == connector.evse_number]
    outlets = EVSE.objects.filter(station=station).count()
    if not same and (not others or len(others) < max(outlets, 1)):
        return
    other = (same or others)[0]
    if reservations.visible(actor).filter(pk=other.pk).exists():
        words = {"number": other.pk, "from": targets.shown(other.starts_at), "until": targets.shown(other.expires_at)}
        why = _("Reservation %(number)s holds from %(from)s until %(until)s.") % words
    else:
        # Whose it is, and how long, is nobody else's business.
        why = _("Someone else has reserved it for a part of that time.")
    raise Conflict(why, code="reservation_conflict", fields={"connector_id": why, "reservation": str(other.pk)})


def next_number(station: ChargingStation) -> int:
    """The next reservationId of the station, whose row is held."""
    highest: int | None = Reservation.objects.filter(station=station).aggregate(most=Max("number"))["most"]
    return (highest or 0) + 1


@action("reservation.cancel", role=None)
def cancel_reservation(actor: Actor, *, reservation: Reservation) -> Reservation:
    """Give a reservation up: at once while it waits with us, else by asking the station.

    Raises:
        Forbidden: it is someone else's and the role is not enough.
        Conflict: `station_offline`, or `reservation_over`.
    """
    row = reservation
    own = actor.user is not None and row.user_id == actor.user.pk
    authorize(actor, Role.DRIVER if own else Role.MANAGER, row.organization_id, _("to cancel a reservation"))
    if not row.is_open:
        raise Conflict(
            _("This reservation is in the state “%(status)s” already.") % {"status": row.get_status_display()},
            code="reservation_over",
        )
    now = timezone.now()
    if row.status == Reservation.Status.PLANNED:
        events = reserving.change(row, Reservation.Status.CANCELLED, now)
        live.publish(*events)
        return reservations.get(actor, row.pk)
    command = row.command
    if row.status == Reservation.Status.REQUESTED and command and command.status == Command.Status.QUEUED:
        try:
            cancel_command(actor, command=command)
        except Conflict:
            # It has just been sent: the station is asked to forget it.
            tell_station(actor, row)
    else:
        tell_station(actor, row)
    return reservations.get(actor, row.pk)


def tell_station(actor: Actor, row: Reservation) -> Command:
    return send_command(actor, station=row.station, command="cancel_reservation", params={"number": row.number})


def by_command(actor: Actor, station: ChargingStation, params: Mapping[str, Any]) -> Command:
    """The neutral command `reserve`: from now until `expires`."""
    made = reserve(actor, station=station, values={**params, "starts": None})
    assert made.command is not None
    return made.command
