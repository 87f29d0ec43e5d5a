"""Reading how the load of a site is shared: its circuits, its outlets, and what flows."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.actors import Actor
from charging import balancer
from charging.allocation import Circuit as Fuse
from charging.balancing import State, flows_a, highest_failsafe_a
from charging.models import Circuit, Connector, Outlet, Site, SiteLoad
from charging.queries.scope import everything, iso, one

PHASES = ("L1", "L2", "L3")


def circuits(actor: Actor, site: Site) -> QuerySet[Circuit]:
    return everything(actor, Circuit.objects.filter(site=site))


def circuit(actor: Actor, site: Site, pk: object) -> Circuit:
    """Raises NotFound."""
    return one(circuits(actor, site), "circuit", pk=pk)


def outlets(actor: Actor, site: Site) -> QuerySet[Outlet]:
    rows = Outlet.objects.filter(circuit__site=site).select_related("circuit", "command", "connector__station")
    return everything(actor, rows).order_by("connector__station__identity", "connector__evse_number", "pk")


def outlet(actor: Actor, site: Site, pk: object) -> Outlet:
    """Raises NotFound."""
    return one(outlets(actor, site), "outlet", pk=pk)


def connectors(actor: Actor, site: Site) -> QuerySet[Connector]:
    """The connectors of the site's stations."""
    rows = Connector.objects.filter(station__site=site).select_related("station")
    rows = everything(actor, rows, "station__organization")
    return rows.order_by("station__identity", "evse_number", "number")


def of_site(site: Site) -> SiteLoad:
    """How the site is run; the defaults, unsaved, where nobody has said."""
    found = SiteLoad.objects.filter(site=site).first()
    return found or SiteLoad(site=site, organization_id=site.organization_id)


@dataclass(slots=True)
class Branch:
    """A circuit with what flows through it, per phase; `depth` is how far below the main fuse it is."""

    row: Circuit
    depth: int
    load_a: tuple[float, ...]
    measured_a: tuple[float, ...]
    worst_a: tuple[float, ...]
    outlets: list["Place"] = field(default_factory=list)

    @property
    def is_over(self) -> bool:
        return any(worst > limit for worst, limit in zip(self.worst_a, self.row.limit_a, strict=True))


@dataclass(slots=True)
class Place:
    """An outlet as people see it."""

    row: Outlet
    state: State
    measured_a: float
    worst_a: float
    words: str
    limit_words: str


@dataclass(slots=True)
class Picture:
    """The whole site at one moment."""

    load: SiteLoad
    branches: list[Branch]
    unplaced: list[Connector]
    highest_failsafe_a: float
    budget_a: float | None


def picture(actor: Actor, site: Site, now: datetime | None = None) -> Picture:
    """What is known of the site's load, in a few queries however large it is."""
    now, load = now or timezone.now(), of_site(site)
    rows = list(circuits(actor, site).order_by("name"))
    placed = balancer.outlets_of(site.pk) if rows else []
    ladders = balancer.Ladders(placed)
    planned = balancer.planned_by(placed, load, now) if load.enabled else {}
    states = [balancer.state_of(row, load, ladders, now, planned.get(row.pk)) for row in placed]
    fuses = balancer.fuses(rows, now)
    measured = {state.pk: max(0.0, state.measured_a or 0.0) if state.transaction else 0.0 for state in states}
    worst = {state.pk: state.worst_a(now) for state in states}
    names = {row.pk: row.name for row in rows}
    found = [
        Branch(row, depth, fuse.load_a, flow, most)
        for row, depth, fuse, flow, most in branches(
            rows, fuses, flows_a(fuses, states, measured), flows_a(fuses, states, worst)
        )
    ]
    by_circuit = {branch.row.pk: branch for branch in found}
    for row, state in zip(placed, states, strict=True):
        place = Place(
            row,
            state,
            measured[row.pk],
            worst[row.pk],
            share_words(row, state, load, names),
            limit_words(row, state, now),
        )
        by_circuit[row.circuit_id].outlets.append(place)
    taken = {row.connector_id for row in placed}
    return Picture(
        load=load,
        branches=found,
        unplaced=[row for row in connectors(actor, site)[:500] if row.pk not in taken],
        highest_failsafe_a=highest_failsafe_a(fuses, [(state.circuit, state.phases) for state in states]),
        budget_a=balancer.budget_of(load, now),
    )


def branches(rows: Sequence[Circuit], fuses: Sequence[Fuse], *flows: dict[int, tuple[float, float, float]]) -> Any:
    """The circuits from the main fuse down, each before those below it, with their depth and flows."""
    below: dict[int | None, list[Circuit]] = {}
    for row in rows:
        below.setdefault(row.parent_id, []).append(row)
    by_pk = {fuse.pk: fuse for fuse in fuses}
    todo = [(row, 0) for row in reversed(below.get(None, []))]
    while todo:
        row, depth = todo.pop()
        yield (row, depth, by_pk[row.pk], *(flow[row.pk] for flow in flows))
        todo += [(child, depth + 1) for child in reversed(below.get(row.pk, []))]


