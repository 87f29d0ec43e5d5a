"""The page of a station: settings with the station's answer, messages and curves live, commands and their forms."""

import json
import re

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.portal.conftest import Garage, sign_in
from tests.support import frames
from tests.support.browser import Visits
from tests.support.people import People
from tests.support.server import Server

KEYS = {
    "configurationKey": [
        {"key": "HeartbeatInterval", "value": "300", "readonly": False},
        {"key": "NumberOfConnectors", "value": "2", "readonly": True},
    ]
}


def opened(server: Server, people: People, garage: Garage, visit: Visits, query: str = "") -> Page:
    page = visit(server.url, people.owner)
    page.goto(f"{server.url}/stations/{garage.identity}/{query}")
    expect(page.locator("#live")).to_have_attribute("data-state", "live")
    return page


def post(client: httpx.Client, path: str, **fields: str) -> httpx.Response:
    return client.post(path, data={"csrfmiddlewaretoken": client.cookies["csrftoken"], **fields})


def test_a_setting_is_changed(server: Server, people: People, garage: Garage, visit: Visits) -> None:
    answers = {"GetConfiguration": KEYS, "ChangeConfiguration": {"status": "RebootRequired"}}
    with garage.connect(answers=answers) as station:
        station.ok("BootNotification", frames.boot())
        page = opened(server, people, garage, visit)
        panel = page.locator("#panel-configuration")
        expect(panel).to_contain_text("has not reported")
        page.get_by_role("button", name="Read from the station").click()
        # It comes by itself, with the station's answer.
        expect(panel.locator("tr", has_text="NumberOfConnectors")).to_contain_text("read only")
        assert panel.locator("tr", has_text="NumberOfConnectors").locator("input").count() == 0
        row = panel.locator("tr", has_text="HeartbeatInterval")
        row.locator("summary").click()
        row.get_by_label("New value").fill("60")
        row.get_by_role("button", name="Send").click()
        expect(page.locator("[id^=outcome-configuration]")).to_contain_text("after a restart")
        assert station.expect_call("ChangeConfiguration").payload == {"key": "HeartbeatInterval", "value": "60"}
        expect(panel.locator("tr", has_text="HeartbeatInterval").locator("summary")).to_contain_text("60")
        panel.get_by_label("Key or value").fill("Connectors")
        expect(panel.locator("tbody tr")).to_have_count(1)


def test_a_variable_of_an_evse_is_changed(server: Server, people: People, garage: Garage) -> None:
    def yes(payload: dict) -> dict:
        (data,) = payload["setVariableData"]
        return {
            "setVariableResult": [{**{k: data[k] for k in ("component", "variable")}, "attributeStatus": "Accepted"}]
        }

    with garage.connect(protocol="ocpp2.0.1", answers={"SetVariables": yes}) as station:
        station.ok("BootNotification", frames.boot("ocpp2.0.1"))
        report = {
            "requestId": 1,
            "generatedAt": frames.ts(),
            "seqNo": 0,
            "reportData": [
                {
                    "component": {"name": "EVSE", "evse": {"id": 2}},
                    "variable": {"name": "Limit", "instance": "Upper"},
                    "variableAttribute": [{"value": "16", "mutability": "ReadWrite"}],
                }
            ],
        }
        station.ok("NotifyReport", report)
        owner = sign_in(server, people.owner)
        panel = owner.get(f"/stations/{garage.identity}/configuration/").text
        (key,) = re.findall(r'name="key" value="([^"]+)"', panel)
        path = f"/stations/{garage.identity}/commands/"
        assert post(owner, path, command="set_configuration", key=key, value="10").status_code == 302
        (data,) = station.expect_call("SetVariables").payload["setVariableData"]
    assert data["component"] == {"name": "EVSE", "evse": {"id": 2}}
    assert data["variable"] == {"name": "Limit", "instance": "Upper"}
    assert data["attributeValue"] == "10"


def test_messages_come_live(server: Server, people: People, garage: Garage, visit: Visits) -> None:
    with garage.connect() as station:
        station.ok("BootNotification", frames.boot())
        page = opened(server, people, garage, visit)
        items = page.locator("#message-list li")
        expect(items).to_have_count(1)
        items.first.locator("summary").click()
        expect(items.first.locator("pre")).to_contain_text("chargePointVendor")
        station.ok("Heartbeat", {})
        station.ok("Authorize", {"idTag": garage.tag})
        expect(items).to_have_count(3)
        expect(items.nth(0)).to_contain_text("Authorize")
        # What was opened stays open.
        expect(items.last.locator("pre")).to_be_visible()
        page.reload()
        page.locator("#panel-messages select").select_option("Heartbeat")
        page.wait_for_url(re.compile("action=Heartbeat"))
        expect(page.locator("#live")).to_have_attribute("data-state", "live")
        expect(items).to_have_count(1)
        station.ok("Authorize", {"idTag": garage.tag})
        station.ok("Heartbeat", {})
        expect(items).to_have_count(2)
        expect(page.locator("#message-list")).not_to_contain_text("Authorize")


