"""Which gateway holds which station where there are several: signs of life, and the stations of a dead one."""

import hashlib
from datetime import datetime, timedelta

from django.db import transaction

from charging import aftermath, live
from charging.ledger.batch import Batch, station_event
from charging.ledger.commands import command_event
from charging.ledger.state import StationState
from charging.models import ChargingStation, Command, Pulse

#: A gateway shows life every ten seconds; the clocks of the hosts agree within a few.
DEAD_AFTER = timedelta(seconds=40)
#: Whoever looks for dead gateways has looked this lately, or only begins to: while the database was away nobody could
#: show life.
LOOKED_LATELY = timedelta(seconds=30)
WATCH = "gateway-watch"


def pulse_of(gateway: str) -> str:
    """The name of a gateway's pulse: bounded, whatever the gateway is called."""
    return f"gateway:{hashlib.sha256(gateway.encode()).hexdigest()[:32]}"


def show_life(gateway: str, now: datetime) -> None:
    Pulse.objects.update_or_create(name=pulse_of(gateway), defaults={"at": now})


def not_owned(connections: dict[int, str]) -> dict[int, str]:
    """Of {station pk: connection id} those that are not the station's owner: {station pk: its owner, or ""}."""
    found: dict[int, str] = {}
    keys = list(connections)
    for begin in range(0, len(keys), 500):
        rows = ChargingStation.objects.filter(pk__in=keys[begin : begin + 500])
        for pk, owner in rows.values_list("pk", "connection_id"):
            if owner != connections[pk]:
                found[pk] = owner
    return found


def own_again(batch: Batch, state: StationState, *, connection_id: str, gateway: str) -> bool:
    """Take a station back that nobody owns though its connection lives; whether that was so."""
    taken = ChargingStation.objects.filter(pk=state.station.pk, connection_id="", online=False).update(
        online=True, connection_id=connection_id, gateway=gateway, last_seen=batch.now
    )
    if taken:
        state.station.online, state.station.connection_id = True, connection_id
        batch.station_changed(state.station)
        batch.stale.add(state.station.pk)
    return bool(taken)


def give_up_dead(now: datetime) -> int:
    """Mark the stations of gateways that show no life as offline, and end the commands that waited for their answers;
    how many stations that were."""
    before = Pulse.objects.filter(name=WATCH).values_list("at", flat=True).first()
    Pulse.objects.update_or_create(name=WATCH, defaults={"at": now})
    if before is None or now - before > LOOKED_LATELY:
        return 0
    holding = ChargingStation.objects.filter(online=True).exclude(gateway="").order_by()
    names = list(holding.values_list("gateway", flat=True).distinct())
    alive = set(
        Pulse.objects.filter(name__in=map(pulse_of, names), at__gt=now - DEAD_AFTER).values_list("name", flat=True)
    )
    return sum(give_up(name, now) for name in names if pulse_of(name) not in alive)


def give_up(gateway: str, now: datetime) -> int:
    """Give up what one gateway holds, each station only if it is still its own, and tell of it."""
    given = 0
    for station in ChargingStation.objects.filter(gateway=gateway, online=True).order_by("pk"):
        with transaction.atomic():
            row = ChargingStation.objects.filter(pk=station.pk, connection_id=station.connection_id, online=True)
            if not row.update(online=False, connection_id="", disconnected_at=now):
                continue
            given += 1
            events = end_calls(station, station.connection_id, now)
            station.online, station.connection_id = False, ""
            live.publish(station_event(station), *events)
    return given


def end_calls(station: ChargingStation, connection_id: str, now: datetime) -> list[live.Event]:
    """End the commands that a connection sent and whose answer nobody waits for any more."""
    events = []
    for command in Command.objects.filter(
        station=station, connection_id=connection_id, status=Command.Status.SENT
    ).select_related("station", "connector", "transaction"):
        command.status, command.answered_at = Command.Status.FAILED, now
        command.error = "The server restarted before the station answered. It may have acted on it."
        command.save(update_fields=["status", "answered_at", "error"])
        events += [command_event(command), *aftermath.command_ended(command, now)]
    return events
