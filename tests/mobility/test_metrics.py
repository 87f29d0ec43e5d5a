"""`/metrics`: what it names, what it counts, and that the dashboard asks for nothing else."""

import json
import re

import httpx
from prometheus_client.parser import text_string_to_metric_families

from charging.ledger import figures
from mobility import metrics
from tests.support import frames
from tests.support.environment import ROOT
from tests.support.rest import Rest
from tests.support.server import Server
from tests.support.station import Station, upgrade
from tests.support.waiting import wait_until

Samples = dict[str, list[tuple[dict[str, str], float]]]


def scrape(server: Server, only: str = "") -> Samples:
    answer = httpx.get(f"{server.url}/metrics", params={"only": only} if only else {})
    assert answer.status_code == 200, answer.text
    found: Samples = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


def value(samples: Samples, name: str, **labels: str) -> float:
    return sum(v for has, v in samples.get(name, []) if labels.items() <= has.items())


def test_what_happens_is_counted(server: Server, rest: Rest, unique) -> None:
    before, identity = scrape(server), unique("METRICS")
    rest.create_station(identity)
    invented = unique("Invented")
    with Station(server, identity, "ocpp1.6", answers={"Reset": {"status": "Accepted"}}) as station:
        station.ok("BootNotification", frames.boot())
        for _ in range(5):
            station.ok("Heartbeat", {})
        station.refused(invented, {})
        rest.command(identity, {"command": "reset", "type": "soft"})
        now = scrape(server)

        def more(name: str, **labels: str) -> float:
            return value(now, name, **labels) - value(before, name, **labels)

        assert more("mobility_messages_total", sender="station", action="Heartbeat", outcome="ok") >= 5
        assert more("mobility_messages_total", action="other", outcome="NotImplemented") >= 1
        assert more("mobility_messages_total", sender="csms", action="Reset", outcome="ok") >= 1
        assert more("mobility_command_outcomes_total", kind="reset", outcome="accepted") >= 1
        assert value(now, "mobility_stations", protocol="1.6", online="true") >= 1
        assert value(now, "mobility_gateway_connections", protocol="1.6") >= 1
        assert more("mobility_ledger_batch_seconds_count") >= 8
        assert more("mobility_ledger_batch_size_sum") >= 8
        assert value(now, "mobility_dependency_up") == 3
        assert invented not in str(now)
    assert value(now, "mobility_ledger_batch_size_bucket", le="+Inf") == value(now, "mobility_ledger_batch_size_count")
    pulsed = wait_until(lambda: value(scrape(server), "mobility_tasks_total", state="success"), timeout=30)
    assert pulsed > 0


def test_the_fleet_is_told_once(server: Server) -> None:
    whole, process, fleet = scrape(server), scrape(server, "process"), scrape(server, "fleet")
    assert not process.keys() & fleet.keys()
    assert process.keys() | fleet.keys() == whole.keys()
    assert "mobility_stations" in fleet or "mobility_transactions_open" in fleet
    assert "mobility_broker_queue" in fleet
    assert "process_cpu_seconds_total" in process


def test_the_ocpp_port_tells_of_its_process_alone_too(server: Server) -> None:
    answer = httpx.get(f"http://127.0.0.1:{server.ocpp_port}/metrics")
    assert answer.status_code == 200
    assert "mobility_ledger_queue" in answer.text


def test_names_that_stations_invent_do_not_pile_up() -> None:
    counted = figures.Figures()
    counted.committed([("station", f"A{n}", f"E{n}") for n in range(3 * figures.MOST_KEYS)], [])
    assert len(counted.messages) <= figures.MOST_KEYS + 1
    assert sum(counted.messages.values()) == 3 * figures.MOST_KEYS
    labels, told = metrics.messages(counted.messages)
    assert labels == ("sender", "action", "outcome")
    assert set(told) <= {("station", "other", "other"), ("station", "other", "none")}


def queries() -> list[str]:
    board = json.loads((ROOT / "deploy" / "grafana" / "mobility.json").read_text())
    found = [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
    return found + [one["query"] for one in board["templating"]["list"] if one["type"] == "query"]


def test_the_dashboard_asks_for_what_there_is(server: Server, rest: Rest, unique) -> None:
    identity = unique("BOARD")
    rest.create_station(identity)
    assert upgrade(server, f"/OCPP/{identity}", password=None).status == 401
    wait_until(lambda: "mobility_beat_age_seconds" in scrape(server), "the scheduler to show life", timeout=60)
    with Station(server, identity, answers={"Reset": {"status": "Accepted"}}) as station:
        station.ok("BootNotification", frames.boot())
        rest.command(identity, {"command": "reset", "type": "soft"})
        there = scrape(server)
    asked = {name for query in queries() for name in re.findall(r"\b(?:mobility|process)_\w+", query)}
    assert len(queries()) >= 12
    assert asked - there.keys() == set()
    labels = {label for samples in there.values() for has, _ in samples for label in has}
    used = {
        name
        for query in queries()
        for names in re.findall(r"by \(([^)]*)\)", query)
        for name in re.split(r",\s*", names)
    }
    assert used - {"instance"} - labels == set()
