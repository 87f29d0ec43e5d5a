"""The stations: N of OCPP 1.6, each in a transaction, each sending its next message when the last one is answered.

Three MeterValues (three samples each) to one Heartbeat. Prints one JSON line:
{rate, p50_ms, p99_ms, connect_s, cpu_us, kib_per_station, readings, errors}.
"""

import argparse
import asyncio
import base64
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
import psutil
import uvloop
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

ANSWER_WITHIN_S = 90


def identity(number: int) -> str:
    return f"BENCH-{number:05d}"


@dataclass
class Tree:
    """The server's processes: `pids` with all below them, and those whose command line names `also`."""

    pids: list[int]
    also: str = ""

    def own(self) -> list[psutil.Process]:
        roots = [psutil.Process(pid) for pid in self.pids]
        return [process for root in roots for process in (root, *root.children(recursive=True))]

    def processes(self) -> list[psutil.Process]:
        found = self.own()
        if self.also:
            found += [p for p in psutil.process_iter(["cmdline"]) if self.also in " ".join(p.info["cmdline"] or [])]
        return found

    def cpu_s(self) -> float:
        total = 0.0
        for process in self.processes():
            try:
                times = process.cpu_times()
            except psutil.NoSuchProcess:
                continue
            total += times.user + times.system
        return total

    def memory_bytes(self) -> int:
        """Resident memory; of the server alone, since databases share theirs."""
        return sum(process.memory_info().rss for process in self.own())


@dataclass
class Results:
    latencies_s: list[float] = field(default_factory=list)
    readings: int = 0
    errors: int = 0


class Station:
    """One OCPP 1.6 station in a transaction."""

    def __init__(self, socket: ClientConnection, results: Results) -> None:
        self.socket, self.results = socket, results
        self.sent = 0
        self.transaction_id = 1
        self.last_ms = 0

    async def call(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Send a CALL, answer what the server asks meanwhile, return the answer's payload."""
        self.sent += 1
        message_id = str(self.sent)
        await self.socket.send(orjson.dumps([2, message_id, action, payload]).decode())
        while True:
            frame = orjson.loads(await asyncio.wait_for(self.socket.recv(), ANSWER_WITHIN_S))
            if frame[0] == 2:
                await self.socket.send(orjson.dumps([4, frame[1], "NotImplemented", "", {}]).decode())
            elif frame[1] == message_id:
                break
        if frame[0] != 3:
            self.results.errors += 1
            return {}
        answer: dict[str, Any] = frame[2]
        return answer

    def timestamp(self) -> str:
        """Now, and never the same twice: readings of one moment are one reading."""
        self.last_ms = max(int(time.time() * 1000), self.last_ms + 1)
        return datetime.fromtimestamp(self.last_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"

    async def begin(self) -> None:
        await self.call("BootNotification", {"chargePointVendor": "Bench", "chargePointModel": "Closed loop"})
        await self.call("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Charging"})
        start = {"connectorId": 1, "idTag": "BENCHTAG", "meterStart": 0, "timestamp": self.timestamp()}
        self.transaction_id = (await self.call("StartTransaction", start)).get("transactionId", 1)

    async def run(self, until: float) -> None:
        turn = 0
        while time.monotonic() < until:
            turn += 1
            began = time.perf_counter()
            if turn % 4:
                await self.call("MeterValues", self.meter_values(turn))
                self.results.readings += 1
            else:
                await self.call("Heartbeat", {})
            self.results.latencies_s.append(time.perf_counter() - began)

    def meter_values(self, turn: int) -> dict[str, Any]:
        samples = [
            {"value": str(turn), "measurand": "Energy.Active.Import.Register", "unit": "Wh"},
            {"value": "7.2", "measurand": "Power.Active.Import", "unit": "kW"},
            {"value": "55", "measurand": "SoC", "unit": "Percent"},
        ]
        value = {"timestamp": self.timestamp(), "sampledValue": samples}
        return {"connectorId": 1, "transactionId": self.transaction_id, "meterValue": [value]}

    async def end(self) -> None:
        stop = {"transactionId": self.transaction_id, "meterStop": self.sent, "timestamp": self.timestamp()}
        await self.call("StopTransaction", stop)


async def one(number: int, options: argparse.Namespace, results: Results, phases: "Phases") -> None:
    login = base64.b64encode(f"{identity(number)}:{options.password}".encode()).decode()
    try:
        async with connect(
            f"ws://127.0.0.1:{options.ports[number % len(options.ports)]}/OCPP/{identity(number)}",
            subprotocols=[Subprotocol("ocpp1.6")],
            additional_headers={"Authorization": f"Basic {login}"} if options.password else None,
            compression=None,
            open_timeout=60,
            ping_interval=None,
            proxy=None,
        ) as socket:
            station = Station(socket, results)
            await station.begin()
            await phases.ready()
            await station.run(phases.until)
            await phases.measured()
            await station.end()
    except (OSError, TimeoutError, WebSocketException):
        results.errors += 1
        phases.gone()
        raise


class Phases:
    """All stations are idle in a transaction; then all send; then all are done; only then they stop."""

    def __init__(self, count: int, seconds: float) -> None:
        self.left, self.seconds, self.until = count, seconds, 0.0
        self.idle, self.go = asyncio.Event(), asyncio.Event()
        self.running, self.done = count, asyncio.Event()
        self.finish = asyncio.Event()

    async def ready(self) -> None:
        self.left -= 1
        if self.left <= 0:
            self.idle.set()
        await self.go.wait()

    def start(self) -> None:
        self.until = time.monotonic() + self.seconds
        self.go.set()

    async def measured(self) -> None:
        self.gone()
        await self.finish.wait()

    def gone(self) -> None:
        self.running -= 1
        self.left -= 1
        if self.running <= 0:
            self.idle.set()
            self.done.set()


async def main(options: argparse.Namespace) -> dict[str, Any]:
    tree, results = Tree(options.pids, options.also), Results()
    phases = Phases(options.stations, options.seconds)
    memory_before, opened = tree.memory_bytes(), time.monotonic()
    stations = [asyncio.create_task(one(n, options, results, phases)) for n in range(options.stations)]
    await phases.idle.wait()
    memory_idle, connect_s = tree.memory_bytes(), time.monotonic() - opened
    cpu_before, began = tree.cpu_s(), time.monotonic()
    phases.start()
    await phases.done.wait()
    elapsed, cpu_s = time.monotonic() - began, tree.cpu_s() - cpu_before
    phases.finish.set()
    await asyncio.gather(*stations, return_exceptions=True)
    latencies = sorted(results.latencies_s) or [float("nan")]
    count = len(latencies)
    return {
        "rate": count / elapsed,
        "p50_ms": latencies[count // 2] * 1e3,
        "p99_ms": latencies[int(count * 0.99)] * 1e3,
        "connect_s": connect_s,
        "cpu_us": cpu_s / count * 1e6,
        "kib_per_station": (memory_idle - memory_before) / 1024 / options.stations,
        "readings": results.readings,
        "errors": results.errors,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--ports", type=int, nargs="+", required=True)
    parser.add_argument("--pids", type=int, nargs="+", required=True)
    parser.add_argument("--also", default="")
    parser.add_argument("--stations", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--password", default="")
    print(orjson.dumps(uvloop.run(main(parser.parse_args()))).decode())
