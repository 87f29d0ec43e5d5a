"""What a station stores of a schedule, in sentences for its page: sent, accepted, refused, and where it differs."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from charging.models import ChargingProfile, CompositeSchedule, Schedule
from charging.queries import profiles
from charging.queries.scope import iso
from charging.scheduling import kept, words
from charging.scheduling.scene import Scene

Status = ChargingProfile.Status


@dataclass(frozen=True, slots=True)
class Stored:
    """`state` is a profile's status, `balanced` or `none`; `differences` are where the station says another limit.

    `since` is when the plan was sent, `answered_at` when the station answered.
    """

    state: str
    text: str
    differences: list[str] = field(default_factory=list)
    since: datetime | None = None
    answered_at: datetime | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "state": self.state,
            "since": iso(self.since),
            "answered_at": iso(self.answered_at),
            "sentence": self.text,
            "differences": self.differences,
        }


def of(schedule: Schedule, now: datetime | None = None) -> Stored:
    """What the station stores of a schedule's plan, nothing for one that is off or charges at once."""
    if not schedule.enabled or schedule.mode == Schedule.Mode.NOW:
        return Stored("none", _("Nothing: there is no plan to store."))
    scene = Scene(schedule, now or timezone.now())
    row = kept.row_of(schedule)
    state = profiles.status_of(row) if row is not None else Status.CLEARED
    ended = row is not None and row.transaction is not None and not row.transaction.is_open
    if row is None or state == Status.CLEARED or ended:
        if scene.is_balanced:
            return Stored("balanced", _("Nothing: the load balancing of the site limits this outlet, and comes first."))
        return Stored("none", _("Nothing now. A plan is stored there as soon as a session of yours runs."))
    times = row.created_at, row.answered_at
    since = words.clock(row.created_at.isoformat(), scene.now)
    if state == Status.ACCEPTED:
        text = _("The plan of %(since)s: the station keeps to it, also while the server is away.")
        return Stored(str(state), text % {"since": since}, differences_of(scene, row), *times)
    if state == Status.REFUSED:
        wish = kept.wish_of(scene)
        left = wish is not None and schedule.kept_step + 1 < len(kept.ladder_of(scene, wish))
        text = (
            _("The station refused the plan as it was sent; it is tried in another way. %(why)s")
            if left
            else _("The station refuses to store a plan, so it keeps to none while the server is away. %(why)s")
        )
        return Stored(str(state), (text % {"why": profiles.answer_of(row)}).strip(), [], *times)
    if state == Status.UNANSWERED:
        text = _("The plan of %(since)s was not answered; it is sent again.")
    else:
        text = _("The plan of %(since)s is sent and not answered yet.")
    return Stored(str(state), text % {"since": since}, [], *times)


def differences_of(scene: Scene, row: ChargingProfile) -> list[str]:
    """Where the composite schedule that the station says differs from the one computed of what it has accepted."""
    evse = scene.connector.evse_number if scene.connector else 0
    said = CompositeSchedule.objects.filter(station=scene.station, evse_number=evse).first()
    if said is None or row.answered_at is None or said.received_at < row.answered_at:
        return []
    found = profiles.comparison(scene.station, evse, scene.now)
    lines = []
    for begin_s, end_s, ours, theirs in found.differences[:5]:
        begin, end = (found.begins_at + timedelta(seconds=seconds) for seconds in (begin_s, end_s))
        if end > scene.now:
            lines.append(
                _("From %(begin)s to %(end)s the station says %(theirs)s, the plan %(ours)s.")
                % {
                    "begin": words.clock(begin.isoformat(), scene.now),
                    "end": words.clock(end.isoformat(), scene.now),
                    "theirs": amps(theirs),
                    "ours": amps(ours),
                }
            )
    return lines


def amps(value: float | None) -> str:
    return _("no limit") if value is None else f"{number_format(round(value, 1), 1)} A"
