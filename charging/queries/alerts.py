"""What needs a person now: one query for each kind of trouble, however many stations there are."""

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db.models import F, Max, Model, Q, QuerySet, Sum
from django.utils import timezone

from accounts.actors import Actor, Role
from charging import live
from charging.models import (
    ChargingStation,
    Command,
    Connector,
    DesiredValue,
    Pulse,
    Transaction,
    Violation,
    WaitingStation,
)
from charging.queries import desired, waiting_stations
from charging.queries.scope import never_for_drivers

M = TypeVar("M", bound=Model)

#: So many of a kind are named; where there are more, it is said that there are.
MOST = 20
AWAY_FOR = timedelta(hours=1)
#: The scheduler shows life every 20 s.
IDLE_FOR = timedelta(seconds=60)
STARTED = time.monotonic()
MANY_VIOLATIONS = 20
FAILED = (Command.Status.REJECTED, Command.Status.TIMED_OUT, Command.Status.FAILED, Command.Status.EXPIRED)
#: How many held bills are looked through for the newest.
MOST_HELD = 1_000


@dataclass(slots=True)
class Troubles:
    """Each at most MOST + 1 rows; `violations` are (identity, name, how often, when last)."""

    connectors: list[Connector] = field(default_factory=list)
    faulted: list[ChargingStation] = field(default_factory=list)
    away: list[ChargingStation] = field(default_factory=list)
    held: list[Transaction] = field(default_factory=list)
    drifted: list[DesiredValue] = field(default_factory=list)
    waiting: list[WaitingStation] = field(default_factory=list)
    violations: list[tuple[str, str, int, Any]] = field(default_factory=list)
    failed: list[Command] = field(default_factory=list)
    #: When the scheduler and a worker last showed life, if that is too long ago.
    idle_since: datetime | None = None
    #: Live updates and wake-ups do not get through.
    deaf: bool = False


def troubles(actor: Actor) -> Troubles:
    """What the actor, who sees more than the own charging, is told of; nothing of organizations where it drives."""
    if not actor.is_platform_admin and all(role == Role.DRIVER for role in actor.memberships.values()):
        return Troubles()
    now = timezone.now()
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    named = never_for_drivers(actor, ChargingStation.objects.exclude(registration="rejected"))
    gone = Q(online=False, last_seen__lte=now - AWAY_FOR)
    stations = list(named.filter(gone | Q(status="Faulted", online=True)).order_by("last_seen", "pk")[: 2 * MOST + 1])
    return Troubles(
        connectors=first(
            never_for_drivers(actor, Connector.objects.select_related("station"), "station__organization")
            .filter(status=Connector.Status.FAULTED, station__online=True)
            .order_by("status_received_at", "pk")
        ),
        faulted=[row for row in stations if row.online][: MOST + 1],
        away=[row for row in stations if not row.online][: MOST + 1],
        held=held_bills(actor),
        drifted=first(desired.drifted(actor)),
        waiting=first(waiting_stations.visible(actor)) if actor.is_platform_admin else [],
        violations=many_violations(actor, midnight),
        failed=first(
            never_for_drivers(actor, Command.objects.select_related("station", "connector", "actor"))
            .filter(created_at__gte=midnight, status__in=FAILED)
            .order_by("-created_at", "-pk")
        ),
        idle_since=idle_since(now),
        deaf=live.layer_is_away(),
    )


def idle_since(now: datetime) -> datetime | None:
    """The scheduler's last sign of life, if that is too long ago; what started a moment ago waits for the first one."""
    if time.monotonic() - STARTED < IDLE_FOR.total_seconds():
        return None
    return Pulse.objects.filter(name="beat", at__lt=now - IDLE_FOR).values_list("at", flat=True).first()


def held_bills(actor: Actor) -> list[Transaction]:
    """The newest of the first thousand. `IN` and an order made here: asked otherwise, SQLite reads all bills for the
    few that are held."""
    held = never_for_drivers(actor, Transaction.objects.select_related("station")).filter(final__in=[False])
    rows = list(held.exclude(state__in=Transaction.OPEN).order_by()[:MOST_HELD])
    return sorted(rows, key=lambda row: (row.ended or row.created_at, row.pk), reverse=True)[: MOST + 1]


def first(rows: QuerySet[M]) -> list[M]:
    return list(rows[: MOST + 1])


def many_violations(actor: Actor, since: Any) -> list[tuple[str, str, int, Any]]:
    """Stations that have often sent wrong data, and did so again since then."""
    rows = never_for_drivers(actor, Violation.objects.filter(last_at__gte=since), "station__organization")
    summed = rows.order_by().values("station__identity", "station__name").annotate(n=Sum("count"), at=Max("last_at"))
    worst = summed.filter(n__gte=MANY_VIOLATIONS).order_by(F("n").desc(), "station__identity")
    return [(row["station__identity"], row["station__name"], row["n"], row["at"]) for row in worst[: MOST + 1]]
