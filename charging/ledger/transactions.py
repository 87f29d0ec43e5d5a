"""Transactions: started, updated, ended, in any order, once each; settled from what is stored."""

import secrets
from datetime import datetime, timedelta
from typing import Any

from charging.energy import cost_of
from charging.facts import (
    Authorization,
    Reading,
    Stamp,
    TransactionAnswer,
    TransactionEnded,
    TransactionStarted,
    TransactionUpdated,
)
from charging.ledger import foreign, readings, reservations, tags
from charging.ledger.batch import Batch
from charging.ledger.foreign import digest
from charging.ledger.settle import STATES, settle, settle_soon
from charging.ledger.state import OpenTransaction, StationState, fold_for
from charging.ledger.tariffs import choose, choose_again
from charging.models import (
    Command,
    Connector,
    MeterReading,
    Transaction,
    TransactionEvent,
)
from charging.models.id_tags import canonical_id_tag

Fact = TransactionStarted | TransactionUpdated | TransactionEnded
KIND = {TransactionStarted: "started", TransactionUpdated: "updated", TransactionEnded: "ended"}
#: A station starts within this time after it accepted a remote start.
REMOTE_START_WINDOW = timedelta(minutes=15)
#: A start this young has come at once: nothing at its connector can have begun after it.
JUST_NOW = timedelta(minutes=1)


def started(batch: Batch, state: StationState, fact: TransactionStarted) -> TransactionAnswer:
    """StartTransaction (1.6 §4.8) and TransactionEvent Started (2.0.1 E01, E02)."""
    return _apply(batch, state, fact)


def updated(batch: Batch, state: StationState, fact: TransactionUpdated) -> TransactionAnswer:
    return _apply(batch, state, fact)


def ended(batch: Batch, state: StationState, fact: TransactionEnded) -> TransactionAnswer:
    """StopTransaction (1.6 §4.10) and TransactionEvent Ended (2.0.1 E06): a second one has no effect."""
    return _apply(batch, state, fact)


def _apply(batch: Batch, state: StationState, fact: Fact) -> TransactionAnswer:
    station = state.station
    row = None
    if isinstance(fact, TransactionEnded) and fact.transaction_id is None:
        if (again := _same_stop(state, fact)) is not None:
            return _answer_again(batch, state, fact, again.transaction)
        row = _open_at(state, fact)
        key = digest("stop", row.transaction_id) if row else ""
    else:
        key = digest(*fact.key)
    known = _known_event(state, key) if key else None
    if known is not None and _has_no_clock(fact) and not known.transaction.is_open:
        key, known = _next_key(state, fact, known)
    if known is not None and known.kind != KIND[type(fact)]:
        # A station that numbers all its events alike; an end that is dropped would never come again.
        batch.violate(station.pk, "seq_no_reused", f"{known.kind} and {KIND[type(fact)]}: {fact.seq_no}")
        key = digest(*fact.key, KIND[type(fact)])
        known = _known_event(state, key)
    if known is not None:
        return _answer_again(batch, state, fact, known.transaction)
    row = row or _find(state, fact.transaction_id)
    if row is None and isinstance(fact, TransactionEnded) and fact.key[0] == "stop":
        return _unknown_stop(batch, state, fact)
    connector = state.connector(fact.evse, fact.connector)
    authorization = None
    created = row is None
    if row is None:
        authorization = tags.decide(batch, station, fact.token) if fact.token else None
        row = _create(batch, state, fact, connector, authorization)
    else:
        authorization = _complete(batch, state, fact, row, connector)
    _add_event(batch, state, fact, row, key)
    _take(batch, state, fact, row, connector, created=created)
    return TransactionAnswer(row.transaction_id, authorization, final_cost(row))


def _known_event(state: StationState, key: str) -> TransactionEvent | None:
    # Nearly always there is none: the narrow question first.
    events = TransactionEvent.objects.filter(station=state.station, key=key)
    pk = events.values_list("pk", flat=True).first()
    return None if pk is None else TransactionEvent.objects.select_related("transaction").get(pk=pk)


