"""Messages that belong to nothing here: answered, kept, shown, never applied to another station."""

import hashlib
import json
from typing import Any

import orjson
from django.db.models import F

from charging.facts import Quarantined, TransactionAnswer
from charging.ledger.batch import Batch
from charging.ledger.state import StationState
from charging.ledger.stations import raise_security_event
from charging.models import QuarantinedMessage, Transaction


def digest(*parts: Any) -> str:
    """A key of bounded length over raw values of any kind and size."""
    try:
        text = orjson.dumps(parts, default=str)
    except TypeError:
        # An integer beyond 64 bits.
        text = json.dumps(parts, default=str).encode()
    return hashlib.blake2b(text, digest_size=16).hexdigest()


def quarantine(batch: Batch, state: StationState, action: str, reason: str, payload: Any) -> None:
    """Keep a message, once however often it comes."""
    key = digest(action, payload)
    station = state.station
    if QuarantinedMessage.objects.filter(station=station, key=key).update(count=F("count") + 1, at=batch.now):
        return
    payload = payload if isinstance(payload, dict) else {"raw": payload}
    QuarantinedMessage.objects.create(
        station=station, key=key, action=action[:64], reason=reason[:200], payload=payload, at=batch.now
    )
    batch.violate(station.pk, "unknown_transaction", reason)


def quarantined(batch: Batch, state: StationState, fact: Quarantined) -> TransactionAnswer:
    quarantine(batch, state, fact.action, fact.reason, fact.payload)
    return TransactionAnswer("0")


def notice(batch: Batch, state: StationState, transaction_id: str, action: str) -> None:
    """A transaction id of another station raises a security event; an unknown one is only wrong data."""
    station = state.station
    other = Transaction.objects.filter(transaction_id=transaction_id).exclude(station=station).first()
    if other is None or station.protocol not in {"1.6", ""}:
        # 2.x stations make their own ids: two stations may well use the same one.
        return
    raise_security_event(
        batch,
        station,
        "ForeignTransactionId",
        at=batch.now,
        info=f"{action} named transaction {transaction_id}, which belongs to another station. It was not applied.",
    )
