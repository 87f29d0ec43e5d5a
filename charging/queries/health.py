"""Reading how the system is doing, for probes and metrics. No actor: nothing here tells about anyone."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import Count
from django.utils import timezone

from charging.models import (
    ChargingStation,
    Command,
    FeedHead,
    OcppMessage,
    Pulse,
    QuarantinedMessage,
    Transaction,
    WaitingStation,
)

Measure = tuple[str, str, str, tuple[str, ...], dict[Any, float]]


def last_pulse(name: str) -> datetime | None:
    return Pulse.objects.filter(name=name).values_list("at", flat=True).first()


def oldest_message() -> datetime | None:
    """How far back the OCPP log goes."""
    return OcppMessage.objects.order_by("pk").values_list("at", flat=True).first()


def measures() -> Iterator[Measure]:
    """(name, Prometheus type, what it is, names of the labels, values of the labels -> value)"""
    stations = ChargingStation.objects.order_by().values_list("protocol", "online").annotate(n=Count("pk"))
    yield (
        "mobility_stations",
        "gauge",
        "Charging stations by OCPP version and whether they are connected.",
        ("protocol", "online"),
        {(protocol or "unknown", str(online).lower()): n for protocol, online, n in stations},
    )
    running = Transaction.objects.filter(state__in=Transaction.OPEN).count()
    yield "mobility_transactions_open", "gauge", "Transactions that run.", (), {(): running}
    waiting = (
        Command.objects.filter(status__in=Command.WAITING).order_by().values_list("status").annotate(n=Count("pk"))
    )
    yield (
        "mobility_commands_waiting",
        "gauge",
        "Commands that are queued, or sent and not answered.",
        ("status",),
        {**{str(status): 0 for status in Command.WAITING}, **dict(waiting)},
    )
    knocking = WaitingStation.objects.count()
    yield "mobility_waiting_stations", "gauge", "Identities that wait to be adopted.", (), {(): knocking}
    kept = QuarantinedMessage.objects.count()
    yield "mobility_quarantined_messages", "gauge", "Transaction messages that could not be applied.", (), {(): kept}
    head = FeedHead.objects.filter(pk=1).values_list("value", flat=True).first() or 0
    yield "mobility_changes", "counter", "Changes told to pages and phones.", (), {(): head}
    beat = last_pulse("beat")
    if beat is not None:
        age = (timezone.now() - beat).total_seconds()
        yield "mobility_beat_age_seconds", "gauge", "Since the last sign of life of beat and a worker.", (), {(): age}