def _same_stop(state: StationState, fact: TransactionEnded) -> TransactionEvent | None:
    """The stop without a usable id that came before with the same values: it must not end another transaction."""
    if fact.stamp.flag:
        return None
    return (
        TransactionEvent.objects.select_related("transaction")
        .filter(station=state.station, kind="ended", station_time=fact.stamp.at, meter_wh=fact.meter_wh)
        .first()
    )


def _has_no_clock(fact: Fact) -> bool:
    """A 1.6 start whose time says nothing: its key is that of every other session of the station."""
    return isinstance(fact, TransactionStarted) and fact.transaction_id is None and bool(fact.stamp.flag)


def _next_key(state: StationState, fact: Fact, known: TransactionEvent) -> tuple[str, TransactionEvent | None]:
    """The key of the session after the ended ones that look the same, and its event where it runs already."""
    while True:
        key = digest(*fact.key, known.transaction.transaction_id)
        following = _known_event(state, key)
        if following is None or following.transaction.is_open:
            return key, following
        known = following


def _answer_again(batch: Batch, state: StationState, fact: Fact, row: Transaction) -> TransactionAnswer:
    """The same message again: the same id and the same word on the tag, no second effect."""
    authorization = None
    if fact.token is not None:
        authorization = tags.decide(batch, state.station, fact.token, besides=row.pk)
        if isinstance(fact, TransactionStarted) and row.authorization and not row.authorization.startswith("unknown"):
            authorization = Authorization(
                row.authorization, authorization.id_tag_id, row.user_id, authorization.expires, authorization.group
            )
    return TransactionAnswer(row.transaction_id, authorization, final_cost(row))


def final_cost(row: Transaction) -> str | None:
    """What a station may show as the total (2.0.1 I02): a 0 would say that charging was free."""
    return str(row.cost) if row.final and row.cost is not None else None


def _find(state: StationState, transaction_id: str | None) -> Transaction | None:
    if transaction_id is None:
        return None
    running = state.open.get(transaction_id)
    if running is not None:
        return running.row
    row = (
        Transaction.objects.select_related("id_tag", "user", "car", "connector")
        .filter(station=state.station, transaction_id=transaction_id)
        .first()
    )
    if row is not None:
        row.station = state.station
    return row


def _open_at(state: StationState, fact: TransactionEnded) -> Transaction | None:
    """The one running transaction that a stop without a usable id can mean."""
    fitting = [
        tx.row
        for tx in state.open.values()
        if (tx.row.started is None or tx.row.started <= fact.stamp.at)
        and (tx.row.meter_start_wh is None or fact.meter_wh is None or tx.row.meter_start_wh <= fact.meter_wh)
    ]
    if len(fitting) > 1 and fact.token is not None:
        wanted = canonical_id_tag(fact.token.text)
        fitting = [row for row in fitting if canonical_id_tag(row.id_token) == wanted]
    return fitting[0] if len(fitting) == 1 else None


def _unknown_stop(batch: Batch, state: StationState, fact: TransactionEnded) -> TransactionAnswer:
    reason = f"StopTransaction for {fact.transaction_id or 'no usable id'}, which is no transaction of this station"
    data = {"transactionId": fact.transaction_id, "meter_wh": fact.meter_wh, "at": fact.stamp.station.isoformat()}
    foreign.quarantine(batch, state, "StopTransaction", reason, {**data, **fact.data})
    if fact.transaction_id:
        foreign.notice(batch, state, fact.transaction_id, "StopTransaction")
    authorization = tags.decide(batch, state.station, fact.token) if fact.token else None
    return TransactionAnswer(fact.transaction_id or "0", authorization)


# --- Making and completing the row ---------------------------------------------------------------------------------


def new_transaction_id() -> str:
    """Positive, 31 bits, unique in the whole system, never 0, not guessable."""
    while True:
        number = str(secrets.randbelow(2**31 - 1) + 1)
        if not Transaction.objects.filter(transaction_id=number).exists():
            return number


