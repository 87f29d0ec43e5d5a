"""Firmware updates and uploads of logs: over the wire in every version, over the links, and by many at once."""

import contextlib
import hashlib
import http.client
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.ocpp.conftest import V16, V21, V201, VERSIONS, Lab
from tests.support import frames
from tests.support.frames import ts
from tests.support.people import People
from tests.support.server import Server
from tests.support.station import Refuse, Station
from tests.support.waiting import wait_until

Json = dict[str, Any]
YES = {"status": "Accepted"}
ANSWERS = {
    "UpdateFirmware": lambda payload: {} if "retrieveDate" in payload else YES,
    "SignedUpdateFirmware": YES,
    "GetDiagnostics": {"fileName": "diag.log"},
    "GetLog": {**YES, "filename": "station.log"},
}


@pytest.fixture
def lab(server: Server, unique: Callable[[str], str]) -> Iterator[Lab]:
    with contextlib.ExitStack() as stack:
        yield Lab(server, unique, stack)


def boot_of(protocol: str, version: str) -> Json:
    payload = frames.boot(protocol)
    if protocol == V16:
        return {**payload, "firmwareVersion": version}
    payload["chargingStation"]["firmwareVersion"] = version
    return payload


def at_station(lab: Lab, protocol: str, version: str = "1.0.0", **answers: Any) -> Station:
    station = lab.station(protocol, boot=False, answers={**ANSWERS, **answers})
    station.ok("BootNotification", boot_of(protocol, version))
    station.ok("Heartbeat", {})
    return station


def job_of(lab: Lab, row: Json) -> Json:
    found: Json = lab.rest.get(f"jobs/{row['id']}/")
    return found


def until(lab: Lab, row: Json, *states: str) -> Json:
    def look() -> Json:
        found = job_of(lab, row)
        assert found["state"] in states, found
        return found

    return wait_until(look, f"the job to be {states}")


def begin(lab: Lab, station: Station | str, kind: str, *, status: int = 201, **more: Any) -> Json:
    identity = station if isinstance(station, str) else station.identity
    made: Json = lab.rest.post("jobs/", {"station": identity, "kind": kind, **more}, status=status)
    return made


def upload(
    lab: Lab, content: bytes = b"image of 1.4.2", name: str = "charger-1.4.2.bin", version: str = "1.4.2"
) -> Json:
    answer = lab.rest.send(
        "POST", "firmware-files/", files={"file": (name, content)}, data={"version": version, "organization": ""}
    )
    assert answer.status_code == 201, answer.text
    found: Json = answer.json()
    return found


def says(station: Station, protocol: str, word: str, row: Json, *, log: bool = False) -> None:
    request_id = row["request_id"]
    if protocol == V16:
        action = "DiagnosticsStatusNotification" if log else "FirmwareStatusNotification"
        station.ok(action, {"status": word})
        return
    action = "LogStatusNotification" if log else "FirmwareStatusNotification"
    station.ok(action, {"status": word, "requestId": request_id})


