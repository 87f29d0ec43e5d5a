"""What has to happen without anyone asking: commands that expire, stations that stay away, rows that have served."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts import devices, kept_answers
from accounts.models import ApiKey, Invitation, Mark, Notification, ResetRequest, Ticket, TokenFamily, WebhookDelivery
from charging import aftermath, live
from charging.actions.commands import settle_new_password, tell_command
from charging.actions.common import tell_station
from charging.ledger.figures import count_ended
from charging.models import Change, ChargingStation, Command, OcppMessage, SecurityEvent, WaitingStation
from charging.news import FEED
from charging.queries import security_events

#: A gateway times its calls out itself; only after this much longer is it taken for gone.
GATEWAY_GRACE = timedelta(seconds=30)
AWAY_FOR = timedelta(minutes=10)
#: How long the lists of what was told are kept.
TOLD_FOR = timedelta(days=90)
DELIVERIES_FOR = timedelta(days=14)
SLICE = 5000
MOST_WAITING = 200


def has_overdue_commands() -> bool:
    """Whether there may be any."""
    now = timezone.now()
    queued = Q(status=Command.Status.QUEUED, expires_at__lte=now)
    return Command.objects.filter(queued | Q(status=Command.Status.SENT, sent_at__lte=now - GATEWAY_GRACE)).exists()


def overdue_commands(now: datetime) -> Iterator[Command]:
    """Queued ones past their time, and sent ones whose answer is overdue."""
    rows = Command.objects.select_related("station", "connector", "actor").order_by("pk")
    yield from rows.filter(status=Command.Status.QUEUED, expires_at__lte=now)[:1000]
    for command in rows.filter(status=Command.Status.SENT, sent_at__lte=now - GATEWAY_GRACE)[:1000]:
        patience = timedelta(seconds=command.station.call_timeout_s or settings.OCPP_CALL_TIMEOUT_S)
        if command.sent_at is not None and command.sent_at + patience + GATEWAY_GRACE <= now:
            yield command


def end_command(command: Command, now: datetime) -> bool:
    """Expire or time out one command, unless something has happened to it meanwhile."""
    before = command.status
    if before == Command.Status.QUEUED:
        command.status, command.error = Command.Status.EXPIRED, "The station was not there in time."
    else:
        command.status, command.error = Command.Status.TIMED_OUT, "The station did not answer. It may still act on it."
    command.answered_at = now
    with transaction.atomic():
        changed = Command.objects.filter(pk=command.pk, status=before).update(
            status=command.status, error=command.error, answered_at=now
        )
        if changed:
            settle_new_password(command)
            tell_command(command)
            live.publish(*aftermath.command_ended(command, now))
    if changed:
        count_ended(command.kind, str(command.status))
    return bool(changed)


def tell_offline(now: datetime) -> int:
    """One security event and one live event for each station that has been away for ten minutes."""
    away = ChargingStation.objects.filter(online=False, offline_told=False).filter(
        Q(disconnected_at__lte=now - AWAY_FOR)
    )
    told = 0
    for station in away.order_by("pk")[:1000]:
        with transaction.atomic():
            fresh = ChargingStation.objects.filter(pk=station.pk, online=False, offline_told=False)
            if fresh.update(offline_told=True):
                told += 1
                station.offline_told = True
                note(
                    station, "StationOffline", f"Not connected since {station.disconnected_at:%Y-%m-%d %H:%M} UTC.", now
                )
                tell_station(station)
    return told


def tell_back() -> int:
    """The end of what was told: the station is connected again."""
    told = 0
    for station in ChargingStation.objects.filter(online=True, offline_told=True).order_by("pk")[:1000]:
        with transaction.atomic():
            if ChargingStation.objects.filter(pk=station.pk, online=True, offline_told=True).update(offline_told=False):
                told += 1
                at = station.connected_at
                note(
                    station,
                    "StationOnline",
                    "Connected again." if at is None else f"Connected again since {at:%H:%M} UTC.",
                )
                tell_station(station)
    return told


def note(station: ChargingStation, kind: str, info: str, at: datetime | None = None) -> None:
    row = SecurityEvent(organization_id=station.organization_id, station=station, type=kind, info=info)
    if at is not None:
        row.at = at
    row.save()
    live.publish(security_events.event(row))


def prune_changes(before: datetime) -> int:
    """The feed is kept for a day, and until webhooks and notifications have been made of it; the newest row stays, so
    that a cursor can be compared with it."""
    newest = live.head()
    read = Mark.objects.filter(pk=FEED).values_list("value", flat=True).first()
    kept = newest if read is None else min(newest, read)
    return in_slices(Change.objects.filter(at__lt=before, cursor__lt=kept), "cursor")


def prune_messages(now: datetime) -> int:
    """The OCPP log is kept for OCPP_LOG_DAYS. Its primary key follows time: the oldest slice is found at once."""
    limit = now - timedelta(days=settings.OCPP_LOG_DAYS)
    removed = 0
    while True:
        oldest = list(OcppMessage.objects.order_by("pk").values_list("pk", "at")[:SLICE])
        gone = [pk for pk, at in oldest if at < limit]
        if gone:
            removed += OcppMessage.objects.filter(pk__gte=gone[0], pk__lte=gone[-1], at__lt=limit).delete()[0]
        if len(gone) < SLICE:
            return removed


def prune_told(now: datetime) -> int:
    """What people and webhooks were told a while ago."""
    removed = in_slices(Notification.objects.filter(created_at__lt=now - TOLD_FOR), "pk")
    done = WebhookDelivery.objects.filter(created_at__lt=now - DELIVERIES_FOR).exclude(finished_at=None)
    return removed + in_slices(done, "pk")


def in_slices(rows: QuerySet[Any], key: str) -> int:
    """Delete a queryset by at most SLICE rows at a time, so that no lock is held for long."""
    removed = 0
    while True:
        keys = list(rows.order_by(key).values_list(key, flat=True)[:SLICE])
        if keys:
            removed += rows.filter(**{f"{key}__lte": keys[-1]}).delete()[0]
        if len(keys) < SLICE:
            return removed


def prune_waiting_stations() -> int:
    """The list is capped; what knocked last stays."""
    kept = list(WaitingStation.objects.order_by("-last_seen", "-pk").values_list("last_seen", flat=True)[:MOST_WAITING])
    if len(kept) < MOST_WAITING:
        return 0
    return WaitingStation.objects.filter(last_seen__lt=kept[-1]).delete()[0]


def prune_sign_ins(now: datetime) -> int:
    """Sign-ins, tickets, invitations and API keys that ended some time ago, and answers kept for a day.

    A sign-in that has ended still says for a month that its source is known (accounts/guesses.py).
    """
    month_ago = now - timedelta(days=30)
    families = TokenFamily.objects.filter(Q(expires_at__lt=now) | Q(revoked_at__lt=month_ago))
    removed = in_slices(families, "pk") + devices.prune() + kept_answers.prune()
    removed += Ticket.objects.filter(expires_at__lt=now).delete()[0]
    removed += Invitation.objects.filter(expires_at__lt=month_ago).delete()[0]
    removed += ResetRequest.objects.filter(at__lt=now - timedelta(days=1)).delete()[0]
    return removed + ApiKey.objects.filter(Q(revoked_at__lt=month_ago) | Q(expires_at__lt=month_ago)).delete()[0]
