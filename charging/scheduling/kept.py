"""What a station stores of a schedule, so that a car charges in its slots also while the server is away.

The plan is a charging profile: no current until a slot, the outlet's own current in it. As a rule it is one for the
transaction that runs, which touches nobody else and ends with it. Where a manager's schedule holds back whatever begins
at its outlet, its windows are stored there as a default profile that repeats every week.

`sync` keeps the two in step: what the station has accepted is compared with what is wanted, and sent again only where
the two differ by more than a minute. What a station refuses is tried in another way (`charging/ways.py`). Where the
load of the site is balanced nothing is stored: a stored plan would outrank a lower limit of the site.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from accounts.actors import Actor
from charging import ways
from charging.actions.commands import Draft, queue_command
from charging.composite import ABSOLUTE, DEFAULT, RECURRING, TRANSACTION, Step, composite, differences
from charging.models import ChargingProfile, Command, ConfigurationValue, Connector, Schedule, ScheduleRun, Transaction
from charging.profile_params import KEPT_NUMBERS, OWN_NUMBERS, Params
from charging.profile_params import iso as exact
from charging.queries import profiles
from charging.scheduling.scene import Scene, open_runs

State, Status = ScheduleRun.State, ChargingProfile.Status
LIVE = (Status.SENT, Status.ACCEPTED, Status.UNANSWERED)
LIFETIME = timedelta(seconds=120)
#: Who acts for schedules that are gone.
SCHEDULES = Actor(is_system=True, name="schedules")
#: After an answer that did not come it is tried again this much later.
AGAIN = timedelta(minutes=5)
#: Differences that are shorter are none: clocks, and plans made anew for what is left.
SAME_S = 60
WEEK = timedelta(days=7)
#: An outlet of which nothing is known: three phases of 32 A.
MOST_A, VOLTS = 32.0, 230.0
ONE_PHASE_W = 7_400
MOST_PERIODS = 24


@dataclass(frozen=True, slots=True)
class Wish:
    """What the station should store: from each moment on a limit in W, None for all that the outlet gives."""

    steps: tuple[tuple[datetime, float | None], ...]
    end: datetime
    transaction: Transaction | None

    @property
    def is_open(self) -> bool:
        """Whether current may flow at its beginning."""
        return self.steps[0][1] != 0


# --- What is wanted --------------------------------------------------------------------------------------------------


def wish_of(scene: Scene) -> Wish | None:
    """What the station should store now; None for nothing."""
    schedule = scene.schedule
    if not schedule.enabled or scene.paused or schedule.charge_now or schedule.mode == Schedule.Mode.NOW:
        return None
    if scene.connector is None or (scene.transaction is None and not for_every_session(scene)) or scene.is_balanced:
        return None
    if for_every_session(scene):
        spans = [(span.begin, span.end, span.limit_w) for span in scene.spans]
        return Wish(tuple(steps(spans, scene.now, scene.now + WEEK)), scene.now + WEEK, None)
    found = scene.transaction
    if found is None or not scene.may_hold or not found.is_open or not scene.is_own(found):
        return None
    runs = open_runs(schedule)
    mine = [run for run in runs if run.transaction_id == found.pk]
    if not mine and not scene.began_by_itself:
        return None
    if any(run.held_now for run in mine):
        return Wish(((scene.now, 0.0),), scene.now + WEEK, found)
    spans = [(run.begin_at, run.end_at, run.limit_w) for run in runs if run.state != State.RESTING]
    if schedule.mode == Schedule.Mode.SCHEDULE:
        spans += [(span.begin, span.end, span.limit_w) for span in scene.spans if span.begin > scene.now]
        end = scene.now + WEEK
    else:
        # What the plan leaves open after the time by which the car should be ready, the car may take.
        end = max([scene.deadline, *(last for _, last, _ in spans)])
    if not runs:
        return None
    return Wish(tuple(steps(spans, scene.now, end)), end, found)


def for_every_session(scene: Scene) -> bool:
    """Whether the outlet itself keeps the windows: a manager's schedule that holds back whatever begins there."""
    schedule = scene.schedule
    hold = schedule.technique == Schedule.Technique.HOLD and schedule.mode == Schedule.Mode.SCHEDULE
    return hold and scene.may_limit


