"""Who holds a station's connection: taken by the newest authenticated one, given back only by its owner."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from charging import aftermath, live
from charging.ledger.batch import Batch
from charging.ledger.commands import command_event
from charging.ledger.state import StationState
from charging.ledger.stations import raise_security_event
from charging.models import ChargingStation, Command

TAKEN_OVER = "Another connection of this station took over."


@dataclass(frozen=True, slots=True)
class Connected:
    """An authenticated connection of a station.

    `password_hash` is set where the station's next password was to be learnt; `used_pending` where it came in with the
    password that replaces its present one, which dies with that.
    """

    connection_id: str
    gateway: str
    protocol: str
    source_ip: str
    password_hash: str = ""
    used_pending: bool = False
    flapping: bool = False


@dataclass(frozen=True, slots=True)
class Disconnected:
    connection_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Owned:
    """`displaced` is the connection that owned the station before, if any; `has_commands`, whether some wait."""

    displaced: str
    has_commands: bool


def connected(batch: Batch, state: StationState, fact: Connected) -> Owned:
    """Make the connection the owner; the ledger has read the station's state anew for it."""
    station = state.station
    displaced = station.connection_id if station.online else ""
    if displaced:
        # Whoever waited there for an answer may be dead; where it lives it finds nothing left to end.
        _fail_calls_in_flight(batch, state, Disconnected(displaced, TAKEN_OVER))
    station.online = True
    station.connection_id = fact.connection_id
    station.gateway = fact.gateway[:100]
    station.protocol = fact.protocol
    station.source_ip = fact.source_ip[:64]
    station.connected_at = station.last_seen = batch.now
    fields = ["online", "connection_id", "gateway", "protocol", "source_ip", "connected_at", "last_seen"]
    if fact.password_hash:
        station.password_hash, station.learn_password = fact.password_hash, False
        fields += ["password_hash", "learn_password"]
    if fact.used_pending:
        station.password_hash, station.pending_password_hash = station.pending_password_hash, ""
        fields += ["password_hash", "pending_password_hash"]
    station.save(update_fields=fields)
    batch.station_changed(station)
    if fact.flapping:
        raise_security_event(
            batch,
            station,
            "ConnectionFlapping",
            at=batch.now,
            info=f"{station.identity} connects again and again while it is connected; do two devices share it?",
        )
    waiting = Command.objects.filter(station=station, status=Command.Status.QUEUED)
    return Owned(displaced, waiting.exists())


def disconnected(batch: Batch, state: StationState, fact: Disconnected) -> bool:
    """Give the station up, if this connection still owns it; end the calls that wait for its answer."""
    given_up = _give_up(batch, fact.connection_id, batch.now)
    _fail_calls_in_flight(batch, state, fact)
    if given_up:
        state.station.online, state.station.connection_id = False, ""
        batch.station_changed(state.station)
        batch.stale.add(state.station.pk)
    return given_up


def _give_up(batch: Batch, connection_id: str, now: datetime) -> bool:
    return bool(
        ChargingStation.objects.filter(connection_id=connection_id, online=True).update(
            online=False, connection_id="", disconnected_at=now
        )
    )


def _fail_calls_in_flight(batch: Batch, state: StationState, fact: Disconnected) -> None:
    waiting = Command.objects.filter(
        station=state.station, connection_id=fact.connection_id, status=Command.Status.SENT
    ).select_related("station", "connector", "transaction")
    for command in waiting:
        command.status = Command.Status.FAILED
        command.answered_at = batch.now
        command.error = f"The connection ended before the station answered ({fact.reason}). It may have acted on it."
        command.save(update_fields=["status", "answered_at", "error"])
        batch.ended_commands.append((command.kind, str(command.status)))
        batch.tell(command_event(command))
        for event in aftermath.command_ended(command, batch.now):
            batch.tell(event)


def forget_connections_of(gateway: str, now: datetime) -> list[ChargingStation]:
    """When a gateway starts: what it held before is gone, however it ended. Returns the stations that were told so."""
    held = list(ChargingStation.objects.filter(Q(gateway=gateway), online=True))
    ChargingStation.objects.filter(pk__in=[station.pk for station in held]).update(
        online=False, connection_id="", disconnected_at=now
    )
    lost = Command.objects.filter(station__in=held, status=Command.Status.SENT)
    kept = list(lost.filter(kind__in=aftermath.KEPT).values_list("pk", flat=True))
    lost.update(
        status=Command.Status.FAILED,
        answered_at=now,
        error="The server restarted before the station answered. It may have acted on it.",
    )
    with transaction.atomic():
        for command in Command.objects.filter(pk__in=kept):
            live.publish(*aftermath.command_ended(command, now))
    return held
