"""OCPP 2.0.1 and 2.1: what the station sends. The two differ here only in their schemas."""

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from mobility.simulator.clock import parse_time, timestamp
from mobility.simulator.connector import STOP_REASONS, Connector, Transaction
from mobility.simulator.outbox import CallFailed, Message, Payload
from mobility.simulator.physics import Reading
from mobility.simulator.v2_commands import Commands2
from mobility.simulator.v16 import measured
from mobility.simulator.wire import BootAnswer, TagInfo

if TYPE_CHECKING:
    from mobility.simulator.station import Station

UNITS = {
    "Energy.Active.Import.Register": "Wh",
    "Power.Active.Import": "W",
    "Power.Offered": "W",
    "Current.Import": "A",
    "Current.Offered": "A",
    "Voltage": "V",
    "SoC": "Percent",
}
STATUSES = {"Available": "Available", "Reserved": "Reserved", "Unavailable": "Unavailable", "Faulted": "Faulted"}


class Wire2(Commands2):
    """Transactions begin and end with the power path (TxStartPoint and TxStopPoint PowerPathClosed)."""

    def __init__(self, station: "Station") -> None:
        super().__init__(station)
        self.version = station.settings.protocol

    async def boot(self, reason: str) -> BootAnswer:
        settings = self.station.settings
        about = {
            "vendorName": settings.vendor[:50],
            "model": (settings.model or f"{settings.rated_power_w / 1000:g} kW")[:20],
            "serialNumber": settings.identity[-25:],
            "firmwareVersion": self.station.firmware_version[:50],
        }
        answer = await self.station.call("BootNotification", {"reason": reason, "chargingStation": about})
        return BootAnswer(answer["status"], answer["interval"], parse_time(answer["currentTime"]))

    async def authorize(self, id_tag: str) -> TagInfo:
        answer = await self.station.call("Authorize", {"idToken": self.id_token(id_tag)})
        return self.tag_info(answer["idTokenInfo"])

    async def status(self, connector: Connector | None, status: str, since: datetime) -> None:
        if connector is None:
            return
        told = STATUSES.get(status, "Occupied")
        if connector.reported is not None and STATUSES.get(connector.reported, "Occupied") == told:
            return
        await self.tell_status(connector, told, since)

    async def tell_status(self, connector: Connector, status: str, since: datetime) -> None:
        await self.station.call(
            "StatusNotification",
            {
                "timestamp": timestamp(since),
                "connectorStatus": STATUSES.get(status, "Occupied"),
                "evseId": connector.connector_id,
                "connectorId": 1,
            },
        )

    # -- TransactionEvent

    def _event(self, transaction: Transaction, event_type: str, trigger: str, moment: datetime, **more: Any) -> Payload:
        info: Payload = {"transactionId": transaction.key}
        if event_type != "Ended":
            info["chargingState"] = transaction.charging_state
        info.update(more.pop("info", {}))
        payload: Payload = {
            "eventType": event_type,
            "timestamp": timestamp(moment),
            "triggerReason": trigger,
            "seqNo": transaction.seq_no,
            "transactionInfo": info,
            **more,
        }
        if not self.station.online:
            payload["offline"] = True
        transaction.seq_no += 1
        return payload

    def _queue(self, transaction: Transaction, payload: Payload, *, last: bool = False) -> None:
        self.station.outbox.put(
            Message(
                "TransactionEvent",
                payload,
                on_answer=partial(self._answered, transaction, last),
                on_discard=partial(self._discarded, payload),
            )
        )

    def _answered(self, transaction: Transaction, last: bool, answer: Payload) -> None:
        if "totalCost" in answer:
            self.station.emit("cost", connector_id=transaction.connector_id, total_cost=answer["totalCost"])
        if "idTokenInfo" in answer:
            self.station.judged(transaction, self.tag_info(answer["idTokenInfo"]).status)
        if last:
            transaction.delivered = True
            self.station.emit("session", **transaction.summary(self.station.settings.identity))

    def _discarded(self, payload: Payload, error: CallFailed) -> None:
        what = f"TransactionEvent {payload['eventType']} seqNo {payload['seqNo']}"
        attempts = self.station.options.attempts
        self.station.report("discarded", f"{what} is discarded after {attempts} CALLERRORs, the last: {error}")

    def meter_value(self, reading: Reading, context: str, measurands: list[str], moment: datetime) -> list[Payload]:
        """The list of at most one MeterValue; empty when nothing is measured."""
        samples = []
        for measurand in measurands:
            value = measured(reading, measurand)
            unit = {"unitOfMeasure": {"unit": UNITS[measurand]}}
            for number, more in reading.samples(measurand, value) if value is not None else ():
                samples.append({"value": number, "context": context, "measurand": measurand, **unit, **more})
        return [{"timestamp": timestamp(moment), "sampledValue": samples}] if samples else []

    def _with_meter(self, reading: Reading, context: str, measurands: list[str], moment: datetime) -> Payload:
        values = self.meter_value(reading, context, measurands, moment)
        return {"meterValue": values} if values else {}

    def started(self, transaction: Transaction, reading: Reading, trigger: str) -> None:
        transaction.transaction_id = transaction.key
        more: Payload = {
            "evse": {"id": transaction.connector_id, "connectorId": 1},
            "idToken": self.id_token(transaction.id_tag),
            "cableMaxCurrent": 32,
            **self._with_meter(reading, "Transaction.Begin", self.station.options.measurands, transaction.started),
        }
        if transaction.remote_start_id is not None:
            more["info"] = {"remoteStartId": transaction.remote_start_id}
        if transaction.reservation_id is not None:
            more["reservationId"] = transaction.reservation_id
        self._queue(transaction, self._event(transaction, "Started", trigger, transaction.started, **more))
        self.station.emit(
            "transaction_id", connector_id=transaction.connector_id, transactionId=transaction.key, status=None
        )

    def sampled(self, transaction: Transaction, reading: Reading, context: str) -> None:
        trigger = {"Sample.Clock": "MeterValueClock", "Trigger": "Trigger"}.get(context, "MeterValuePeriodic")
        self._update(transaction, reading, context, trigger)

    def state_changed(self, transaction: Transaction, reading: Reading) -> None:
        self._update(transaction, reading, "Other", "ChargingStateChanged")

    def _update(self, transaction: Transaction, reading: Reading, context: str, trigger: str) -> None:
        moment = self.station.clock.utc()
        more = self._with_meter(reading, context, self.station.options.measurands, moment)
        self._queue(transaction, self._event(transaction, "Updated", trigger, moment, **more))

    def ended(self, transaction: Transaction, reading: Reading, id_tag: str | None) -> None:
        _, stopped_reason, trigger = STOP_REASONS[transaction.stop_reason or "Other"]
        moment = transaction.ended or self.station.clock.utc()
        more: Payload = {
            "info": {"stoppedReason": stopped_reason},
            **self._with_meter(reading, "Transaction.End", self.station.options.end_measurands, moment),
        }
        if id_tag is not None:
            more["idToken"] = self.id_token(id_tag)
        self._queue(transaction, self._event(transaction, "Ended", trigger, moment, **more), last=True)

    def trigger_event(self, transaction: Transaction) -> None:
        """A TransactionEvent on request (F06)."""
        connector = self.station.connectors[transaction.connector_id]
        self.sampled(transaction, connector.read(self.station.clock.seconds()), "Trigger")

    async def meter_values(self, connector: Connector, reading: Reading, context: str) -> None:
        values = self.meter_value(reading, context, self.station.options.measurands, self.station.clock.utc())
        await self.station.call("MeterValues", {"evseId": connector.connector_id, "meterValue": values})

    async def reservation_ended(self, reservation_id: int, expired: bool) -> None:
        status = "Expired" if expired else "Removed"
        payload = {"reservationId": reservation_id, "reservationUpdateStatus": status}
        await self.station.call("ReservationStatusUpdate", payload)
