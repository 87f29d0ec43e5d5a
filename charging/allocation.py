"""Who gets how many amperes: a fair share over a tree of circuits, as a pure function.

Currents are whole tenths of an ampere while it counts, so that every sum is exact. What a circuit may carry is a limit
per phase; what a connector draws is the same current on each of its phases, and counts on its circuit and on all above.

1. Admission. A car charges with at least its minimum or not at all. Connectors that are bound (they may draw a current
   whatever is said, because they do not answer) come first. Then, one after the other, each that fits with its minimum
   is let in: those whose turn is running, then those who wait, the longest first (a waiting time counts times its
   weight), then those whose turn is over. So all take turns where not all fit.
2. Filling. All that were let in rise together from their minimum, each as fast as its weight, like water in connected
   vessels. One stops when it has what it asks for, or when a circuit above it is full on one of its phases.

The result is max-min fair: nobody could get more without taking from someone who has no more per weight.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

PHASES = 3
#: Tenths of an ampere in an ampere.
DECI = 10
#: The water rises in such parts of a tenth: fine enough that rounding them down is seen nowhere.
PARTS = 720_720

Amps = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Circuit:
    """A fuse and what is behind it.

    Attributes:
        limit_a: what may flow on each phase.
        load_a: what flows on each phase to others than the connectors here, beside what circuits below say of theirs.
    """

    pk: int
    parent: int | None
    limit_a: Amps
    load_a: Amps = (0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Demand:
    """A connector that asks for current.

    Attributes:
        phases: the phases of the circuit that it draws from, as indices 0 to 2.
        wanted_a: the most that it can use; less than `minimum_a` is raised to it.
        bound_a: it draws this, whatever is decided, since it does not answer; None where it does as it is told.
        in_turn: it charges, and its turn is not over.
        waited_s: how long it has been without current; 0 while it charges.
    """

    pk: int
    circuit: int
    phases: tuple[int, ...]
    wanted_a: float
    minimum_a: float = 6.0
    weight: int = 1
    bound_a: float | None = None
    in_turn: bool = False
    waited_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Share:
    """What a connector gets, and why.

    Attributes:
        why: `wanted` (all it asks for), `circuit` (its circuit or one above is full), `surplus` (all the surplus is
            given), `waiting` (there is no room for its minimum now), `bound` (it does not answer), `held` (its schedule
            holds it back).
        circuit, phase: the circuit and the phase (0 to 2) that are full; None where none is.
        place: how many wait before it, from 0, where it waits.
    """

    amps: float
    why: str
    circuit: int | None = None
    phase: int | None = None
    place: int | None = None


@dataclass(slots=True)
class Plan:
    """The shares by connector, and what is then left on each phase of each circuit, in amperes."""

    shares: dict[int, Share]
    left_a: dict[int, Amps] = field(default_factory=dict)


def deci(amps: float) -> int:
    """Amperes as whole tenths, rounded down."""
    return int(amps * DECI + 1e-6) if amps >= 0 else -int(-amps * DECI + 1 - 1e-6)


def up(amps: float) -> int:
    """Amperes as whole tenths, rounded up: for what is drawn."""
    return -deci(-amps)


class Room:
    """What is left on every phase of every circuit, and in the budget of all of them, in tenths."""

    def __init__(self, circuits: Sequence[Circuit], budget_a: float | None = None) -> None:
        """`budget_a`: what all connectors together may draw, summed over phases; None: no such limit.

        Raises:
            ValueError: a circuit is below itself, or its parent is missing.
        """
        self.circuits = {circuit.pk: circuit for circuit in circuits}
        self.paths = {pk: self._path(pk) for pk in self.circuits}
        self.left: dict[tuple[int, int], int] = {}
        loads: dict[tuple[int, int], float] = {}
        for circuit in circuits:
            for above in self.paths[circuit.pk]:
                for phase in range(PHASES):
                    loads[above, phase] = loads.get((above, phase), 0.0) + circuit.load_a[phase]
        for circuit in circuits:
            for phase in range(PHASES):
                self.left[circuit.pk, phase] = deci(circuit.limit_a[phase]) - up(loads[circuit.pk, phase])
        self.budget = None if budget_a is None else deci(budget_a)

    def _path(self, pk: int) -> tuple[int, ...]:
        path: list[int] = []
        at: int | None = pk
        while at is not None:
            if at in path or at not in self.circuits:
                raise ValueError(f"circuit {pk} has no way up to a main fuse")
            path.append(at)
            at = self.circuits[at].parent
        return tuple(path)

    def cells(self, circuit: int, phases: Iterable[int]) -> list[tuple[int, int]]:
        """Every (circuit, phase) that a connector's current flows through."""
        return [(pk, phase) for pk in self.paths[circuit] for phase in phases]

    def most(self, circuit: int, phases: tuple[int, ...]) -> int:
        """What a connector there may still draw on each of its phases."""
        least = min(self.left[cell] for cell in self.cells(circuit, phases))
        return least if self.budget is None or not phases else min(least, self.budget // len(phases))

    def take(self, circuit: int, phases: tuple[int, ...], tenths: int) -> None:
        for cell in self.cells(circuit, phases):
            self.left[cell] -= tenths
        if self.budget is not None:
            self.budget -= tenths * len(phases)

    def tightest(self, circuit: int, phases: tuple[int, ...]) -> tuple[int | None, int | None, str]:
        """(circuit, phase, why) of what a connector there runs into first."""
        cell = min(self.cells(circuit, phases), key=lambda cell: self.left[cell])
        if self.budget is not None and self.budget // len(phases) < self.left[cell]:
            return None, None, "surplus"
        return cell[0], cell[1], "circuit"


def allocate(circuits: Sequence[Circuit], demands: Sequence[Demand], budget_a: float | None = None) -> Plan:
    """Share the room of the circuits among the demands.

    Args:
        budget_a: what all may draw together, summed over phases (a surplus of power over the voltage); None: no limit.

    Returns:
        A share for every demand. No circuit is over its limit on any phase as long as what is bound fits.

    Raises:
        ValueError: a circuit is below itself, or one that is named is missing.
    """
    room = Room(circuits, budget_a)
    shares: dict[int, Share] = {}
    for demand in demands:
        if demand.bound_a is not None:
            room.take(demand.circuit, demand.phases, up(demand.bound_a))
            shares[demand.pk] = Share(up(demand.bound_a) / DECI, "bound")
    admitted = admit(room, [demand for demand in demands if demand.bound_a is None], shares)
    fill(room, admitted, shares)
    left = {pk: tuple(room.left[pk, phase] / DECI for phase in range(PHASES)) for pk in room.circuits}
    return Plan(shares, left)  # type: ignore[arg-type]


def turn(demand: Demand) -> tuple[int, float, int]:
    """The order of admission."""
    group = 0 if demand.in_turn else (1 if demand.waited_s > 0 else 2)
    return group, -demand.waited_s * demand.weight if group == 1 else 0.0, demand.pk


def admit(room: Room, demands: Sequence[Demand], shares: dict[int, Share]) -> list[Demand]:
    """Let in whom there is room for, and take their minimum; the others wait."""
    admitted, waiting = [], 0
    for demand in sorted(demands, key=turn):
        least = up(demand.minimum_a)
        if room.most(demand.circuit, demand.phases) >= least:
            room.take(demand.circuit, demand.phases, least)
            admitted.append(demand)
        else:
            circuit, phase, _ = room.tightest(demand.circuit, demand.phases)
            shares[demand.pk] = Share(0.0, "waiting", circuit, phase, waiting)
            waiting += 1
    return admitted


#: A (circuit, phase), or the budget of all.
Cell = tuple[int, int]
BUDGET: Cell = (-1, -1)


def fill(room: Room, admitted: Sequence[Demand], shares: dict[int, Share]) -> None:
    """Raise all that were let in from their minimum as far as there is room, in tenths rounded down."""
    by_pk = {demand.pk: demand for demand in admitted}
    for pk, (parts, full) in Water(room, admitted).rise().items():
        demand = by_pk[pk]
        least = up(demand.minimum_a)
        amount = max(least, parts // PARTS)
        room.take(demand.circuit, demand.phases, amount - least)
        if full is None:
            shares[pk] = Share(amount / DECI, "wanted")
        elif full == BUDGET:
            shares[pk] = Share(amount / DECI, "surplus")
        else:
            shares[pk] = Share(amount / DECI, "circuit", *full)


class Water:
    """Connected vessels: `level` is the current per weight, in parts of a tenth. A demand rises from the level at which
    its weight gives it more than its minimum, until it has what it wants or a cell that it flows through is full."""

    def __init__(self, room: Room, admitted: Sequence[Demand]) -> None:
        self.weights = {demand.pk: demand.weight for demand in admitted}
        self.most = {demand.pk: max(up(demand.minimum_a), deci(demand.wanted_a)) * PARTS for demand in admitted}
        self.spare: dict[Cell, int] = {cell: tenths * PARTS for cell, tenths in room.left.items()}
        if room.budget is not None:
            self.spare[BUDGET] = room.budget * PARTS
        self.flows: dict[int, list[tuple[Cell, int]]] = {}
        for demand in admitted:
            flows = [(cell, demand.weight) for cell in room.cells(demand.circuit, demand.phases)]
            if room.budget is not None:
                flows.append((BUDGET, demand.weight * len(demand.phases)))
            self.flows[demand.pk] = flows
        #: Those that do not rise yet, the next one last: (level, demand).
        self.begins = sorted(((-(-up(d.minimum_a) * PARTS // d.weight), d.pk) for d in admitted), reverse=True)
        #: Those that rise -> the level at which they have all they want.
        self.growing: dict[int, int] = {}
        #: What flows into a cell with each part of level.
        self.rates: dict[Cell, int] = {}
        self.level = 0

    def rise(self) -> dict[int, tuple[int, Cell | None]]:
        """-> what each gets in parts of a tenth, and the full cell that stopped it, if any."""
        stopped: dict[int, tuple[int, Cell | None]] = {}
        while self.begins or self.growing:
            self._step()
            while self.begins and self.begins[-1][0] <= self.level:
                pk = self.begins.pop()[1]
                self.growing[pk] = self.most[pk] // self.weights[pk]
                self._count(pk, 1)
            full = {cell for cell, rate in self.rates.items() if self.spare[cell] < rate}
            for pk, enough in list(self.growing.items()):
                stop = next((cell for cell, _ in self.flows[pk] if cell in full), None)
                if enough <= self.level:
                    stopped[pk] = (self.most[pk], None)
                elif stop is not None:
                    stopped[pk] = (self.level * self.weights[pk], stop)
                else:
                    continue
                del self.growing[pk]
                self._count(pk, -1)
        return stopped

    def _step(self) -> None:
        """To the next level at which anything changes."""
        ends = [self.begins[-1][0] - self.level] if self.begins else []
        ends += [enough - self.level for enough in self.growing.values()]
        ends += [self.spare[cell] // rate for cell, rate in self.rates.items()]
        step = min(ends)
        for cell, rate in self.rates.items():
            self.spare[cell] -= rate * step
        self.level += step

    def _count(self, pk: int, sign: int) -> None:
        for cell, flow in self.flows[pk]:
            rate = self.rates.get(cell, 0) + sign * flow
            if rate:
                self.rates[cell] = rate
            else:
                self.rates.pop(cell, None)


def over(
    circuits: Sequence[Circuit], drawn: Iterable[tuple[int, tuple[int, ...], float]]
) -> dict[tuple[int, int], float]:
    """(circuit, phase) -> amperes above its limit, for currents of (circuit, phases, amperes)."""
    room = Room(circuits)
    for circuit, phases, amps in drawn:
        room.take(circuit, phases, up(amps))
    return {cell: -left / DECI for cell, left in room.left.items() if left < 0}


def phases_of(rotation: str, count: int) -> tuple[int, ...]:
    """The circuit's phases that a connector of `count` phases uses: `STR`, 1 -> (1,)."""
    return tuple(sorted("RST".index(letter) for letter in (rotation or "RST")[:count]))
