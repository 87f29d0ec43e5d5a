"""Meter values: one row per moment, live values, running energy. The hottest path: in order, it asks no query."""

from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from charging.bulk import Find
from charging.energy import cost_of
from charging.facts import MeterRead, Reading, Sample
from charging.ledger import foreign
from charging.ledger.batch import Batch
from charging.ledger.corrections import as_said
from charging.ledger.hours import attribute
from charging.ledger.settle import settle, settle_soon
from charging.ledger.state import OpenTransaction, StationState
from charging.ledger.tariffs import price_running
from charging.models import Connector, MeterReading, Transaction

find_of_transaction = Find(MeterReading, ["transaction", "station_time", "evse_number", "connector_number"])
find_reading = Find(
    MeterReading,
    ["station", "evse_number", "connector_number", "station_time"],
    where="transaction_id IS NULL",
)
VALUES = ("energy_wh", "power_w", "current_a", "voltage_v", "soc_percent")
#: Clocks of a station and of its meter differ by seconds; a reading this close to the start belongs to it.
START_SLACK = timedelta(minutes=1)


class News(Enum):
    """What a reading brings: a moment, more samples of a known one, or nothing that is not there."""

    READING = "reading"
    SAMPLES = "samples"
    NONE = "none"


def meter_read(batch: Batch, state: StationState, fact: MeterRead) -> None:
    """1.6 §4.7, 2.0.1 J01. An unknown or foreign transaction id never touches another transaction."""
    connector = state.connector(fact.evse, fact.connector)
    tx, row = _transaction_of(batch, state, fact, connector)
    if fact.transaction_id and tx is None and row is None and fact.attach:
        foreign.quarantine(
            batch,
            state,
            "MeterValues",
            f"transaction {fact.transaction_id} is not one of this station",
            {"evse": fact.evse, "transactionId": fact.transaction_id, "readings": _as_data(fact.readings)},
        )
    in_order = store(batch, state, connector, fact.readings, evse=fact.evse, number=fact.connector, tx=tx, late=row)
    if row is not None and not in_order:
        settle(batch, state, row)
        batch.transaction_changed(row)


def _as_data(readings: list[Reading]) -> list[Any]:
    return [{"at": reading.stamp.station.isoformat(), "samples": reading.samples} for reading in readings]


def _transaction_of(
    batch: Batch, state: StationState, fact: MeterRead, connector: Connector | None
) -> tuple[OpenTransaction | None, Transaction | None]:
    """The running transaction the values belong to, or the closed one they come late for."""
    if fact.transaction_id:
        tx = state.open.get(fact.transaction_id)
        if tx is not None:
            return tx, None
        row = _closed(state, transaction_id=fact.transaction_id)
        if row is not None:
            running = state.running_at(connector) if fact.attach else None
            if running is not None and _is_of_the_next(row, running, fact.readings):
                # The station still names the transaction before: these values are those of the one that runs.
                return running, None
            return None, row
        foreign.notice(batch, state, fact.transaction_id, "MeterValues")
        return None, None
    if not fact.attach or not fact.readings:
        return None, None
    at = fact.readings[0].stamp.at
    tx = state.running_at(connector)
    if tx is not None and tx.row.started and at >= tx.row.started - START_SLACK:
        return tx, None
    if connector is not None and at <= state.last_end(connector):
        return None, _closed(state, connector=connector, started__lte=at + START_SLACK, ended__gte=at)
    return None, None


def _is_of_the_next(before: Transaction, running: OpenTransaction, readings: list[Reading]) -> bool:
    started = running.row.started
    if not readings or before.ended is None or started is None:
        return False
    return readings[0].stamp.at > before.ended and readings[0].stamp.at >= started - START_SLACK


def _closed(state: StationState, **which: Any) -> Transaction | None:
    """The newest closed transaction of the station that fits."""
    rows = Transaction.objects.select_related("id_tag", "user", "car", "connector").filter(station=state.station)
    row = rows.filter(**which).exclude(state__in=Transaction.OPEN).order_by("-started").first()
    if row is not None:
        row.station = state.station
        # Whether a value comes after the end is asked of what the messages said.
        as_said(row)
    return row


