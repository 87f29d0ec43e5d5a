"""What runs on a schedule. Every task may run twice at once and may be missed: it looks at the rows, changes only what
still is as it was, and leaves the rest to its next run."""

import logging
from datetime import timedelta

from asgiref.sync import async_to_sync
from celery import shared_task
from django.db import transaction
from django.utils import timezone

from accounts.notice_sending import send_notifications
from accounts.webhook_sending import send_webhooks
from charging import (
    balancer,
    cost_updates,
    daily_prices,
    feed_reader,
    housekeeping,
    idle_costs,
    live,
    reservations_due,
    retention,
)
from charging.jobs import keeping
from charging.jobs import run as jobs
from charging.ledger import lost, owners
from charging.live import tell_gateways
from charging.models import Pulse
from charging.scheduling import plans, runs
from mobility.beat import only_if

log = logging.getLogger("charging.tasks")


@shared_task
def pulse() -> None:
    """The scheduler's and a worker's sign of life, for /readyz."""
    Pulse.objects.update_or_create(name="beat", defaults={"at": timezone.now()})


@shared_task
@only_if(housekeeping.has_overdue_commands)
def expire_commands() -> None:
    """End commands that nobody will answer any more."""
    now = timezone.now()
    for command in housekeeping.overdue_commands(now):
        housekeeping.end_command(command, now)


@shared_task
def close_lost_transactions() -> None:
    """Close transactions at connectors that are free again."""
    now = timezone.now()
    for pk, station_id in list(lost.suspects(now).values_list("pk", "station_id")[:500]):
        with transaction.atomic():
            events = lost.close(pk, now)
            if events:
                tell_gateways("station.changed", station_id)
        if events:
            log.info("Transaction %s has lost its stop; closed with its last reading", pk)
            async_to_sync(live.send)(events)


@shared_task
def give_up_dead_gateways() -> None:
    """Mark as offline what gateways held that show no life any more."""
    given = owners.give_up_dead(timezone.now())
    if given:
        log.warning("%d stations were held by a gateway that shows no life", given)


@shared_task
def notice_offline_stations() -> None:
    """Tell once that a station has been away for ten minutes, and that it is back only where that was told."""
    housekeeping.tell_offline(timezone.now())
    housekeeping.tell_back()


@shared_task
@only_if(feed_reader.has_news)
def read_feed() -> None:
    """Make notifications and webhook deliveries of what has happened, and have them sent."""
    told, delivered = feed_reader.read(timezone.now())
    if told:
        send_notifications.delay()
    if delivered:
        send_webhooks.delay()


@shared_task
@only_if(plans.has_due_work)
def run_schedules() -> None:
    """Decide when to charge, and act on what is due."""
    now = timezone.now()
    plans.plan_due(now)
    runs.run_due(now)


@shared_task
@only_if(reservations_due.has_due)
def keep_reservations() -> None:
    """Send planned reservations whose time has come, and end those whose time is over."""
    reservations_due.run_due(timezone.now())


@shared_task
@only_if(jobs.has_due)
def run_jobs() -> None:
    """Begin jobs of stations, and end those of which nothing is heard."""
    jobs.run_due(timezone.now())


@shared_task
def read_prices() -> None:
    """Read the day-ahead prices of the sources that are due."""
    daily_prices.read_due(timezone.now())


@shared_task
@only_if(balancer.has_sites)
def balance_load() -> None:
    """Keep every site within the limits of its circuits."""
    balancer.balance_all(timezone.now())


@shared_task
def tell_costs() -> None:
    """Bring the cost of resting cars up to date, and tell 2.x stations what their running sessions cost so far."""
    now = timezone.now()
    idle_costs.tick(now)
    cost_updates.tell(now)


@shared_task
def prune() -> None:
    """Remove what has served its time."""
    now = timezone.now()
    removed = {
        "changes": housekeeping.prune_changes(now - timedelta(days=1)),
        "messages": housekeeping.prune_messages(now),
        "meter readings": retention.prune_readings(now),
        "waiting stations": housekeeping.prune_waiting_stations(),
        "sign-ins": housekeeping.prune_sign_ins(now),
        "notifications and deliveries": housekeeping.prune_told(now),
        "logs of stations": keeping.prune_logs(now),
    }
    if any(removed.values()):
        log.info("Removed %s", ", ".join(f"{count} {what}" for what, count in removed.items() if count))
