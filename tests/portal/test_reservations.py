"""Reservations and jobs in the portal: made, followed live and given up in the browser, each by who may."""

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.portal.conftest import Garage, sign_in
from tests.support import frames
from tests.support.browser import Visits
from tests.support.forms import post
from tests.support.frames import ts
from tests.support.people import People
from tests.support.server import Server
from tests.support.waiting import wait_until

YES = {"status": "Accepted"}


def test_a_connector_is_reserved_held_and_given_up(garage: Garage, visit: Visits) -> None:
    with garage.connect(answers={"ReserveNow": YES, "CancelReservation": YES}) as station:
        station.ok("BootNotification", frames.boot())
        station.ok("StatusNotification", frames.status_16(1, "Available"))
        page = visit(f"{garage.server.url}/stations/{garage.identity}/", garage.owner)
        form = page.locator("#reserve form")
        form.get_by_label("For the tag").select_option(garage.tag)
        form.get_by_role("button", name="Reserve").click()
        assert station.expect_call("ReserveNow").payload["idTag"] == garage.tag
        expect(page.locator(".outlet-held")).to_contain_text(garage.tag)
        page.goto(f"{garage.server.url}/reservations/?station={garage.identity}&status=open")
        chip = page.locator("[data-status]")
        expect(chip).to_have_text("eventReserved")
        page.get_by_role("button", name="Cancel").first.click()
        page.locator("dialog [data-yes]").click()
        station.expect_call("CancelReservation")
        # What the filter shows is read anew: nothing is open any more.
        page.goto(f"{garage.server.url}/reservations/?station={garage.identity}")
        expect(chip).to_have_text("blockCancelled")
        # The row follows what the station says, without a reload.
        row = garage.owner.rest.post(
            "reservations/", {"station": garage.identity, "id_tag": garage.tag, "connector_id": 1, "expires": ts(30)}
        )
        expect(page.locator(f"#reservation-row-{row['id']} [data-status]")).to_have_attribute("data-status", "accepted")
        started = station.ok(
            "StartTransaction", {**frames.start_16(garage.tag, 0), "reservationId": row["reservation_id"]}
        )
        expect(page.locator(f"#reservation-row-{row['id']} [data-status]")).to_have_attribute("data-status", "used")
        station.ok("StopTransaction", frames.stop_16(started["transactionId"], 0))


def test_the_holder_starts_with_the_reserved_tag(garage: Garage, people: People, visit: Visits, unique: Any) -> None:
    member, tag = people.member, unique("HELD")
    garage.owner.rest.create_tag(tag, user=member.rest.get("me/")["id"])
    with garage.connect(answers={"ReserveNow": YES, "RemoteStartTransaction": YES}) as station:
        station.ok("BootNotification", frames.boot())
        station.ok("StatusNotification", frames.status_16(1, "Available"))
        wanted = {"station": garage.identity, "id_tag": tag, "connector_id": 1, "expires": ts(30)}
        member.rest.post("reservations/", wanted, status=201)
        station.ok("StatusNotification", frames.status_16(1, "Reserved"))
        wait_until(lambda: member.rest.get("reservations/", params={"status": "accepted"})["count"])
        page = visit(garage.dashboard, member)
        page.locator("[data-command=start]").click()
        assert station.expect_call("RemoteStartTransaction").payload["idTag"] == tag


def test_a_wrong_form_says_what_is_wrong(garage: Garage) -> None:
    client = sign_in(garage.server, garage.owner)
    answer = post(client, "/reservations/", outlet="nowhere|1", id_tag=garage.tag, expires="2020-01-01T10:00")
    assert answer.status_code == 400 and "Choose what to reserve." in answer.text
    outlet = f"{garage.identity}|"
    answer = post(client, "/reservations/", outlet=outlet, id_tag=garage.tag, expires="never", next="//evil.example")
    assert answer.status_code == 400 and "never" in answer.text


def test_a_job_is_begun_and_followed(garage: Garage, visit: Visits) -> None:
    with garage.connect(answers={"UpdateFirmware": {}}) as station:
        station.ok("BootNotification", {**frames.boot(), "firmwareVersion": "1.0.0"})
        page = visit(f"{garage.server.url}/stations/{garage.identity}/", garage.owner, allow=("400",))
        page.get_by_role("link", name="Update the firmware").click()
        page.get_by_role("button", name="Begin the job").click()
        expect(page.locator(".problem").first).to_contain_text("choose a file")
        page.get_by_label("Upload a file").set_input_files(
            {"name": "fw-1.4.2.bin", "mimeType": "application/octet-stream", "buffer": b"image"}
        )
        page.get_by_label("Version", exact=True).fill("1.4.2")
        page.get_by_role("button", name="Begin the job").click()
        assert station.expect_call("UpdateFirmware").payload["location"].endswith("/fw-1.4.2.bin")
        chip = page.locator("#region [data-state]").first
        for word, state in {"Downloading": "downloading", "Installing": "installing", "Installed": "checking"}.items():
            station.ok("FirmwareStatusNotification", {"status": word})
            expect(chip).to_have_attribute("data-state", state)
        station.ok("BootNotification", {**frames.boot(), "firmwareVersion": "<b>1.4.2</b>"})
        expect(chip).to_have_attribute("data-state", "done")
        expect(page.locator(".timeline li").first).to_contain_text("Installed: now <b>1.4.2</b>")
        page.goto(f"{garage.server.url}/jobs/?station={garage.identity}&state=done")
        expect(page.locator("progress")).to_have_attribute("value", "100")