def steps(
    spans: Sequence[tuple[datetime, datetime, int | None]], begin: datetime, end: datetime
) -> list[tuple[datetime, float | None]]:
    """From which moment on which limit: 0 outside the spans. They may touch and overlap."""
    found: list[tuple[datetime, float | None]] = [(begin, 0.0)]
    for first, last, limit_w in sorted(spans, key=lambda span: span[:2]):
        first, last = max(first, begin), min(last, end)
        if first >= last or last <= found[-1][0]:
            continue
        if first <= found[-1][0]:
            found.pop()
            first = found[-1][0] if found and first < begin else first
        found.append((first, None if limit_w is None else float(limit_w)))
        if last < end:
            found.append((last, 0.0))
    return found


# --- Keeping the station in step -------------------------------------------------------------------------------------


def row_of(schedule: Schedule) -> ChargingProfile | None:
    """The profile that stores the schedule's plan, as it was last sent."""
    rows = ChargingProfile.objects.filter(schedule=schedule, kept=True)
    return rows.select_related("connector", "transaction", "command", "station").order_by("-pk").first()


def sync(scene: Scene) -> bool:
    """Send what the station should store, or have it forgotten; False while something is left to do."""
    schedule, wish = scene.schedule, wish_of(scene)
    if wish is None and not schedule.kept_key:
        return True
    row = row_of(schedule)
    if row is not None and ended_with_session(row):
        row = None
    if wish is None:
        return is_forgotten(scene, row)
    if not scene.station.online or (row is not None and is_waiting(row)):
        return False
    ladder = ladder_of(scene, wish)
    about = str(wish.transaction.pk if wish.transaction else "outlet")
    if schedule.kept_key != about:
        move(schedule, about, 0)
    elif row is not None and row.status == Status.REFUSED and schedule.kept_step < len(ladder):
        move(schedule, about, schedule.kept_step + 1)
    if schedule.kept_step >= len(ladder):
        return True
    if row is None or row.status in (Status.REFUSED, Status.CLEARED) or differs(scene, row, wish):
        put(scene, wish, ladder[schedule.kept_step])
        return False
    if profiles.status_of(row) == Status.UNANSWERED:
        if row.answered_at is None or scene.now - row.answered_at >= AGAIN:
            put(scene, wish, ladder[schedule.kept_step])
        return False
    ask_back(scene, row)
    return True


def is_forgotten(scene: Scene, row: ChargingProfile | None) -> bool:
    """Whether the station stores nothing more of the schedule; else it is told, as soon as it can be."""
    if row is None or profiles.status_of(row) not in LIVE:
        move(scene.schedule, "", 0)
        return True
    if scene.station.online and not is_waiting(row):
        clear(scene, row)
    return False


def move(schedule: Schedule, about: str, step: int) -> None:
    schedule.kept_key, schedule.kept_step = about, step
    Schedule.objects.filter(pk=schedule.pk).update(kept_key=about, kept_step=step)


def ended_with_session(row: ChargingProfile) -> bool:
    """Whether the profile went with its transaction; then it is noted as gone."""
    if row.transaction is None or row.transaction.is_open:
        return False
    if row.status in LIVE:
        ChargingProfile.objects.filter(pk=row.pk).update(status=Status.CLEARED, answered_at=timezone.now())
    return True


def is_waiting(row: ChargingProfile) -> bool:
    """Whether a command about the profile is on its way."""
    clearing = Command.objects.filter(station=row.station_id, kind="clear_profiles", status__in=Command.WAITING)
    return (row.command is not None and row.command.status in Command.WAITING) or any(
        params.get("number") == row.number for params in clearing.values_list("params", flat=True)
    )


def ladder_of(scene: Scene, wish: Wish) -> list[ways.Way]:
    """The ways in which this station may store it."""
    station = scene.station
    rows = ConfigurationValue.objects.filter(station=station, variable__in=ways.VARIABLES)
    said = {key.casefold(): value for key, value in rows.values_list("key", "value")}
    count = Connector.objects.filter(station=station).count()
    plans = ways.OUTLET_PLANS if wish.transaction is None else ways.SESSION_PLANS
    return ways.usable(plans, said, count, station.vendor, station.model)


