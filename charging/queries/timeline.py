"""What happened in a session, from everything that is kept about it: a bounded number of queries and of rows."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from accounts.actors import Actor
from charging import wire
from charging.facts import StatusChanged
from charging.models import Command, MeterReading, OcppMessage, Transaction, TransactionEvent
from charging.queries import commands, messages, transactions

MOST_EVENTS = 10_000
MOST_STATUSES = 300
MOST_COMMANDS = 100
#: What a session's curves show at most: more points than pixels help nobody.
MOST_POINTS = 240
#: A plug is put in, and a tag is shown, some time before the session begins.
BEFORE, AFTER = timedelta(minutes=5), timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Measured:
    """When the meter was read, and when that came."""

    pk: int
    at: datetime
    received_at: datetime


@dataclass(slots=True)
class Told:
    """The sources of a timeline, each in the order of time."""

    events: list[TransactionEvent] = field(default_factory=list)
    statuses: list[StatusChanged] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    measured: list[Measured] = field(default_factory=list)


def told(actor: Actor, row: Transaction, measured: list[Measured]) -> Told:
    """Everything about a transaction of `transactions.visible`, for its timeline."""
    events = list(
        TransactionEvent.objects.filter(transaction=row)
        .defer("data")
        .order_by("station_time", "seq_no", "pk")[:MOST_EVENTS]
    )
    begin, end = span(row, events, measured)
    return Told(events, _statuses(row, begin, end), _commands(actor, row, begin, end), measured)


def measured_times(actor: Actor, row: Transaction) -> list[Measured]:
    """When each of its meter values was taken and received; nothing else of them is read."""
    rows = transactions.meter_values(actor, row).values_list("pk", "measured_at", "received_at")
    return [Measured(*values) for values in rows]


def drawn(actor: Actor, row: Transaction, measured: list[Measured]) -> list[MeterReading]:
    """The readings that the curves show: all of them, or evenly chosen ones of a long session, both ends included."""
    chosen = measured
    if len(measured) > MOST_POINTS:
        step = (len(measured) - 1) / (MOST_POINTS - 1)
        chosen = [measured[round(number * step)] for number in range(MOST_POINTS)]
    return list(transactions.meter_values(actor, row).filter(pk__in=[one.pk for one in chosen]))


def span(row: Transaction, events: list[TransactionEvent], measured: list[Measured]) -> tuple[datetime, datetime]:
    """From when to when messages about the session came or were about it, with some room around."""
    begins = [at for at in (row.started, row.created_at, *(event.station_time for event in events[:1])) if at]
    begins += [event.received_at for event in events]
    ends = [at for at in (row.ended, row.last_event_at, *(event.received_at for event in events)) if at]
    ends += [one.received_at for one in (*measured[:1], *measured[-1:])]
    return min(begins) - BEFORE, max([*ends, *begins]) + AFTER


def _statuses(row: Transaction, begin: datetime, end: datetime) -> list[StatusChanged]:
    """What the connector said of itself, from the log of messages: as far back as that is kept."""
    frames = OcppMessage.objects.filter(
        station=row.station_id, at__gte=begin, at__lte=end, action=wire.STATUS_ACTION, sender=OcppMessage.Sender.STATION
    )
    found: list[StatusChanged] = []
    for text, at in frames.order_by("at", "pk").values_list("request", "at")[:MOST_STATUSES]:
        status = wire.status_of(row.station.protocol, text, at)
        if status is None or status.evse not in (row.evse_number, 0):
            continue
        if status.evse and (status.connector or 1) != (row.connector_number or 1):
            continue
        if not found or (found[-1].status, found[-1].error_code) != (status.status, status.error_code):
            found.append(status)
    return sorted(found, key=lambda status: status.stamp.at)


def _commands(actor: Actor, row: Transaction, begin: datetime, end: datetime) -> list[Command]:
    """What was asked of the station for this session, or at its connector or the whole station meanwhile."""
    near = Q(
        created_at__gte=begin, created_at__lte=end, kind__in=("unlock", "reset", "set_limit", "change_availability")
    )
    near &= Q(connector=row.connector_id) | Q(connector__isnull=True)
    seen = commands.visible(actor).filter(station=row.station_id)
    return list(seen.filter(Q(transaction=row) | near).order_by("created_at", "pk")[:MOST_COMMANDS])


def frames(actor: Actor, row: Transaction) -> QuerySet[OcppMessage]:
    """The exchanges that name the transaction or that its commands made, the oldest first; nothing for a driver."""
    times = list(
        TransactionEvent.objects.filter(transaction=row).order_by("received_at").values_list("received_at", flat=True)
    )
    begin = min([at for at in (row.started, row.created_at, *times[:1]) if at]) - BEFORE
    seen = messages.of_station(actor, row.station).filter(at__gte=begin)
    ended = [at for at in (row.ended, row.last_event_at, *times[-1:]) if at]
    if not row.is_open and ended:
        seen = seen.filter(at__lte=max(*ended, row.created_at) + timedelta(hours=1))
    number = row.transaction_id if row.transaction_id.isdecimal() and len(row.transaction_id) > 6 else None
    # A short number stands in many frames; as a text in quotes it is an id.
    words = number or f'"{row.transaction_id}"'
    named = Q(request__contains=words) | Q(response__contains=words)
    sent = [key for key in row.commands.values_list("message_id", flat=True)[:MOST_COMMANDS] if key]
    if sent:
        named |= Q(message_id__in=sent)
    return seen.filter(named).order_by("at", "pk")
