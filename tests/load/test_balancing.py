"""The steps to a share: a simulated day of a hundred stations, some of which answer late or never."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from charging.allocation import Amps, Circuit, over, phases_of
from charging.balancing import (
    Decision,
    Rules,
    State,
    accepted,
    decide,
    flows_a,
    highest_failsafe_a,
    not_taken,
    sent,
    unanswered,
)

BEGIN = datetime(2026, 6, 1, tzinfo=UTC)
RULES = Rules()
TIME_OUT_S, AGAIN_S = 90, 60


def at(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def three(amps: float) -> Amps:
    return (amps, amps, amps)


ONE = [Circuit(1, None, three(32))]


def car(pk: int, **more: object) -> State:
    return State(pk, 1, (0, 1, 2), 32, transaction=pk, fallback_a=0.0, **more)  # type: ignore[arg-type]


def orders(decision: Decision) -> list[tuple[int, float, str]]:
    return [(order.pk, order.amps, order.why) for order in decision.orders]


def test_raising_waits_for_lowering() -> None:
    now = BEGIN
    first, second = car(1, confirmed_a=32.0, confirmed_for=1, asked_at=at(-600)), car(2)
    assert orders(decide(now, ONE, [first, second], RULES)) == [(1, 16, "lower")]
    first = sent(first, 16, now)
    assert orders(decide(at(5), ONE, [first, second], RULES)) == [], "it may still draw 32 A"
    first = accepted(first, RULES.lease)
    assert orders(decide(at(7), ONE, [first, second], RULES)) == [(2, 16, "raise")]


def test_a_refused_or_unsent_limit_changes_nothing() -> None:
    state = sent(car(1, confirmed_a=10.0, confirmed_for=1), 20, BEGIN)
    assert state.worst_a(BEGIN) == 20
    assert not_taken(state).worst_a(BEGIN) == 10


def test_a_silent_station_counts_with_the_highest_that_it_may_hold() -> None:
    state = unanswered(sent(car(1, confirmed_a=20.0, confirmed_for=1, lease_until=at(600)), 8, BEGIN))
    assert state.worst_a(BEGIN) == 20
    state = replace(state, reachable=False)
    decision = decide(BEGIN, ONE, [state, car(2)], RULES)
    assert decision.plan.shares[2].amps == 12
    assert orders(decision) == [(2, 12, "raise")]
    # Its lease ends: it falls back to its fail-safe of 0 A, or, had it taken the 8 A, to those.
    assert state.worst_a(at(600 + 181)) == 8


def test_a_limit_ends_with_its_transaction() -> None:
    state = car(1, confirmed_a=20.0, confirmed_for=1)
    assert replace(state, transaction=2).worst_a(BEGIN) == 0
    assert replace(state, transaction=2, fallback_a=None).worst_a(BEGIN) == 32


def test_one_that_takes_more_than_it_may_counts_with_what_it_takes() -> None:
    state = car(1, confirmed_a=10.0, confirmed_for=1, asked_at=BEGIN, measured_a=16.0, measured_at=at(30))
    assert state.worst_a(at(30)) == 10, "it is given time"
    state = replace(state, measured_at=at(61))
    assert state.exceeds(at(61)) and state.worst_a(at(61)) == 16
    assert not replace(state, measured_a=10.9).exceeds(at(61)), "within the tolerance"


def test_a_lease_is_renewed_in_time() -> None:
    state = car(1, confirmed_a=32.0, confirmed_for=1, asked_at=BEGIN, lease_until=at(1200))
    assert orders(decide(at(500), ONE, [state], RULES)) == []
    assert orders(decide(at(700), ONE, [state], RULES)) == [(1, 32, "renew")]


def test_an_idle_connector_keeps_room_for_its_failsafe() -> None:
    idle = replace(car(2), transaction=None, fallback_a=6.0)
    decision = decide(BEGIN, ONE, [car(1), idle], RULES)
    assert decision.plan.shares[1].amps == 26
    assert highest_failsafe_a(ONE, [(1, (0, 1, 2)), (1, (0,)), (1, (1,))]) == 16


def test_what_flows_counts_on_all_circuits_above() -> None:
    tree = [Circuit(1, None, three(40), (1, 2, 3)), Circuit(2, 1, three(20), (0.5, 0, 0))]
    states = [State(1, 2, (0, 1, 2), 32), State(2, 1, (2,), 16)]
    assert flows_a(tree, states, {1: 10, 2: 6}) == {1: (11.5, 12, 19), 2: (10.5, 10, 10)}


# --- A day ---------------------------------------------------------------------------------------------------------


def test_a_car_on_one_phase_frees_the_others_and_keeps_the_failsafe_there() -> None:
    first, second = replace(car(1), phases=(0,), spare_phases=(1, 2)), replace(car(2), phases=(1,))
    assert orders(decide(BEGIN, ONE, [car(1), second], RULES)) == [(1, 16, "raise"), (2, 16, "raise")]
    assert orders(decide(BEGIN, ONE, [first, second], RULES)) == [(1, 32, "raise"), (2, 32, "raise")]
    # The next car may use all phases: its fail-safe is kept free on those that this one does not use.
    kept = [replace(first, fallback_a=6.0), replace(second, fallback_a=0.0)]
    assert (2, 26, "raise") in orders(decide(BEGIN, ONE, kept, RULES))


def test_what_a_schedule_holds_back_gets_nothing_and_what_it_has_reserved_is_enough() -> None:
    held, other = car(1, planned_a=0.0), car(2, planned_a=10.0)
    found = decide(BEGIN, ONE, [held, other], RULES)
    assert orders(found) == [(2, 10, "raise")]
    assert (found.plan.shares[1].amps, found.plan.shares[1].why) == (0, "held")
    # It charges and is to be held: it is lowered at once, and others may have what it gives back once it has answered.
    charges = car(1, planned_a=0.0, confirmed_a=32.0, confirmed_for=1, asked_at=at(-600))
    assert orders(decide(BEGIN, ONE, [charges, car(2)], RULES)) == [(1, 0, "lower")]


outlets = st.lists(
    st.tuples(st.sampled_from([(0,), (1,), (2,), (0, 1), (0, 1, 2)]), st.floats(6, 32), st.sampled_from([0.0, 6.0])),
    min_size=1,
    max_size=8,
)


@settings(max_examples=100, deadline=None)
@given(outlets, st.floats(20, 120), st.floats(10, 60))
def test_with_phases_that_cars_leave_free_no_circuit_is_over(
    rows: list[tuple[tuple[int, ...], float, float]], main_a: float, sub_a: float
) -> None:
    """What all draw on the phases that they use, and what the fail-safe needs on the others, fits; and nobody who has
    the least gets less than when all phases count."""
    circuits = [Circuit(1, None, three(main_a)), Circuit(2, 1, three(sub_a))]
    base_a = sum(base for _, _, base in rows)
    if base_a > min(main_a, sub_a):
        return
    states = [
        State(
            pk,
            1 + pk % 2,
            lines,
            rated_a,
            transaction=pk,
            fallback_a=base,
            spare_phases=tuple(phase for phase in range(3) if phase not in lines),
        )
        for pk, (lines, rated_a, base) in enumerate(rows)
    ]
    told = states
    for step in range(4):
        decision = decide(at(step), circuits, told, RULES)
        orders_by_pk = {order.pk: order.amps for order in decision.orders}
        told = [
            accepted(sent(state, orders_by_pk[state.pk], at(step)), RULES.lease) if state.pk in orders_by_pk else state
            for state in told
        ]
        drawn = [(state.circuit, state.phases, state.held_a(at(step))) for state in told]
        kept = [(state.circuit, state.spare_phases, state.base_a) for state in told if state.spare_phases]
        assert not over(circuits, drawn + kept)
    everywhere = [replace(state, phases=(0, 1, 2), spare_phases=()) for state in states]
    before = decide(BEGIN, circuits, everywhere, RULES).plan.shares
    after = decide(BEGIN, circuits, states, RULES).plan.shares
    assert min(share.amps for share in after.values()) >= min(share.amps for share in before.values()) - 0.1


@dataclass
class Station:
    """What a station really does: the limit of its transaction until the lease ends, else its fail-safe."""

    failsafe_a: float
    manner: str
    skew_s: float
    limit_a: float | None = None
    until_s: float = 0.0

    def may_draw(self, now: float) -> float:
        return self.limit_a if self.limit_a is not None and now < self.until_s + self.skew_s else self.failsafe_a


class Day:
    """A site of many stations and the server that balances it, on a clock of its own."""

    def __init__(self, chance: random.Random, main_a: float, failsafe_a: float, count: int = 100) -> None:
        self.chance, self.now = chance, 0.0
        self.tree = [Circuit(1, None, three(main_a), three(5))]
        self.tree += [Circuit(pk, 1, three(main_a / 3)) for pk in range(2, 6)]
        self.tree += [Circuit(pk, 2 + pk % 4, three(main_a / 5)) for pk in range(6, 14)]
        self.stations: dict[int, Station] = {}
        self.states: dict[int, State] = {}
        #: (when, connector, kind, limit): answers that come, limits that apply, time-outs, cars that leave.
        self.events: list[tuple[float, int, str, float]] = []
        self.leaves: dict[int, float] = {}
        self.served: dict[int, float] = {}
        self.transactions = 0
        for pk in range(1, count + 1):
            manner = chance.choices(["quick", "slow", "mute", "deaf"], [80, 10, 5, 5])[0]
            self.stations[pk] = Station(failsafe_a, manner, chance.uniform(-60, 60))
            phases = phases_of(chance.choice(["RST", "STR", "TRS"]), chance.choice([1, 3, 3]))
            self.states[pk] = State(pk, 6 + pk % 8, phases, 32.0, chance.randint(1, 3), fallback_a=failsafe_a)

    def run(self, seconds: float) -> Iterator[dict[tuple[int, int], float]]:
        """-> at every step, the (circuit, phase) that may be over its limit, as the stations really are."""
        while self.now < seconds:
            self.come_and_go()
            self.decide()
            yield self.over()
            due = min((when for when, *_ in self.events), default=self.now + 120)
            self.now = max(self.now + 60, min(due, self.now + 600))
            self.happen()

    def come_and_go(self) -> None:
        free = [pk for pk, state in self.states.items() if state.transaction is None]
        if free and self.chance.random() < 0.5:
            pk = self.chance.choice(free)
            self.transactions += 1
            self.states[pk] = replace(self.states[pk], transaction=self.transactions, waiting_since=at(self.now))
            self.leaves[pk] = self.now + self.chance.uniform(1800, 14_400)
        for pk in [pk for pk, when in self.leaves.items() if when <= self.now]:
            del self.leaves[pk]
            self.stations[pk].limit_a = None
            self.states[pk] = replace(self.states[pk], transaction=None, charging_since=None, waiting_since=None)

    def decide(self) -> None:
        decision = decide(at(self.now), self.tree, list(self.states.values()), RULES)
        for order in decision.orders:
            state, station = self.states[order.pk], self.stations[order.pk]
            self.states[order.pk] = sent(state, order.amps, at(self.now))
            delay = {"quick": self.chance.uniform(0.2, 3), "slow": 75.0}.get(station.manner, float(TIME_OUT_S))
            # The worst that can be: what raises applies at once, what lowers not before the answer.
            raises = order.amps > station.may_draw(self.now)
            if station.manner == "quick" or station.manner == "slow" or (station.manner == "mute" and raises):
                when = self.now + (0 if raises else delay)
                self.events.append((when, order.pk, f"apply {state.transaction} {self.now}", order.amps))
            kind = "answer" if station.manner in ("quick", "slow") else "time-out"
            self.events.append((self.now + delay, order.pk, kind, order.amps))
        for pk, state in self.states.items():
            if state.transaction is not None:
                charges = state.held_a(at(self.now)) >= RULES.minimum_a
                began, waits = state.charging_since, state.waiting_since
                self.states[pk] = replace(
                    state,
                    charging_since=(began or at(self.now)) if charges else None,
                    waiting_since=None if charges else (waits or at(self.now)),
                )
                if charges:
                    self.served[state.transaction] = self.now

    def happen(self) -> None:
        due = sorted(event for event in self.events if event[0] <= self.now)
        self.events = [event for event in self.events if event[0] > self.now]
        for when, pk, kind, amps in due:
            state, station = self.states[pk], self.stations[pk]
            if kind.startswith("apply"):
                _, transaction, asked = kind.split()
                if str(state.transaction) == transaction:
                    station.limit_a, station.until_s = amps, float(asked) + RULES.lease.total_seconds()
            elif kind == "answer":
                self.states[pk] = accepted(state, RULES.lease)
            elif kind == "time-out":
                self.states[pk] = replace(unanswered(state), reachable=False)
                self.events.append((when + AGAIN_S, pk, "again", 0))
            else:
                self.states[pk] = replace(state, reachable=True)

    def over(self) -> dict[tuple[int, int], float]:
        may = [(s.circuit, s.phases, self.stations[pk].may_draw(self.now)) for pk, s in self.states.items()]
        return over(self.tree, may)


@given(st.integers(0, 10_000), st.sampled_from([(260.0, 0.0), (900.0, 6.0)]))
@settings(max_examples=1)
def test_a_day_never_overloads_a_circuit(seed: int, site: tuple[float, float]) -> None:
    day = Day(random.Random(seed), *site)
    for wrong in day.run(86_400):
        assert not wrong, f"at {day.now} s"
    assert day.transactions > 150
    assert len(day.served) > 0.6 * day.transactions, "most cars were charged"
