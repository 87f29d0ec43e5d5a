"""A ledger in this process, fed with wire messages of one fresh station, and what the database then says of it."""

import asyncio
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from unittest.mock import patch

from accounts.models import Organization
from charging.ledger.core import Ledger, Work
from charging.models import (
    ChargingStation,
    HourlyEnergy,
    IdTag,
    MeterReading,
    QuarantinedMessage,
    Transaction,
    TransactionEvent,
)
from ocpp_gateway import rpc, versions
from ocpp_gateway.translation import Context

Message = tuple[str, dict[str, Any]]
TAG = "LEDGER-TAG"
PRICE = Decimal("0.29")
#: Yesterday, so that sessions are long over; a minute before the hour, so that they cross it.
BEGIN = datetime.now(UTC).replace(hour=9, minute=50, second=0, microsecond=0) - timedelta(days=1)


def stamp(minutes: float) -> str:
    """The wire time so many minutes after the beginning."""
    return (BEGIN + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


class Bench:
    """One station and a ledger. `commit` applies messages in one batch and returns their wire answers."""

    def __init__(self, ledger: Ledger, protocol: str, **station: Any) -> None:
        self.ledger, self.protocol = ledger, protocol
        organization = station.pop("organization", None) or Organization.objects.create(name="Ledger")
        values: dict[str, Any] = {"price_per_kwh": PRICE, "protocol": protocol, **station}
        self.station = ChargingStation.objects.create(
            organization=organization, identity=f"BENCH-{secrets.token_hex(6)}", **values
        )
        IdTag.objects.get_or_create(organization=organization, canonical=TAG, defaults={"id_tag": TAG})

    def work(self, action: str, payload: dict[str, Any]) -> Work:
        """What the gateway submits for a frame."""
        text = rpc.call("m", action, payload)
        frame = rpc.parse(text, self.protocol)
        assert isinstance(frame, rpc.Call), frame
        received = datetime.now(UTC)
        handler = versions.translator(self.protocol).routes[action]
        fact, answer = handler(frame.payload, Context(received))
        return Work(
            self.station.pk,
            fact=fact,
            answer=lambda result: (rpc.result("m", answer(result)), "ok"),
            exchange=("station", "m", action, text),
            received_at=received,
        )

    def commit(self, *messages: Message) -> list[Work]:
        works = [self.work(action, payload) for action, payload in messages]
        self.ledger._commit(works)
        return works

    def feed(self, messages: Sequence[Message], *, size: int = 1) -> list[Work]:
        """Commit messages in batches of `size`, and see that each of them is answered."""
        works: list[Work] = []
        for index in range(0, len(messages), size):
            works += self.commit(*messages[index : index + size])
        assert not [work.error for work in works if work.error]
        assert all(work.text for work in works)
        return works

    def due(self) -> int:
        """Commit what the ledger has put off, as it does by itself a little later; how much that was."""
        with patch("charging.ledger.core.SETTLE_AFTER_S", 0):
            self.ledger.loop.run_until_complete(asyncio.sleep(0))
            self.ledger.loop.run_until_complete(asyncio.sleep(0))
        works = list(self.ledger._waiting)
        self.ledger._waiting.clear()
        if works:
            self.ledger._commit(works)
        assert not [work.error for work in works if work.error]
        return len(works)

    def transactions(self) -> list[Transaction]:
        return list(Transaction.objects.filter(station=self.station).order_by("started", "pk"))

    def hours(self) -> dict[str, float]:
        """HourlyEnergy of the station: {hour: Wh}, without empty ones."""
        rows = HourlyEnergy.objects.filter(station=self.station)
        return {row.hour.isoformat(): round(row.energy_wh, 3) for row in rows if abs(row.energy_wh) > 1e-6}

    def hourly_cost(self) -> Decimal:
        return sum((row.cost for row in HourlyEnergy.objects.filter(station=self.station)), Decimal())

    def state(self) -> dict[str, Any]:
        """All that may not depend on the order of arrival. Ids that are handed out are left out."""
        self.due()
        rows = self.transactions()
        names = {row.pk: index for index, row in enumerate(rows)}
        readings = MeterReading.objects.filter(station=self.station).order_by("station_time", "evse_number")
        return {
            "transactions": [
                {
                    name: getattr(row, name)
                    for name in (
                        *("state", "started", "ended", "evse_number", "connector_number", "id_token", "energy_wh"),
                        *("meter_start_wh", "meter_stop_wh", "cost", "stop_reason", "flags", "final"),
                        *("remote_start_id", "authorization"),
                    )
                }
                # What a running one has booked depends on when it was booked.
                | {"hourly_wh": {} if row.is_open else {hour: round(wh, 3) for hour, wh in row.hourly_wh.items() if wh}}
                for row in rows
            ],
            "events": sorted(
                (names[event.transaction_id], event.kind, event.station_time)
                for event in TransactionEvent.objects.filter(station=self.station)
            ),
            "readings": [
                (
                    names.get(row.transaction_id or 0),
                    row.evse_number,
                    row.station_time,
                    row.energy_wh,
                    sorted(map(str, row.samples)),
                )
                for row in readings
            ],
            "hours": {} if any(row.is_open for row in rows) else self.hours(),
            "quarantined": QuarantinedMessage.objects.filter(station=self.station).count(),
        }


@contextmanager
def ledger() -> Iterator[Ledger]:
    """A ledger without its thread: a test commits batches itself."""
    loop = asyncio.new_event_loop()
    try:
        yield Ledger(loop)
    finally:
        loop.close()


# --- Messages -------------------------------------------------------------------------------------------------------


def start_16(minutes: float, wh: float, *, connector: int = 1, tag: str = TAG) -> Message:
    return "StartTransaction", {
        "connectorId": connector,
        "idTag": tag,
        "meterStart": round(wh),
        "timestamp": stamp(minutes),
    }


def meter_16(minutes: float, wh: float, transaction: int | None, *, connector: int = 1) -> Message:
    samples = [{"value": f"{wh:g}", "measurand": "Energy.Active.Import.Register", "unit": "Wh"}]
    payload: dict[str, Any] = {
        "connectorId": connector,
        "meterValue": [{"timestamp": stamp(minutes), "sampledValue": samples}],
    }
    return "MeterValues", payload if transaction is None else {**payload, "transactionId": transaction}


def stop_16(minutes: float, wh: float, transaction: int, **more: Any) -> Message:
    return "StopTransaction", {
        "transactionId": transaction,
        "meterStop": round(wh),
        "timestamp": stamp(minutes),
        **more,
    }


def event(kind: str, sequence: int | None, minutes: float, wh: float | None = None, **more: Any) -> Message:
    """A TransactionEvent. `transaction`, `evse` (None: left out), `context`, `info`, `token` may be given."""
    transaction, evse = more.pop("transaction", "tx-1"), more.pop("evse", 1)
    info, token = more.pop("info", {}), more.pop("token", None)
    context = more.pop("context", {"Started": "Transaction.Begin", "Ended": "Transaction.End"}.get(kind))
    payload: dict[str, Any] = {
        "eventType": kind,
        "timestamp": stamp(minutes),
        "triggerReason": "MeterValuePeriodic",
        "transactionInfo": {"transactionId": transaction, **info},
        **more,
    }
    if sequence is not None:
        payload["seqNo"] = sequence
    if evse is not None:
        payload["evse"] = {"id": evse, "connectorId": 1}
    if token is not None:
        payload["idToken"] = {"idToken": token, "type": "ISO14443"}
    if wh is not None:
        sample = {"value": wh, "measurand": "Energy.Active.Import.Register"}
        payload["meterValue"] = [
            {"timestamp": stamp(minutes), "sampledValue": [sample | ({"context": context} if context else {})]}
        ]
    return "TransactionEvent", payload
