"""Shares over a tree of circuits: what always holds, whatever the tree and the cars."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charging.allocation import Amps, Circuit, Demand, Plan, allocate, over, phases_of

AMPS = st.integers(0, 800).map(lambda tenths: tenths / 10)


def three(amps: float) -> Amps:
    return (amps, amps, amps)


def wider_by(limit_a: Amps, amps: float) -> Amps:
    one, two, three_ = limit_a
    return (one + amps, two + amps, three_ + amps)


@st.composite
def trees(draw: st.DrawFn) -> list[Circuit]:
    """A main fuse and up to five circuits below it or each other."""
    circuits = []
    for pk in range(1, draw(st.integers(1, 6)) + 1):
        parent = None if pk == 1 else draw(st.integers(1, pk - 1))
        limit, load = draw(st.tuples(AMPS, AMPS, AMPS)), draw(st.tuples(*[st.integers(0, 5).map(float)] * 3))
        circuits.append(Circuit(pk, parent, limit, load))
    return circuits


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[Circuit], list[Demand]]:
    tree = draw(trees())
    demands = [
        Demand(
            pk,
            circuit=draw(st.sampled_from([circuit.pk for circuit in tree])),
            phases=draw(st.sampled_from([(0,), (1,), (2,), (0, 1), (0, 1, 2)])),
            wanted_a=draw(st.integers(0, 320)) / 10,
            weight=draw(st.integers(1, 4)),
            in_turn=draw(st.booleans()),
            waited_s=float(draw(st.integers(0, 3))),
        )
        for pk in range(1, draw(st.integers(1, 9)) + 1)
    ]
    return tree, demands


def drawn(plan: Plan, demands: list[Demand]) -> list[tuple[int, tuple[int, ...], float]]:
    return [(demand.circuit, demand.phases, plan.shares[demand.pk].amps) for demand in demands]


def path(tree: list[Circuit], pk: int | None) -> list[int]:
    above = {circuit.pk: circuit.parent for circuit in tree}
    found = []
    while pk is not None:
        found.append(pk)
        pk = above[pk]
    return found


@given(cases(), st.none() | st.integers(0, 900).map(lambda tenths: tenths / 10))
@settings(max_examples=150)
def test_no_circuit_is_over_and_the_minimum_is_kept(
    case: tuple[list[Circuit], list[Demand]], budget: float | None
) -> None:
    tree, demands = case
    plan = allocate(tree, demands, budget)
    already = over(tree, [])
    assert over(tree, drawn(plan, demands)) == already
    for demand in demands:
        amps = plan.shares[demand.pk].amps
        assert amps == 0 or 6 <= amps <= max(6, demand.wanted_a)
    if budget is not None:
        total = sum(plan.shares[demand.pk].amps * len(demand.phases) for demand in demands)
        assert total <= budget + 1e-9


@given(cases())
@settings(max_examples=150)
def test_nobody_has_less_than_fair_while_another_has_more(case: tuple[list[Circuit], list[Demand]]) -> None:
    """Who is let in and gets less than asked for runs into a full circuit on which nobody has more per weight, beside
    those that are at their minimum."""
    tree, demands = case
    plan = allocate(tree, demands)
    for demand in demands:
        share = plan.shares[demand.pk]
        if share.amps == 0 or share.amps >= demand.wanted_a:
            continue
        assert share.why == "circuit" and share.circuit is not None and share.phase is not None
        assert share.circuit in path(tree, demand.circuit) and share.phase in demand.phases
        sharers = [d for d in demands if share.circuit in path(tree, d.circuit) and share.phase in d.phases]
        assert plan.left_a[share.circuit][share.phase] < 0.1 * len(sharers) + 1e-9, "the circuit it names is full"
        for other in sharers:
            has = plan.shares[other.pk].amps
            assert has <= 6 or has / other.weight <= share.amps / demand.weight + 0.1 + 1e-9


@given(cases())
@settings(max_examples=150)
def test_whoever_waits_has_no_room_for_a_minimum(case: tuple[list[Circuit], list[Demand]]) -> None:
    """Had all that came before it no more than their minimum, it would still not fit."""
    tree, demands = case
    plan = allocate(tree, demands)
    kept = [(d.circuit, d.phases, 6.0) for d in demands if plan.shares[d.pk].amps]
    before = over(tree, kept)
    for demand in demands:
        share = plan.shares[demand.pk]
        assert (share.why == "waiting") == (share.amps == 0)
        if share.amps == 0:
            assert over(tree, [*kept, (demand.circuit, demand.phases, 6.0)]) != before


@given(cases(), st.integers(1, 200), st.data())
@settings(max_examples=150)
def test_more_room_never_serves_worse(case: tuple[list[Circuit], list[Demand]], more: int, data: st.DataObject) -> None:
    """With a limit raised, the first in the order whose admission changes is one that is let in; and with the same ones
    let in, the least share per weight does not fall, nor the next, and so on."""
    tree, demands = case
    which = data.draw(st.integers(0, len(tree) - 1))
    wider = [replace(c, limit_a=wider_by(c.limit_a, more / 10)) if n == which else c for n, c in enumerate(tree)]
    less, most = allocate(tree, demands), allocate(wider, demands)
    group = {
        d.pk: (0 if d.in_turn else 1 if d.waited_s else 2, -d.waited_s * d.weight * (not d.in_turn), d.pk)
        for d in demands
    }
    order = sorted(demands, key=lambda d: group[d.pk])
    admitted = [[plan.shares[d.pk].amps > 0 for d in order] for plan in (less, most)]
    assert admitted[1] >= admitted[0]
    if admitted[0] == admitted[1]:
        levels = [sorted(plan.shares[d.pk].amps / d.weight for d in demands) for plan in (less, most)]
        for small, large in zip(*levels, strict=True):
            if abs(small - large) > 0.1 + 1e-9:
                assert large > small
                break


@given(st.integers(0, 2000), st.integers(0, 300), st.lists(st.integers(60, 320), min_size=1, max_size=6))
@settings(max_examples=60)
def test_the_sum_on_one_fuse_grows_with_it(limit: int, more: int, wanted: list[int]) -> None:
    demands = [Demand(pk, 1, (0, 1, 2), tenths / 10) for pk, tenths in enumerate(wanted)]
    sums = [
        sum(share.amps for share in allocate([Circuit(1, None, three(tenths / 10))], demands).shares.values())
        for tenths in (limit, limit + more)
    ]
    if len(wanted) * 60 <= limit:
        assert sums[1] >= sums[0] - 0.1 * len(wanted)
    assert sums[0] <= limit / 10 + 1e-9, "beyond what adding tenths rounds"


def test_shares_by_hand() -> None:
    """A main fuse of 40 A with two boards of 25 A: three cars on the first, one on the second."""
    tree = [Circuit(1, None, three(40), three(4)), Circuit(2, 1, three(25)), Circuit(3, 1, three(25))]
    demands = [Demand(pk, 2, (0, 1, 2), 32) for pk in (1, 2, 3)] + [Demand(4, 3, (0, 1, 2), 16)]
    plan = allocate(tree, demands)
    # 36 A are left for four: 8.3 A each on the first board, and what is left for the second, up to its 16 A.
    assert [plan.shares[pk].amps for pk in (1, 2, 3, 4)] == [8.3, 8.3, 8.3, 11.0]
    assert (plan.shares[1].why, plan.shares[1].circuit) == ("circuit", 2)
    assert (plan.shares[4].why, plan.shares[4].circuit) == ("circuit", 1)
    weighed = allocate(tree, [replace(demands[0], weight=2), *demands[1:3]])
    assert [weighed.shares[pk].amps for pk in (1, 2, 3)] == [12.5, 6.2, 6.2]


def test_a_silent_station_counts_with_what_it_may_draw() -> None:
    tree = [Circuit(1, None, three(32))]
    plan = allocate(tree, [Demand(1, 1, (0, 1, 2), 32, bound_a=20), Demand(2, 1, (0, 1, 2), 32)])
    assert (plan.shares[1].amps, plan.shares[1].why) == (20, "bound")
    assert plan.shares[2].amps == 12


def test_all_take_turns() -> None:
    """Room for one of three: within three turns each has had one."""
    waited = {1: 5.0, 2: 4.0, 3: 3.0}
    served = []
    for _ in range(3):
        demands = [Demand(pk, 1, (0, 1, 2), 16, waited_s=waited[pk]) for pk in waited]
        plan = allocate([Circuit(1, None, three(10))], demands)
        (now,) = [pk for pk in waited if plan.shares[pk].amps]
        served.append(now)
        waited = {pk: 0.0 if pk == now else seconds + 10 for pk, seconds in waited.items()}
    assert sorted(served) == [1, 2, 3]


def test_single_phases_are_spread_by_rotation() -> None:
    assert [phases_of(rotation, 1) for rotation in ("RST", "STR", "TRS")] == [(0,), (1,), (2,)]
    demands = [Demand(pk, 1, phases_of(rotation, 1), 16) for pk, rotation in enumerate(("RST", "STR", "TRS"))]
    plan = allocate([Circuit(1, None, three(16))], demands)
    assert [share.amps for share in plan.shares.values()] == [16, 16, 16]


@pytest.mark.parametrize("tree", [[Circuit(1, 1, three(9))], [Circuit(1, 2, three(9)), Circuit(2, 1, three(9))]])
def test_a_tree_without_a_main_fuse_is_refused(tree: list[Circuit]) -> None:
    with pytest.raises(ValueError, match="main fuse"):
        allocate(tree, [])
