"""What stations say of reservations: their use, their end, and that a connector is reserved."""

from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from charging import reserving
from charging.facts import Authorization, IdToken, ReservationChanged
from charging.ledger.batch import Batch
from charging.ledger.state import StationState
from charging.models import Command, Connector, Reservation, Transaction
from charging.queries import reservations

Status = Reservation.Status
#: What a station may hold: also what it never answered, or answered after we had given up waiting.
PERHAPS_HELD = (Status.REQUESTED, Status.ACCEPTED, Status.FAILED)
#: A station's clock may be off by this much.
CLOCKS = timedelta(minutes=2)
OTHER_TAG = "It was used with the tag %(tag)s, for which it was not made."
REMOVED = "The station gave it up."
NO_TRANSACTION = "Nobody charged: the station ended it without a transaction."


def rows_of(state: StationState) -> QuerySet[Reservation]:
    rows = Reservation.objects.select_related("station", "connector", "id_tag", "user")
    return rows.filter(station=state.station)


def used(
    batch: Batch,
    state: StationState,
    transaction: Transaction,
    number: int | None,
    token: IdToken | None,
    authorization: Authorization | None,
    at: datetime,
) -> None:
    """A transaction has begun. It ends the reservation that it names, whoever uses it: the station alone decides at
    the connector, and what it says has happened (1.6 §4.8, 2.0.1 H03). Where the tag is another one than that of the
    reservation or of its group, the transaction is marked, and the tag's own answer stands.

    A station that names none has still used that of the same tag at the same connector.
    """
    group = authorization.group if authorization else ""
    text = token.text if token else ""
    rows = rows_of(state)
    if number is None:
        held = rows.filter(status=Status.ACCEPTED, starts_at__lte=at + CLOCKS).filter(
            Q(connector=None) | Q(connector__evse_number=transaction.evse_number)
        )
        fitting = [row for row in held.order_by("starts_at", "pk") if reservations.fits(row, text, group)]
        # That of the connector goes before one for any of the station's.
        fitting.sort(key=lambda row: row.connector_id is None)
        if fitting:
            end_used(batch, fitting[0], transaction)
        return
    row = rows.filter(number=number).first()
    if row is None:
        batch.violate(state.station.pk, "unknown_reservation", str(number))
        return
    reason = ""
    if text and not reservations.fits(row, text, group):
        batch.violate(state.station.pk, "foreign_reservation", f"{number}: {text}"[:300])
        reason = OTHER_TAG % {"tag": text[:255]}
        transaction.flags = sorted({*transaction.flags, "reservation_mismatch"})
        transaction.save(update_fields=["flags"])
    if row.status in (*PERHAPS_HELD, Status.EXPIRED):
        end_used(batch, row, transaction, reason)


def end_used(batch: Batch, row: Reservation, transaction: Transaction, reason: str = "") -> None:
    for event in reserving.change(row, Status.USED, batch.now, reason=reason, transaction=transaction):
        batch.tell(event)


def changed(batch: Batch, state: StationState, fact: ReservationChanged) -> None:
    """ReservationStatusUpdate (2.0.1 H04; 2.1 adds NoTransaction)."""
    row = rows_of(state).filter(number=fact.number).first()
    if row is None:
        batch.violate(state.station.pk, "unknown_reservation", str(fact.number))
        return
    if row.status not in PERHAPS_HELD:
        return
    status, reason = {
        "Expired": (Status.EXPIRED, ""),
        "NoTransaction": (Status.EXPIRED, NO_TRANSACTION),
    }.get(fact.status, (Status.CANCELLED, REMOVED))
    for event in reserving.change(row, status, batch.now, reason=reason):
        batch.tell(event)


def seen_reserved(batch: Batch, state: StationState, connector: Connector) -> None:
    """The connector says that it is reserved: so the reservation whose answer never came is held."""
    rows = rows_of(state).filter(
        connector=connector,
        status=Status.FAILED,
        expires_at__gt=batch.now,
        command__status__in=(Command.Status.TIMED_OUT, Command.Status.FAILED),
        command__sent_at__isnull=False,
    )
    row = rows.order_by("-pk").first()
    if row is not None:
        for event in reserving.change(
            row, Status.ACCEPTED, batch.now, ended_at=None, due_at=row.expires_at, answered_at=batch.now
        ):
            batch.tell(event)