def _create(
    batch: Batch, state: StationState, fact: Fact, connector: Connector | None, authorization: Authorization | None
) -> Transaction:
    station = state.station
    command = _remote_start(batch, state, fact, connector)
    row = Transaction(
        organization_id=station.organization_id,
        station=station,
        connector=connector,
        evse_number=connector.evse_number if connector else fact.evse,
        connector_number=connector.number if connector else fact.connector,
        transaction_id=fact.transaction_id or new_transaction_id(),
        id_token=fact.token.text[:255] if fact.token else "",
        id_tag_id=authorization.id_tag_id if authorization else None,
        user_id=authorization.user_id if authorization else None,
        authorization=authorization.status if authorization else "",
        remote_start_id=_remote_start_id(batch, state, fact),
        reservation_number=fact.reservation,
        state=Transaction.State.PENDING,
        created_at=batch.now,
    )
    if authorization is not None and not authorization.accepted:
        row.flags = [f"token_{authorization.status}"]
    if command is not None:
        row.user_id = row.user_id or command.actor_id
        row.car_id = command.car_id
        row.id_tag_id = row.id_tag_id or command.id_tag_id
    choose(batch, row, fact.stamp.at)
    if isinstance(fact, TransactionStarted):
        row.started = row.last_event_at = fact.stamp.at
        row.meter_start_wh = _meter_of(fact)
        row.charging_state = fact.charging_state[:20]
        row.state = STATES.get(fact.charging_state, Transaction.State.CHARGING)
        row.cost = cost_of(0.0, row.price_per_kwh)
        if fact.stamp.flag:
            row.flags = sorted({*row.flags, "clock_implausible"})
    row.save(force_insert=True)
    if command is not None:
        Command.objects.filter(pk=command.pk, transaction=None).update(transaction=row)
    reservations.used(batch, state, row, fact.reservation, fact.token, authorization, fact.stamp.at)
    state.open[row.transaction_id] = OpenTransaction(row=row, fold=fold_for(row))
    return row


def _remote_start_id(batch: Batch, state: StationState, fact: Fact) -> int | None:
    """The id as sent, unless it belongs to an earlier transaction: it marks one, and a repeated one marks nothing."""
    number = fact.remote_start_id
    if number is None or not Transaction.objects.filter(station=state.station, remote_start_id=number).exists():
        return number
    batch.violate(state.station.pk, "remote_start_id_reused", str(number))
    return None


def _remote_start(batch: Batch, state: StationState, fact: Fact, connector: Connector | None) -> Command | None:
    """The command that asked for this transaction: by its remoteStartId (2.x), else by connector, tag and time."""
    asked = Command.objects.filter(
        station=state.station, kind="start", transaction=None, created_at__gte=batch.now - REMOTE_START_WINDOW
    ).exclude(status__in=[Command.Status.REJECTED, Command.Status.CANCELLED, Command.Status.QUEUED])
    for command in asked.order_by("-pk")[:20]:
        if fact.remote_start_id is not None:
            if command.params.get("remote_start_id") == fact.remote_start_id:
                return command
        elif isinstance(fact, TransactionStarted) and fact.transaction_id is None and fact.token is not None:
            same_tag = canonical_id_tag(str(command.params.get("id_tag", ""))) == canonical_id_tag(fact.token.text)
            same_connector = command.connector_id is None or connector is None or command.connector_id == connector.pk
            if same_tag and same_connector and fact.stamp.at >= command.created_at - timedelta(minutes=2):
                return command
    return None


def _complete(
    batch: Batch, state: StationState, fact: Fact, row: Transaction, connector: Connector | None
) -> Authorization | None:
    """Fill in what an earlier message lacked: later events of 2.x leave out what they said once."""
    changed = []
    if row.connector_id is None and connector is not None:
        row.connector, row.evse_number, row.connector_number = connector, connector.evse_number, connector.number
        changed += ["connector", "evse_number", "connector_number"]
        _move_readings(batch, row)
    authorization = None
    if fact.token is not None:
        authorization = tags.decide(batch, state.station, fact.token, besides=row.pk)
        if not row.id_token:
            row.id_token, row.authorization = fact.token.text[:255], authorization.status
            row.id_tag_id, row.user_id = authorization.id_tag_id, row.user_id or authorization.user_id
            changed += ["id_token", "authorization", "id_tag", "user"]
            if row.is_open:
                # Who charges decides about the price, and is known only now.
                choose_again(batch, state, row, row.started or fact.stamp.at)
                changed += ["price_per_kwh", "tariff_version", "currency"]
            if not authorization.accepted:
                row.flags = sorted({*row.flags, f"token_{authorization.status}"})
                changed.append("flags")
    if row.remote_start_id is None and (number := _remote_start_id(batch, state, fact)) is not None:
        row.remote_start_id = number
        changed.append("remote_start_id")
        command = _remote_start(batch, state, fact, connector)
        if command is not None:
            row.user_id, row.car_id = row.user_id or command.actor_id, row.car_id or command.car_id
            Command.objects.filter(pk=command.pk, transaction=None).update(transaction=row)
            changed += ["user", "car"]
    if row.reservation_number is None and fact.reservation is not None:
        row.reservation_number = fact.reservation
        changed.append("reservation_number")
        reservations.used(batch, state, row, fact.reservation, fact.token, authorization, fact.stamp.at)
    if changed:
        row.save(update_fields=changed)
    return authorization