def test_the_running_session_draws_its_curve(server: Server, people: People, garage: Garage, visit: Visits) -> None:
    with garage.connect() as station:
        station.ok("BootNotification", frames.boot())
        station.ok("StatusNotification", frames.status_16(1, "Charging"))
        started = station.ok("StartTransaction", frames.start_16(garage.tag, 1000, frames.ts(-10)))["transactionId"]
        page = opened(server, people, garage, visit)
        expect(page.locator("[data-session]")).to_be_visible()
        for minute, soc in ((-5, 40), (-1, 50)):
            values = frames.meter_16(
                1500 - minute * 10, 7000, transaction_id=started, soc_percent=soc, timestamp=frames.ts(minute)
            )
            station.ok("MeterValues", values)
        expect(page.locator("[data-session] polyline.power")).to_have_attribute("points", re.compile(r"\d"))
        expect(page.locator("[data-session] polyline.soc")).to_be_attached()
        station.ok("StopTransaction", frames.stop_16(started, 2500))
        expect(page.locator("[data-session]")).to_have_count(0)


def test_forms_send_commands(server: Server, people: People, garage: Garage, visit: Visits) -> None:
    accepted = {"status": "Accepted"}
    answers = dict.fromkeys(
        ("SetChargingProfile", "ClearChargingProfile", "ChangeAvailability", "TriggerMessage"), accepted
    )
    with garage.connect(answers={**answers, "GetLocalListVersion": {"listVersion": 7}}) as station:
        station.ok("BootNotification", frames.boot())
        station.ok("StatusNotification", frames.status_16(2, "Available"))
        page = visit(server.url, people.owner, allow=("400",))
        page.goto(f"{server.url}/stations/{garage.identity}/")
        expect(page.locator("#live")).to_have_attribute("data-state", "live")
        control = page.locator("#control")
        outcome = page.locator("[id^=outcome-control]")
        control.locator("summary", has_text="Limit the power").click()
        control.get_by_label("At most").fill("7,4")
        control.get_by_label("Where").first.select_option("2:1")
        control.get_by_role("button", name="Send the limit").click()
        expect(outcome).to_contain_text("accepted the power limit")
        profile = station.expect_call("SetChargingProfile").payload
        period = profile["csChargingProfiles"]["chargingSchedule"]
        assert (profile["connectorId"], period["chargingRateUnit"]) == (2, "W")
        assert period["chargingSchedulePeriod"][0]["limit"] == 7400
        control.locator("summary", has_text="Availability").click()
        control.get_by_label("In service").select_option("0")
        control.get_by_role("button", name="Change the availability").click()
        assert station.expect_call("ChangeAvailability").payload == {"connectorId": 0, "type": "Inoperative"}
        control.locator("summary", has_text="Ask for a message").click()
        control.get_by_label("Message", exact=True).select_option("heartbeat")
        control.get_by_role("button", name="Ask for it").click()
        assert station.expect_call("TriggerMessage").payload == {"requestedMessage": "Heartbeat"}
        control.locator("summary", has_text="Raw call").click()
        control.get_by_label("Action", exact=True).fill("GetLocalListVersion")
        control.get_by_label("Payload").fill('{"wrong": 1}')
        control.get_by_role("button", name="Send the call").click()
        expect(page.locator(".toast.error")).to_contain_text("does not fit")
        expect(control.get_by_label("Payload")).to_have_value('{"wrong": 1}')
        control.get_by_label("Payload").fill("{}")
        control.get_by_role("button", name="Send the call").click()
        expect(outcome).to_contain_text("accepted GetLocalListVersion")
        shown = page.locator("#commands li", has_text="GetLocalListVersion")
        shown.locator("summary").click()
        expect(shown.locator("pre")).to_contain_text('"listVersion": 7')


def test_a_command_is_taken_back(server: Server, people: People, garage: Garage, visit: Visits) -> None:
    with garage.connect() as station:
        station.ok("BootNotification", frames.boot())
    page = opened(server, people, garage, visit)
    expect(page.get_by_text("Offline").first).to_be_visible()
    page.get_by_role("button", name="Read from the station").click()
    page.locator("#commands").get_by_role("button", name="Take back").click()
    expect(page.locator("#commands")).to_contain_text("Cancelled")
    (row,) = list(people.owner.rest.each(f"stations/{garage.identity}/commands/"))
    assert row["status"] == "cancelled"


@pytest.mark.parametrize("name", ["sessions", "command-history", "messages"])
def test_panels_show_what_may_be_seen(server: Server, people: People, garage: Garage, name: str) -> None:
    with garage.connect() as station:
        station.ok("BootNotification", frames.boot())
        started = station.ok("StartTransaction", frames.start_16(garage.tag, 0))["transactionId"]
        station.ok("StopTransaction", frames.stop_16(started, 1500))
        garage.owner.rest.command(garage.identity, {"command": "reset"})
    pk = garage.owner.rest.transactions(garage.identity)[0]["id"]
    shown = {"sessions": f"/transactions/{pk}/", "command-history": "soft reset", "messages": "StartTransaction"}[name]
    path = f"/stations/{garage.identity}/{name}/"
    assert shown in sign_in(server, people.owner).get(path).text
    member = sign_in(server, people.member)
    assert member.get(path).status_code == 200
    assert shown not in member.get(path).text
    assert sign_in(server, people.stranger).get(path).status_code == 404


def test_only_managers_get_the_forms(server: Server, people: People, garage: Garage) -> None:
    with garage.connect() as station:
        station.ok("BootNotification", frames.boot())
        member = sign_in(server, people.member)
        page = member.get(f"/stations/{garage.identity}/").text
        assert 'id="control"' not in page and 'id="panel-messages"' not in page
        path = f"/stations/{garage.identity}/commands/"
        call = {"command": "call", "action": "GetConfiguration", "payload": json.dumps({})}
        assert post(member, path, **call).status_code == 403
        assert post(sign_in(server, people.stranger), path, **call).status_code == 404
        assert not station.calls
