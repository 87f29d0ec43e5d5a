"""Settling: a transaction as a function of its stored events and readings, in whatever order they came."""

from datetime import datetime

from charging.energy import energy_by_hour, most_wh
from charging.ledger.batch import Batch, StaleState
from charging.ledger.corrections import as_corrected, as_said, rebook_cost
from charging.ledger.hours import book
from charging.ledger.state import OpenTransaction, StationState, catch_up, fold_for, locked_transactions
from charging.ledger.tariffs import price_settled
from charging.models import Correction, MeterReading, Transaction, TransactionEvent
from charging.retention import is_without_curve

#: How long late readings of a running transaction gather before its energy is computed anew.
SETTLE_AFTER_S = 5.0
#: 2.x charging states, in the words of the neutral model.
STATES = {
    "Charging": Transaction.State.CHARGING,
    "SuspendedEV": Transaction.State.SUSPENDED,
    "SuspendedEVSE": Transaction.State.SUSPENDED,
    "EVConnected": Transaction.State.PENDING,
    "Idle": Transaction.State.PENDING,
}
#: Flags that hold a bill back until a person has looked, or the missing messages have come.
HOLDING = {"seq_gap", "no_start", "implausible_energy", "negative_duration", "stop_below_start", "no_meter_values"}
#: Events of one moment in the order in which they can have happened.
RANK = {"started": 0, "updated": 1, "ended": 2}


def settle(batch: Batch, state: StationState, row: Transaction) -> None:
    """Compute the transaction from its stored events and readings, whatever order they came in, and save it.

    Raises:
        StaleState: another process has closed it since it was read.
    """
    if is_without_curve(row):
        return
    _read_booked(batch, state, row)
    standing = as_said(row)
    events = sorted(TransactionEvent.objects.filter(transaction=row), key=_moment)
    start = next((event for event in events if event.kind == "started"), None)
    end = next((event for event in reversed(events) if event.kind == "ended"), None)
    first = start or (events[0] if events else None)
    row.started = first.station_time if first else row.started
    row.meter_start_wh = _meter_start(events, start)
    row.last_event_at = max((event.station_time for event in events), default=row.last_event_at)
    _settle_state(row, events, end)
    tx, flags = _settle_energy(batch, state, row, end, standing)
    _settle_flags(row, events, start, end, flags)
    row.save()
    if row.is_open:
        state.open[row.transaction_id] = tx
        return
    state.open.pop(row.transaction_id, None)
    state.last_ends.pop(row.connector_id or 0, None)
    batch.running.pop(row.pk, None)
    batch.news.pop(row.pk, None)
    connector = state.connectors.get((row.evse_number, row.connector_number))
    if connector is not None and connector.transaction_id == row.pk:
        connector.transaction = None
        connector.power_w = connector.current_a = 0.0
        connector.save(update_fields=["transaction", "power_w", "current_a"])
        batch.connector_changed(connector)


def settle_soon(batch: Batch, state: StationState, row: Transaction) -> None:
    """Settle a running transaction that something late has come for, once for a whole backlog.

    What came is stored; it counts after SETTLE_AFTER_S, and at the latest when the transaction ends.
    """
    batch.unsettled.add((state.station.pk, row.transaction_id))


def settle_running(batch: Batch, state: StationState, transaction_id: str) -> None:
    """What `settle_soon` has put off."""
    tx = state.open.get(transaction_id)
    if tx is not None:
        settle(batch, state, tx.row)
        batch.transaction_changed(tx.row)


def _read_booked(batch: Batch, state: StationState, row: Transaction) -> None:
    """What has been booked of it is known from its row alone: another process may have written that since, while the
    station's connection moved. One that is remembered as running must still run."""
    stored = locked_transactions().filter(pk=row.pk).values("state", "hourly_wh", "hourly_cost", "corrected").get()
    if row.transaction_id in state.open and stored["state"] not in Transaction.OPEN:
        raise StaleState(f"transaction {row.pk}")
    row.corrected = stored["corrected"]
    if row.pk not in batch.news:
        row.hourly_wh, row.hourly_cost = stored["hourly_wh"], stored["hourly_cost"]


def _moment(event: TransactionEvent) -> tuple[datetime, int, int, str]:
    return event.station_time, -1 if event.seq_no is None else event.seq_no, RANK[event.kind], event.key


