"""What the dashboard needs, in a handful of queries however many stations there are."""

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from operator import attrgetter
from typing import Any

from django.db.models import Count, Max, Q, QuerySet, Sum
from django.utils import timezone

from accounts.actors import Actor, Role
from charging.cards import Outlet, Rights, StationCard
from charging.models import ChargingStation, Connector, HourlyEnergy, Transaction
from charging.queries import (
    commands,
    connectors,
    id_tags,
    reservations,
    schedules,
    stations,
    tariffs,
    transactions,
    waiting_stations,
)
from charging.queries.scope import everything, own_for_drivers

#: How long the outcome of a command stays on a card.
OUTCOME_KEPT = timedelta(minutes=10)
#: Kinds whose outcome is shown on the card from which they can be sent.
ON_CARDS = ("start", "stop", "unlock", "reset", "call")


def cards(actor: Actor, rows: Iterable[ChargingStation]) -> list[StationCard]:
    """Cards of stations of `stations.with_connectors`, in their order."""
    rows = list(rows)
    tagged = {organization for (organization,) in id_tags.visible(actor).values_list("organization_id").distinct()}
    made = {row.pk: card_of(actor, row, row.organization_id in tagged) for row in rows}
    for pk, version in tariffs.of_stations(rows).items():
        made[pk].tariff = tariffs.summary(version)
    # Put in order here: asked for one, SQLite walks the whole table by its key.
    running = transactions.open_ones(actor).filter(station__in=made).order_by()
    for transaction in sorted(running, key=attrgetter("pk")):
        made[transaction.station_id].put_session(transactions.as_json(transaction))
    for schedule in schedules.own(actor).filter(station__in=made):
        made[schedule.station_id].put_schedule(schedules.as_json(schedule))
    for reservation in reservations.held(actor, made):
        made[reservation.station_id].put_reservation(reservations.as_json(reservation))
    since = timezone.now() - OUTCOME_KEPT
    recent = commands.visible(actor).filter(station__in=made, created_at__gte=since, kind__in=ON_CARDS)
    for command in recent.order_by("pk"):
        made[command.station_id].put_outcome(commands.as_json(command))
    return list(made.values())


def card_of(actor: Actor, station: ChargingStation, has_tags: bool) -> StationCard:
    organization = station.organization_id
    card = StationCard(
        stations.as_json(station, evses=False),
        Rights(
            actor.user.pk if actor.user else None,
            actor.can(Role.DRIVER, organization),
            actor.can(Role.MANAGER, organization),
            has_tags,
        ),
        station.site.name if station.site else "",
    )
    for evse in station.evses.all():
        for connector in evse.connectors.all():
            card.outlets[connector.pk] = Outlet(card, connectors.as_event(connector))
    return card


def totals(actor: Actor, station: ChargingStation | None = None) -> dict[str, Any]:
    """What the tiles count, over every station the actor sees, or over one.

    Returns:
        `stations` how many there are, `newest` the last pk among them, `offline` {station pk}, `station_faults`
        [station pk], `connectors` {connector pk: (status, power W or
        None, occupied)} of those that are occupied or faulted, `sessions` {transaction pk: (energy Wh, cost)} of the
        open ones, `energy_today_wh`, `cost_today`, `sessions_today`, `waiting`.
    """
    seen = stations.visible(actor)
    busy = Connector.objects.filter(Q(transaction__isnull=False) | Q(status=Connector.Status.FAULTED)).order_by()
    outlets = everything(actor, busy, "station__organization")
    if station is not None:
        seen, outlets = seen.filter(pk=station.pk), outlets.filter(station=station)
    sessions = transactions.open_ones(actor, station).order_by().values_list("pk", "energy_wh", "cost")
    # Of thousands most are as they should be: those are counted, and the others named.
    whole = seen.order_by().aggregate(stations=Count("pk"), newest=Max("pk"))
    others = list(
        seen.filter(Q(online=False) | Q(status="Faulted")).order_by("pk").values_list("pk", "online", "status")
    )
    return {
        "stations": whole["stations"],
        "newest": whole["newest"] or 0,
        "offline": {pk for pk, online, _status in others if not online},
        "station_faults": [pk for pk, _online, status in others if status == "Faulted"],
        "connectors": {
            pk: (status, power_w, running is not None)
            for pk, status, power_w, running in outlets.values_list("pk", "status", "power_w", "transaction_id")
        },
        "sessions": {pk: (energy_wh, cost or Decimal(0)) for pk, energy_wh, cost in sessions},
        **today(actor, station),
        "waiting": waiting_stations.visible(actor).count(),
    }


def today(actor: Actor, station: ChargingStation | None) -> dict[str, Any]:
    """What flowed since the reader's midnight and what it costs, and how many sessions began.

    Of the whole organization; for who is nowhere more than a driver, of the own sessions.
    """
    since = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    begun = own_for_drivers(actor, Transaction.objects.filter(started__gte=since))
    hours = everything(actor, HourlyEnergy.objects.filter(hour__gte=since))
    if station is not None:
        begun, hours = begun.filter(station=station), hours.filter(station=station)
    drives = not actor.is_platform_admin and set(actor.memberships.values()) <= {Role.DRIVER}
    flowed: QuerySet[Any] = begun if drives else hours
    sums = flowed.aggregate(energy_wh=Sum("energy_wh"), cost=Sum("cost"))
    return {
        "energy_today_wh": float(sums["energy_wh"] or 0.0),
        "cost_today": sums["cost"] or Decimal(0),
        "sessions_today": begun.count(),
    }
