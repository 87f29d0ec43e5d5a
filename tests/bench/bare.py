"""What to compare with: servers that answer every frame and store nothing. argv: port, `echo` or `ocpp`."""

import asyncio
import logging
import sys
from datetime import UTC, datetime
from typing import Any

import orjson
import uvloop
from ocpp.routing import on
from ocpp.v16 import ChargePoint, call_result
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

logging.getLogger("ocpp").setLevel(logging.ERROR)


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class CentralSystem(ChargePoint):
    """The shape of the `ocpp` package's own example."""

    @on("BootNotification")
    def boot(self, **_: Any) -> Any:
        return call_result.BootNotification(current_time=now(), interval=300, status="Accepted")

    @on("Heartbeat")
    def heartbeat(self) -> Any:
        return call_result.Heartbeat(current_time=now())

    @on("StatusNotification")
    def status(self, **_: Any) -> Any:
        return call_result.StatusNotification()

    @on("MeterValues")
    def meter_values(self, **_: Any) -> Any:
        return call_result.MeterValues()

    @on("StartTransaction")
    def start_transaction(self, **_: Any) -> Any:
        return call_result.StartTransaction(transaction_id=1, id_tag_info={"status": "Accepted"})

    @on("StopTransaction")
    def stop_transaction(self, **_: Any) -> Any:
        return call_result.StopTransaction()


async def echo(socket: ServerConnection) -> None:
    """The floor: parse, answer, nothing else."""
    async for text in socket:
        message_id = orjson.loads(text)[1]
        await socket.send(orjson.dumps([3, message_id, {"transactionId": 1}]).decode())


async def central_system(socket: ServerConnection) -> None:
    """`websockets` and `ocpp`, with its validation, as most servers in the field are built."""
    assert socket.request is not None
    station = CentralSystem(socket.request.path.rsplit("/", 1)[-1], socket)
    async for text in socket:
        await station.route_message(text)


async def main(port: int, kind: str) -> None:
    handler = {"echo": echo, "ocpp": central_system}[kind]
    async with serve(handler, "127.0.0.1", port, subprotocols=[Subprotocol("ocpp1.6")], compression=None):
        await asyncio.Future()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), sys.argv[2]))