def _move_readings(batch: Batch, row: Transaction) -> None:
    """Values that came before the connector was known are those of the connector."""
    batch.flush_readings()
    of_transaction = MeterReading.objects.filter(transaction=row)
    there = of_transaction.filter(evse_number=row.evse_number, connector_number=row.connector_number)
    of_transaction.filter(evse_number=0).exclude(
        station_time__in=list(there.values_list("station_time", flat=True))
    ).update(evse_number=row.evse_number, connector_number=row.connector_number)


def _add_event(batch: Batch, state: StationState, fact: Fact, row: Transaction, key: str) -> None:
    TransactionEvent.objects.create(
        station=state.station,
        transaction=row,
        key=key or digest(*fact.key),
        kind=KIND[type(fact)],
        seq_no=fact.seq_no,
        station_time=fact.stamp.at,
        received_at=batch.now,
        meter_wh=_meter_of(fact),
        trigger=fact.trigger[:40],
        charging_state=fact.charging_state[:20],
        reason=getattr(fact, "reason", "")[:40],
        offline=fact.offline,
        data=_data_of(fact),
    )


def _data_of(fact: Fact) -> dict[str, Any]:
    data = dict(fact.data)
    if fact.stamp.flag:
        data["clock"] = fact.stamp.flag
    begin_wh = _begin_of(fact)
    if begin_wh is not None:
        data.setdefault("begin_wh", begin_wh)
    return data


def _begin_of(fact: Fact) -> float | None:
    """The register at the beginning of the transaction, where a sample says it."""
    return next((reading.begin_wh for reading in fact.readings if reading.begin_wh is not None), None)


def _meter_of(fact: Fact) -> float | None:
    """The register that a start begins with or an end closes with: as said, else from its readings."""
    said = getattr(fact, "meter_wh", None)
    if said is not None:
        return float(said)
    if isinstance(fact, TransactionStarted):
        return next((v for r in fact.readings if (v := _first(r.begin_wh, r.energy_wh)) is not None), None)
    if isinstance(fact, TransactionEnded):
        return next((v for r in reversed(fact.readings) if (v := _first(r.end_wh, r.energy_wh)) is not None), None)
    return None


def _first(*values: float | None) -> float | None:
    return next((value for value in values if value is not None), None)


# --- Applying it ----------------------------------------------------------------------------------------------------


def _take(
    batch: Batch, state: StationState, fact: Fact, row: Transaction, connector: Connector | None, *, created: bool
) -> None:
    """Let the event act: quickly when it is the first or the next one of a running transaction, else from all that is
    stored."""
    tx = state.open.get(row.transaction_id)
    connector = connector or row.connector
    evse, number = (connector.evse_number, connector.number) if connector else (fact.evse, fact.connector)
    if isinstance(fact, TransactionStarted):
        _occupy(batch, state, row, connector, fact.stamp)
        if created and row.is_open:
            tx = state.open[row.transaction_id]
            readings.store(batch, state, connector, fact.readings, evse=evse, number=number, tx=tx)
            batch.transaction_changed(row, "transaction.started")
            return
    elif created and isinstance(fact, TransactionUpdated):
        # Its start is lost or late: somebody charges here all the same.
        _occupy(batch, state, row, connector, fact.stamp)
    if isinstance(fact, TransactionUpdated) and tx is not None and _is_next(tx, fact):
        told = _advance(row, fact)
        if readings.store(batch, state, connector, fact.readings, evse=evse, number=number, tx=tx):
            batch.running[row.pk] = row
            if told:
                batch.news[row.pk] = row
            (batch.transaction_changed if told else batch.transaction_measured)(row)
        return
    if isinstance(fact, TransactionUpdated) and tx is not None and row.started is not None and _begin_of(fact) is None:
        # One of a backlog, which may be long: it tells the past of a transaction that has moved on.
        readings.store(batch, state, connector, fact.readings, evse=evse, number=number, tx=tx)
        settle_soon(batch, state, row)
        return
    _keep_readings(batch, state, connector, fact.readings, evse, number, row)
    settle(batch, state, row)
    name = {TransactionStarted: "transaction.started", TransactionEnded: "transaction.ended"}.get(type(fact))
    batch.transaction_changed(row, name or "transaction.updated")


