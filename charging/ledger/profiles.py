"""What stations say of charging profiles: the answers to what was sent, reports, composite schedules."""

from datetime import timedelta
from typing import Any

from charging import live
from charging.facts import CompositeReported, ProfilesReported
from charging.ledger.batch import Batch
from charging.ledger.state import StationState
from charging.models import ChargingProfile, Command, CompositeSchedule, Outlet

Status = ChargingProfile.Status
LIVE = (Status.SENT, Status.ACCEPTED, Status.UNANSWERED)


def profiles_event(command_or_station: Any) -> live.Event:
    """Pages that show the station's profiles look again."""
    station = getattr(command_or_station, "station", command_or_station)
    return live.Event("profiles.updated", station.organization_id, station.pk, station.identity, {"id": station.pk})


def settle(batch: Batch, command: Command) -> None:
    """The command has ended: so has what it did to the charging profiles of its station."""
    forget_limits(command)
    if command.kind == "set_profile":
        row = ChargingProfile.objects.filter(command_id=command.pk).first()
        if row is None:
            if command.status == Command.Status.ACCEPTED and "amps" in command.params:
                superseded(batch, command)
            return
        words = {Command.Status.ACCEPTED: Status.ACCEPTED, Command.Status.REJECTED: Status.REFUSED}
        row.status = words.get(Command.Status(command.status), Status.UNANSWERED)
        row.answer, row.answered_at = command.error[:500], batch.now
        row.save(update_fields=["status", "answer", "answered_at"])
        if row.status == Status.ACCEPTED:
            replaced(batch, row)
    elif command.kind == "clear_profiles":
        unknown = (command.response or {}).get("status") == "Unknown"
        if command.status != Command.Status.ACCEPTED and not unknown:
            return
        rows = matching(command)
        rows.update(status=Status.CLEARED, answered_at=batch.now)
    else:
        return
    batch.tell(profiles_event(command))


def forget_limits(command: Command) -> None:
    """What a person sends may take the place of what the load balancing has stored, whose fail-safe is unknown then
    until it is stored again."""
    if command.status != Command.Status.ACCEPTED or "amps" in command.params:
        return
    outlets = Outlet.objects.filter(connector__station_id=command.station_id)
    if command.connector_id:
        outlets = outlets.filter(connector_id=command.connector_id)
    params = command.params
    if command.kind == "set_limit" or (command.kind == "set_profile" and is_failsafe(params)):
        outlets.update(fallback_a=None)
    elif command.kind == "clear_profiles" and not params.get("number"):
        outlets.update(fallback_a=None, confirmed_a=None, confirmed_for=None, lease_until=None)


def is_failsafe(params: dict[str, Any]) -> bool:
    """Whether a profile takes the place of the fail-safe: a default one of the lowest level."""
    return params.get("purpose") == ChargingProfile.Purpose.DEFAULT and params.get("stack_level") == 0


def superseded(batch: Batch, command: Command) -> None:
    """A limit of the load balancing has taken the place of what a person sent."""
    params = command.params
    same = ChargingProfile.objects.filter(
        station_id=command.station_id,
        connector=command.connector,
        purpose=params.get("purpose"),
        stack_level=params.get("stack_level"),
        status__in=LIVE,
    )
    if command.transaction_id is not None:
        same = same.filter(transaction_id=command.transaction_id)
    if same.update(status=Status.CLEARED, answered_at=batch.now, answer="Replaced by the load balancing."):
        batch.tell(profiles_event(command))


def replaced(batch: Batch, row: ChargingProfile) -> None:
    """A station holds one profile of a purpose and stack level at a place (1.6 §5.16, 2.0.1 K01.FR.06)."""
    same = ChargingProfile.objects.filter(
        station_id=row.station_id, purpose=row.purpose, stack_level=row.stack_level, status__in=LIVE
    ).exclude(pk=row.pk)
    same = same.filter(connector_id=row.connector_id) if row.connector_id else same.filter(connector__isnull=True)
    if row.transaction_id is not None:
        same = same.filter(transaction_id=row.transaction_id)
    same.update(status=Status.CLEARED, answered_at=batch.now, answer=f"Replaced by {row}."[:500])


def matching(command: Command) -> Any:
    """The profiles that a clearing command is about."""
    rows = ChargingProfile.objects.filter(
        station_id=command.station_id, status__in=LIVE, created_at__lte=command.created_at
    )
    params = command.params
    if params.get("number"):
        return rows.filter(number=params["number"])
    if command.connector_id:
        rows = rows.filter(connector_id=command.connector_id)
    if params.get("purpose"):
        rows = rows.filter(purpose=params["purpose"])
    if params.get("stack_level") is not None:
        rows = rows.filter(stack_level=params["stack_level"])
    return rows


def profiles_reported(batch: Batch, state: StationState, fact: ProfilesReported) -> None:
    """The station has these: whatever became of the answer, they are there."""
    rows = ChargingProfile.objects.filter(station=state.station, number__in=fact.numbers[:1000])
    if rows.update(reported_at=batch.now):
        rows.filter(status__in=(Status.SENT, Status.UNANSWERED)).update(status=Status.ACCEPTED, answered_at=batch.now)
        batch.tell(profiles_event(state.station))


def composite_reported(batch: Batch, state: StationState, fact: CompositeReported) -> None:
    CompositeSchedule.objects.update_or_create(
        station=state.station,
        evse_number=fact.evse,
        defaults={
            "unit": fact.unit,
            "begins_at": fact.begins_at,
            "duration_s": min(fact.duration_s, int(timedelta(days=31).total_seconds())),
            "periods": fact.periods,
            "received_at": batch.now,
        },
    )
    batch.tell(profiles_event(state.station))