@pytest.mark.parametrize("protocol", VERSIONS)
def test_firmware_is_proven_by_the_next_boot(lab: Lab, protocol: str) -> None:
    station, content = at_station(lab, protocol), b"\x00image" * 1000
    file = upload(lab, content)
    assert (file["size"], file["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    row = begin(lab, station, "firmware", firmware_file=file["id"], retries=2, retry_interval_s=5)
    call = station.expect_call("UpdateFirmware").payload
    location = call["location"] if protocol == V16 else call["firmware"]["location"]
    assert "/station-files/" in location and location.endswith("/charger-1.4.2.bin") and call["retries"] == 2
    until(lab, row, "accepted")
    says(station, protocol, "Downloading", row)
    fetched = httpx.get(location)
    assert fetched.content == content and fetched.headers["content-type"] == "application/octet-stream"
    says(station, protocol, "Downloaded", row)
    assert until(lab, row, "downloaded")["progress"] == 50
    # The link is that of the download alone; its token is nowhere to be read.
    assert httpx.get(location).status_code == 404
    token = location.split("/")[-2]
    told = lab.rest.send("GET", f"stations/{station.identity}/commands/").text + str(job_of(lab, row))
    assert token not in told and token not in str(lab.messages(station.identity)) and "•••" in told
    for word in ("Installing", "Installed"):
        says(station, protocol, word, row)
    assert until(lab, row, "checking")["ended"] is None
    station.ok("BootNotification", boot_of(protocol, "v1.4.2-b7"))
    done = until(lab, row, "done")
    assert (done["progress"], done["version_before"], done["version_after"]) == (100, "1.0.0", "v1.4.2-b7")
    assert [step["code"] for step in done["steps"]][-2:] == ["booted", "new_version"]


@pytest.mark.parametrize("protocol", [V16, V21])
def test_the_old_version_is_a_failure_whatever_was_said(lab: Lab, protocol: str) -> None:
    station = at_station(lab, protocol)
    row = begin(lab, station, "firmware", location="https://example.com/2.0.0.bin", version="2.0.0")
    until(lab, row, "accepted")
    for word in ("Downloading", "Downloaded", "Installing"):
        says(station, protocol, word, row)
    station.ok("BootNotification", boot_of(protocol, "1.0.0"))
    says(station, protocol, "Installed", row)
    failed = until(lab, row, "failed")
    assert "old version 1.0.0" in failed["error"] and failed["version_after"] == "1.0.0"
    again = lab.rest.post(f"jobs/{row['id']}/retry/")
    assert again["attempts"] == 2 and again["request_id"] != row["request_id"]
    # A word on the request before, where it has one, does not touch this attempt.
    until(lab, row, "accepted")
    if protocol != V16:
        says(station, protocol, "DownloadFailed", row)
        assert job_of(lab, row)["state"] == "accepted"
    says(station, protocol, "DownloadFailed", again)
    assert "could not download" in until(lab, row, "failed")["error"]


# The form is the same in every version.
@pytest.mark.parametrize(("way", "protocol"), [*(("put", protocol) for protocol in VERSIONS), ("form", V201)])
def test_a_log_comes_to_the_portal_itself(lab: Lab, protocol: str, way: str) -> None:
    station = at_station(lab, protocol)
    row = begin(lab, station, "log", oldest=ts(-60))
    call = station.expect_call("GetDiagnostics" if protocol == V16 else "GetLog").payload
    location = call["location"] if protocol == V16 else call["log"]["remoteLocation"]
    until(lab, row, "accepted")
    says(station, protocol, "Uploading", row, log=True)
    hostile = b"<script>alert(1)</script>\n" + bytes(range(256))
    if way == "put":
        sent = httpx.put(
            f"{location}/..%2F..%2Fetc%2Fpass<wd>.html", content=hostile, headers={"Content-Type": "text/html"}
        )
    else:
        sent = httpx.post(location, files={"logfile": ("../evil.html", hostile, "text/html")})
    assert sent.status_code == 201, sent.text
    # The link has been used.
    assert httpx.put(location, content=b"once more").status_code == 404
    says(station, protocol, "Uploaded", row, log=True)
    file = until(lab, row, "done")["file"]
    assert file["size"] == len(hostile) and file["sha256"] == hashlib.sha256(hostile).hexdigest()
    assert file["name"] == ("pass_wd_.html" if way == "put" else "evil.html")
    answer = lab.rest.send("GET", f"jobs/{row['id']}/file/")
    assert answer.content == hostile and answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["x-content-type-options"] == "nosniff"
    kept = list((lab.server.data_dir / "station-logs").iterdir())
    assert all(len(path.name) == 32 for path in kept)


def test_a_log_that_never_came_is_a_failure(lab: Lab) -> None:
    station = at_station(lab, V201)
    row = begin(lab, station, "log", log_type="security")
    call = station.expect_call("GetLog").payload
    assert call["logType"] == "SecurityLog"
    until(lab, row, "accepted")
    location = call["log"]["remoteLocation"]
    assert httpx.put(location, content=b"").status_code == 400
    assert httpx.get(location).status_code == 404
    says(station, V201, "Uploaded", row, log=True)
    assert "nothing has arrived" in until(lab, row, "failed")["error"]
    none = at_station(lab, V16, GetDiagnostics={})
    assert "no such log" in until(lab, begin(lab, none, "log"), "failed")["error"]


def test_what_is_too_large_is_not_kept(lab: Lab) -> None:
    """By the announced length before a byte of it is sent, and also where none is announced."""
    station = at_station(lab, V201)
    row = begin(lab, station, "log")
    location = station.expect_call("GetLog").payload["log"]["remoteLocation"]
    until(lab, row, "accepted")
    parts = urlsplit(location)
    announced = http.client.HTTPConnection(str(parts.hostname), parts.port or 80, timeout=15)
    announced.putrequest("PUT", parts.path)
    announced.putheader("Content-Length", "60000000")
    announced.endheaders()
    assert announced.getresponse().status == 413
    announced.close()
    part = b"x" * 1_000_000
    with contextlib.suppress(httpx.WriteError, httpx.ReadError):
        assert httpx.put(location, content=(part for _ in range(52)), timeout=30).status_code == 413
    assert job_of(lab, row)["file"] is None and job_of(lab, row)["state"] == "accepted"
    assert httpx.put(location, content=part).status_code == 201


@pytest.mark.parametrize("protocol", [V16, V21])
def test_refusals_and_signed_firmware(lab: Lab, protocol: str) -> None:
    refused: Json = {
        "UpdateFirmware": {"status": "InvalidCertificate"},
        "SignedUpdateFirmware": {"status": "InvalidCertificate"},
    }
    station = at_station(lab, protocol, **refused)
    signed: Json = {"signing_certificate": "-----BEGIN CERTIFICATE-----", "signature": "c2lnbmF0dXJl"}
    row = begin(lab, station, "firmware", location="https://example.com/a.bin", **signed)
    call = station.expect_call("SignedUpdateFirmware" if protocol == V16 else "UpdateFirmware").payload
    assert call["firmware"]["signature"] == signed["signature"] and call["requestId"] == row["request_id"]
    assert "signing certificate" in until(lab, row, "failed")["error"]
    station.answers["UpdateFirmware"] = station.answers["SignedUpdateFirmware"] = Refuse("NotSupported")
    row = begin(lab, station, "firmware", location="https://example.com/a.bin", **signed)
    assert "does not know this command" in until(lab, row, "failed")["error"]
    problem = begin(lab, station, "firmware", status=400, location="https://example.com/a.bin", signature="x")
    assert "signing_certificate" in problem["fields"]


def test_an_address_with_a_password_is_told_to_the_station_alone(lab: Lab) -> None:
    station = at_station(lab, V16)
    row = begin(lab, station, "log", location="ftp://logs:s3cret@files.example.com/in")
    assert station.expect_call("GetDiagnostics").payload["location"] == "ftp://logs:s3cret@files.example.com/in"
    assert row["location"] == "ftp://logs:•••@files.example.com/in"
    until(lab, row, "accepted")
    assert "s3cret" not in str(lab.messages(station.identity))
    for location in ("file:///etc/passwd", "javascript:alert(1)", "https://", "http://a b/", "https://x/" + "y" * 600):
        assert "location" in begin(lab, station, "log", status=400, location=location)["fields"]


def test_one_at_a_time_and_nothing_once_it_has_begun(lab: Lab) -> None:
    away = lab.create()
    row = begin(lab, away, "firmware", location="https://example.com/1.bin")
    assert row["state"] == "asked"
    problem = begin(lab, away, "firmware", status=409, location="https://example.com/1.bin")
    assert (problem["code"], problem["fields"]["job"]) == ("job_running", str(row["id"]))
    assert lab.rest.delete(f"jobs/{row['id']}/")["state"] == "cancelled"
    station = at_station(lab, V16)
    begun = until(lab, begin(lab, station, "firmware", location="https://example.com/1.bin"), "accepted")
    assert lab.rest.post(f"jobs/{begun['id']}/cancel/", status=409)["code"] == "job_begun"
    command = {"command": "get_log", "log_type": "diagnostics"}
    assert lab.rest.command(station.identity, command)["status"] == "accepted"
    assert lab.rest.get("jobs/", params={"station": station.identity, "kind": "log"})["count"] == 1


def test_many_at_once_in_their_turn(lab: Lab) -> None:
    stations = [at_station(lab, protocol) for protocol in VERSIONS]
    away = lab.create()
    names = [station.identity for station in stations] + [away]
    body = {"stations": names, "kind": "log", "parallel": 1}
    group = lab.rest.post("jobs/", body, status=202)
    assert group["counts"] == {"all": 4, "waiting": 3, "running": 1, "done": 0, "failed": 0, "cancelled": 0}
    rows = sorted(lab.rest.each("jobs/", group=group["id"]), key=lambda row: row["id"])
    for station, row, protocol in zip(stations[:2], rows, VERSIONS, strict=False):
        asked = until(lab, row, "accepted")
        running = [one["state"] for one in lab.rest.each("jobs/", group=group["id"]) if one["state"] != "waiting"]
        assert [state for state in running if state not in ("done", "failed")] == ["accepted"]
        says(station, protocol, "UploadFailed" if protocol == V16 else "UploadFailure", asked, log=True)
        until(lab, row, "failed")
    last = until(lab, rows[2], "accepted")
    lab.rest.post(f"job-groups/{group['id']}/cancel/")
    counts = lab.rest.get(f"job-groups/{group['id']}/")["counts"]
    assert counts == {"all": 4, "waiting": 0, "running": 1, "done": 0, "failed": 2, "cancelled": 1}
    lab.rest.post(f"job-groups/{group['id']}/retry/")
    counts = lab.rest.get(f"job-groups/{group['id']}/")["counts"]
    assert (counts["waiting"], counts["running"], counts["failed"]) == (3, 1, 0)
    says(stations[2], V21, "UploadFailure", last, log=True)
    until(lab, rows[0], "accepted")


def test_whose_they_are(server: Server, people: People, unique: Callable[[str], str]) -> None:
    identity = unique("JOB")
    owner, member, stranger = people.owner.rest, people.member.rest, people.stranger.rest
    owner.create_station(identity)
    body = {"station": identity, "kind": "log"}
    assert member.send("POST", "jobs/", body).status_code == 403
    assert stranger.send("POST", "jobs/", body).status_code == 404
    row = owner.post("jobs/", body, status=201)
    file = owner.send("POST", "firmware-files/", files={"file": ("1.bin", b"x")}).json()
    for path in (f"jobs/{row['id']}/", f"jobs/{row['id']}/file/", f"firmware-files/{file['id']}/"):
        assert [person.send("GET", path).status_code for person in (member, stranger)] == [404, 404]
    for path in (f"jobs/{row['id']}/cancel/", f"jobs/{row['id']}/retry/"):
        assert [person.send("POST", path).status_code for person in (member, stranger)] == [404, 404]
    assert member.get("jobs/")["count"] == 0 and stranger.get("jobs/", params={"station": identity})["count"] == 0
    theirs = unique("THEIR")
    stranger.create_station(theirs)
    foreign = {"station": theirs, "kind": "firmware", "firmware_file": file["id"]}
    assert stranger.send("POST", "jobs/", foreign).status_code == 404
    assert owner.send("POST", "jobs/", {"stations": [identity, theirs], "kind": "log"}).status_code == 404
    assert member.send("POST", "firmware-files/", files={"file": ("1.bin", b"x")}).status_code == 403
    owner.delete(f"jobs/{row['id']}/")
    owner.delete(f"firmware-files/{file['id']}/")
    assert httpx.get(f"{server.url}/station-files/nothing-here/x.bin").status_code == 404
