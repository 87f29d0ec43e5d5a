"""One charging session by the charge-point side of the Python package `ocpp`, like station16.mjs and station201.mjs.

argv: endpoint, identity, password, subprotocol, id token. What happens goes to stdout as JSON lines.
"""

import asyncio
import json
import logging
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import ocpp.v16
import ocpp.v16.call
import ocpp.v16.call_result
import ocpp.v21
import ocpp.v21.call
import ocpp.v21.call_result
import ocpp.v201
import ocpp.v201.call
import ocpp.v201.call_result
from ocpp.routing import on
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedOK
from websockets.typing import Subprotocol

logging.getLogger("ocpp").setLevel(logging.CRITICAL)
ENDPOINT, IDENTITY, PASSWORD, PROTOCOL, TAG = sys.argv[1:]


def emit(step: str, **more: Any) -> None:
    print(json.dumps({"step": step, **more}), flush=True)


def moment(minutes: float = 0) -> str:
    return (datetime.now(UTC) + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


class Station16(ocpp.v16.ChargePoint):
    """OCPP 1.6."""

    transaction_id = 0

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.asked = asyncio.Event()

    @on("GetConfiguration")
    def configuration(self, key: list[str] | None = None, **_: Any) -> Any:
        return ocpp.v16.call_result.GetConfiguration(configuration_key=[], unknown_key=key or [])

    @on("RemoteStopTransaction")
    def remote_stop(self, transaction_id: int) -> Any:
        ours = transaction_id == self.transaction_id
        if ours:
            self.asked.set()
        return ocpp.v16.call_result.RemoteStopTransaction(status="Accepted" if ours else "Rejected")

    async def status(self, name: str, connector_id: int = 1) -> None:
        call = ocpp.v16.call.StatusNotification(connector_id=connector_id, error_code="NoError", status=name)
        await self.call(call, suppress=False)

    async def session(self) -> None:
        call = ocpp.v16.call
        boot = await self.call(
            call.BootNotification(charge_point_vendor="mobilityhouse", charge_point_model="ocpp"), suppress=False
        )
        emit("booted", status=boot.status, interval=boot.interval, currentTime=boot.current_time)
        await self.status("Available", 0)
        await self.status("Preparing")
        authorized = await self.call(call.Authorize(id_tag=TAG), suppress=False)
        emit("authorized", status=authorized.id_tag_info["status"])
        start = call.StartTransaction(connector_id=1, id_tag=TAG, meter_start=1000, timestamp=moment(-60))
        started = await self.call(start, suppress=False)
        self.transaction_id = started.transaction_id
        await self.status("Charging")
        samples = [
            {"value": "6500", "measurand": "Energy.Active.Import.Register", "unit": "Wh"},
            {"value": "11000", "measurand": "Power.Active.Import", "unit": "W"},
        ]
        values = [{"timestamp": moment(-30), "sampled_value": samples}]
        await self.call(
            call.MeterValues(connector_id=1, transaction_id=self.transaction_id, meter_value=values), suppress=False
        )
        await self.call(call.Heartbeat(), suppress=False)
        emit("charging", status=started.id_tag_info["status"], transaction=str(self.transaction_id))
        await self.asked.wait()
        stop = call.StopTransaction(
            transaction_id=self.transaction_id, id_tag=TAG, meter_stop=13345, timestamp=moment(), reason="Remote"
        )
        await self.call(stop, suppress=False)
        await self.status("Available")
        emit("stopped")


class Session2x:
    """OCPP 2.0.1 and 2.1, whose classes differ in their module alone."""

    calls: Any
    results: Any

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.asked = asyncio.Event()
        self.transaction_id = f"{IDENTITY}-tx-1"

    async def send(self, action: str, **payload: Any) -> Any:
        return await self.call(getattr(self.calls, action)(**payload), suppress=False)  # type: ignore[attr-defined]

    @on("GetBaseReport")
    def base_report(self, **_: Any) -> Any:
        return self.results.GetBaseReport(status="NotSupported")

    @on("GetVariables")
    def variables(self, get_variable_data: list[dict[str, Any]], **_: Any) -> Any:
        unknown = [
            {"attribute_status": "UnknownVariable", "component": row["component"], "variable": row["variable"]}
            for row in get_variable_data
        ]
        return self.results.GetVariables(get_variable_result=unknown)

    @on("RequestStopTransaction")
    def request_stop(self, transaction_id: str, **_: Any) -> Any:
        ours = transaction_id == self.transaction_id
        if ours:
            self.asked.set()
        return self.results.RequestStopTransaction(status="Accepted" if ours else "Rejected")

    async def status(self, name: str) -> None:
        await self.send("StatusNotification", timestamp=moment(), connector_status=name, evse_id=1, connector_id=1)

    async def event(
        self, kind: str, sequence: int, trigger: str, minutes: float, wh: float, w: float, **info: Any
    ) -> Any:
        samples = [
            {"value": wh, "measurand": "Energy.Active.Import.Register", "unit_of_measure": {"unit": "Wh"}},
            {"value": w, "measurand": "Power.Active.Import", "unit_of_measure": {"unit": "W"}},
        ]
        token = {} if kind == "Updated" else {"id_token": {"id_token": TAG, "type": "ISO14443"}}
        return await self.send(
            "TransactionEvent",
            event_type=kind,
            timestamp=moment(minutes),
            trigger_reason=trigger,
            seq_no=sequence,
            transaction_info={"transaction_id": self.transaction_id, **info},
            evse={"id": 1, "connector_id": 1},
            meter_value=[{"timestamp": moment(minutes), "sampled_value": samples}],
            **token,
        )

    async def session(self) -> None:
        station = {"vendor_name": "mobilityhouse", "model": "ocpp"}
        boot = await self.send("BootNotification", reason="PowerUp", charging_station=station)
        emit("booted", status=boot.status, interval=boot.interval, currentTime=boot.current_time)
        await self.status("Available")
        authorized = await self.send("Authorize", id_token={"id_token": TAG, "type": "ISO14443"})
        emit("authorized", status=authorized.id_token_info["status"])
        await self.status("Occupied")
        started = await self.event("Started", 0, "Authorized", -60, 1000, 0, charging_state="EVConnected")
        await self.event("Updated", 1, "ChargingStateChanged", -30, 6500, 11000, charging_state="Charging")
        await self.send("Heartbeat")
        emit("charging", status=started.id_token_info["status"], transaction=self.transaction_id)
        await self.asked.wait()
        await self.event("Ended", 2, "RemoteStop", 0, 13345, 0, stopped_reason="Remote")
        await self.status("Available")
        emit("stopped")


class Station201(Session2x, ocpp.v201.ChargePoint):
    calls, results = ocpp.v201.call, ocpp.v201.call_result


class Station21(Session2x, ocpp.v21.ChargePoint):
    calls, results = ocpp.v21.call, ocpp.v21.call_result


STATIONS: dict[str, Any] = {"ocpp1.6": Station16, "ocpp2.0.1": Station201, "ocpp2.1": Station21}


async def main() -> None:
    url = f"{ENDPOINT.replace('://', f'://{IDENTITY}:{PASSWORD}@', 1)}/{IDENTITY}"
    async with connect(url, subprotocols=[Subprotocol(PROTOCOL)]) as socket:
        assert socket.subprotocol == PROTOCOL, f"the server chose {socket.subprotocol}"
        station = STATIONS[PROTOCOL](IDENTITY, socket)
        listener = asyncio.create_task(station.start())
        session = asyncio.create_task(station.session())
        await asyncio.wait({listener, session}, return_when=asyncio.FIRST_COMPLETED)
        if listener.done() and not session.done():
            session.cancel()
            listener.result()
        await session
        listener.cancel()


try:
    asyncio.run(main())
except ConnectionClosedOK as error:
    print(json.dumps({"fault": f"closed early: {error}"}), flush=True)
    sys.exit(1)
