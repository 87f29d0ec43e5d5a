"""What the dashboard needs, in a handful of queries however many stations there are."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, Sum
from django.utils import timezone

from accounts.actors import Actor, Role
from charging.cards import Outlet, Rights, StationCard
from charging.models import ChargingStation, Connector, HourlyEnergy, Transaction
from charging.queries import commands, connectors, id_tags, stations, transactions, waiting_stations
from charging.queries.scope import everything, own_for_drivers

#: How long the outcome of a command stays on a card.
OUTCOME_KEPT = timedelta(minutes=10)
#: Kinds whose outcome is shown on the card from which they can be sent.
ON_CARDS = ("start", "stop", "unlock", "reset", "call")


def cards(actor: Actor, rows: Iterable[ChargingStation]) -> list[StationCard]:
    """Cards of stations of `stations.with_connectors`, in their order."""
    tagged = {organization for (organization,) in id_tags.visible(actor).values_list("organization_id").distinct()}
    made = {row.pk: card_of(actor, row, row.organization_id in tagged) for row in rows}
    for transaction in transactions.open_ones(actor).filter(station__in=made):
        made[transaction.station_id].put_session(transactions.as_json(transaction))
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


def totals(actor: Actor) -> dict[str, Any]:
    """What the tiles count, over every station the actor sees.

    Returns:
        `online` {station pk: bool}, `station_faults` [station pk], `connectors` {connector pk: (status, power W or
        None, occupied)}, `sessions` {transaction pk: energy Wh} of the open ones, `energy_today_wh`, `waiting`.
    """
    seen = stations.visible(actor)
    outlets = everything(actor, Connector.objects.all(), "station__organization")
    day = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    return {
        "online": dict(seen.values_list("pk", "online")),
        "station_faults": list(seen.filter(status="Faulted").values_list("pk", flat=True)),
        "connectors": {
            pk: (status, power_w, running is not None)
            for pk, status, power_w, running in outlets.values_list("pk", "status", "power_w", "transaction_id")
        },
        "sessions": dict(transactions.open_ones(actor).values_list("pk", "energy_wh")),
        "energy_today_wh": energy_since(actor, day),
        "waiting": waiting_stations.visible(actor).count(),
    }


def energy_since(actor: Actor, since: datetime) -> float:
    """Energy in Wh that flowed since then: of the whole organization, for a driver of the own sessions."""
    drives = not actor.is_platform_admin and set(actor.memberships.values()) <= {Role.DRIVER}
    if drives:
        rows = own_for_drivers(actor, Transaction.objects.all()).filter(Q(ended__gte=since) | Q(ended=None))
        return float(rows.filter(started__gte=since).aggregate(sum=Sum("energy_wh"))["sum"] or 0.0)
    hours = everything(actor, HourlyEnergy.objects.filter(hour__gte=since))
    return float(hours.aggregate(sum=Sum("energy_wh"))["sum"] or 0.0)
