"""Desired settings against what a station reports: drift begins and ends with what it says."""

from collections.abc import Mapping
from datetime import timedelta

from charging import live
from charging.ledger.batch import Batch
from charging.ledger.commands import command_event
from charging.models import ChargingStation, Command, DesiredValue

TRUTHS = {"true", "false"}
MOST_ASKED = 50
ASKED_FOR = timedelta(hours=1)


def is_same(desired: str, reported: str) -> bool:
    """Whether a station that reports this does what is desired: numbers by their value, truths whatever the case."""
    desired, reported = desired.strip(), reported.strip()
    if desired == reported:
        return True
    if desired.lower() in TRUTHS:
        return desired.lower() == reported.lower()
    try:
        return float(desired) == float(reported)
    except ValueError:
        return [part.strip() for part in desired.split(",")] == [part.strip() for part in reported.split(",")]


def compare(batch: Batch, station: ChargingStation, reported: Mapping[str, str]) -> None:
    """Take note of what a station reports of its desired settings; `reported` is canonical key -> value."""
    news = False
    for row in DesiredValue.objects.filter(station=station):
        if row.key not in reported:
            continue
        before = row.drifted_since
        row.reported, row.compared_at = reported[row.key][:2500], batch.now
        row.drifted_since = None if is_same(row.value, row.reported) else before or batch.now
        row.save(update_fields=["reported", "compared_at", "drifted_since"])
        news = news or (before is None) != (row.drifted_since is None)
    if news:
        batch.station_changed(station)


def ask(batch: Batch, station: ChargingStation) -> None:
    """After a boot: have the station say how its desired settings stand."""
    paths = list(
        DesiredValue.objects.filter(station=station).order_by("pk").values_list("path", flat=True)[:MOST_ASKED]
    )
    if not paths:
        return
    waiting = Command.objects.filter(station=station, status=Command.Status.QUEUED, kind="get_configuration")
    if any(params.get("keys") == paths for params in waiting.values_list("params", flat=True)):
        return
    command = Command.objects.create(
        organization_id=station.organization_id,
        station=station,
        kind="get_configuration",
        params={"keys": paths},
        created_at=batch.now,
        expires_at=batch.now + ASKED_FOR,
    )
    batch.tell(command_event(command))
    batch.after_commit.append(lambda: live.wake_gateways(station.pk))