def share_words(row: Outlet, state: State, load: SiteLoad, names: dict[int, str]) -> str:
    """What the outlet is to get, and why, for people."""
    if state.transaction is None:
        return _("No car charges. %(amps)s A are kept for one that comes.") % {"amps": figure(state.base_a)}
    if row.target_a is None or not load.enabled:
        return _("The load is not balanced here.")
    why, values = row.why.get("why"), {"amps": figure(row.target_a)}
    phase, circuit = row.why.get("phase"), row.why.get("circuit")
    values["phase"] = PHASES[phase] if phase in (0, 1, 2) else ""
    values["circuit"] = names.get(circuit, "") if circuit else ""
    if why == "wanted":
        return _("Gets %(amps)s A: all that its car can take.") % values
    if why == "circuit":
        return _("Gets %(amps)s A: a fair share, since %(circuit)s is full on %(phase)s.") % values
    if why == "surplus":
        return _("Gets %(amps)s A: a fair share of the surplus.") % values
    if why == "held":
        return _("Waits: its schedule holds the car back.")
    if why == "waiting":
        values["place"] = str((row.why.get("place") or 0) + 1)
        if values["circuit"]:
            return _("Waits, number %(place)s in line: %(circuit)s has no room for a minimum on %(phase)s.") % values
        return _("Waits, number %(place)s in line: the surplus is too small for one more.") % values
    return _("Its station does not answer, so that %(amps)s A are kept for it.") % values


def limit_words(row: Outlet, state: State, now: datetime) -> str:
    """What its limit is, and whether it shows, for people."""
    if row.effect == "exceeded":
        return _("Its car draws more than the limit allows: the station does not keep it.")
    if state.asked_a is not None:
        return _("%(amps)s A are sent and not answered yet.") % {"amps": figure(state.asked_a)}
    if row.silent_a is not None:
        return _("The last limit was not answered; up to %(amps)s A are counted.") % {
            "amps": figure(state.worst_a(now))
        }
    if state.limit_a is None:
        if state.fallback_a is None:
            return _("It has no limit and no fail-safe: it may draw all it can.")
        return _("The fail-safe of %(amps)s A holds.") % {"amps": figure(state.fallback_a)}
    if row.effect == "kept":
        return _("The limit of %(amps)s A holds, as the meter shows.") % {"amps": figure(state.limit_a)}
    return _("The limit of %(amps)s A is accepted.") % {"amps": figure(state.limit_a)}


def figure(amps: float) -> str:
    return f"{amps:.1f}".removesuffix(".0")


def phases_json(amps: Sequence[float | None]) -> dict[str, float | None]:
    return dict(zip(("l1_a", "l2_a", "l3_a"), amps, strict=True))


def circuit_json(row: Circuit) -> dict[str, Any]:
    return {
        "id": row.pk,
        "site": row.site_id,
        "parent": row.parent_id,
        "name": row.name,
        "limit_l1_a": row.limit_l1_a,
        "limit_l2_a": row.limit_l2_a,
        "limit_l3_a": row.limit_l3_a,
        "reserve_a": row.reserve_a,
        "load_l1_a": row.load_l1_a,
        "load_l2_a": row.load_l2_a,
        "load_l3_a": row.load_l3_a,
        "load_at": iso(row.load_at),
        "load_until": iso(row.load_until),
    }


def outlet_json(row: Outlet) -> dict[str, Any]:
    return {
        "id": row.pk,
        "circuit": row.circuit_id,
        "station": row.connector.station.identity,
        "evse_id": row.connector.evse_number,
        "connector_id": row.connector.number,
        "phases": row.phases,
        "rotation": row.rotation,
        "rated_a": row.rated_a,
        "weight": row.weight,
        "guest": row.guest,
        "target_a": row.target_a,
        "why": row.why.get("why", ""),
        "confirmed_a": row.confirmed_a,
        "lease_until": iso(row.lease_until),
        "asked_a": row.asked_a,
        "failsafe_a": row.fallback_a,
        "effect": row.effect,
    }


def load_json(actor: Actor, site: Site) -> dict[str, Any]:
    """The site's load as REST gives it."""
    found = picture(actor, site)
    load = found.load
    return {
        "site": site.pk,
        "enabled": load.enabled,
        "minimum_a": load.minimum_a,
        "failsafe_a": load.failsafe_a,
        "highest_failsafe_a": found.highest_failsafe_a,
        "rotation_s": load.rotation_s,
        "lease_s": load.lease_s,
        "voltage_v": load.voltage_v,
        "follows_surplus": load.follows_surplus,
        "safe_surplus_w": load.safe_surplus_w,
        "surplus_w": load.surplus_w,
        "surplus_until": iso(load.surplus_until),
        "balanced_at": iso(load.balanced_at),
        "circuits": [
            {
                "id": branch.row.pk,
                "parent": branch.row.parent_id,
                "name": branch.row.name,
                "limit": phases_json(branch.row.limit_a),
                "others": phases_json(branch.load_a),
                "measured": phases_json(branch.measured_a),
                "worst": phases_json(branch.worst_a),
                "outlets": [
                    {
                        **outlet_json(place.row),
                        "measured_a": round(place.measured_a, 1),
                        "worst_a": place.worst_a,
                        "words": place.words,
                        "limit_words": place.limit_words,
                    }
                    for place in branch.outlets
                ],
            }
            for branch in found.branches
        ],
    }
