"""Reading charging profiles, and what they come to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from accounts.actors import Actor
from charging.composite import Period, Profile, Step, composite, differences
from charging.models import ChargingProfile, ChargingStation, Command, CompositeSchedule, Connector, Outlet
from charging.queries.scope import iso, never_for_drivers, one
from charging.ways import FAILSAFES, LADDER

DAY_S = 86_400
VOLTS = 230.0
#: A reading is compared with the limit when it is at most this old.
FRESH = timedelta(minutes=5)
#: Clocks and roundings differ by this much.
SHORTEST_GAP_S, TOLERANCE_A = 30, 0.2
#: Profiles that the station has, or may have.
HELD = (ChargingProfile.Status.ACCEPTED, ChargingProfile.Status.UNANSWERED)
OVER = (Command.Status.TIMED_OUT, Command.Status.FAILED, Command.Status.EXPIRED, Command.Status.CANCELLED)


def visible(actor: Actor) -> QuerySet[ChargingProfile]:
    """The profiles that were sent, never to drivers: they tell about other people's charging."""
    rows = ChargingProfile.objects.select_related("station", "connector", "transaction", "command")
    return never_for_drivers(actor, rows)


def get(actor: Actor, pk: object) -> ChargingProfile:
    """Raises NotFound."""
    return one(visible(actor), "charging profile", pk=pk)


def status_of(row: ChargingProfile) -> str:
    """Its status; one whose command ended without an answer is `unanswered`."""
    if row.status == ChargingProfile.Status.SENT and row.command is not None and row.command.status in OVER:
        return str(ChargingProfile.Status.UNANSWERED)
    return str(row.status)


def answer_of(row: ChargingProfile) -> str:
    return row.answer or (row.command.error if row.command is not None else "")


def as_json(row: ChargingProfile) -> dict[str, Any]:
    return {
        "id": row.pk,
        "organization": row.organization_id,
        "station": row.station.identity,
        "evse_id": row.connector.evse_number if row.connector else None,
        "connector_id": row.connector.number if row.connector else None,
        "transaction": row.transaction_id,
        "schedule": row.schedule_id,
        "number": row.number,
        "name": row.name,
        "purpose": row.purpose,
        "kind": row.kind,
        "recurrency": row.recurrency,
        "stack_level": row.stack_level,
        "unit": row.unit,
        "starts_at": iso(row.starts_at),
        "duration_s": row.duration_s,
        "valid_from": iso(row.valid_from),
        "valid_to": iso(row.valid_to),
        "periods": row.periods,
        "status": status_of(row),
        "answer": answer_of(row),
        "answered_at": iso(row.answered_at),
        "reported_at": iso(row.reported_at),
        "command": row.command_id,
        "created_at": iso(row.created_at),
    }


def held_by(station: ChargingStation) -> list[Profile]:
    """The profiles that a station has as far as is known, the limits of the load balancing among them."""
    rows = ChargingProfile.objects.filter(station=station, status__in=HELD).select_related("connector", "transaction")
    return [profile_of(row) for row in rows] + balanced(station)


def profile_of(row: ChargingProfile) -> Profile:
    """A stored profile as `composite` takes it."""
    return Profile(
        purpose=row.purpose,
        kind=row.kind,
        stack_level=row.stack_level,
        unit=row.unit,
        periods=tuple(Period(item["start_s"], item["limit"], item.get("phases")) for item in row.periods),
        evse=row.connector.evse_number if row.connector else 0,
        recurrency=row.recurrency,
        starts_at=row.starts_at,
        duration_s=float(row.duration_s) if row.duration_s else float("inf"),
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        transaction_id=row.transaction.transaction_id if row.transaction else None,
        name=str(row),
    )


def balanced(station: ChargingStation) -> list[Profile]:
    """What the load balancing has stored on a station: the fail-safe of each outlet, and its limit while it holds."""
    found = []
    long_ago = timezone.now() - timedelta(days=3650)
    for row in Outlet.objects.filter(connector__station=station).select_related("connector__transaction"):
        evse = row.connector.evse_number
        if row.fallback_a is not None:
            flat = (Period(0, row.fallback_a),)
            way = FAILSAFES[0]
            found.append(
                Profile(way.purpose, "absolute", 0, "A", flat, evse, starts_at=long_ago, name="load balancing")
            )
        way = LADDER[min(row.step, len(LADDER) - 1)]
        tx = row.connector.transaction
        if (
            row.confirmed_a is not None
            and way.leases
            and (row.confirmed_for is None or (tx and tx.pk == row.confirmed_for))
        ):
            flat = (Period(0, row.confirmed_a),)
            purpose, level = way.purpose, way.stack_level
            found.append(
                Profile(
                    purpose,
                    "absolute",
                    level,
                    "A",
                    flat,
                    evse,
                    starts_at=long_ago,
                    valid_to=row.lease_until,
                    name="load balancing",
                )
            )
    return found


