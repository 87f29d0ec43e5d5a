"""OCPP 1.6J: what the station sends."""

from datetime import datetime
from functools import partial

from mobility.simulator.clock import parse_time, timestamp
from mobility.simulator.connector import STOP_REASONS, Connector, Transaction
from mobility.simulator.outbox import CallFailed, Message, Payload
from mobility.simulator.physics import Reading
from mobility.simulator.v16_commands import Commands16
from mobility.simulator.wire import BootAnswer, TagInfo

UNITS = {
    "Energy.Active.Import.Register": "Wh",
    "Power.Active.Import": "W",
    "Power.Offered": "W",
    "Current.Import": "A",
    "Current.Offered": "A",
    "Voltage": "V",
    "SoC": "Percent",
}


def measured(reading: Reading, measurand: str) -> float | None:
    """The value of a measurand, in its base unit; None when the station does not know it."""
    values: dict[str, float | None] = {
        "Energy.Active.Import.Register": reading.energy_wh,
        "Power.Active.Import": reading.power_w,
        "Power.Offered": reading.offered_w,
        "Current.Import": reading.current_a,
        "Current.Offered": reading.offered_a,
        "Voltage": reading.voltage_v,
        "SoC": reading.soc_percent,
    }
    return values.get(measurand)


class Wire16(Commands16):
    """StartTransaction gets the transactionId from its answer; until then later messages wait behind it."""

    version = "1.6"

    async def boot(self, reason: str) -> BootAnswer:
        settings = self.station.settings
        answer = await self.station.call(
            "BootNotification",
            {
                "chargePointVendor": settings.vendor[:20],
                "chargePointModel": (settings.model or f"{settings.rated_power_w / 1000:g} kW")[:20],
                "chargePointSerialNumber": settings.identity[-25:],
                "firmwareVersion": self.station.firmware_version[:50],
                "meterType": "Simulated meter",
            },
        )
        return BootAnswer(answer["status"], answer["interval"], parse_time(answer["currentTime"]))

    async def authorize(self, id_tag: str) -> TagInfo:
        answer = await self.station.call("Authorize", {"idTag": id_tag[:20]})
        return self.tag_info(answer["idTagInfo"])

    async def status(self, connector: Connector | None, status: str, since: datetime) -> None:
        payload = {
            "connectorId": connector.connector_id if connector else 0,
            "errorCode": connector.error_code if connector else "NoError",
            "status": status,
            "timestamp": timestamp(since),
        }
        await self.station.call("StatusNotification", payload)

    def started(self, transaction: Transaction, reading: Reading, trigger: str) -> None:
        payload: Payload = {
            "connectorId": transaction.connector_id,
            "idTag": transaction.id_tag[:20],
            "meterStart": transaction.meter_start_wh,
            "timestamp": timestamp(transaction.started),
        }
        if transaction.reservation_id is not None:
            payload["reservationId"] = transaction.reservation_id
        self.station.outbox.put(
            Message(
                "StartTransaction",
                payload,
                on_answer=partial(self._started, transaction),
                on_discard=partial(self._discarded, "StartTransaction"),
            )
        )

    def _started(self, transaction: Transaction, answer: Payload) -> None:
        transaction_id = answer["transactionId"]
        for other in self.station.sessions:
            if other is not transaction and other.transaction_id == transaction_id:
                self.station.report("doubled", f"two transactions got the same transactionId {transaction_id}")
        lost = self.station.lost_answers.pop("StartTransaction", None)
        if lost is not None and lost["transactionId"] != transaction_id:
            text = f"StartTransaction sent again got {transaction_id}, its lost answer was {lost['transactionId']}"
            self.station.report("doubled", text)
        transaction.transaction_id = transaction_id
        info = self.tag_info(answer["idTagInfo"])
        self.station.emit(
            "transaction_id",
            connector_id=transaction.connector_id,
            transactionId=transaction_id,
            status=info.status,
        )
        self.station.judged(transaction, info.status)

    def _discarded(self, action: str, error: CallFailed) -> None:
        attempts = self.station.options.attempts
        self.station.report("discarded", f"{action} is discarded after {attempts} CALLERRORs, the last: {error}")

    def _with_id(self, transaction: Transaction, payload: Payload) -> Payload:
        if transaction.transaction_id is not None:
            return {**payload, "transactionId": transaction.transaction_id}
        return {**payload, "transactionId": -1} if "meterStop" in payload else payload

    def meter_value(self, reading: Reading, context: str, measurands: list[str]) -> Payload:
        """One MeterValue of now."""
        samples = []
        for measurand in measurands:
            value = measured(reading, measurand)
            for number, more in reading.samples(measurand, value) if value is not None else ():
                sample = {"value": f"{number:g}" if number < 1e6 else str(round(number)), "context": context}
                samples.append({**sample, "measurand": measurand, "unit": UNITS[measurand], **more})
        return {"timestamp": timestamp(self.station.clock.utc()), "sampledValue": samples}

    def sampled(self, transaction: Transaction, reading: Reading, context: str) -> None:
        value = self.meter_value(reading, context, self.station.options.measurands)
        if value["sampledValue"]:
            self.station.outbox.put(
                Message(
                    "MeterValues",
                    {"connectorId": transaction.connector_id, "meterValue": [value]},
                    finish=partial(self._with_id, transaction),
                    on_discard=partial(self._discarded, "MeterValues"),
                )
            )

    def state_changed(self, transaction: Transaction, reading: Reading) -> None:
        """1.6 tells the charging state by StatusNotification alone."""

    def ended(self, transaction: Transaction, reading: Reading, id_tag: str | None) -> None:
        payload: Payload = {
            "meterStop": transaction.meter_stop_wh,
            "timestamp": timestamp(transaction.ended or self.station.clock.utc()),
            "reason": STOP_REASONS[transaction.stop_reason or "Other"][0],
        }
        if id_tag is not None:
            payload["idTag"] = id_tag[:20]
        if self.station.options.end_measurands:
            payload["transactionData"] = [
                self.meter_value(reading, "Transaction.End", self.station.options.end_measurands)
            ]
        self.station.outbox.put(
            Message(
                "StopTransaction",
                payload,
                finish=partial(self._with_id, transaction),
                on_answer=partial(self._ended, transaction),
                on_discard=partial(self._discarded, "StopTransaction"),
            )
        )

    def _ended(self, transaction: Transaction, answer: Payload) -> None:
        transaction.delivered = True
        self.station.emit("session", **transaction.summary(self.station.settings.identity))

    async def meter_values(self, connector: Connector, reading: Reading, context: str) -> None:
        value = self.meter_value(reading, context, self.station.options.measurands)
        await self.station.call("MeterValues", {"connectorId": connector.connector_id, "meterValue": [value]})

    async def reservation_ended(self, reservation_id: int, expired: bool) -> None:
        """1.6 tells it by StatusNotification alone."""
