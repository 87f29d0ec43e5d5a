"""The running cost of cars that have stopped charging and still stand there: it grows by the minute.

A station may send no meter value for an hour while nothing flows. The bill does not need one, since idle time is
counted to the end; what is shown and told meanwhile does. Only what is shown is written here: the hours of the
statistics follow with the next reading, by the ledger, which alone books them.
"""

from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce

from charging import live, tariffs
from charging.ledger.batch import transaction_event
from charging.ledger.state import reopened, zone_of
from charging.models import Transaction
from charging.queries import tariffs as tariff_queries

#: What was read of late is counted by the ledger.
QUIET = timedelta(seconds=50)
#: A connector below this charges no car.
FLOWING_W = 100
RESTING = ("SuspendedEV", "SuspendedEVSE", "Finishing")
MOST_AT_ONCE = 2000


def tick(now: datetime) -> int:
    """Bring the cost of running sessions up to date whose car rests and of whose meter nothing was heard; how many."""
    rows = Transaction.objects.filter(state__in=Transaction.OPEN, tariff_version__isnull=False, started__isnull=False)
    rows = rows.annotate(heard=Coalesce("last_event_at", "started")).filter(heard__lte=now - QUIET)
    resting = Q(connector__power_w__lt=FLOWING_W) | Q(connector__status__in=RESTING, connector__power_w__isnull=True)
    rows = rows.filter(resting, Q(connector__transaction=F("pk"))).exclude(charging_state="Charging")
    rows = rows.select_related("station__site", "connector", "id_tag", "user", "car", "tariff_version__tariff")
    changed = [row for row in rows.order_by("pk")[:MOST_AT_ONCE] if has_idle_part(row) and bring_up_to_date(row, now)]
    return len(changed)


def has_idle_part(row: Transaction) -> bool:
    assert row.tariff_version is not None
    return any(part["kind"] == "idle" for part in row.tariff_version.parts)


def cost_until(row: Transaction, until: datetime) -> tuple[Decimal, list[dict[str, object]]]:
    """(cost, its lines) of a running session if it ended at a moment with the energy that it has."""
    assert row.tariff_version is not None and row.started is not None
    (running,) = reopened([row])
    pricing = tariff_queries.pricing(row.tariff_version, row.organization_id, zone_of(row.station))
    energy_wh = round(running.fold.energy_wh(), 3)
    bill = pricing.bill(tariffs.Session(row.started, until, energy_wh, running.fold.curve))
    return bill.total, [line.as_json() for line in bill.lines]


def bring_up_to_date(row: Transaction, now: datetime) -> bool:
    """Write the cost, unless something has been heard meanwhile; whether it has changed."""
    cost, lines = cost_until(row, now)
    if cost == row.cost:
        return False
    with transaction.atomic():
        same = Transaction.objects.filter(pk=row.pk, state=row.state, last_event_at=row.last_event_at)
        if not same.update(cost=cost, cost_lines=lines):
            return False
        row.cost, row.cost_lines = cost, lines
        live.publish(transaction_event("transaction.updated", row))
    return True
