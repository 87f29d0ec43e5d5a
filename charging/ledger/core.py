"""The ledger: the only writer on the hot path. Takes everything that waits, applies it in one transaction, and only
after the commit lets the answers go.

It runs in a thread of its own with its own database connection, beside one event loop. A batch that fails is rolled
back and applied one by one, so that a bad fact harms only itself.
"""

import asyncio
import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, ClassVar

from django.conf import settings
from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError, connection, transaction

from charging import live
from charging.facts import (
    TRANSACTION_FACTS,
    Authorized,
    Booted,
    CompositeReported,
    Configured,
    DataTransferred,
    EventsNotified,
    Fact,
    FirmwareProgressed,
    Heartbeat,
    LogProgressed,
    MeterRead,
    ProfilesReported,
    Quarantined,
    ReservationChanged,
    SecurityEventRaised,
    StatusChanged,
    TransactionAnswer,
    TransactionEnded,
    TransactionStarted,
    TransactionUpdated,
)
from charging.ledger import connections, foreign, profiles, readings, reservations, stations, transactions
from charging.ledger.batch import Batch, StaleState, connector_event, transaction_event
from charging.ledger.figures import Figures
from charging.ledger.settle import SETTLE_AFTER_S, settle_running
from charging.ledger.state import StationState
from charging.live import Event
from charging.models import Connector, Transaction

log = logging.getLogger("charging.ledger")

HANDLERS: dict[type, Callable[[Batch, StationState, Any], Any]] = {
    Booted: stations.booted,
    Heartbeat: stations.heartbeat,
    StatusChanged: stations.status_changed,
    Authorized: stations.authorized,
    TransactionStarted: transactions.started,
    TransactionUpdated: transactions.updated,
    TransactionEnded: transactions.ended,
    MeterRead: readings.meter_read,
    Configured: stations.configured,
    FirmwareProgressed: stations.firmware_progressed,
    LogProgressed: stations.log_progressed,
    ReservationChanged: reservations.changed,
    SecurityEventRaised: stations.security_event_raised,
    EventsNotified: stations.events_notified,
    DataTransferred: stations.data_transferred,
    ProfilesReported: profiles.profiles_reported,
    CompositeReported: profiles.composite_reported,
    Quarantined: foreign.quarantined,
    connections.Connected: connections.connected,
    connections.Disconnected: connections.disconnected,
}

MOST_AT_ONCE = 512
TRIES = 5
#: How often one message may lose against another process that writes the same key.
RACES = 2
#: Live values are told at most this often.
COALESCE_S = 0.06
SEEN_EVERY_S = 5.0
#: How long a batch is tried again while the database is away: a station is told before it gives the answer up.
PATIENCE_S = 8.0
#: A batch that takes longer than this waits for a lock.
STUCK_S = 5.0
#: A failure this long ago says nothing of now, when no station has sent anything since.
LATELY_S = 30.0


class OutcomeUnknown(Exception):
    """The commit may or may not have happened: no answer may be sent, and the socket is to be closed."""


class NotApplied(Exception):
    """It was rolled back, for a reason that is not the sender's: an InternalError, which the station retries."""


def is_rolled_back(error: Exception) -> bool:
    """Whether a commit that failed is known to be undone: the victim of a deadlock, no space, a lock that was held."""
    cause = error.__cause__
    if str(getattr(cause, "sqlstate", None) or "")[:2] in ("40", "53", "55"):
        return True
    return getattr(cause, "sqlite_errorname", "") in ("SQLITE_BUSY", "SQLITE_FULL")


def apply_fact(batch: Batch, state: StationState, fact: Fact) -> Any:
    return HANDLERS[type(fact)](batch, state, fact)


@dataclass(slots=True)
class Work:
    """One thing to do within a batch for one station: apply a fact or run a call, log the exchange, make the answer.

    Attributes:
        answer: makes the wire answer from the handler's result; it runs before the commit, and is logged with it.
        exchange: (sender, message_id, action, request) for the counts and the message log, secrets masked.
        violations: (kind, example) of what had to be repaired in the message.
    """

    station_id: int
    fact: Any = None
    call: Callable[[Batch, StationState], Any] | None = None
    answer: Callable[[Any], tuple[str, str]] | None = None
    exchange: tuple[str, str, str, str] | None = None
    received_at: datetime | None = None
    violations: list[tuple[str, str]] = field(default_factory=list)
    text: str = ""
    result: Any = None
    error: Exception | None = None
    future: "asyncio.Future[Work] | None" = None
    then: "Callable[[Work], None] | None" = None


