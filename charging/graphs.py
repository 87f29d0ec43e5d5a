"""What the dashboard's charts show: a question from the page's query string, and its figures with their labels."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.utils import formats, timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts.actors import Actor
from charging.models import ChargingStation
from charging.queries import stations, statistics
from charging.queries.statistics import Amount, History, SessionDay

#: bucket -> what its button says
BUCKETS = {"day": _("Days"), "week": _("Weeks"), "month": _("Months")}
BUCKET_NAMES = {"day": _("Day"), "week": _("Week"), "month": _("Month")}
#: span of the sessions' chart -> what its button says
SPANS = {"week": _("Week"), "month": _("Month")}


@dataclass(frozen=True, slots=True)
class Choice:
    """One button of a row of which one is chosen."""

    key: str
    label: Any
    query: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Bar:
    """A place on the axis, its full name, and what stands there."""

    label: str
    name: str
    energy_wh: float
    cost: Decimal
    count: int = 0

    @property
    def energy_kwh(self) -> float:
        return self.energy_wh / 1000


@dataclass(frozen=True, slots=True)
class Trend:
    icon: str
    text: str


class Graphs:
    """Query: `station` (an identity), `bucket` (day, week, month), `span` (week, month), `at` (a day of the span).

    What is no such thing is the first of its kind; a station that the actor does not see raises NotFound.
    """

    def __init__(self, actor: Actor, params: Mapping[str, str]) -> None:
        self.actor = actor
        self.today = timezone.localdate()
        identity = params.get("station", "")
        self.station: ChargingStation | None = stations.get(actor, identity) if identity else None
        self.bucket = chosen(params.get("bucket"), BUCKETS)
        self.span = chosen(params.get("span"), SPANS)
        self.first, self.end = span_around(self.span, day_of(params.get("at")) or self.today)

    def load(self) -> "Graphs":
        self.history: History = statistics.history(self.actor, statistics.recent(self.bucket, self.today), self.station)
        self.load_days()
        return self

    def load_days(self) -> None:
        self.days: list[SessionDay] = statistics.session_days(self.actor, self.first, self.end, self.station)

    # --- Energy and cost over time ------------------------------------------------------------------------------

    @property
    def bars(self) -> list[Bar]:
        return [
            Bar(short_name(self.bucket, day), long_name(self.bucket, day), amount.energy_wh, amount.cost)
            for day, amount in self.history.buckets.items()
        ]

    @property
    def bucket_name(self) -> Any:
        return BUCKET_NAMES[self.bucket]

    @property
    def energy_trend(self) -> Trend | None:
        return trend_of(self.history.energy_trend)

    @property
    def cost_trend(self) -> Trend | None:
        return trend_of(self.history.cost_trend)

    @property
    def kept(self) -> dict[str, str]:
        """What the station switcher takes along."""
        return {name: text for name, text in self._present().items() if text and name != "station"}

    @property
    def compared_with(self) -> str:
        """What a trend compares with, in words."""
        days = (self.history.period.end - self.history.period.start).days
        return ngettext("against the day before", "against the %(count)s days before", days) % {"count": days}

    # --- Sessions -----------------------------------------------------------------------------------------------

    @property
    def session_bars(self) -> list[Bar]:
        form = gettext("D j") if self.span == "week" else "j"
        return [
            Bar(
                str(formats.date_format(day.day, form)),
                full_day(day.day),
                day.amount.energy_wh,
                day.amount.cost,
                day.count,
            )
            for day in self.days
        ]

    @property
    def session_count(self) -> int:
        return sum(day.count for day in self.days)

    @property
    def session_total(self) -> Amount:
        return sum((day.amount for day in self.days), Amount())

    @property
    def span_name(self) -> str:
        return long_name(self.span, self.first)

    @property
    def previous(self) -> str:
        return self.query(at=span_around(self.span, self.first - timedelta(days=1))[0])

    @property
    def next(self) -> str:
        return self.query(at=self.end)

    @property
    def is_last(self) -> bool:
        """Whether the next span is still to come."""
        return self.end > self.today

    # --- The address --------------------------------------------------------------------------------------------

    def query(self, **changes: object) -> str:
        """The query string of the same charts with changes, its `?` included."""
        text = urlencode({key: str(value) for key, value in {**self._present(), **changes}.items() if value})
        return f"?{text}" if text else ""

    def _present(self) -> dict[str, str]:
        """What was asked for; empty where it is the default."""
        around = span_around(self.span, self.today)[0]
        return {
            "station": self.station.identity if self.station else "",
            "bucket": "" if self.bucket == next(iter(BUCKETS)) else self.bucket,
            "span": "" if self.span == next(iter(SPANS)) else self.span,
            "at": "" if self.first == around else str(self.first),
        }

    @property
    def own_query(self) -> str:
        return self.query()

    @property
    def buckets(self) -> list[Choice]:
        return [Choice(key, label, self.query(bucket=key), key == self.bucket) for key, label in BUCKETS.items()]

    @property
    def spans(self) -> list[Choice]:
        return [Choice(key, label, self.query(span=key), key == self.span) for key, label in SPANS.items()]

    @property
    def currency(self) -> str:
        return settings.CURRENCY


def trend_of(percent: float | None) -> Trend | None:
    if percent is None:
        return None
    icon = "trending_up" if percent > 0 else "trending_down" if percent < 0 else "trending_flat"
    sign = "+" if percent > 0 else "−" if percent < 0 else "±"
    return Trend(icon, f"{sign}{formats.number_format(abs(percent), 1, force_grouping=True)} %")


def chosen(text: str | None, choices: Mapping[str, Any]) -> str:
    return text if text is not None and text in choices else next(iter(choices))


def day_of(text: str | None) -> date | None:
    """A day that a calendar has room around; None for what is none."""
    try:
        found = parse_date(text or "")
    except ValueError:
        return None
    return found if found and 1970 <= found.year <= 9000 else None


def span_around(span: str, day: date) -> tuple[date, date]:
    """The week or the month of a day: its first day, and the first day after it."""
    if span == "month":
        first = day.replace(day=1)
        return first, (first + timedelta(days=31)).replace(day=1)
    first = day - timedelta(days=day.weekday())
    return first, first + timedelta(days=7)


def full_day(day: date) -> str:
    # Translators: a day with its weekday, in Django's format letters.
    return str(formats.date_format(day, gettext("D j M Y")))


def short_name(bucket: str, first: date) -> str:
    # Translators: a month, and a day, as they stand at an axis, in Django's format letters.
    return str(formats.date_format(first, gettext("M y") if bucket == "month" else gettext("j M")))


def long_name(bucket: str, first: date) -> str:
    if bucket == "month":
        return str(formats.date_format(first, "F Y"))
    if bucket == "day":
        return full_day(first)
    last = first + timedelta(days=6)
    begin = formats.date_format(first, gettext("j M") if first.year == last.year else gettext("j M Y"))
    return f"{begin} – {formats.date_format(last, gettext('j M Y'))}"