def store(
    batch: Batch,
    state: StationState,
    connector: Connector | None,
    readings: list[Reading],
    *,
    evse: int,
    number: int,
    tx: OpenTransaction | None = None,
    late: Transaction | None = None,
) -> bool:
    """Keep readings and let them count.

    Returns:
        Whether all came in order; if not, the transaction has to be settled from its stored rows. A running one is
        settled here; for a closed one that is left to the caller.
    """
    ordered = True
    row = tx.row if tx else late
    for reading in readings:
        news = _insert(batch, state, reading, evse, number, row, tx)
        if late is not None:
            ordered = ordered and (news is News.NONE or _is_after(late, reading))
        elif tx is not None and news is not News.NONE:
            ordered = news is News.READING and _count(batch, state, tx, reading) and ordered
        if connector is not None and late is None:
            show(batch, connector, reading)
    if tx is not None and not ordered:
        settle_soon(batch, state, tx.row)
    return ordered


def _insert(
    batch: Batch,
    state: StationState,
    reading: Reading,
    evse: int,
    number: int,
    row: Transaction | None,
    tx: OpenTransaction | None,
) -> News:
    """Add the reading's row, or merge its samples into the one of the same moment."""
    key = reading.stamp.station
    newest = tx.newest_key if tx else (None if row else state.newest_key(evse, number))
    if newest is None or key <= newest:
        known = _stored(batch, state, row, evse, number, key)
        if known is not None:
            return News.SAMPLES if _merge(known, reading) else News.NONE
    elif tx:
        tx.newest_key = key
    else:
        state.newest_keys[evse, number] = key
    batch.readings.append(
        (
            state.station.id,
            row.id if row else None,
            evse,
            number,
            key,
            reading.stamp.at,
            batch.now,
            reading.energy_wh,
            reading.power_w,
            reading.current_a,
            reading.voltage_v,
            reading.soc_percent,
            reading.samples,
        )
    )
    return News.READING


def _stored(
    batch: Batch, state: StationState, row: Transaction | None, evse: int, number: int, key: datetime
) -> MeterReading | None:
    """The reading of that moment. Nearly always there is none, also when a backlog comes: the cheap question first."""
    place = (state.station.id, row.id if row else None, evse, number, key)
    if any(pending[: len(place)] == place for pending in batch.readings):
        batch.flush_readings()
    pk = (
        find_of_transaction((row.id, key, evse, number)) if row else find_reading((state.station.id, evse, number, key))
    )
    return None if pk is None else MeterReading.objects.get(pk=pk)


def _is_after(row: Transaction, reading: Reading) -> bool:
    """Whether a closed transaction ended before the reading, which then counts for nothing."""
    lost = row.state == Transaction.State.LOST
    return not lost and row.ended is not None and reading.stamp.at > row.ended


def sample_key(sample: Sample | list[Any]) -> tuple[Any, ...]:
    """(context, measurand, phase, location): one sample of a moment."""
    return (sample[5], sample[0], sample[3], sample[4])


def _merge(known: MeterReading, reading: Reading) -> bool:
    """Add the samples that the stored reading lacks; what it has, it keeps. Whether there were any."""
    have = {sample_key(sample) for sample in known.samples}
    more = [list(sample) for sample in reading.samples if sample_key(sample) not in have]
    changed = bool(more)
    known.samples = [*known.samples, *more]
    for name in VALUES:
        if getattr(known, name) is None and getattr(reading, name) is not None:
            setattr(known, name, getattr(reading, name))
            changed = True
    if changed:
        known.save(update_fields=["samples", *VALUES])
    return changed


def _count(batch: Batch, state: StationState, tx: OpenTransaction, reading: Reading) -> bool:
    """Let a reading move the running energy. False when it is older than one that counted already."""
    row, at = tx.row, reading.stamp.at
    if at < tx.newest:
        return False
    before, before_at = row.energy_wh, max(tx.newest, row.started or at)
    tx.newest = at
    if reading.energy_wh is not None:
        tx.fold.add(at, reading.energy_wh)
        row.energy_wh = round(tx.fold.energy_wh(), 3)
        if row.tariff_version_id is None:
            row.cost = cost_of(row.energy_wh, row.price_per_kwh)
        if row.energy_wh != before:
            attribute(batch, state, tx, before_at, at, row.energy_wh - before)
    if row.tariff_version_id is not None:
        price_running(batch, state, tx, at)
    row.last_event_at = at
    batch.running[row.id] = row
    batch.transaction_measured(row)
    return True


def show(batch: Batch, connector: Connector, reading: Reading) -> None:
    """Live values of the connector: the newest reading's, and what it does not speak of stays."""
    at = reading.stamp.at
    if connector.measured_at is not None and at < connector.measured_at <= batch.now:
        return
    connector.measured_at = at
    for name in VALUES:
        value = getattr(reading, name)
        if value is not None:
            setattr(connector, name, value)
    batch.measured[connector.id] = connector
    batch.connector_measured(connector)