class Ledger:
    """`await ledger.submit(work)` returns after the commit, with `work.result` and `work.text`.

    Raises (from submit): OutcomeUnknown, NotApplied.
    """

    #: Called after each batch with its works and the monotonic time of its begin, where something is traced.
    observers: ClassVar[list[Callable[[list[Work], float], None]]] = []

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.logs = settings.OCPP_LOG
        self.states: dict[int, StationState] = {}
        self.figures = Figures()
        self.healthy = True
        self._waiting: deque[Work] = deque()
        self._wake = threading.Event()
        self._stopping = False
        self._busy_since: float | None = None
        self._failed_at = 0.0
        self._metered_connectors: dict[int, Connector] = {}
        self._metered_transactions: dict[int, Transaction] = {}
        self._told_at = 0.0
        self._seen: dict[int, float] = {}
        self._unsettled: set[tuple[int, str]] = set()
        self._sending: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Finish what was submitted, then end the thread."""
        self._stopping = True
        self._wake.set()
        self._thread.join(timeout=30)

    @property
    def waiting(self) -> int:
        """Works that wait for the next batch."""
        return len(self._waiting)

    def trouble(self) -> str:
        """Why messages cannot be stored at present; empty while they can."""
        if not self.healthy and time.monotonic() - self._failed_at < LATELY_S:
            return "the database refuses what stations send"
        since = self._busy_since
        if since is not None and time.monotonic() - since > STUCK_S:
            return "the database lets what stations send wait"
        return ""

    async def submit(self, work: Work) -> Work:
        return await self.enqueue(work)

    def enqueue(self, work: Work) -> "asyncio.Future[Work]":
        """Submit without a coroutine of its own: what is awaited with every frame."""
        future = work.future = self.loop.create_future()
        self._put(work)
        return future

    def post(self, work: Work, then: Callable[[Work], None]) -> None:
        """Submit without a task that waits: `then` is called in the loop, once, with `work.error` where it failed."""
        work.then = then
        self._put(work)

    def _put(self, work: Work) -> None:
        self._waiting.append(work)
        if not self._wake.is_set():
            self._wake.set()

    # --- The thread ---------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            self._wake.wait(COALESCE_S if self._has_metered() else None)
            self._wake.clear()
            while self._waiting:
                works: list[Work] = []
                while self._waiting and len(works) < MOST_AT_ONCE:
                    works.append(self._waiting.popleft())
                self._process(works)
                self._tell_metered()
            self._tell_metered()
            if self._stopping and not self._waiting:
                connection.close()
                return

    def _process(self, works: list[Work]) -> None:
        """Apply, commit and answer a batch; whatever happens, each of its works gets an outcome."""
        begun = self._busy_since = time.monotonic()
        try:
            self._commit(works)
        except Exception as error:
            log.exception("The ledger failed outside of a batch")
            for work in works:
                work.error = work.error or NotApplied(str(error))
        self._busy_since = None
        self.figures.batch_done(len(works), time.monotonic() - begun)
        for observe in self.observers:
            observe(works, begun)
        self.loop.call_soon_threadsafe(self._deliver, works)

    def _commit(self, works: list[Work]) -> None:
        """Apply and commit, again where the database or another process got in the way; else one by one."""
        error: Exception | None = None
        begun = time.monotonic()
        for attempt in range(TRIES):
            if attempt:
                self.figures.retried += 1
                time.sleep(random.uniform(0.01, 0.05) * 2**attempt)  # noqa: S311 - jitter
            batch = Batch(self.states, datetime.now(UTC))
            committing = False
            try:
                with transaction.atomic():
                    self._prepare(batch, works)
                    for work in works:
                        self._apply(batch, work)
                    batch.flush()
                    committing = True
            except (OperationalError, InterfaceError) as failure:
                error = failure
                self._forget(batch)
                self._mend_connection()
                if committing and not is_rolled_back(failure):
                    self._fail(works, OutcomeUnknown(str(failure)))
                    return
                if time.monotonic() - begun > PATIENCE_S:
                    break
            except StaleState as failure:
                error = failure
                self._forget(batch)
            except Exception as failure:  # noqa: BLE001 - whatever one fact breaks, the others are applied
                error = failure
                self._forget(batch)
                # Another process may have written the same key first: now it is found.
                if len(works) > 1 or not isinstance(failure, IntegrityError) or attempt == RACES:
                    self._one_by_one(works, failure)
                    return
            else:
                self.healthy = True
                self._committed(batch)
                return
        self._fail(works, NotApplied(str(error)))

    def _fail(self, works: list[Work], error: Exception) -> None:
        log.error("%d messages are not answered or refused: %s: %s", len(works), type(error).__name__, error)
        self.healthy, self._failed_at = False, time.monotonic()
        for work in works:
            work.error = error

    def _prepare(self, batch: Batch, works: list[Work]) -> None:
        for work in works:
            if isinstance(work.fact, connections.Connected):
                # What is remembered of a station is as old as its connection.
                self.states.pop(work.station_id, None)
        batch.prepare({work.station_id for work in works})

    def _apply(self, batch: Batch, work: Work) -> None:
        state = batch.state(work.station_id)
        work.error = None
        if work.fact is not None:
            work.result = HANDLERS[type(work.fact)](batch, state, work.fact)
        elif work.call is not None:
            work.result = work.call(batch, state)
        outcome = ""
        if work.answer is not None:
            work.text, outcome = work.answer(work.result)
        for kind, example in work.violations:
            batch.violate(work.station_id, kind, example)
        if work.exchange is not None:
            sender, message_id, action, request = work.exchange
            batch.outcomes.append((sender, action, outcome))
            if self.logs:
                batch.messages.append(
                    (
                        work.station_id,
                        sender,
                        message_id[:64],
                        action[:64],
                        request,
                        work.text,
                        outcome[:40],
                        work.received_at or batch.now,
                        batch.now,
                    )
                )
        if time.monotonic() - self._seen.get(work.station_id, 0.0) > SEEN_EVERY_S:
            batch.seen[work.station_id] = batch.now

    def _committed(self, batch: Batch) -> None:
        seen_at = time.monotonic()
        for station_id in batch.seen:
            self._seen[station_id] = seen_at
        for station_id in batch.stale:
            self.states.pop(station_id, None)
        self.figures.committed(batch.outcomes, batch.ended_commands)
        for call in batch.after_commit:
            call()
        if batch.unsettled:
            self.loop.call_soon_threadsafe(self._settle_later, batch.unsettled)
        self._metered_connectors.update(batch.metered_connectors)
        self._metered_transactions.update(batch.metered_transactions)
        if batch.events:
            self.loop.call_soon_threadsafe(self._send, batch.events)

    def _forget(self, batch: Batch) -> None:
        """After a roll-back the remembered states may hold what never happened."""
        for station_id in batch.touched:
            self.states.pop(station_id, None)

    def _mend_connection(self) -> None:
        try:
            connection.close_if_unusable_or_obsolete()
        except DatabaseError:
            connection.close()

    def _one_by_one(self, works: list[Work], error: Exception) -> None:
        if len(works) == 1:
            self._give_up(works[0], error)
            return
        if not isinstance(error, IntegrityError):
            log.warning("A batch of %d is applied one by one after %s: %s", len(works), type(error).__name__, error)
        for work in works:
            self._commit([work])

    def _give_up(self, work: Work, error: Exception) -> None:
        """A fact that breaks our own code: a transaction message is kept and answered, others are an own failure."""
        self.figures.failed += 1
        log.error("Station %s: %s failed", work.station_id, work.exchange, exc_info=error)
        if not isinstance(work.fact, TRANSACTION_FACTS):
            work.error = NotApplied(str(error))
            return
        action, request = (work.exchange[2], work.exchange[3]) if work.exchange else (type(work.fact).__name__, "")
        started = isinstance(work.fact, TransactionStarted) and work.fact.transaction_id is None

        def keep(batch: Batch, state: StationState) -> Any:
            foreign.quarantine(batch, state, action, f"could not be applied: {type(error).__name__}", {"raw": request})
            number = transactions.new_transaction_id() if started else "0"
            return None if isinstance(work.fact, MeterRead) else TransactionAnswer(number)

        work.fact, work.call = None, keep
        self._commit([work])

    def _has_metered(self) -> bool:
        return bool(self._metered_connectors or self._metered_transactions)

    def _tell_metered(self) -> None:
        """Live values, coalesced: the newest of each connector and transaction, at most every COALESCE_S."""
        if not self._has_metered() or time.monotonic() - self._told_at < COALESCE_S:
            return
        self._told_at = time.monotonic()
        connectors, self._metered_connectors = self._metered_connectors, {}
        running, self._metered_transactions = self._metered_transactions, {}
        if not live.is_heard():
            return
        events = [connector_event(connector) for connector in connectors.values()]
        events += [transaction_event("transaction.updated", row) for row in running.values()]
        self.loop.call_soon_threadsafe(self._send, events)

    # --- Back in the loop ---------------------------------------------------------------------------------------

    def _deliver(self, works: list[Work]) -> None:
        for work in works:
            then = work.then
            if then is not None:
                work.then = None
                try:
                    then(work)
                except Exception:
                    log.exception("What was stored could not be answered")
                continue
            # A work and its future would keep each other alive until the garbage collector comes by.
            future, work.future = work.future, None
            if future is None or future.done():
                continue
            if work.error is not None:
                future.set_exception(work.error)
            else:
                future.set_result(work)

    def _settle_later(self, unsettled: set[tuple[int, str]]) -> None:
        for station_id, transaction_id in unsettled - self._unsettled:
            self._unsettled.add((station_id, transaction_id))
            self.loop.call_later(SETTLE_AFTER_S, self._settle_now, station_id, transaction_id)

    def _settle_now(self, station_id: int, transaction_id: str) -> None:
        self._unsettled.discard((station_id, transaction_id))
        self._put(Work(station_id, call=partial(settle_running, transaction_id=transaction_id)))

    def _send(self, events: list[Event]) -> None:
        task = self.loop.create_task(live.send(events))
        self._sending.add(task)
        task.add_done_callback(self._sent)

    def _sent(self, task: "asyncio.Task[None]") -> None:
        self._sending.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.warning("Live events were not delivered: %s. Readers catch up from the feed.", task.exception())
