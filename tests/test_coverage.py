"""The coverage page is what the translators do, and every neutral command can be said in every version it claims."""

from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from charging.commands import KINDS
from charging.models import ChargingStation, Command, Connector, Transaction
from ocpp_gateway import coverage, schemas
from ocpp_gateway.commands import check_call
from ocpp_gateway.versions import translator

PAGE = Path(__file__).parent.parent / "docs" / "ocpp-coverage.md"
PARAMS: dict[str, dict[str, Any]] = {
    "start": {"id_tag": "TAG", "remote_start_id": 7},
    "reset": {"type": "hard"},
    "change_availability": {"operative": False},
    "get_configuration": {"keys": ["OCPPCommCtrlr.HeartbeatInterval"]},
    "set_configuration": {"key": "OCPPCommCtrlr.HeartbeatInterval", "value": "60"},
    "trigger": {"message": "status"},
    "get_base_report": {"report": "full"},
    "set_limit": {"limit_a": 16},
    "data_transfer": {"vendor_id": "com.example", "message_id": "m", "data": "d"},
    "set_profile": {
        "number": 7,
        "purpose": "transaction",
        "kind": "recurring",
        "recurrency": "daily",
        "stack_level": 1,
        "unit": "A",
        "starts_at": "2026-01-01T22:00:00Z",
        "duration_s": 3600,
        "valid_from": None,
        "valid_to": "2027-01-01T00:00:00Z",
        "periods": [{"start_s": 0, "limit": 16.04, "phases": 3}, {"start_s": 60, "limit": 6, "phases": None}],
    },
    "clear_profiles": {"purpose": "station_max", "stack_level": 0},
    "get_composite_schedule": {"duration_s": 3600, "unit": "A"},
    "reserve": {"number": 7, "id_tag": "04A1B2C3", "group_tag": "FAMILY", "expires": "2027-01-01T00:00:00Z"},
    "cancel_reservation": {"number": 7},
    "update_firmware": {
        "request_id": 9,
        "location": "https://example.com/1.4.2.bin",
        "retrieve": "2027-01-01T00:00:00Z",
        "install": "2027-01-01T01:00:00Z",
        "retries": 2,
        "retry_interval_s": 60,
        "signing_certificate": "",
        "signature": "",
    },
    "get_log": {
        "request_id": 9,
        "location": "https://example.com/logs",
        "log_type": "diagnostics",
        "oldest": "2026-01-01T00:00:00Z",
        "latest": None,
        "retries": None,
        "retry_interval_s": None,
    },
}


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == coverage.markdown(), "run: manage.py ocpp_coverage --write"


@pytest.mark.parametrize("protocol", list(schemas.PACKAGES))
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "call"])
def test_each_command_becomes_a_valid_call(protocol: str, kind: str) -> None:
    known = translator(protocol).commands.get(kind)
    if KINDS[kind].protocols and protocol not in KINDS[kind].protocols:
        assert known is None
        return
    assert known is not None, f"{kind} cannot be said in {protocol}"
    station = ChargingStation(pk=1, identity="S")
    command = Command(
        pk=3,
        kind=kind,
        station=station,
        connector=Connector(pk=1, station=station, evse_number=2, number=1),
        transaction=Transaction(pk=1, station=station, transaction_id="4711"),
        created_at=timezone.now(),
    )
    params: dict[str, Any] = PARAMS.get(kind, {})
    action, payload = translator(protocol).call_for(command, params)
    assert action in known[1:]
    check_call(protocol, action, payload)
