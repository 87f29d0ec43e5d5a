"""Balancing the load of sites: reads what is known, asks `balancing.decide`, sends the orders as commands.

A site is balanced by one process at a time, which claims it in its row. All that is remembered of a limit stands in the
outlet's row, so that any process can go on.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from accounts.locks import held
from charging import live, ways
from charging.actions.commands import tell_command
from charging.allocation import Amps, Share
from charging.allocation import Circuit as Fuse
from charging.balancing import AGAIN, Decision, Order, Rules, State, accepted, decide, not_taken, sent, unanswered
from charging.composite import TRANSACTION
from charging.models import (
    Circuit,
    Command,
    ConfigurationValue,
    Connector,
    MeterReading,
    Outlet,
    ScheduleRun,
    SiteLoad,
    Transaction,
)

log = logging.getLogger("charging.balancer")

CLAIM = timedelta(seconds=30)
#: A limit that did not reach its station in this time is not sent any more.
LIFETIME = timedelta(seconds=20)
#: A station that refused every way is tried again.
FROM_THE_TOP = timedelta(hours=1)
RESTING = ("SuspendedEV", "Finishing")
#: A phase counts as used from this on, in a reading in which another carries a charging current.
DRAWS_A, CHARGES_A = 1.0, 4.0
LINES = ("L1", "L2", "L3")
KEPT = ("confirmed_a", "confirmed_for", "lease_until", "asked_a", "asked_at", "silent_a")
FIELDS = (
    *KEPT,
    *("command", "fallback_a", "step", "fallback_step", "refused_at", "target_a", "why", "effect"),
    *("waiting_since", "charging_since", "drawn", "drawn_for", "drawn_at"),
)


def has_sites() -> bool:
    """Whether any site is to be balanced."""
    return SiteLoad.objects.filter(enabled=True).exists()


def balance_all(now: datetime) -> int:
    """Balance every site that is to be; -> how many were. What goes wrong at one holds up no other."""
    done = 0
    free = Q(claimed_until__isnull=True) | Q(claimed_until__lt=now)
    for pk in list(SiteLoad.objects.filter(free, enabled=True).values_list("pk", flat=True)):
        if not SiteLoad.objects.filter(free, pk=pk, enabled=True).update(claimed_until=now + CLAIM):
            continue
        try:
            balance(SiteLoad.objects.select_related("site").get(pk=pk), now)
            done += 1
        except Exception:
            log.exception("The load of site %s could not be balanced; the next try follows.", pk)
        finally:
            SiteLoad.objects.filter(pk=pk).update(claimed_until=None)
    return done


def balance(load: SiteLoad, now: datetime) -> Decision | None:
    """One step of a site; None when it has no circuits.

    Raises:
        ValueError: its circuits are no tree.
    """
    with transaction.atomic():
        # Answers that come meanwhile wait: what they change is not overwritten with what was read before.
        list(held(Outlet.objects.filter(circuit__site_id=load.pk)).values_list("pk"))
        outlets = outlets_of(load.pk)
        circuits = fuses(Circuit.objects.filter(site_id=load.pk), now)
        if not circuits:
            return None
        before = {outlet.pk: [getattr(outlet, name) for name in FIELDS] for outlet in outlets}
        ladders = Ladders(outlets)
        see_phases(outlets)
        for outlet in outlets:
            settle(outlet, load, ladders, now)
        planned = planned_by(outlets, load, now)
        states = [state_of(outlet, load, ladders, now, planned.get(outlet.pk)) for outlet in outlets]
        decision = decide(now, circuits, states, rules_of(load), budget_of(load, now))
        carry_out(load, outlets, states, decision, ladders, now)
        changed = [outlet for outlet in outlets if before[outlet.pk] != [getattr(outlet, name) for name in FIELDS]]
        if changed:
            Outlet.objects.bulk_update(changed, FIELDS, batch_size=100)
            live.publish(live.Event("load.updated", load.organization_id, data={"site": load.pk}))
        SiteLoad.objects.filter(pk=load.pk).update(balanced_at=now)
    return decision


def outlets_of(site_id: int) -> list[Outlet]:
    """The outlets of a site with all that is asked about them."""
    rows = Outlet.objects.filter(circuit__site_id=site_id, connector__station__site_id=site_id)
    return list(
        rows.select_related("circuit", "command", "connector__station", "connector__transaction").order_by("pk")
    )


def fuses(circuits: Iterable[Circuit], now: datetime) -> list[Fuse]:
    return [Fuse(row.pk, row.parent_id, row.limit_a, load_of(row, now)) for row in circuits]


def load_of(circuit: Circuit, now: datetime) -> Amps:
    """What others draw: as the meter said while that holds, else the reserve."""
    measured = (circuit.load_l1_a, circuit.load_l2_a, circuit.load_l3_a)
    if circuit.load_until is not None and circuit.load_until > now:
        return tuple(circuit.reserve_a if amps is None else amps for amps in measured)  # type: ignore[return-value]
    return (circuit.reserve_a,) * 3


def rules_of(load: SiteLoad) -> Rules:
    return Rules(load.minimum_a, timedelta(seconds=load.rotation_s), timedelta(seconds=load.lease_s))


def budget_of(load: SiteLoad, now: datetime) -> float | None:
    """The surplus as amperes summed over phases; the safe one where none was pushed of late."""
    if not load.follows_surplus:
        return None
    known = load.surplus_w is not None and load.surplus_until is not None and load.surplus_until > now
    watts = load.surplus_w if known and load.surplus_w is not None else load.safe_surplus_w
    return max(0.0, watts) / load.voltage_v


class Ladders:
    """The ways that the stations of these outlets may be limited by."""

    def __init__(self, outlets: Sequence[Outlet]) -> None:
        stations = {outlet.connector.station_id for outlet in outlets}
        self.settings: dict[int, dict[str, str]] = defaultdict(dict)
        rows = ConfigurationValue.objects.filter(station_id__in=stations, variable__in=ways.VARIABLES)
        for station_id, key, value in rows.values_list("station_id", "key", "value"):
            self.settings[station_id][key.casefold()] = value
        self.connectors: dict[int, int] = defaultdict(int)
        for station_id in Connector.objects.filter(station_id__in=stations).values_list("station_id", flat=True):
            self.connectors[station_id] += 1

    def limits(self, outlet: Outlet) -> list[ways.Way]:
        return self._usable(ways.LADDER, outlet)

    def failsafes(self, outlet: Outlet) -> list[ways.Way]:
        return self._usable(ways.FAILSAFES, outlet)

    def _usable(self, ladder: tuple[ways.Way, ...], outlet: Outlet) -> list[ways.Way]:
        station = outlet.connector.station
        said, connectors = self.settings.get(station.pk, {}), self.connectors[station.pk]
        if outlet.rated_a > ways.MOST_AC_A:
            ladder = tuple(ways.watts_first(ladder))
        return ways.usable(ladder, said, connectors, station.vendor, station.model)


def running(outlet: Outlet) -> Transaction | None:
    found = outlet.connector.transaction
    return found if found is not None and found.is_open else None


def see_phases(outlets: Sequence[Outlet]) -> None:
    """Learn from new readings which phases the cars draw from."""
    fresh = {}
    for outlet in outlets:
        tx, seen = running(outlet), outlet.connector.measured_at
        if tx is not None and outlet.phases > 1 and seen is not None and seen != outlet.drawn_at:
            fresh[tx.pk] = outlet
    if not fresh:
        return
    oldest = min(outlet.connector.measured_at for outlet in fresh.values() if outlet.connector.measured_at)
    rows = MeterReading.objects.filter(transaction__in=fresh, measured_at__gte=oldest).order_by("measured_at")
    for transaction_id, at, samples in rows.values_list("transaction_id", "measured_at", "samples"):
        outlet = fresh[transaction_id]
        amps = line_currents(samples)
        if len(amps) < outlet.phases:
            continue
        outlet.drawn_at = at
        used = "".join(line for line in "123"[: outlet.phases] if amps.get(line, 0.0) >= DRAWS_A)
        if outlet.drawn_for == transaction_id:
            # A car that is charged on all phases once may be so again.
            used = "".join(line for line in "123" if line in used or line in outlet.drawn)
        if max(amps.values()) >= CHARGES_A:
            outlet.drawn, outlet.drawn_for = used, transaction_id


def line_currents(samples: Sequence[Sequence[Any]]) -> dict[str, float]:
    """Line ("1" to "3") -> its current, as far as a reading says it."""
    found = {}
    for measurand, value, _unit, phase, location, *_ in samples:
        if measurand == "Current.Import" and location in ("", "Outlet") and phase.removesuffix("-N") in LINES:
            found[phase[1]] = abs(float(value))
    return found


def lines_in_use(outlet: Outlet, ladders: Ladders) -> tuple[int, ...]:
    """The circuit's phases that count: all of them, unless its car was seen to draw from fewer of them.

    A limit that outlives its session would hold for the next car, too, so that then all phases count.
    """
    tx = running(outlet)
    ladder = ladders.limits(outlet)
    bound = outlet.step < len(ladder) and ladder[outlet.step].purpose == TRANSACTION
    if tx is None or not bound or outlet.drawn_for != tx.pk or not outlet.drawn:
        return outlet.lines
    return outlet.lines_of(outlet.drawn)


def planned_by(outlets: Sequence[Outlet], load: SiteLoad, now: datetime) -> dict[int, float]:
    """Outlet -> what its schedule lets it draw now: 0 while it holds a car back, less than all where a plan shares."""
    sessions = {tx.pk: outlet for outlet in outlets if (tx := running(outlet)) is not None}
    if not sessions:
        return {}
    runs = ScheduleRun.objects.filter(transaction__in=sessions).exclude(state__in=ScheduleRun.OVER)
    found: dict[int, float] = {}
    for run in runs.select_related("schedule"):
        outlet = sessions[run.transaction_id or 0]
        watts = 0.0 if run.holds else run.power_at(now)
        if watts is not None:
            seen = len(outlet.drawn) if outlet.drawn_for == run.transaction_id else 0
            found[outlet.pk] = watts / (load.voltage_v * (seen or outlet.phases))
    return found


def state_of(outlet: Outlet, load: SiteLoad, ladders: Ladders, now: datetime, planned_a: float | None = None) -> State:
    """What is known of a connector, as the pure functions take it."""
    connector, tx = outlet.connector, running(outlet)
    wants = tx is not None and RESTING[0] != tx.charging_state and connector.status not in RESTING
    hushed = outlet.silent_a is not None and outlet.asked_at is not None and now - outlet.asked_at < AGAIN
    refuses = outlet.step >= len(ladders.limits(outlet))
    lines = lines_in_use(outlet, ladders)
    return State(
        pk=outlet.pk,
        circuit=outlet.circuit_id,
        phases=lines,
        spare_phases=tuple(line for line in outlet.lines if line not in lines),
        planned_a=planned_a,
        rated_a=outlet.rated_a,
        weight=1 if outlet.guest else outlet.weight,
        transaction=tx.pk if tx else None,
        wants=wants,
        reachable=connector.station.online and not hushed and not refuses,
        fallback_a=outlet.fallback_a,
        asked_for=outlet.command.transaction_id if outlet.command else None,
        measured_a=measured_a(outlet, load, len(lines)),
        measured_at=connector.measured_at,
        charging_since=outlet.charging_since,
        waiting_since=outlet.waiting_since,
        **{name: getattr(outlet, name) for name in KEPT},
    )


def measured_a(outlet: Outlet, load: SiteLoad, phases: int) -> float | None:
    """The current per phase: from the power where it is known, since a total current may be a sum of phases."""
    connector = outlet.connector
    if connector.power_w is not None:
        return connector.power_w / (load.voltage_v * phases)
    if connector.current_a is None:
        return None
    is_sum = connector.current_a > outlet.rated_a * 1.1
    return connector.current_a / phases if is_sum else connector.current_a


def keep(outlet: Outlet, state: State) -> None:
    for name in KEPT:
        setattr(outlet, name, getattr(state, name))


def settle(outlet: Outlet, load: SiteLoad, ladders: Ladders, now: datetime) -> None:
    """Take in what became of the command that was sent last, and what a restart of the station undid."""
    command, state = outlet.command, state_of(outlet, load, ladders, now)
    ended = command is None or command.status not in Command.WAITING
    if outlet.refused_at and now - outlet.refused_at > FROM_THE_TOP:
        outlet.step = outlet.fallback_step = 0
        outlet.refused_at = None
    if ended and outlet.asked_a is not None:
        keep(outlet, outcome_of(outlet, command, state, load, now))
    elif command is not None and ended:
        settle_failsafe(outlet, command, now)
    if ended:
        outlet.command = None
    booted = outlet.connector.station.booted_at
    if booted and outlet.asked_at and booted > outlet.asked_at and outlet.confirmed_a is not None and ended:
        # It may have forgotten the limit of its transaction, or not: both count until it is told again.
        outlet.silent_a = max(outlet.silent_a or 0.0, outlet.confirmed_a)
        outlet.confirmed_a = outlet.confirmed_for = outlet.lease_until = None
    tx = running(outlet)
    if tx is None:
        outlet.charging_since = outlet.waiting_since = None
        ladder = ladders.limits(outlet)
        dies = ladder and ladder[min(outlet.step, len(ladder) - 1)].purpose == TRANSACTION
        if dies and outlet.asked_a is None:
            outlet.confirmed_a = outlet.confirmed_for = outlet.lease_until = outlet.silent_a = None


def outcome_of(outlet: Outlet, command: Command | None, state: State, load: SiteLoad, now: datetime) -> State:
    """The state after the answer to a limit."""
    if command is None:
        return unanswered(state)
    leases = bool(command.params.get("leases"))
    if command.status == Command.Status.ACCEPTED:
        taken = accepted(
            state,
            timedelta(seconds=load.lease_s) if leases else None,
            for_all=command.params["purpose"] != "transaction",
        )
        if not leases:
            outlet.fallback_a = taken.confirmed_a
        return taken
    if command.status == Command.Status.REJECTED:
        tx = running(outlet)
        if tx is not None and command.transaction_id in (None, tx.pk):
            outlet.step += 1
            outlet.refused_at = now
        return not_taken(state)
    was_sent = command.status == Command.Status.TIMED_OUT or command.sent_at is not None
    return unanswered(state) if was_sent else not_taken(state)


def settle_failsafe(outlet: Outlet, command: Command, now: datetime) -> None:
    if command.status == Command.Status.ACCEPTED:
        outlet.fallback_a = command.params.get("amps")
    elif command.status == Command.Status.REJECTED:
        outlet.fallback_step += 1
        outlet.refused_at = now
    elif command.sent_at is not None and outlet.fallback_a is not None:
        # Either may be stored: the higher one counts.
        outlet.fallback_a = max(outlet.fallback_a, command.params.get("amps") or 0.0)


def carry_out(
    load: SiteLoad,
    outlets: Sequence[Outlet],
    states: Sequence[State],
    decision: Decision,
    ladders: Ladders,
    now: datetime,
) -> None:
    """Send the orders, those that lower first; then fail-safes to stations that have nothing else to do."""
    by_pk = {state.pk: state for state in states}
    of_outlet = {outlet.pk: outlet for outlet in outlets}
    for order in decision.orders:
        send_limit(of_outlet[order.pk], order, by_pk[order.pk], load, ladders, now)
    for outlet in outlets:
        describe(outlet, by_pk[outlet.pk], decision.plan.shares[outlet.pk], load, now)
        if outlet.command is None and outlet.connector.station.online and wants_failsafe(outlet, load):
            send_failsafe(outlet, load, ladders, now)


def wants_failsafe(outlet: Outlet, load: SiteLoad) -> bool:
    """Whether its station stores another fail-safe than it should, or none."""
    held_without_end = outlet.confirmed_a is not None and outlet.confirmed_for is None and outlet.lease_until is None
    return outlet.fallback_a != load.failsafe_a and not (held_without_end and running(outlet) is not None)


def send_limit(outlet: Outlet, order: Order, state: State, load: SiteLoad, ladders: Ladders, now: datetime) -> None:
    way = ladders.limits(outlet)[outlet.step]
    outlet.command = command_for(outlet, way, order.amps, load, now, failsafe=False)
    keep(outlet, sent(state, order.amps, now))


def send_failsafe(outlet: Outlet, load: SiteLoad, ladders: Ladders, now: datetime) -> None:
    ladder = ladders.failsafes(outlet)
    if outlet.fallback_step < len(ladder):
        way = ladder[outlet.fallback_step]
        outlet.command = command_for(outlet, way, load.failsafe_a, load, now, failsafe=True)


def command_for(
    outlet: Outlet, way: ways.Way, amps: float, load: SiteLoad, now: datetime, *, failsafe: bool
) -> Command:
    """A command on behalf of nobody: what keeps a site within its limits is written to the log, not to the audit."""
    station = outlet.connector.station
    params = ways.limit_profile(
        way,
        ways.number_of(outlet.pk, failsafe=failsafe),
        amps,
        now=now,
        lease=timedelta(seconds=load.lease_s),
        drift_s=station.clock_drift_s or 0.0,
        watts_per_amp=load.voltage_v * outlet.phases,
    )
    command = Command(
        organization_id=station.organization_id,
        station=station,
        connector=outlet.connector,
        transaction=running(outlet) if way.purpose == "transaction" else None,
        kind="set_profile",
        params=params,
        expires_at=now + LIFETIME,
    )
    command.save(force_insert=True)
    tell_command(command)
    live.wake_gateways(station.pk)
    return command


def describe(outlet: Outlet, state: State, share: Share, load: SiteLoad, now: datetime) -> None:
    """Keep for people what it is to get and why, since when it waits, and whether the limit shows."""
    state = replace(state, **{name: getattr(outlet, name) for name in KEPT})
    outlet.target_a = share.amps
    outlet.why = {"why": share.why, "circuit": share.circuit, "phase": share.phase, "place": share.place}
    outlet.effect = effect_of(state, now)
    if state.transaction is not None:
        charges = state.held_a(now) >= load.minimum_a
        outlet.charging_since = (outlet.charging_since or now) if charges else None
        outlet.waiting_since = None if charges else (outlet.waiting_since or now)


def effect_of(state: State, now: datetime) -> str:
    """`exceeded` or `kept` by the measured current; empty while that says nothing yet."""
    if state.transaction is None or state.limit_a is None or state.measured_at is None or state.asked_at is None:
        return ""
    if state.exceeds(now):
        return "exceeded"
    return "kept" if state.measured_at >= state.asked_at + timedelta(seconds=60) else ""
