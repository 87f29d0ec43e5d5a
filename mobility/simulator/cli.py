"""The simulator's command line, with and without Django."""

import argparse
import asyncio
import json
import os
import signal
import ssl
import sys
from pathlib import Path
from typing import Any

from mobility.simulator.link import Refused
from mobility.simulator.scenarios import SCENARIOS, Plan, ScenarioFailed, run_station
from mobility.simulator.settings import PROTOCOLS, Settings
from mobility.simulator.station import Station, Unreachable

EXIT_OK, EXIT_USAGE, EXIT_PROBLEMS, EXIT_REFUSED, EXIT_FAILED = 0, 2, 3, 4, 5
DESCRIPTION = """\
An honest charging station: boots, charges, queues while offline, retries, obeys commands, and judges every
frame of the server. Human-readable lines go to stderr, JSON to stdout.
"""
EPILOG = f"""\
scenarios:
{chr(10).join(f"  {name:<9}{(play.__doc__ or '').strip()}" for name, play in SCENARIOS.items())}

exit codes:
  0  the scenario ended, or Ctrl-C
  2  the command line is wrong
  3  the server broke the protocol (each break is one line on stderr)
  4  the server refused the connection, or nobody answered
  5  the scenario could not be played to its end, for example since the tag is refused

--count N runs the identities IDENTITY-0001 to IDENTITY-N; with {{n}} in --identity or --id-tag that place takes the
number instead, as in LOAD{{n:05d}}. The password is the same for all.

--speed X: the clock starts --backlog hours in the past and runs X times as fast until it reaches the present,
so energy stays plausible for the timestamps and no timestamp is in the future.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `manage.py simulate` and `python -m mobility.simulator` take."""
    parser.description, parser.epilog = DESCRIPTION, EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--url", default="ws://127.0.0.1:8081/OCPP", help="the identity is appended (%(default)s)")
    parser.add_argument("--identity", required=True)
    parser.add_argument("--password", default=os.environ.get("SIMULATOR_PASSWORD"), help="or SIMULATOR_PASSWORD")
    parser.add_argument("--protocol", choices=list(PROTOCOLS), default="1.6", help="(%(default)s)")
    parser.add_argument("--scenario", choices=list(SCENARIOS), help="(plugged, or charge when --id-tag is given)")
    parser.add_argument("--connectors", type=int, default=1, metavar="N")
    parser.add_argument("--count", type=int, default=1, metavar="N", help="this many stations in one process")
    parser.add_argument("--id-tag", metavar="TAG", help="the driver's tag")
    parser.add_argument("--duration", type=float, metavar="SECONDS", help="of a session, in simulated seconds")
    parser.add_argument("--sessions", type=int, metavar="N", help="sessions per connector; 0 is endless")
    parser.add_argument("--pause", type=float, default=30.0, metavar="SECONDS", help="between sessions, simulated")
    parser.add_argument("--meter-interval", type=int, default=60, metavar="SECONDS", help="simulated (%(default)s)")
    parser.add_argument("--rated-power-kw", type=float, default=11.0, metavar="KW", help="above 43: DC (%(default)s)")
    parser.add_argument("--soc", type=float, metavar="PERCENT", help="charge of the arriving cars")
    parser.add_argument("--speed", type=float, default=1.0, metavar="X", help="simulated seconds per real second")
    parser.add_argument("--backlog", type=float, metavar="HOURS", help="how far back --speed begins (168)")
    parser.add_argument("--seed", type=int, default=0, help="of everything random (%(default)s)")
    parser.add_argument("--timeout", type=float, default=30.0, metavar="SECONDS", help="for answers (%(default)s)")
    parser.add_argument("--wait", type=float, default=60.0, metavar="SECONDS", help="for a server to appear (60)")
    parser.add_argument("--retry-refused", action="store_true", help="keep trying after 401 or 404")
    parser.add_argument("--no-compression", action="store_true", help="never offer permessage-deflate")
    parser.add_argument("--ca-file", metavar="FILE", help="CA certificates to trust for wss")
    parser.add_argument("--json", action="store_true", help="every event as a JSON line on stdout")


