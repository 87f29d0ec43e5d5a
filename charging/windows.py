"""Weekly windows and the moments they mean: pure functions over a site's local time, right on both days of a change.

A window begins at a local time of a weekday and lasts to its end, past midnight where the end is not later than the
begin. A local time that the clock skips means the moment of the change; one that comes twice means its first as a
begin and its second as an end, so that a window never loses an hour that its words include.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY_MINUTES = 1440
WEEK_MINUTES = 7 * DAY_MINUTES


@dataclass(frozen=True, slots=True)
class Window:
    """`weekday` 0 is Monday; `begin` and `end` are minutes after midnight; `limit_w` None is no limit of its own."""

    weekday: int
    begin: int
    end: int
    limit_w: int | None = None

    @property
    def minutes(self) -> int:
        """How long it lasts by the clock on the wall; begin and end alike are a whole day."""
        return (self.end - self.begin) % DAY_MINUTES or DAY_MINUTES


@dataclass(frozen=True, slots=True)
class Span:
    """A window on a certain day, in UTC."""

    begin: datetime
    end: datetime
    limit_w: int | None = None


def overlapping(windows: Sequence[Window]) -> tuple[int, int] | None:
    """The indexes of two windows that share a minute of the week; None when no two do."""
    for first, one in enumerate(windows):
        for second in range(first + 1, len(windows)):
            other = windows[second]
            start, begin = one.weekday * DAY_MINUTES + one.begin, other.weekday * DAY_MINUTES + other.begin
            if (begin - start) % WEEK_MINUTES < one.minutes or (start - begin) % WEEK_MINUTES < other.minutes:
                return first, second
    return None


def moment(day: date, minutes: int, zone: ZoneInfo, *, is_end: bool = False) -> datetime:
    """The moment in UTC that a local time means; `minutes` may be 1440 and more for the days after."""
    day, minutes = day + timedelta(days=minutes // DAY_MINUTES), minutes % DAY_MINUTES
    local = datetime.combine(day, time(minutes // 60, minutes % 60), tzinfo=zone)
    first = local.replace(fold=0).astimezone(UTC)
    second = local.replace(fold=1).astimezone(UTC)
    if first.astimezone(zone).replace(tzinfo=None, fold=0) == local.replace(tzinfo=None, fold=0):
        return second if is_end and second > first else first
    return change_between(second, first, zone)


def change_between(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The minute at which the zone's offset changes."""
    offset = before.astimezone(zone).utcoffset()
    low, high = 0, int((after - before).total_seconds() // 60)
    while low < high:
        middle = (low + high) // 2
        if (before + timedelta(minutes=middle)).astimezone(zone).utcoffset() == offset:
            low = middle + 1
        else:
            high = middle
    return before + timedelta(minutes=low)


def spans(windows: Iterable[Window], zone: ZoneInfo, begin: datetime, end: datetime) -> list[Span]:
    """The spans that touch [begin, end), the first one first. A window that a change swallows whole is left out."""
    found = []
    day = begin.astimezone(zone).date() - timedelta(days=1)
    last = end.astimezone(zone).date()
    windows = list(windows)
    while day <= last:
        for window in windows:
            if window.weekday == day.weekday():
                start = moment(day, window.begin, zone)
                stop = moment(day, window.begin + window.minutes, zone, is_end=True)
                if start < stop and start < end and stop > begin:
                    found.append(Span(start, stop, window.limit_w))
        day += timedelta(days=1)
    return sorted(found, key=lambda span: span.begin)


def next_deadline(ready_by: time, zone: ZoneInfo, now: datetime) -> datetime:
    """The next moment at which the clock of the site shows `ready_by`."""
    day = now.astimezone(zone).date()
    minutes = ready_by.hour * 60 + ready_by.minute
    found = moment(day, minutes, zone)
    return found if found > now else moment(day + timedelta(days=1), minutes, zone)
