"""Reading schedules, what they do next, and their log."""

from typing import Any

from django.db.models import Prefetch, QuerySet

from accounts.actors import Actor
from charging.models import ChargingStation, Schedule, ScheduleRun
from charging.queries.scope import iso, one, own_for_drivers
from charging.queries.stations import money


def visible(actor: Actor) -> QuerySet[Schedule]:
    """The organization's schedules; a driver's own."""
    rows = Schedule.objects.select_related("station__site", "connector", "user", "car", "id_tag")
    return own_for_drivers(actor, rows)


def with_next_runs(actor: Actor) -> QuerySet[Schedule]:
    """The same with the runs that are not over as `coming`, in one query more."""
    coming = ScheduleRun.objects.exclude(state__in=ScheduleRun.OVER).order_by("begin_at", "pk")
    return visible(actor).prefetch_related(Prefetch("runs", queryset=coming, to_attr="coming"))


def coming(schedule: Schedule) -> list[ScheduleRun]:
    """The runs of one of `with_next_runs` that are not over."""
    found: list[ScheduleRun] = getattr(schedule, "coming", [])
    return found


def get(actor: Actor, pk: object) -> Schedule:
    """Raises NotFound."""
    return one(visible(actor), "schedule", pk=pk)


def own(actor: Actor) -> QuerySet[Schedule]:
    """The actor's own schedules; what is switched off comes first, so that what is on has the last word."""
    rows = visible(actor).filter(user=actor.user) if actor.user else Schedule.objects.none()
    return rows.order_by("enabled", "pk")


def own_at(actor: Actor, station: ChargingStation) -> list[Schedule]:
    """The actor's own schedules at a station, those that are on first."""
    return list(own(actor).filter(station=station).order_by("-enabled", "pk"))


def runs(actor: Actor, schedule: Schedule) -> QuerySet[ScheduleRun]:
    """The runs of a schedule that the actor sees, the newest first."""
    rows = ScheduleRun.objects.filter(schedule=schedule, schedule__in=visible(actor).filter(pk=schedule.pk))
    return rows.order_by("-begin_at", "-pk")


def as_json(schedule: Schedule) -> dict[str, Any]:
    """A schedule as REST and live events give it. Costs no query for one of `visible`."""
    outlet = schedule.connector
    return {
        "id": schedule.pk,
        "organization": schedule.organization_id,
        "station": schedule.station.identity,
        "evse_id": outlet.evse_number if outlet else None,
        "connector_id": outlet.number if outlet else None,
        "user": schedule.user_id,
        "car": schedule.car_id,
        "id_tag": schedule.id_tag.id_tag if schedule.id_tag else None,
        "name": schedule.name,
        "mode": str(schedule.mode),
        "technique": str(schedule.technique),
        "enabled": schedule.enabled,
        "windows": schedule.windows,
        "ready_by": f"{schedule.ready_by:%H:%M}" if schedule.ready_by else None,
        "target_wh": schedule.target_wh,
        "target_percent": schedule.target_percent,
        "battery_wh": schedule.battery_wh,
        "soc_percent": schedule.soc_percent,
        "power_w": schedule.power_w,
        "continuous": schedule.continuous,
        "buffer_minutes": schedule.buffer_minutes,
        "min_run_minutes": schedule.min_run_minutes,
        "price_limit": money(schedule.price_limit),
        "random_delay_minutes": schedule.random_delay_minutes,
        "charge_now": schedule.charge_now,
        "skipped": iso(schedule.skipped),
        "paused_until": iso(schedule.paused_until),
        "plugged_since": iso(schedule.plugged_since),
        "plan": {key: value for key, value in schedule.plan.items() if key != "told"},
        "created_at": iso(schedule.created_at),
    }


def run_as_json(run: ScheduleRun) -> dict[str, Any]:
    """A run as REST gives it: its times, what was sent and answered, and every line of its log."""
    return {
        "id": run.pk,
        "schedule": run.schedule_id,
        "state": str(run.state),
        "begin": iso(run.begin_at),
        "end": iso(run.end_at),
        "open_ended": run.open_ended,
        "limit_w": run.limit_w,
        "energy_wh": run.energy_wh,
        "cost": f"{run.cost:.2f}" if run.cost is not None else None,
        "sent": iso(run.sent_at),
        "answered": iso(run.answered_at),
        "effect": iso(run.effect_at),
        "ended": iso(run.ended_at),
        "command": run.command_id,
        "transaction": run.transaction_id,
        "steps": run.steps,
        "created": iso(run.created_at),
    }