def settings_of(options: argparse.Namespace, number: int) -> Settings:
    """The settings of station `number`, counted from 1. Raises ValueError."""

    def numbered(text: str, suffix: bool) -> str:
        if "{n" in text:
            return text.format(n=number)
        return f"{text}-{number:04d}" if suffix and options.count > 1 else text

    return Settings(
        url=options.url,
        identity=numbered(options.identity, True),
        password=options.password,
        protocol=options.protocol,
        connectors=options.connectors,
        id_tag=numbered(options.id_tag or "SIMTAG01", False),
        rated_power_w=options.rated_power_kw * 1000,
        soc_percent=options.soc,
        speed=options.speed,
        backlog_s=None if options.backlog is None else options.backlog * 3600,
        seed=options.seed,
        meter_interval_s=options.meter_interval,
        call_timeout_s=options.timeout,
        retry_refused=options.retry_refused,
        never_connected_s=options.wait,
        compression=False if options.no_compression else None,
        ssl_context=ssl.create_default_context(cafile=options.ca_file) if options.ca_file else None,
    )


def execute(options: argparse.Namespace) -> int:
    """Run the stations; returns the exit code."""
    try:
        every = [settings_of(options, number) for number in range(1, options.count + 1)]
        if options.ca_file and not Path(options.ca_file).is_file():
            raise ValueError(f"--ca-file: there is no {options.ca_file}")
        if options.speed <= 0 or not every:
            raise ValueError("--speed and --count are positive")
    except (ValueError, OSError) as error:
        print(f"simulate: {error}", file=sys.stderr)
        return EXIT_USAGE
    try:
        import uvloop
    except ImportError:
        return asyncio.run(_run_all(every, options))
    return int(uvloop.run(_run_all(every, options)))


async def _run_all(every: list[Settings], options: argparse.Namespace) -> int:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stopping.set)
    voice = Voice(as_json=options.json, quiet=len(every) > 10)
    plan = Plan(options.duration, options.sessions, options.pause)
    scenario = options.scenario or ("charge" if options.id_tag else "plugged")
    codes = await asyncio.gather(
        *(_run_one(settings, scenario, plan, voice, stopping, n / 100) for n, settings in enumerate(every))
    )
    voice.end()
    return EXIT_PROBLEMS if voice.problems else max(codes)


async def _run_one(
    settings: Settings, scenario: str, plan: Plan, voice: "Voice", stopping: asyncio.Event, delay_s: float
) -> int:
    """One station, connecting `delay_s` after the first, so that many do not arrive in the same instant."""
    await asyncio.sleep(delay_s)
    try:
        station = await run_station(settings, scenario, plan, on_event=voice.say, stopping=stopping)
    except (Refused, Unreachable) as error:
        print(f"{settings.identity}: refused. {error}", file=sys.stderr)
        return EXIT_REFUSED
    except ScenarioFailed as error:
        print(f"{settings.identity}: {error}", file=sys.stderr)
        return EXIT_FAILED
    except ExceptionGroup as group:
        failed, rest = group.split(ScenarioFailed)
        if rest is not None or failed is None:
            raise
        print(f"{settings.identity}: {failed.exceptions[0]}", file=sys.stderr)
        return EXIT_FAILED
    voice.summarise(station)
    return EXIT_OK


class Voice:
    """What the process prints."""

    def __init__(self, *, as_json: bool, quiet: bool) -> None:
        self._json = as_json
        self._quiet = quiet
        self.problems = 0

    def say(self, event: dict[str, Any]) -> None:
        if event["event"] == "problem":
            self.problems += 1
        if self._json:
            print(json.dumps(event), flush=True)
        if event["event"] == "problem" or not (self._json or self._quiet):
            details = " ".join(f"{k}={v}" for k, v in event.items() if k not in ("time", "identity", "event"))
            print(f"{event['time'][11:19]} {event['identity']} {event['event']} {details}", file=sys.stderr)

    def summarise(self, station: Station) -> None:
        """One JSON line for every finished session: the station's own truth."""
        for transaction in station.sessions:
            if transaction.ended is not None:
                print(json.dumps({"event": "summary", **transaction.summary(station.settings.identity)}), flush=True)

    def end(self) -> None:
        if self.problems:
            print(f"The server broke the protocol {self.problems} times.", file=sys.stderr)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m mobility.simulator")
    add_arguments(parser)
    return execute(parser.parse_args(argv))
