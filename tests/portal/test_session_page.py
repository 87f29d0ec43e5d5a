"""The page of a session: its curves by phase live, what happened, how the cost comes about, frames, corrections."""

import re
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from tests.portal.conftest import Garage, sign_in
from tests.support import frames
from tests.support.browser import Visits
from tests.support.people import People, Person, create_people
from tests.support.server import Server
from tests.support.station import Station


@pytest.fixture(scope="module")
def viewer(server: Server, people: People) -> Person:
    name = people.owner.rest.get(f"organizations/{people.owner.organization_id}/")["name"]
    (found,) = create_people(server, ("Viewer", "viewer", name))
    return found


def phases(register: int, minute: float, known: Any, *, current: float = 16.0) -> dict[str, Any]:
    sampled: list[dict[str, Any]] = [{"value": str(register), "measurand": "Energy.Active.Import.Register"}]
    for number in (1, 2, 3):
        sampled.append({"value": str(current + number), "measurand": "Current.Import", "phase": f"L{number}"})
    return {
        "connectorId": 1,
        "transactionId": known,
        "meterValue": [{"timestamp": frames.ts(minute), "sampledValue": sampled}],
    }


def begun(station: Station, garage: Garage, minutes: float) -> Any:
    station.ok("BootNotification", frames.boot())
    station.ok("StatusNotification", frames.status_16(1, "Charging"))
    return station.ok("StartTransaction", frames.start_16(garage.tag, 10_000, frames.ts(minutes)))["transactionId"]


def only(garage: Garage) -> dict[str, Any]:
    (row,) = garage.owner.rest.transactions(garage.identity)
    return row


def post(client: httpx.Client, path: str, **fields: str) -> httpx.Response:
    return client.post(path, data={"csrfmiddlewaretoken": client.cookies["csrftoken"], **fields})


def test_the_curves_and_the_timeline_come_live(server: Server, people: People, garage: Garage, visit: Visits) -> None:
    with garage.connect() as station:
        known = begun(station, garage, -1)
        station.ok("MeterValues", phases(10_100, -0.8, known))
        page = visit(server.url, people.owner)
        page.goto(f"{server.url}/transactions/{only(garage)['id']}/")
        expect(page.locator("#live")).to_have_attribute("data-state", "live")
        expect(page.locator("#curve")).to_contain_text("with the second meter value")
        station.ok("MeterValues", phases(10_300, -0.5, known, current=20))
        station.ok("StatusNotification", frames.status_16(1, "SuspendedEV"))
        current = page.locator("article", has_text="Current")
        expect(current.locator("canvas")).to_be_visible(timeout=20_000)
        current.locator("summary").click()
        expect(current.locator("tbody tr").nth(1).locator("td")).to_have_text(["21.0", "22.0", "23.0"])
        expect(current.locator("thead th")).to_have_text(["Time", "L1 A", "L2 A", "L3 A"])
        drawn = (
            "Chart.getChart(document.querySelectorAll('#curve canvas')[1]).data.datasets.map((set) => set.data.length)"
        )
        assert page.evaluate(drawn) == [2, 2, 2]
        happened = page.locator("#session-timeline li strong")
        expect(happened).to_contain_text(["The session began", "The connector: Paused by the car"])
        # What was opened stays so when more comes.
        station.ok("MeterValues", phases(10_500, -0.2, known))
        expect(current.locator("tbody tr")).to_have_count(3, timeout=20_000)
        assert current.locator("tbody tr").first.is_visible()


def test_a_held_bill_is_corrected_on_its_page(server: Server, people: People, garage: Garage) -> None:
    with garage.connect() as station:
        known = begun(station, garage, -40)
        station.ok("StopTransaction", frames.stop_16(known, 4_000, frames.ts(-10)))
    row, owner = only(garage), sign_in(server, people.owner)
    path = f"/transactions/{row['id']}/"
    page = owner.get(path).text
    assert "The meter ran backwards" in page
    assert "holds the bill" in page
    refused = post(owner, f"{path}correct/", energy_kwh="lots", reason="")
    assert refused.status_code == 400
    assert "This is not a number." in refused.text
    assert 'value="lots"' in refused.text
    assert post(owner, f"{path}correct/", energy_kwh="6,25", reason="The meter was swapped").status_code == 302
    row = only(garage)
    assert (row["energy_wh"], row["cost"], row["final"], row["corrected"]) == (6_250, "1.88", True, True)
    page = owner.get(path).text
    assert "The meter was swapped" in page
    assert "Correct the bill" not in page
    exported = owner.get(f"/transactions/export.csv?station={garage.identity}").text
    assert re.search(r"6\.25,0\.30,[^\n]*1\.88,[^\n]*stop_below_start corrected", exported), exported
    assert owner.get(f"{path}receipt.pdf").status_code == 200
    costs = garage.owner.rest.get(f"statistics/costs/?station={garage.identity}&bucket=day")
    assert costs["total"] == "1.88"
    assert post(owner, f"{path}undo-correction/").status_code == 302
    row = only(garage)
    assert (row["energy_wh"], row["cost"], row["final"], row["corrected"]) == (0, "0.00", False, False)
    assert garage.owner.rest.get(f"statistics/costs/?station={garage.identity}&bucket=day")["total"] == "0.00"
    told = garage.owner.rest.get(f"transactions/{row['id']}/corrections/")["results"]
    assert [(made["energy_wh"], made["said_energy_wh"], made["undone"] is None) for made in told] == [(6_250, 0, False)]
    wrong = garage.owner.rest.post(f"transactions/{row['id']}/corrections/", {"cost": "1.00"}, status=400)
    assert set(wrong["fields"]) == {"reason"}
    garage.owner.rest.post(f"transactions/{row['id']}/corrections/", {"cost": "1.00", "reason": "Agreed"}, status=201)
    assert only(garage)["cost"] == "1.00"


def test_the_frames_of_a_session(server: Server, people: People, viewer: Person, garage: Garage) -> None:
    with garage.connect() as station:
        known = begun(station, garage, -5)
        station.ok("MeterValues", phases(10_200, -3, known))
        station.ok("Heartbeat", {})
        station.ok("StopTransaction", frames.stop_16(known, 10_400, frames.ts(-1)))
        other = station.ok("StartTransaction", frames.start_16(garage.tag, 10_400, frames.ts(-0.5)))["transactionId"]
    pk = next(
        row["id"] for row in garage.owner.rest.transactions(garage.identity) if row["transaction_id"] == str(known)
    )
    page = sign_in(server, people.owner).get(f"/transactions/{pk}/frames/").text
    found = re.findall(r'<span class="grow break">(\w+)</span>', page)
    assert found == ["StartTransaction", "MeterValues", "StopTransaction"]
    assert str(other) not in page
    assert sign_in(server, viewer).get(f"/transactions/{pk}/frames/").status_code == 403
    assert sign_in(server, people.stranger).get(f"/transactions/{pk}/frames/").status_code == 404


@pytest.mark.parametrize("deed", ["correct", "undo-correction"])
def test_only_managers_correct(
    server: Server, people: People, viewer: Person, filled: dict[str, str], deed: str
) -> None:
    path = f"/transactions/{filled['transaction']}/{deed}/"
    assert post(sign_in(server, viewer), path, reason="Cheaper").status_code == 403
    assert post(sign_in(server, people.stranger), path, reason="Mine").status_code == 404
