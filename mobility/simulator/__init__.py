"""An honest charging-station simulator for OCPP 1.6J, 2.0.1 and 2.1: for demos, load and black-box tests.

    async with Station(Settings(url="ws://127.0.0.1:8081/OCPP", identity="SIM-1", password="…")) as station:
        await station.wait_until(lambda s: s.online)
        await station.plug_in(1)
        await station.start(1, id_tag="TAG")

It needs no Django. `run_station(settings, scenario)` plays a named scenario in any event loop.
"""

from mobility.simulator.charging import NotStarted
from mobility.simulator.link import Problem, Refused
from mobility.simulator.outbox import CallFailed, NoAnswer, Offline
from mobility.simulator.physics import Vehicle
from mobility.simulator.scenarios import SCENARIOS, Plan, ScenarioFailed, run_station
from mobility.simulator.settings import Settings
from mobility.simulator.station import Station, Unreachable

__all__ = [
    "SCENARIOS",
    "CallFailed",
    "NoAnswer",
    "NotStarted",
    "Offline",
    "Plan",
    "Problem",
    "Refused",
    "ScenarioFailed",
    "Settings",
    "Station",
    "Unreachable",
    "Vehicle",
    "run_station",
]