def _meter_start(events: list[TransactionEvent], start: TransactionEvent | None) -> float | None:
    """The baseline: what the start said, unless that is a placeholder 0 and a sample of the context Transaction.Begin
    knows better; some stations send such a sample only with a later event, or with the stop."""
    said = start.meter_wh if start else None
    begun = next((wh for event in events if (wh := event.data.get("begin_wh")) is not None), None)
    return begun if said is None or (said <= 0 and begun) else said


def _settle_state(row: Transaction, events: list[TransactionEvent], end: TransactionEvent | None) -> None:
    said = [event.charging_state for event in events if event.charging_state]
    if said:
        row.charging_state = said[-1]
    if end is not None:
        row.state = Transaction.State.ENDED
        row.ended = end.station_time
        row.stop_reason = end.reason or row.stop_reason
        row.meter_stop_wh = end.meter_wh if end.meter_wh is not None else row.meter_stop_wh
    elif row.is_open:
        row.state = STATES.get(row.charging_state, Transaction.State.CHARGING)


def _settle_energy(
    batch: Batch, state: StationState, row: Transaction, end: TransactionEvent | None, standing: Correction | None
) -> tuple[OpenTransaction, list[str]]:
    """Energy, cost and the hours they fall in, from all readings up to the end."""
    batch.flush_readings()
    stored = MeterReading.objects.filter(transaction=row)
    if end is not None or row.state == Transaction.State.SUPERSEDED:
        # What comes after the end counts nothing here; after a superseded one it is the next one's energy.
        stored = stored.filter(measured_at__lte=row.ended)
    fold = fold_for(row, keep_curve=True)
    tx = OpenTransaction(row, fold)
    catch_up({row.pk: tx}, stored)
    if row.is_open:
        energy, flags = fold.energy_wh(), list[str]()
    else:
        if row.state == Transaction.State.LOST and row.ended and fold.last_at:
            row.ended = max(row.ended, fold.last_at)
        at = row.ended or fold.last_at or batch.now
        energy, flags = fold.finish(at, row.meter_stop_wh if end is not None else None)
    row.energy_wh = round(energy, 3)
    price_settled(batch, state, row, fold.curve)
    if not row.is_open and row.started and row.ended:
        seconds = (row.ended - row.started).total_seconds()
        if seconds < 0:
            flags.append("negative_duration")
        if row.energy_wh > most_wh(fold.rated_power_w, seconds):
            flags.append("implausible_energy")
    _rebook(batch, state, row, as_corrected(row, standing, fold.curve) if standing else fold.curve)
    if standing is not None:
        rebook_cost(batch, state, row, standing)
    if row.tariff_version_id is None or not row.is_open:
        fold.keep_curve, fold.curve = False, []
    return tx, flags


def _rebook(batch: Batch, state: StationState, row: Transaction, curve: list[tuple[datetime, float]]) -> None:
    """Book the difference between where the energy stood by hour and where it belongs."""
    if row.started is None or row.connector_id is None:
        return
    last = row.ended or (curve[-1][0] if curve else row.started)
    by_hour = energy_by_hour(row.started, [*curve, (last, row.energy_wh)], row.energy_wh)
    wanted = {hour.isoformat(): wh for hour, wh in by_hour.items()}
    for key in {*wanted, *row.hourly_wh}:
        difference = wanted.get(key, 0.0) - row.hourly_wh.get(key, 0.0)
        if abs(difference) > 1e-6:
            book(batch, state, row, datetime.fromisoformat(key), difference)
    row.hourly_wh = wanted


def _settle_flags(
    row: Transaction,
    events: list[TransactionEvent],
    start: TransactionEvent | None,
    end: TransactionEvent | None,
    flags: list[str],
) -> None:
    """Flags say what a person should know; some of them hold the bill back."""
    lasting = [flag for flag in row.flags if flag.startswith(("token_", "reservation_"))]
    if row.state in (Transaction.State.SUPERSEDED, Transaction.State.LOST):
        lasting.append("superseded" if row.state == Transaction.State.SUPERSEDED else "stop_lost")
    numbers = sorted({event.seq_no for event in events if event.seq_no is not None})
    if numbers and numbers[-1] - numbers[0] + 1 != len(numbers):
        flags.append("seq_gap")
    if start is None:
        flags.append("no_start")
    elif start.meter_wh is not None and start.meter_wh != row.meter_start_wh:
        flags.append("baseline_replaced")
    if any(event.data.get("clock") for event in events):
        flags.append("clock_implausible")
    row.flags = sorted({*lasting, *flags})
    row.final = row.corrected or (end is not None and not HOLDING & set(row.flags))