@dataclass(frozen=True, slots=True)
class Comparison:
    """The composite schedule of an EVSE as computed and as its station said it, from `begins_at`, in amperes per phase.

    `theirs` is None while the station was not asked. `limit_a` is what holds now, `measured_a` what flows per phase.
    """

    evse: int
    begins_at: datetime
    duration_s: int
    ours: list[Step]
    theirs: list[Step] | None
    differences: list[tuple[int, int, float | None, float | None]]
    received_at: datetime | None
    limit_a: float | None
    because: str
    measured_a: float | None
    charging: bool

    @property
    def effect(self) -> str:
        """`kept` or `exceeded` by the measured current; empty where nothing is to be said."""
        if not self.charging or self.limit_a is None or self.measured_a is None:
            return ""
        return "kept" if self.measured_a <= self.limit_a + max(1.0, 0.08 * self.limit_a) else "exceeded"


def comparison(station: ChargingStation, evse: int, now: datetime | None = None) -> Comparison:
    """Compute the composite schedule of an EVSE and hold the station's own against it."""
    now = now or timezone.now()
    connector = Connector.objects.filter(station=station, evse_number=evse).select_related("transaction").first()
    outlet = Outlet.objects.filter(connector=connector).first() if connector else None
    phases = outlet.phases if outlet else 3
    said = CompositeSchedule.objects.filter(station=station, evse_number=evse).first()
    begins_at, duration_s = (said.begins_at, said.duration_s) if said else (now, DAY_S)
    profiles = held_by(station)
    tx = connector.transaction if connector and connector.transaction and connector.transaction.is_open else None
    running: dict[str, Any] = {
        "started": tx.started if tx else None,
        "transaction_id": tx.transaction_id if tx else None,
        "volts": VOLTS,
        "phases": phases,
    }
    ours = composite(profiles, evse, begins_at, duration_s, **running)
    theirs = amperes(said, phases) if said else None
    (here, *_) = composite(profiles, evse, now, 1, **running)
    return Comparison(
        evse=evse,
        begins_at=begins_at,
        duration_s=duration_s,
        ours=ours,
        theirs=theirs,
        differences=gaps(ours, theirs, duration_s) if theirs else [],
        received_at=said.received_at if said else None,
        limit_a=here.limit,
        because=here.because,
        measured_a=measured(connector, phases, now),
        charging=tx is not None,
    )


def gaps(ours: list[Step], theirs: list[Step], duration_s: int) -> list[tuple[int, int, float | None, float | None]]:
    """Where the two differ, beside rounding, and what no profile limits: there a station says its own rating."""
    found = differences(ours, theirs, duration_s, TOLERANCE_A)
    return [gap for gap in found if gap[2] is not None and gap[1] - gap[0] >= SHORTEST_GAP_S]


def amperes(said: CompositeSchedule, phases: int) -> list[Step]:
    factor = 1.0 if said.unit == "A" else 1 / (VOLTS * phases)
    return [Step(item["start_s"], round(item["limit"] * factor, 2)) for item in said.periods]


def measured(connector: Connector | None, phases: int, now: datetime) -> float | None:
    """The current per phase, where a reading is fresh enough to say it."""
    if connector is None or connector.measured_at is None or now - connector.measured_at > FRESH:
        return None
    if connector.power_w is not None:
        return connector.power_w / (VOLTS * phases)
    return connector.current_a


def comparison_json(found: Comparison) -> dict[str, Any]:
    return {
        "evse_id": found.evse,
        "unit": "A",
        "begins_at": iso(found.begins_at),
        "duration_s": found.duration_s,
        "computed": steps_json(found.ours),
        "reported": steps_json(found.theirs) if found.theirs is not None else None,
        "reported_at": iso(found.received_at),
        "differences": [
            {"from_s": start, "to_s": end, "computed_a": ours, "reported_a": theirs}
            for start, end, ours, theirs in found.differences
        ],
        "limit_a": found.limit_a,
        "measured_a": found.measured_a,
        "effect": found.effect,
    }


def steps_json(steps: Sequence[Step]) -> list[dict[str, Any]]:
    return [{"start_s": step.start_s, "limit": step.limit, "because": step.because} for step in steps]


def next_number(station: ChargingStation) -> int:
    """The lowest id that no profile of the station has had."""
    newest = (
        ChargingProfile.objects.filter(station=station, kept=False)
        .order_by("-number")
        .values_list("number", flat=True)
        .first()
    )
    return (newest or 10) + 1


def moment(text: str | None) -> datetime | None:
    return parse_datetime(text) if text else None
