"""What to tell which connector next, so that no circuit is ever over its limit: a pure function of what is known.

The shares (`allocation.py`) say where to go; this says which steps lead there safely. For every connector it counts the
most that it may draw now, whatever happens: what the station accepted, and what is on its way and may have arrived. A
limit that lowers goes out at once. A limit that raises goes out only as far as there is room for it beside the most
that all others may still draw, so that it waits until the lowering of others is confirmed.

A connector that nobody has told anything counts with its fail-safe, the default profile that its station has stored,
or with its rating where there is none. A limit holds for a lease only: a station that is cut off falls back to the
fail-safe by itself, and so does what is counted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from operator import add

from charging.allocation import DECI, Circuit, Demand, Plan, Room, Share, allocate, deci, up

#: A lease that is about to end counts as both, held and ended: clocks differ, and others need time to make room.
MARGIN = timedelta(seconds=180)
#: An answer that takes longer than this makes a connector one that does not answer, as long as it takes.
PATIENCE = timedelta(seconds=15)
#: After a time-out a station is asked again this much later.
AGAIN = timedelta(seconds=60)
#: A reading tells of a limit when it is this much younger.
SETTLED = timedelta(seconds=60)
#: Smaller steps than this are not worth a message.
STEP_A = 1.0
#: A car that draws this much less than it may is given only this much more than it draws.
SPARE_A = 2.0
TOLERANCE_A = 1.0
TOLERANCE = 0.08


@dataclass(frozen=True, slots=True)
class State:
    """What is known of a connector.

    Attributes:
        transaction: the one that runs; None where none does.
        wants: its car takes current, or would.
        reachable: its station is connected, and answered last time or was not asked for a while.
        confirmed_a, confirmed_for, lease_until: the limit that the station accepted last, the transaction that it is
            for (None: for all), and until when it holds (None: without end).
        fallback_a: the fail-safe that the station accepted.
        asked_a, asked_for: a limit that is on its way; asked_at: when the last one was sent.
        silent_a: the highest limit that was sent and never answered.
        measured_a, measured_at: the current per phase, as last read.
        phases: those of the circuit that its car draws from; `spare_phases` are those that it could and does not: there
            its fail-safe is kept free, for the next car.
        planned_a: what its schedule lets it draw now, 0 where it holds the car back; None where none says anything.
    """

    pk: int
    circuit: int
    phases: tuple[int, ...]
    rated_a: float
    weight: int = 2
    transaction: int | None = None
    wants: bool = True
    reachable: bool = True
    confirmed_a: float | None = None
    confirmed_for: int | None = None
    lease_until: datetime | None = None
    fallback_a: float | None = None
    asked_a: float | None = None
    asked_for: int | None = None
    asked_at: datetime | None = None
    silent_a: float | None = None
    measured_a: float | None = None
    measured_at: datetime | None = None
    charging_since: datetime | None = None
    waiting_since: datetime | None = None
    spare_phases: tuple[int, ...] = ()
    planned_a: float | None = None

    @property
    def is_held(self) -> bool:
        return self.planned_a == 0

    @property
    def base_a(self) -> float:
        """What it may draw while nobody says anything."""
        return self.rated_a if self.fallback_a is None else self.fallback_a

    @property
    def limit_a(self) -> float | None:
        """The limit that was accepted for what runs now; None where there is none."""
        return self.confirmed_a if self.confirmed_for in (None, self.transaction) else None

    def held_a(self, now: datetime) -> float:
        """The limit that it holds as far as is known."""
        over = self.lease_until is not None and now >= self.lease_until + MARGIN
        return self.base_a if self.limit_a is None or over else self.limit_a

    def worst_a(self, now: datetime) -> float:
        """The most that it may draw now."""
        candidates = [self.held_a(now)]
        if self.limit_a is not None and self.lease_until is not None and now >= self.lease_until - MARGIN:
            candidates.append(self.base_a)
        candidates += [amps for amps in (self.asked_a, self.silent_a) if amps is not None]
        if self.exceeds(now) and self.measured_a is not None:
            candidates.append(self.measured_a)
        return max(candidates)

    def exceeds(self, now: datetime) -> bool:
        """Whether the measured current is above the limit, a while after it was set."""
        if self.measured_a is None or self.measured_at is None or self.limit_a is None:
            return False
        settled = self.asked_at is None or self.measured_at >= self.asked_at + SETTLED
        return settled and self.measured_a > self.held_a(now) + max(TOLERANCE_A, TOLERANCE * self.held_a(now))

    def answers(self, now: datetime) -> bool:
        """Whether it can be told something: it is there, and nothing is on its way for long."""
        late = self.asked_at is not None and self.asked_a is not None and now - self.asked_at > PATIENCE
        return self.reachable and not late


@dataclass(frozen=True, slots=True)
class Rules:
    """How a site is run."""

    minimum_a: float = 6.0
    rotation: timedelta = timedelta(minutes=15)
    lease: timedelta = timedelta(minutes=20)


@dataclass(frozen=True, slots=True)
class Order:
    """A limit to send. `why` is `lower`, `raise` or `renew`."""

    pk: int
    amps: float
    why: str


@dataclass(slots=True)
class Decision:
    """The shares to reach, the orders to send now, and the most that each connector may draw meanwhile, in amperes."""

    plan: Plan
    orders: list[Order] = field(default_factory=list)
    worst_a: dict[int, float] = field(default_factory=dict)


def decide(
    now: datetime, circuits: Sequence[Circuit], states: Sequence[State], rules: Rules, budget_a: float | None = None
) -> Decision:
    """The next steps of a site.

    Args:
        budget_a: what all connectors may draw together, summed over phases; None: no such limit.

    Raises:
        ValueError: the circuits are no tree.
    """
    circuits = with_spare_phases(circuits, states)
    plan = allocate(circuits, [demand_of(state, now, rules) for state in states], budget_a)
    for state in states:
        if state.is_held and plan.shares[state.pk].amps == 0:
            plan.shares[state.pk] = Share(0.0, "held")
    worst = {state.pk: state.worst_a(now) for state in states}
    decision = Decision(plan, worst_a=worst)
    room = Room(circuits, budget_a)
    for state in states:
        room.take(state.circuit, state.phases, up(worst[state.pk]))
    free = [state for state in states if may_be_told(state, now)]
    lowered = lower(now, free, room, decision)
    raise_others(now, [state for state in free if state.pk not in lowered], room, rules, decision)
    return decision


def with_spare_phases(circuits: Sequence[Circuit], states: Sequence[State]) -> list[Circuit]:
    """The circuits with what is kept free on phases that a connector has and its car does not use."""
    kept: dict[int, list[float]] = {}
    for state in states:
        for phase in state.spare_phases:
            kept.setdefault(state.circuit, [0.0, 0.0, 0.0])[phase] += up(state.base_a) / DECI
    return [
        replace(circuit, load_a=tuple(map(add, circuit.load_a, kept[circuit.pk]))) if circuit.pk in kept else circuit
        for circuit in circuits
    ]


def may_be_told(state: State, now: datetime) -> bool:
    return state.transaction is not None and state.asked_a is None and state.answers(now)


def demand_of(state: State, now: datetime, rules: Rules) -> Demand:
    """What a connector asks for; one without a car, or that cannot be told, is bound to what it may draw."""
    bound = None if state.transaction is not None and state.answers(now) else state.worst_a(now)
    if bound is None and state.is_held:
        bound = 0.0
    waited = (now - state.waiting_since).total_seconds() if state.waiting_since else 0.0
    since = state.charging_since
    return Demand(
        pk=state.pk,
        circuit=state.circuit,
        phases=state.phases,
        wanted_a=wanted_a(state, now, rules),
        minimum_a=rules.minimum_a,
        weight=state.weight,
        bound_a=bound,
        in_turn=state.wants and since is not None and now - since < rules.rotation,
        waited_s=waited if state.wants else 0.0,
    )


def wanted_a(state: State, now: datetime, rules: Rules) -> float:
    """The most that it is to have: what its car can use, and no more than its schedule has reserved."""
    usable = usable_a(state, now, rules)
    return usable if state.planned_a is None else min(usable, max(rules.minimum_a, state.planned_a))


def usable_a(state: State, now: datetime, rules: Rules) -> float:
    """The most that its car can use: by what it draws of what it may, once that is known."""
    if not state.wants:
        return rules.minimum_a
    held = state.held_a(now)
    known = state.measured_a is not None and state.measured_at is not None and state.asked_at is not None
    if not known or held < rules.minimum_a or state.measured_at < state.asked_at + SETTLED:  # type: ignore[operator]
        return state.rated_a
    assert state.measured_a is not None
    uses_it = state.measured_a >= held - TOLERANCE_A or state.measured_a < TOLERANCE_A
    return state.rated_a if uses_it else min(state.rated_a, max(rules.minimum_a, state.measured_a + SPARE_A))


def lower(now: datetime, free: Sequence[State], room: Room, decision: Decision) -> set[int]:
    """Order what lowers; -> the connectors that are told. Where a circuit is over, every tenth of an ampere counts."""
    told = set()
    for state in free:
        target, most = decision.plan.shares[state.pk].amps, decision.worst_a[state.pk]
        if target >= most or (state.limit_a == target and state.asked_at and now - state.asked_at < AGAIN):
            continue
        if target == 0 or target <= most - STEP_A or room.most(state.circuit, state.phases) < 0:
            decision.orders.append(Order(state.pk, target, "lower"))
            told.add(state.pk)
    return told


def raise_others(now: datetime, free: Sequence[State], room: Room, rules: Rules, decision: Decision) -> None:
    """Order what raises, those with the least first, as far as there is room beside the worst case of all others."""
    for state in sorted(free, key=lambda state: (decision.worst_a[state.pk] / state.weight, state.pk)):
        most, target = up(decision.worst_a[state.pk]), deci(decision.plan.shares[state.pk].amps)
        within = min(target, most + max(0, room.most(state.circuit, state.phases)))
        held = deci(state.held_a(now))
        if within >= deci(rules.minimum_a) and within - held >= deci(STEP_A):
            room.take(state.circuit, state.phases, within - most)
            decision.orders.append(Order(state.pk, within / DECI, "raise"))
        elif is_due(state, now, rules):
            decision.orders.append(Order(state.pk, min(held, most) / DECI, "renew"))


def is_due(state: State, now: datetime, rules: Rules) -> bool:
    """Whether the lease of its limit has to be renewed."""
    if state.limit_a is None or state.lease_until is None:
        return False
    return state.lease_until - now < rules.lease / 2


def sent(state: State, amps: float, now: datetime) -> State:
    """A limit is on its way."""
    return replace(state, asked_a=amps, asked_for=state.transaction, asked_at=now)


def accepted(state: State, lease: timedelta | None, for_all: bool = False) -> State:
    """The station took the limit: for its lease, or without end; for the transaction it was for, or for all."""
    until = state.asked_at + lease if lease and state.asked_at else None
    return replace(
        state,
        confirmed_a=state.asked_a,
        confirmed_for=None if for_all else state.asked_for,
        lease_until=until,
        asked_a=None,
        asked_for=None,
        silent_a=None,
    )


def unanswered(state: State) -> State:
    """Nobody knows whether the station took it: both count."""
    if state.asked_a is None:
        return state
    return replace(state, silent_a=max(state.silent_a or 0.0, state.asked_a), asked_a=None, asked_for=None)


def not_taken(state: State) -> State:
    """The station refused it, or it was never sent."""
    return replace(state, asked_a=None, asked_for=None)


def highest_failsafe_a(circuits: Sequence[Circuit], places: Sequence[tuple[int, tuple[int, ...]]]) -> float:
    """The most that every connector may have as its fail-safe at once without a circuit being over, in amperes."""
    room = Room(circuits)
    counts: dict[tuple[int, int], int] = {}
    for circuit, phases in places:
        for cell in room.cells(circuit, phases):
            counts[cell] = counts.get(cell, 0) + 1
    return max(0, min((room.left[cell] // count for cell, count in counts.items()), default=0)) / DECI


def flows_a(
    circuits: Sequence[Circuit], states: Sequence[State], amps: Mapping[int, float]
) -> dict[int, tuple[float, float, float]]:
    """What flows on each phase of each circuit, loads of others and what circuits below carry included."""
    room = Room(circuits)
    before = dict(room.left.items())
    for state in states:
        room.take(state.circuit, state.phases, up(amps.get(state.pk, 0.0)))
    limits = {circuit.pk: circuit.limit_a for circuit in circuits}
    return {
        pk: tuple(  # type: ignore[misc]
            round(limit[phase] - before[pk, phase] / DECI + (before[pk, phase] - room.left[pk, phase]) / DECI, 1)
            for phase in range(3)
        )
        for pk, limit in limits.items()
    }
