"""What cards and outcomes say, for every state a station can be in."""

from typing import Any

import pytest

from charging.cards import Outlet, Rights, StationCard, outcome_of
from charging.commands import KINDS

MANAGER = Rights(user_id=1, may_charge=True, may_manage=True, has_tags=True)
DRIVER = Rights(user_id=1, may_charge=True, may_manage=False, has_tags=True)
VIEWER = Rights(user_id=1, may_charge=False, may_manage=False, has_tags=True)


def card(rights: Rights = MANAGER, **changes: Any) -> StationCard:
    json = {"id": 7, "identity": "CP", "name": "Garage", "online": True, "protocol": "1.6", "status": ""}
    made = StationCard({**json, "error_code": "", **changes}, rights)
    outlet = {"id": 1, "evse_id": 1, "connector_id": 1, "status": "Available", "transaction": None, "power_w": 0.0}
    made.outlets[1] = Outlet(made, {**outlet, "error_code": "NoError", "info": "", "soc_percent": None})
    return made


def session(**changes: Any) -> dict[str, Any]:
    running = {"id": 5, "evse_id": 1, "connector_id": 1, "state": "charging", "charging_state": "", "user": 1}
    return {**running, **changes}


def open_buttons(made: StationCard) -> set[str]:
    return {button.key for button in [*made.outlets[1].buttons, *made.buttons] if not button.why_not}


@pytest.mark.parametrize(
    ("rights", "online", "user", "wanted"),
    [
        (MANAGER, True, None, {"start", "unlock", "reset-soft", "reset-hard"}),
        (MANAGER, True, 2, {"stop", "unlock", "reset-soft", "reset-hard"}),
        (MANAGER, False, 2, set()),
        (DRIVER, True, None, {"start", "unlock"}),
        (DRIVER, True, 1, {"stop", "unlock"}),
        (DRIVER, True, 2, {"unlock"}),
        (DRIVER, False, None, set()),
        (VIEWER, True, None, set()),
        (VIEWER, True, 1, set()),
    ],
)
def test_buttons_follow_role_and_state(rights: Rights, online: bool, user: int | None, wanted: set[str]) -> None:
    made = card(rights, online=online)
    if user:
        made.put_session(session(user=user))
    assert open_buttons(made) == wanted


def test_every_closed_button_says_why() -> None:
    for rights in (MANAGER, DRIVER, VIEWER):
        made = card(rights, online=False)
        assert all(button.why_not for button in [*made.outlets[1].buttons, *made.buttons])


def test_a_session_of_someone_else_that_is_hidden_still_occupies() -> None:
    made = card(DRIVER)
    made.outlets[1].json["transaction"] = 99
    assert open_buttons(made) == set()


def test_without_a_tag_nothing_starts() -> None:
    made = card(Rights(user_id=1, may_charge=True, may_manage=True, has_tags=False))
    assert "start" not in open_buttons(made)


@pytest.mark.parametrize(
    ("said", "running", "shown"),
    [
        ("Occupied", None, "Occupied"),
        ("Occupied", {"state": "charging"}, "Charging"),
        ("Occupied", {"state": "suspended", "charging_state": "SuspendedEV"}, "SuspendedEV"),
        ("Occupied", {"state": "pending", "charging_state": "EVConnected"}, "Occupied"),
        ("Faulted", {"state": "charging"}, "Faulted"),
    ],
)
def test_a_2x_connector_shows_what_its_transaction_says(said: str, running: dict[str, Any] | None, shown: str) -> None:
    made = card()
    made.outlets[1].json["status"] = said
    if running:
        made.put_session(session(**running))
    assert made.outlets[1].status == shown


def test_a_session_ends_on_the_card_of_its_connector_only() -> None:
    made = card()
    made.put_session(session())
    made.put_session(session(id=4, state="ended"))
    assert made.outlets[1].session is not None
    made.put_session(session(state="ended"))
    assert not made.outlets[1].is_occupied


def command(status: str, **changes: Any) -> dict[str, Any]:
    row = {"id": 3, "command": "start", "status": status, "params": {}, "action": "", "transaction": None}
    return {**row, "response": None, "error": "", "late": False, **changes}


@pytest.mark.parametrize(
    ("told", "mood", "text"),
    [
        (command("queued"), "waiting", "Sending the start to Garage…"),
        (command("sent"), "waiting", "Sent the start. Waiting for Garage to answer…"),
        (command("accepted"), "accepted", "Garage accepted the start."),
        (command("accepted", late=True), "accepted", "Garage accepted the start. The answer came late."),
        (command("rejected"), "rejected", "Garage refused the start."),
        (
            command(
                "rejected", response={"status": "Rejected", "statusInfo": {"reasonCode": "Busy", "additionalInfo": "x"}}
            ),
            "rejected",
            "Garage refused the start: Busy, x",
        ),
        (
            command("rejected", response={"status": "UnlockFailed"}),
            "rejected",
            "Garage refused the start: UnlockFailed",
        ),
        (command("timed_out"), "rejected", "Garage gave no answer to the start in time."),
        (
            command("timed_out", error="No answer within 90 s."),
            "rejected",
            "Garage: the start – No answer within 90 s.",
        ),
        (command("failed", error="InternalError"), "rejected", "Garage: the start failed. InternalError"),
        (command("expired"), "rejected", "Garage was not reached in time for the start."),
        (command("cancelled"), "rejected", "Cancelled: the start for Garage."),
        (command("accepted", command="reset", params={"type": "hard"}), "accepted", "Garage accepted the hard reset."),
    ],
)
def test_an_outcome_in_words(told: dict[str, Any], mood: str, text: str) -> None:
    outcome = outcome_of(told, "Garage")
    assert (outcome.mood, outcome.text) == (mood, text)


def test_a_percent_sign_in_a_reason_is_a_percent_sign() -> None:
    assert "100 %(x)s" in outcome_of(command("failed", error="100 %(x)s"), "50 %s").text


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "call"])
def test_every_command_has_words(kind: str) -> None:
    """A person reads no name of a program."""
    said = outcome_of(command("sent", command=kind), "Garage").text
    assert kind not in said.split(), said
    assert "_" not in said
