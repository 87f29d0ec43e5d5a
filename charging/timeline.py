"""The timeline of a session in words: its messages, the connector's status, commands and gaps in one list."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from charging.cards import chip_of, outcome_of
from charging.models import Command, TransactionEvent
from charging.queries import commands
from charging.queries.timeline import Measured, Told
from charging.templatetags.figures import kilo, lasted, short

#: What 2.x sends for no other reason than that time went by.
PERIODIC = {"MeterValuePeriodic", "MeterValueClock"}
#: What takes longer to arrive was kept by the station meanwhile.
LATE = timedelta(minutes=2)
#: A silence of the meter: several times its rhythm, and not a few seconds.
SILENT_TIMES, SILENT_LEAST = 4, timedelta(minutes=3)
MOST_GAPS = 20


@dataclass(frozen=True, slots=True)
class Entry:
    """`mood` is "", "notable" or "alarm". `offline`: the station kept it and sent it later."""

    at: datetime
    icon: str
    title: str
    detail: str = ""
    mood: str = ""
    offline: bool = False


def entries_of(found: Told, station: str) -> list[Entry]:
    """Everything in the order in which it happened."""
    entries = [*_events(found.events), *_statuses(found), *_commands(found.commands, station)]
    entries += [*_missing(found.events), *_silences(found.measured), *_backlogs(found.measured)]
    return sorted(entries, key=lambda entry: entry.at)


def _events(events: Sequence[TransactionEvent]) -> Iterator[Entry]:
    """Messages about the transaction; those that only tell the meter's rhythm in one line per stretch."""
    beats: list[TransactionEvent] = []
    state = ""
    for event in events:
        changed = event.charging_state not in ("", state)
        offline = _offline(event)
        if event.kind == "updated" and event.trigger in PERIODIC and not changed and not offline:
            beats.append(event)
            continue
        yield from _beats(beats)
        beats = []
        state = event.charging_state or state
        yield _event(event, offline)
    yield from _beats(beats)


def _offline(event: TransactionEvent) -> bool:
    return event.offline or event.received_at - event.station_time > LATE


def _beats(events: Sequence[TransactionEvent]) -> Iterator[Entry]:
    if events:
        count = len(events)
        title = ngettext("%(count)s periodic report", "%(count)s periodic reports", count) % {"count": count}
        until = _("until %(time)s") % {"time": short(events[-1].station_time)} if count > 1 else ""
        yield Entry(events[0].station_time, "timer", title, until)


def _event(event: TransactionEvent, offline: bool) -> Entry:
    known = {
        "started": ("play_circle", _("The session began")),
        "ended": ("stop_circle", _("The session ended")),
        "updated": ("update", _("The session was reported")),
    }
    icon, title = known.get(event.kind, known["updated"])
    parts = [
        _("meter %(kwh)s kWh") % {"kwh": kilo(event.meter_wh, 3)} if event.meter_wh is not None else "",
        event.trigger if event.kind == "updated" else "",
        event.charging_state,
        event.reason,
        _("message no. %(number)s") % {"number": event.seq_no} if event.seq_no is not None else "",
        _("received %(time)s") % {"time": short(event.received_at)} if offline else "",
    ]
    return Entry(event.station_time, icon, title, " · ".join(part for part in parts if part), offline=offline)


def _statuses(found: Told) -> Iterator[Entry]:
    for status in found.statuses:
        chip = chip_of(status.status)
        error = " – ".join(part for part in (status.error_code, status.info) if part and part != "NoError")
        mood = "alarm" if status.status == "Faulted" else "notable" if error else ""
        where = _("The station") if status.evse == 0 else _("The connector")
        yield Entry(status.stamp.at, chip.icon, f"{where}: {chip.label}", error, mood)


def _commands(rows: Sequence[Command], station: str) -> Iterator[Entry]:
    for row in rows:
        outcome = outcome_of(commands.as_json(row), station)
        who = row.actor.display_name if row.actor else ""
        mood = "notable" if outcome.mood == "rejected" else ""
        yield Entry(row.created_at, outcome.icon, outcome.text, who, mood)


def _missing(events: Sequence[TransactionEvent]) -> Iterator[Entry]:
    """Numbers that were left out between two messages."""
    numbered = sorted((event.seq_no, event.station_time) for event in events if event.seq_no is not None)
    gaps = 0
    for (before, _at), (after, at) in pairwise(numbered):
        if after - before <= 1 or gaps >= MOST_GAPS:
            continue
        gaps += 1
        count = after - before - 1
        title = ngettext("%(count)s message is missing", "%(count)s messages are missing", count) % {"count": count}
        numbers = str(before + 1) if count == 1 else f"{before + 1}–{after - 1}"
        yield Entry(at, "rule", title, _("no. %(numbers)s") % {"numbers": numbers}, "notable")


def _silences(measured: Sequence[Measured]) -> Iterator[Entry]:
    """Where the meter was silent for far longer than it usually is."""
    steps = [after.at - before.at for before, after in pairwise(measured)]
    if len(steps) < 3:
        return
    usual = timedelta(seconds=median(step.total_seconds() for step in steps))
    long = [index for index, step in enumerate(steps) if step >= max(usual * SILENT_TIMES, SILENT_LEAST)]
    for index in long[:MOST_GAPS]:
        begin, end = measured[index].at, measured[index + 1].at
        title = _("No meter values for %(time)s") % {"time": lasted(begin, end)}
        yield Entry(begin, "pause", title, _("until %(time)s") % {"time": short(end)}, "notable")


def _backlogs(measured: Sequence[Measured]) -> Iterator[Entry]:
    """Meter values that the station kept while it was offline, in one line per stretch."""
    stretch: list[Measured] = []
    for one in (*measured, None):
        if one is not None and one.received_at - one.at > LATE:
            stretch.append(one)
            continue
        if stretch:
            count = len(stretch)
            title = ngettext("%(count)s meter value came late", "%(count)s meter values came late", count)
            received = max(late.received_at for late in stretch)
            detail = _("until %(time)s; received %(received)s") % {
                "time": short(stretch[-1].at),
                "received": short(received),
            }
            yield Entry(stretch[0].at, "cloud_off", title % {"count": count}, detail, offline=True)
            stretch = []