def _is_next(tx: OpenTransaction, fact: TransactionUpdated) -> bool:
    """Whether the event continues where the transaction stands, and brings no better baseline."""
    row = tx.row
    if row.started is None or not (row.meter_start_wh or _begin_of(fact) is None):
        return False
    return row.last_event_at is None or fact.stamp.at >= row.last_event_at


def _advance(row: Transaction, fact: TransactionUpdated) -> bool:
    """Take over what the event says of the state; whether that is news."""
    before = row.charging_state
    row.last_event_at = fact.stamp.at
    if fact.charging_state:
        row.charging_state = fact.charging_state[:20]
        row.state = STATES.get(fact.charging_state, row.state)
    return row.charging_state != before


def _keep_readings(
    batch: Batch,
    state: StationState,
    connector: Connector | None,
    found: list[Reading],
    evse: int,
    number: int,
    row: Transaction,
) -> None:
    readings.store(batch, state, None, found, evse=evse, number=number, late=row)
    if connector is not None:
        for reading in found:
            readings.show(batch, connector, reading)
    batch.flush_readings()


def _occupy(batch: Batch, state: StationState, row: Transaction, connector: Connector | None, stamp: Stamp) -> None:
    """A start takes its connector. Of two that overlap, the one that began first has lost its stop and is superseded,
    whichever is heard of first; only a start in the future is not believed to be the later one."""
    if connector is None:
        return
    running = state.running_at(connector)
    before = running.row if running is not None and running.row.pk != row.pk else None
    if before is not None and (before.started is None or before.started <= stamp.at):
        _supersede(batch, state, before, stamp.at)
    elif before is not None and before.started is not None and before.started > batch.now and row.is_open:
        _supersede(batch, state, before, before.started)
    elif row.is_open and (later := _next_start(batch, connector, row, stamp)) is not None:
        row.state, row.ended = Transaction.State.SUPERSEDED, later
    if batch.now - stamp.at >= JUST_NOW:
        for earlier in _superseded_across(connector, row, stamp):
            earlier.station = state.station
            _supersede(batch, state, earlier, stamp.at)
    if row.is_open:
        connector.transaction = row
        Connector.objects.filter(pk=connector.pk).update(transaction=row)
        batch.connector_changed(connector)


def _supersede(batch: Batch, state: StationState, row: Transaction, at: datetime) -> None:
    row.state, row.ended = Transaction.State.SUPERSEDED, at
    settle(batch, state, row)
    batch.transaction_changed(row, "transaction.ended")


def _superseded_across(connector: Connector, row: Transaction, stamp: Stamp) -> list[Transaction]:
    """Superseded transactions that are taken to have run past this start, because a later one was heard of first."""
    across = Transaction.objects.filter(connector=connector, state=Transaction.State.SUPERSEDED, ended__gt=stamp.at)
    return list(
        across.filter(started__lt=stamp.at).exclude(pk=row.pk).select_related("id_tag", "user", "car", "connector")
    )


def _next_start(batch: Batch, connector: Connector, row: Transaction, stamp: Stamp) -> datetime | None:
    """When the connector's next transaction began, for a start that comes late."""
    if batch.now - stamp.at < JUST_NOW:
        return None
    later = Transaction.objects.filter(connector=connector, started__gt=stamp.at, started__lte=batch.now)
    return later.exclude(pk=row.pk).order_by("started").values_list("started", flat=True).first()
