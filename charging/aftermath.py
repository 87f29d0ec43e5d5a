"""What follows from the end of a command beside the command itself: to reservations and jobs."""

from datetime import datetime

from charging import reserving
from charging.jobs import progress
from charging.live import Event
from charging.models import Command

RESERVATIONS = ("reserve", "cancel_reservation")
JOBS = ("update_firmware", "get_log")
KEPT = (*RESERVATIONS, *JOBS)


def command_ended(command: Command, now: datetime) -> list[Event]:
    """The command has its last status; -> the events to tell with it."""
    if command.kind in RESERVATIONS:
        return reserving.command_ended(command, now)
    if command.kind in JOBS:
        return progress.command_ended(command, now)
    return []