def differs(scene: Scene, row: ChargingProfile, wish: Wish) -> bool:
    """Whether what was sent says another thing from now on than what is wanted, for more than a minute."""
    if row.connector_id != (scene.connector.pk if scene.connector else None):
        return True
    if row.transaction_id != (wish.transaction.pk if wish.transaction else None):
        return True
    lasts_s = int((wish.end - scene.now).total_seconds())
    tx = wish.transaction
    evse = scene.connector.evse_number if scene.connector else 0
    theirs = composite(
        [profiles.profile_of(row)],
        evse,
        scene.now,
        lasts_s,
        unit=row.unit,
        started=(tx.started if tx else None) or scene.now,
        transaction_id=tx.transaction_id if tx else None,
    )
    ours = [
        Step(max(0, round((moment - scene.now).total_seconds())), in_unit(scene, limit_w, row.unit))
        for moment, limit_w in wish.steps
    ]
    return any(end - begin >= SAME_S for begin, end, _, _ in differences(ours, theirs, lasts_s, 0.5))


def phases_of(scene: Scene) -> int:
    rated_w = rated_w_of(scene)
    return 1 if rated_w is not None and rated_w <= ONE_PHASE_W else 3


def rated_w_of(scene: Scene) -> int | None:
    return (scene.connector.rated_power_w if scene.connector else None) or scene.station.rated_power_w


def in_unit(scene: Scene, limit_w: float | None, unit: str) -> float:
    """A limit as the profile says it; None is the outlet's own current."""
    if limit_w is None:
        limit_w = rated_w_of(scene) or MOST_A * VOLTS * 3
    return round(limit_w if unit == "W" else limit_w / (VOLTS * phases_of(scene)), 1)


