"""What a station stores of a schedule, in sentences for its page: sent, accepted, refused, and where it differs."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from charging.models import ChargingProfile, CompositeSchedule, Schedule
from charging.queries import profiles
from charging.scheduling import kept, words
from charging.scheduling.scene import Scene

Status = ChargingProfile.Status


@dataclass(frozen=True, slots=True)
class Stored:
    """`state` is a profile's status, `balanced` or `none`; `differences` are where the station says another limit."""

    state: str
    text: str
    differences: list[str] = field(default_factory=list)


def of(schedule: Schedule, now: datetime | None = None) -> Stored:
    scene = Scene(schedule, now or timezone.now())
    row = kept.row_of(schedule)
    state = profiles.status_of(row) if row is not None else Status.CLEARED
    ended = row is not None and row.transaction is not None and not row.transaction.is_open
    if row is None or state == Status.CLEARED or ended:
        if scene.is_balanced:
            return Stored("balanced", _("Nothing: the load balancing of the site limits this outlet, and comes first."))
        return Stored("none", _("Nothing now. A plan is stored there as soon as a session of yours runs."))
    since = words.clock(row.created_at.isoformat(), scene.now)
    if state == Status.ACCEPTED:
        text = _("The plan of %(since)s: the station keeps to it, also while the server is away.")
        return Stored(str(state), text % {"since": since}, differences_of(scene, row))
    if state == Status.REFUSED:
        wish = kept.wish_of(scene)
        left = wish is not None and schedule.kept_step + 1 < len(kept.ladder_of(scene, wish))
        text = (
            _("The station refused the plan as it was sent; it is tried in another way. %(why)s")
            if left
            else _("The station refuses to store a plan, so it keeps to none while the server is away. %(why)s")
        )
        return Stored(str(state), (text % {"why": profiles.answer_of(row)}).strip())
    if state == Status.UNANSWERED:
        return Stored(str(state), _("The plan of %(since)s was not answered; it is sent again.") % {"since": since})
    return Stored(str(state), _("The plan of %(since)s is sent and not answered yet.") % {"since": since})


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
