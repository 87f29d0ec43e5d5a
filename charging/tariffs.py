"""What a session costs under a tariff: one pure function from facts to lines and a total.

The rule of rounding, the only one: each line's amount is rounded half up to the cent once. With prices that include
tax that amount is the gross, and its net is gross ÷ (1 + tax) rounded half up; with prices without tax it is the net,
and its tax is net × tax rounded half up. Net and tax always add up to gross, and lines to the total.

Energy is taken in whole milliwatt-hours and time in whole microseconds, so that cutting a session into pieces loses
nothing. The session's curve is cut where a price can change: at times of the local clock (of both days on which it is
changed), at slots of dynamic prices, and at thresholds of energy and time.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import ROUND_HALF_UP, Decimal, localcontext
from itertools import pairwise
from typing import Any

from charging.energy import CENT, MOST_COST, MOST_WH
from charging.tariff_terms import Part, Terms, first_holding

MICROSECOND = timedelta(microseconds=1)
DAY = timedelta(days=1)
FINE = Decimal("0.00001")
MICROSECONDS = {"minute": 60_000_000, "hour": 3_600_000_000}
#: Charging has ended where from then on less than this flows, on average between two readings …
IDLE_BELOW_W = 100
#: … but for so much in all, which a register may still round up.
IDLE_SLACK_MWH = 10_000
ZERO = Decimal(0)

#: (begin, end, price per kWh), in order and without overlaps
Slots = Sequence[tuple[datetime, datetime, Decimal]]


@dataclass(frozen=True, slots=True)
class Session:
    """What happened. `curve` is (time, Wh since the start) at each reading; the total stands at `ended`.

    A session that still runs ends, for its cost so far, with its last reading. `idle_from` says when charging ended
    where that is known; else it is read from the curve.
    """

    started: datetime
    ended: datetime
    energy_wh: float
    curve: Sequence[tuple[datetime, float]] = ()
    idle_from: datetime | None = None


@dataclass(slots=True)
class Line:
    """One line of a bill. `average`: the price varied, and what is shown is its mean."""

    part: str
    quantity: Decimal
    unit: str
    price: Decimal
    tax_percent: Decimal
    net: Decimal
    tax: Decimal
    gross: Decimal
    average: bool = False

    def as_json(self) -> dict[str, Any]:
        numbers = ("quantity", "price", "tax_percent", "net", "tax", "gross")
        found: dict[str, Any] = {name: f"{getattr(self, name):f}" for name in numbers}
        return {"part": self.part, "unit": self.unit, "average": self.average, **found}


@dataclass(slots=True)
class Bill:
    """Lines and their total, tax included; what of it falls in which UTC hour; how much had no dynamic price."""

    lines: list[Line]
    total: Decimal
    by_hour: dict[datetime, Decimal]
    idle_from: datetime
    without_price_kwh: Decimal = ZERO


@dataclass(slots=True)
class _Sum:
    """What one part has gathered: quantity by price, in mWh, µs or sessions."""

    by_price: dict[Decimal, int] = field(default_factory=dict)

    def add(self, price: Decimal, quantity: int) -> None:
        self.by_price[price] = self.by_price.get(price, 0) + quantity


def bill(
    session: Session,
    terms: Terms,
    *,
    zone: tzinfo = UTC,
    holidays: frozenset[date] = frozenset(),
    slots: Mapping[str, Slots] | None = None,
) -> Bill:
    """The bill of a session.

    Args:
        zone: of the site, whose clock the conditions mean.
        holidays: of the organization.
        slots: dynamic prices by zone; where one is missing, the part's own price holds.
    """
    with localcontext() as context:
        context.prec = 60
        return _Calculation(session, terms, zone, holidays, slots or {}).bill()


class _Calculation:
    def __init__(
        self,
        session: Session,
        terms: Terms,
        zone: tzinfo,
        holidays: frozenset[date],
        slots: Mapping[str, Slots],
    ) -> None:
        self.terms, self.zone, self.holidays, self.slots = terms, zone, holidays, slots
        self.started = session.started
        self.ended = max(session.started, session.ended)
        self.points = _points(session, self.ended)
        self.times = [at for at, _ in self.points]
        idle_from = session.idle_from or charging_ended(self.points, known=bool(session.curve))
        self.idle_from = min(max(idle_from, self.started), self.ended)
        self.sums: dict[int, _Sum] = {}
        self.exact_by_hour: dict[datetime, Decimal] = {}
        self.without_price_mwh = 0

    def bill(self) -> Bill:
        self._take("session", self.started, self.started, 0, 1)
        cuts = self._cuts()
        for (begin, so_far), (end, then) in pairwise(cuts):
            if then > so_far:
                self._take("energy", begin, end, so_far, then - so_far)
            if end > begin:
                kind = "time" if begin < self.idle_from else "idle"
                self._take(kind, begin, end, so_far, (end - begin) // MICROSECOND)
        lines = [self._line(index) for index in sorted(self.sums)]
        lines += self._kept(lines)
        total = sum((line.gross for line in lines), ZERO)
        hours = _spread(self.exact_by_hour, total, _hour(self.started))
        return Bill(lines, total, hours, self.idle_from, Decimal(self.without_price_mwh) / 1_000_000)

    # --- Where prices can change ----------------------------------------------------------------------------------

    def _cuts(self) -> list[tuple[datetime, int]]:
        """(time, mWh so far) where a price can change, the start and the end included."""
        moments = {self.started, self.ended, self.idle_from, *_hours(self.started, self.ended)}
        parts = self.terms.parts
        if any(part.by_clock for part in parts):
            moments.update(clock_changes(parts, self.started, self.ended, self.zone))
        for zone in self.terms.zones:
            for begin, end, _ in self.slots.get(zone, ()):
                moments.update((begin, end))
        for part in parts:
            since = self.idle_from if part.kind == "idle" else self.started
            for minutes in (part.from_minutes, part.to_minutes):
                if minutes is not None:
                    moments.add(since + MICROSECOND * int(minutes * 60_000_000))
        cuts = {(at, self._reached(at)) for at in moments if self.started <= at <= self.ended}
        for part in parts:
            for kwh in (part.from_kwh, part.to_kwh):
                if kwh is not None and 0 < (mwh := int(kwh * 1_000_000)) < self.points[-1][1]:
                    cuts.add((self._moment_of(mwh), mwh))
        return sorted({(self.started, 0), *cuts, (self.ended, self.points[-1][1])})

    def _reached(self, at: datetime) -> int:
        """The energy at a moment, evenly between two readings."""
        index = bisect_right(self.times, at) - 1
        before, low = self.points[index]
        if index + 1 == len(self.points):
            return low
        after, high = self.points[index + 1]
        return low + (high - low) * ((at - before) // MICROSECOND) // ((after - before) // MICROSECOND)

    def _moment_of(self, mwh: int) -> datetime:
        """When so much energy had flowed."""
        index = bisect_right([reached for _, reached in self.points], mwh)
        (before, low), (after, high) = self.points[index - 1], self.points[index]
        # Rounded up: not before its energy had flowed.
        return before + MICROSECOND * -(-((after - before) // MICROSECOND) * (mwh - low) // (high - low))

    # --- What a piece costs ---------------------------------------------------------------------------------------

    def _take(self, kind: str, begin: datetime, end: datetime, so_far_mwh: int, quantity: int) -> None:
        """Charge a piece within which no price changes to the part that holds for it."""
        since = self.idle_from if kind == "idle" else self.started
        found = first_holding(
            self.terms.of(kind),
            begin.astimezone(self.zone),
            self.holidays,
            Decimal(so_far_mwh) / 1_000_000,
            Decimal((begin - since) // MICROSECOND) / 60_000_000,
        )
        if found is None:
            return
        index, part = found
        price, known = part_price(part, begin, self.slots)
        if not known:
            self.without_price_mwh += quantity
        self.sums.setdefault(index, _Sum()).add(price, quantity)
        amount = _amount(part, price, quantity) * self._with_tax(part)
        hour = _hour(begin)
        self.exact_by_hour[hour] = self.exact_by_hour.get(hour, ZERO) + amount

    def _with_tax(self, part: Part) -> Decimal:
        return Decimal(1) if self.terms.prices_include_tax else 1 + self.terms.tax_of(part) / 100

    def _line(self, index: int) -> Line:
        part, by_price = self.terms.parts[index], self.sums[index].by_price
        amount = sum((_amount(part, price, quantity) for price, quantity in by_price.items()), ZERO)
        quantity = Decimal(sum(by_price.values())) / _scale(part)
        average = len(by_price) > 1
        price = (amount / quantity).quantize(FINE, ROUND_HALF_UP) if average else next(iter(by_price))
        net, tax, gross = taxed(amount, self.terms.tax_of(part), included=self.terms.prices_include_tax)
        shown = quantity.quantize(Decimal("0.000001"), ROUND_HALF_UP).normalize()
        return Line(part.kind, shown, part.per, price, self.terms.tax_of(part), net, tax, gross, average)

    def _kept(self, lines: list[Line]) -> list[Line]:
        """The line that lifts the total to the minimum, or cuts it to the maximum; its tax is in their measure."""
        total = sum((line.gross for line in lines), ZERO)
        most = MOST_COST if self.terms.maximum is None else self.terms.maximum
        if self.terms.minimum is not None and total < self.terms.minimum:
            part, gross = "minimum", min(self.terms.minimum, most) - total
            rate = self.terms.tax_percent
            net, tax, gross = taxed(gross, rate, included=True)
        elif total > most:
            part, gross = "maximum", most - total
            taxes = sum((line.tax for line in lines), ZERO)
            tax = (taxes * gross / total).quantize(CENT, ROUND_HALF_UP)
            net, rate = gross - tax, self.terms.tax_percent
        else:
            return []
        return [Line(part, Decimal(1), "session", gross, rate, net, tax, gross)] if gross else []


def _amount(part: Part, price: Decimal, quantity: int) -> Decimal:
    return price * quantity / _scale(part)


def _scale(part: Part) -> int:
    """How many mWh, µs or sessions the price is for."""
    return {"energy": 1_000_000, "session": 1}.get(part.kind) or MICROSECONDS[part.per]


def taxed(amount: Decimal, tax_percent: Decimal, *, included: bool) -> tuple[Decimal, Decimal, Decimal]:
    """(net, tax, gross) of an exact amount, by the rule of rounding."""
    rounded = amount.quantize(CENT, ROUND_HALF_UP)
    if included:
        net = (rounded / (1 + tax_percent / 100)).quantize(CENT, ROUND_HALF_UP)
        return net, rounded - net, rounded
    tax = (rounded * tax_percent / 100).quantize(CENT, ROUND_HALF_UP)
    return rounded, tax, rounded + tax


def part_price(part: Part, at: datetime, slots: Mapping[str, Slots]) -> tuple[Decimal, bool]:
    """The price of a part at a moment, and whether it is known rather than the fallback."""
    if not part.zone:
        return part.price, True
    rows = slots.get(part.zone, ())
    index = bisect_right(rows, at, key=lambda slot: slot[0]) - 1
    if index < 0 or rows[index][1] <= at:
        return part.price, False
    return max(rows[index][2] * part.factor + part.markup, ZERO).quantize(FINE, ROUND_HALF_UP), True


# --- The curve --------------------------------------------------------------------------------------------------------


def _points(session: Session, ended: datetime) -> list[tuple[datetime, int]]:
    """The curve in mWh from the start to the end, never falling and never beyond the total."""
    total = round(min(max(session.energy_wh, 0.0), MOST_WH) * 1000)
    points = [(session.started, 0)]
    for at, wh in session.curve:
        last_at, last = points[-1]
        at = min(max(at, last_at), ended)
        points.append((at, max(last, min(round(wh * 1000), total))))
    points.append((ended, total))
    return points


def charging_ended(points: Sequence[tuple[datetime, int]], *, known: bool) -> datetime:
    """When the last noticeable energy had flowed; the end where no reading tells."""
    if not known:
        return points[-1][0]
    slack = IDLE_SLACK_MWH
    for (begin, low), (end, high) in zip(points[-2::-1], points[:0:-1], strict=True):
        seconds = (end - begin).total_seconds()
        # mWh in a second are 3.6 W.
        if (high - low) * 3.6 >= IDLE_BELOW_W * seconds and high > low:
            slack -= high - low
            if slack < 0:
                return end
    return points[0][0]


# --- Times ------------------------------------------------------------------------------------------------------------


def _hour(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _hours(begin: datetime, end: datetime) -> Iterable[datetime]:
    """Full hours between two moments: so that each piece lies in one, as statistics keep them."""
    at = _hour(begin) + timedelta(hours=1)
    while at < end:
        yield at
        at += timedelta(hours=1)


def clock_changes(parts: Sequence[Part], begin: datetime, end: datetime, zone: tzinfo) -> set[datetime]:
    """The moments at which a condition on the local time or day can change, midnights and changes of the clock
    included."""
    clocks = {time.min, *(clock for part in parts for clock in (part.from_time, part.to_time) if clock)}
    found: set[datetime] = set()
    day, last = begin.astimezone(zone).date(), end.astimezone(zone).date()
    while day <= last:
        for clock in clocks:
            local = datetime.combine(day, clock, zone)
            # Twice where the clock is set back; where it is set forward, what it leaves out adds an idle cut.
            found.update((local.astimezone(UTC), local.replace(fold=1).astimezone(UTC)))
        found.update(_set_clock(day, zone))
        day += DAY
    return found


def _set_clock(day: date, zone: tzinfo) -> Iterable[datetime]:
    """When on that day the clock is set forward or back."""
    low = datetime.combine(day, time.min, zone).astimezone(UTC)
    high = datetime.combine(day + DAY, time.min, zone).astimezone(UTC)
    before, after = low.astimezone(zone).utcoffset(), high.astimezone(zone).utcoffset()
    if before == after:
        return
    while high - low > timedelta(seconds=1):
        middle = (low + (high - low) / 2).replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    yield high


# --- Prices and hours -------------------------------------------------------------------------------------------------


def _spread(exact: dict[datetime, Decimal], total: Decimal, first: datetime) -> dict[datetime, Decimal]:
    """The total by hour in the measure of the exact amounts; its parts add up to it to the last digit."""
    whole = sum(exact.values(), ZERO)
    if not whole:
        return {first: total} if total else {}
    hours = {hour: (amount * total / whole).quantize(FINE, ROUND_HALF_UP) for hour, amount in exact.items()}
    most = max(hours, key=lambda hour: hours[hour])
    hours[most] += total - sum(hours.values(), ZERO)
    return {hour: amount for hour, amount in hours.items() if amount}


def energy_prices(
    terms: Terms,
    begin: datetime,
    end: datetime,
    *,
    zone: tzinfo = UTC,
    holidays: frozenset[date] = frozenset(),
    slots: Mapping[str, Slots] | None = None,
) -> list[tuple[datetime, datetime, Decimal, bool]]:
    """(begin, end, price per kWh, known) of the first kilowatt-hour, wherever it changes; tax included.

    A moment in which energy costs nothing has the price 0.
    """
    rows = slots or {}
    moments = {begin, end}
    if any(part.by_clock for part in terms.parts):
        moments |= clock_changes(terms.parts, begin, end, zone)
    for name in terms.zones:
        moments.update(at for slot in rows.get(name, ()) for at in slot[:2])
    cuts = sorted(at for at in moments if begin <= at <= end)
    found: list[tuple[datetime, datetime, Decimal, bool]] = []
    for at, until in pairwise(cuts):
        holding = first_holding(terms.of("energy"), at.astimezone(zone), holidays)
        price, known = part_price(holding[1], at, rows) if holding else (ZERO, True)
        if holding and not terms.prices_include_tax:
            price = (price * (1 + terms.tax_of(holding[1]) / 100)).quantize(FINE, ROUND_HALF_UP)
        if found and found[-1][2:] == (price, known) and not (holding and holding[1].zone):
            found[-1] = (found[-1][0], until, price, known)
        else:
            found.append((at, until, price, known))
    return found