def test_many_are_begun_from_the_list_of_stations(server: Server, people: People, unique: Callable[[str], str]) -> None:
    owner, names = people.owner, [unique("MANY") for _ in range(3)]
    for name in names:
        owner.rest.create_station(name)
    client = sign_in(server, owner)
    form = post(client, "/fleet/", deed="log", identity=names, follow=True)
    assert "At 3 stations" in form.text and "Seconds between beginnings" in form.text
    wrong = post(client, "/jobs/new/", kind="log", station=names, log_type="diagnostics", parallel="0")
    assert wrong.status_code == 400
    made = post(client, "/jobs/new/", kind="log", station=names, log_type="security", parallel="2", follow=True)
    assert made.text.count('data-state="waiting"') == 3
    group = str(made.url).rstrip("/").rpartition("/")[2]
    done = post(client, f"/job-groups/{group}/cancel/", follow=True)
    assert "3 jobs are cancelled." in done.text


@pytest.mark.parametrize("path", ["/jobs/", "/reservations/"])
def test_whose_pages_they_are(garage: Garage, people: People, path: str) -> None:
    with garage.connect(answers={"ReserveNow": YES}) as station:
        station.ok("BootNotification", frames.boot())
        station.ok("StatusNotification", frames.status_16(1, "Available"))
        if path == "/jobs/":
            row = garage.owner.rest.post("jobs/", {"station": garage.identity, "kind": "log"}, status=201)
            own, deed = f"/jobs/{row['id']}/", f"/jobs/{row['id']}/cancel/"
        else:
            body = {"station": garage.identity, "id_tag": garage.tag, "connector_id": 1, "expires": ts(30)}
            row = garage.owner.rest.post("reservations/", body, status=201)
            own, deed = path, f"/reservations/{row['id']}/cancel/"
    shown = {}
    for name in ("owner", "member", "stranger"):
        client = sign_in(garage.server, getattr(people, name))
        listed = client.get(f"{path}?station={garage.identity}").text
        shown[name] = f'id="{"job" if path == "/jobs/" else "reservation"}-row-{row["id"]}"' in listed
        if name != "owner":
            assert post(client, deed).status_code == 404
            assert own == path or client.get(own).status_code == 404
    assert shown == {"owner": True, "member": False, "stranger": False}


def test_live_events_are_told_to_who_may_know(garage: Garage, people: People, live: Any, unique: Any) -> None:
    member, tag = people.member, unique("LIVE")
    garage.owner.rest.create_tag(tag, user=member.rest.get("me/")["id"])
    with contextlib.ExitStack() as stack:
        station = stack.enter_context(garage.connect(answers={"ReserveNow": YES, "GetDiagnostics": {"fileName": "d"}}))
        station.ok("BootNotification", frames.boot())
        for number in (1, 2):
            station.ok("StatusNotification", frames.status_16(number, "Available"))
        mine, all_of_it = live(member), live(garage.owner)
        for number, name in ((1, garage.tag), (2, tag)):
            body = {"station": garage.identity, "id_tag": name, "connector_id": number, "expires": ts(30)}
            garage.owner.rest.post("reservations/", body, status=201)
        garage.owner.rest.post("jobs/", {"station": garage.identity, "kind": "log"}, status=201)

        def accepted(message: Any, name: str) -> bool:
            data = message.get("data", {})
            return message["event"] == "reservation.updated" and (data["id_tag"], data["status"]) == (name, "accepted")

        all_of_it.until(lambda m: m["event"] == "job.updated" and m["data"]["state"] == "accepted")
        assert any(accepted(message, garage.tag) for message in all_of_it.seen)
        mine.until(lambda m: accepted(m, tag))
        station.ok("StatusNotification", frames.status_16(2, "Reserved"))
        mine.until(lambda m: m["event"] == "connector.updated" and m["data"]["status"] == "Reserved")
        told = {message["event"] for message in mine.seen}
        assert "job.updated" not in told and not any(accepted(message, garage.tag) for message in mine.seen)