def params_of(scene: Scene, wish: Wish, way: ways.Way) -> tuple[Params, datetime]:
    """The profile as the parameters of `set_profile`, and when its schedule begins by our clock."""
    begin = scene.now.replace(microsecond=0)
    if way.weekly:
        # From the last midnight of a Monday on, so that it is the same whenever it is sent.
        local = scene.now.astimezone(scene.zone)
        begin = (local - timedelta(days=local.weekday())).replace(hour=0, minute=0, second=0, microsecond=0)
        begin = begin.astimezone(scene.now.tzinfo)
        spans = [(at - (at - begin) // WEEK * WEEK, limit_w) for at, limit_w in wish.steps[1:]]
        levels = sorted(spans, key=lambda step: step[0])
        # The week begins with what it ends with.
        levels = [(begin, levels[-1][1] if levels else wish.steps[0][1]), *levels]
    else:
        levels = list(wish.steps)
    periods: list[Params] = []
    for at, limit_w in levels:
        start_s = 0 if not periods else round((at - begin).total_seconds())
        if periods and start_s == periods[-1]["start_s"]:
            periods.pop()
        periods.append({"start_s": start_s, "limit": in_unit(scene, limit_w, way.unit), "phases": None})
    most = most_periods(scene)
    end = (wish.end - begin).total_seconds()
    if not way.weekly and len(periods) > most:
        end, periods = periods[most]["start_s"], periods[:most]
    params: Params = {
        "number": KEPT_NUMBERS + scene.schedule.pk % (OWN_NUMBERS - KEPT_NUMBERS),
        "purpose": DEFAULT if wish.transaction is None else TRANSACTION,
        "kind": RECURRING if way.weekly else ABSOLUTE,
        "recurrency": "weekly" if way.weekly else "",
        "stack_level": way.stack_level,
        "unit": way.unit,
        "starts_at": exact(begin + timedelta(seconds=scene.station.clock_drift_s or 0.0)),
        "duration_s": int(WEEK.total_seconds()) if way.weekly else max(60, int(end)),
        "valid_from": None,
        "valid_to": None,
        "periods": periods[:most],
    }
    return params, begin


def most_periods(scene: Scene) -> int:
    rows = ConfigurationValue.objects.filter(station=scene.station, variable__in=ways.PERIOD_VARIABLES)
    said = [int(value) for value in rows.values_list("value", flat=True) if value.isdecimal() and int(value) > 0]
    return min([MOST_PERIODS, *said])


def put(scene: Scene, wish: Wish, way: ways.Way) -> Command:
    """Send the profile, and remember it as what the station is to hold."""
    params, begin = params_of(scene, wish, way)
    command = queue(scene, "set_profile", params, wish.transaction)
    values: dict[str, Any] = {key: value for key, value in params.items() if key not in ("number", "starts_at")}
    values |= {"organization_id": scene.schedule.organization_id, "schedule": scene.schedule, "kept": True}
    values |= {"connector": scene.connector, "transaction": wish.transaction, "command": command}
    values |= {"status": Status.SENT, "answer": "", "answered_at": None, "reported_at": None, "starts_at": begin}
    values |= {"name": str(scene.schedule)[:100], "created_at": scene.now}
    ChargingProfile.objects.update_or_create(station=scene.station, number=params["number"], defaults=values)
    return command


def queue(scene: Scene, kind: str, params: Params, transaction: Transaction | None = None) -> Command:
    """A command by the schedule's own narrow right; the audit names the owner's schedule."""
    row = Command(
        organization_id=scene.schedule.organization_id,
        station=scene.station,
        connector=scene.connector,
        transaction=transaction,
        kind=kind,
        params=params,
        actor=scene.schedule.user,
        created_at=scene.now,
        expires_at=scene.now + LIFETIME,
    )
    return queue_command(scene.actor, station=scene.station, kind=kind, params=params, row=Draft(row))


def clear(scene: Scene, row: ChargingProfile) -> Command:
    return queue(scene, "clear_profiles", {"number": row.number, "purpose": "", "stack_level": None})


def ask_back(scene: Scene, row: ChargingProfile) -> None:
    """Once after each acceptance: what does the station itself say its composite schedule is?"""
    if row.answered_at is None:
        return
    asked = Command.objects.filter(
        station=scene.station, connector=scene.connector, kind="get_composite_schedule", created_at__gte=row.answered_at
    )
    if not asked.exists():
        queue(scene, "get_composite_schedule", {"duration_s": 86_400, "unit": row.unit})


def orphans() -> QuerySet[ChargingProfile]:
    """What stations that are there still store of schedules that are gone."""
    return ChargingProfile.objects.filter(kept=True, schedule=None, status__in=LIVE, station__online=True)


def clear_orphans(now: datetime) -> None:
    """Have it forgotten."""
    for row in orphans().select_related("station", "connector", "transaction", "command"):
        if ended_with_session(row) or is_waiting(row):
            continue
        params = {"number": row.number, "purpose": "", "stack_level": None}
        command = Command(
            organization_id=row.organization_id,
            station=row.station,
            connector=row.connector,
            kind="clear_profiles",
            params=params,
            created_at=now,
            expires_at=now + LIFETIME,
        )
        queue_command(SCHEDULES, station=row.station, kind="clear_profiles", params=params, row=Draft(command))


# --- A driver's own session ------------------------------------------------------------------------------------------


def limit_own(scene: Scene, limit_w: float | None) -> Command | bool:
    """Limit the session that is the owner's, by the profile that stores the plan; None lifts the limit.

    -> the command, True where the station does so by itself, False where it takes no such profile.
    """
    wish, row, found = wish_of(scene), row_of(scene.schedule), scene.transaction
    if row is not None and ended_with_session(row):
        row = None
    is_open = limit_w != 0
    if wish is not None and wish.transaction is not None and wish.is_open == is_open:
        if row is not None and row.status == Status.ACCEPTED and not differs(scene, row, wish):
            return True
    elif limit_w is None:
        stored = row is not None and profiles.status_of(row) in LIVE and not is_waiting(row)
        return clear(scene, row) if row is not None and stored else True
    elif found is not None:
        wish = Wish(((scene.now, limit_w),), scene.now + WEEK, found)
    if wish is None or wish.transaction is None:
        return False
    ladder = ladder_of(scene, wish)
    about = str(wish.transaction.pk)
    if scene.schedule.kept_key != about:
        move(scene.schedule, about, 0)
    if scene.schedule.kept_step >= len(ladder):
        return False
    return put(scene, wish, ladder[scene.schedule.kept_step])


def sent_since(scene: Scene, run: ScheduleRun) -> Command | None:
    """What was sent in another way since the run's last command; None where nothing was, or that failed, too."""
    row = row_of(scene.schedule)
    if row is None or row.status not in LIVE or row.command is None or row.command_id == run.command_id:
        return None
    return row.command


def another_way(scene: Scene) -> bool:
    """Whether there is another way to say what the station has refused."""
    schedule, wish = scene.schedule, wish_of(scene)
    if wish is None or wish.transaction is None:
        return False
    move(schedule, str(wish.transaction.pk), schedule.kept_step + 1)
    return schedule.kept_step < len(ladder_of(scene, wish))
