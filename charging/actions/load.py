"""Changing how the load of a site is shared: its rules, its circuits, its outlets, what its meters say."""

from collections.abc import Mapping
from datetime import timedelta
from itertools import permutations
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.actions import action, authorize
from accounts.actors import Actor, Role
from charging import live
from charging.actions.common import assign, only_once
from charging.models import Circuit, Connector, Outlet, Site, SiteLoad
from charging.queries import load as queries
from mobility.errors import Conflict, Invalid

RULES = (
    "enabled",
    "minimum_a",
    "failsafe_a",
    "rotation_s",
    "lease_s",
    "voltage_v",
    "follows_surplus",
    "safe_surplus_w",
)
LIMITS = ("limit_l1_a", "limit_l2_a", "limit_l3_a")
CIRCUIT = ("name", *LIMITS, "reserve_a")
OUTLET = ("phases", "rated_a", "weight", "guest")
ROTATIONS = tuple("".join(letters) for letters in permutations("RST"))
LOADS = ("load_l1_a", "load_l2_a", "load_l3_a")
MOST_CIRCUITS = 200
#: What a meter says holds so long at most, and so long where it does not say.
LONGEST_S, USUAL_S = 86_400, 60


def tell_load(site: Site) -> None:
    """Publish `load.updated` with the commit."""
    live.publish(live.Event("load.updated", site.organization_id, data={"site": site.pk}))


@action("load.update", role=Role.MANAGER)
def update_load(actor: Actor, *, site: Site, changes: Mapping[str, Any]) -> SiteLoad:
    """Change the rules of a site's load.

    Raises:
        Invalid: with the fields; balancing cannot begin without a circuit, nor with a fail-safe that overloads one.
    """
    row = queries.of_site(site)
    assign(row, changes, RULES)
    if 0 < row.failsafe_a < 6:
        why = _("A car charges with 6 A or more; 0 lets none charge until it is told to.")
        raise Invalid(why, fields={"failsafe_a": why})
    found = queries.picture(actor, site)
    if row.enabled:
        if not found.branches:
            why = _("Add the main fuse first.")
            raise Invalid(why, fields={"enabled": why})
        if row.failsafe_a > found.highest_failsafe_a:
            why = _("With every connector at it, a circuit would be over. The most that fits is %(amps)s A.") % {
                "amps": queries.figure(found.highest_failsafe_a)
            }
            raise Invalid(why, fields={"failsafe_a": why})
    row.save()
    tell_load(site)
    return row


def below_itself(row: Circuit, parent: Circuit | None) -> bool:
    while parent is not None:
        if parent.pk == row.pk and row.pk is not None:
            return True
        parent = parent.parent
    return False


def put(row: Circuit, values: Mapping[str, Any]) -> None:
    """Raises Invalid, or Conflict when the site has a circuit of that name."""
    assign(row, values, CIRCUIT)
    if "parent" in values:
        parent: Circuit | None = values["parent"]
        if parent is not None and (parent.site_id != row.site_id or below_itself(row, parent)):
            why = _("A circuit is not below itself, nor below one of another site.")
            raise Invalid(why, fields={"parent": why})
        row.parent = parent
    if not row.name:
        raise Invalid(_("This field is required."), fields={"name": _("This field is required.")})
    if row.parent_id is None and Circuit.objects.filter(site_id=row.site_id, parent=None).exclude(pk=row.pk).exists():
        why = _("The site has a main fuse already; say which circuit this one is below.")
        raise Invalid(why, fields={"parent": why})
    with only_once("name", _("A circuit with this name exists already.")):
        row.save()


@action("circuit.create", role=Role.MANAGER)
def create_circuit(actor: Actor, *, site: Site, values: Mapping[str, Any]) -> Circuit:
    """`values`: `name`, `parent`, `limit_l1_a` … `limit_l3_a`, `reserve_a`. Raises Invalid or Conflict."""
    if Circuit.objects.filter(site=site).count() >= MOST_CIRCUITS:
        raise Conflict(_("A site has at most %(most)s circuits.") % {"most": MOST_CIRCUITS}, code="too_many")
    row = Circuit(organization_id=site.organization_id, site=site)
    put(row, values)
    tell_load(site)
    return row


@action("circuit.update", role=Role.MANAGER)
def update_circuit(actor: Actor, *, circuit: Circuit, changes: Mapping[str, Any]) -> Circuit:
    """Raises Invalid or Conflict."""
    put(circuit, changes)
    tell_load(circuit.site)
    return circuit


@action("circuit.delete", role=Role.MANAGER)
def delete_circuit(actor: Actor, *, circuit: Circuit) -> None:
    """Its outlets are no longer balanced.

    Raises:
        Conflict: other circuits are below it.
    """
    if circuit.below.exists():
        raise Conflict(_("Other circuits are below %(circuit)s.") % {"circuit": circuit}, code="not_empty")
    site = circuit.site
    circuit.delete()
    tell_load(site)


@action("outlet.place", role=Role.MANAGER)
def place_outlet(actor: Actor, *, circuit: Circuit, connector: Connector, values: Mapping[str, Any]) -> Outlet:
    """Put a connector behind a circuit, or change how it is.

    Args:
        values: `phases`, `rotation` (such as RST), `rated_a`, `weight`, `guest`.

    Raises:
        Invalid: with the fields; the connector is of another site.
    """
    if connector.station.site_id != circuit.site_id:
        why = _("This connector belongs to no station of the site.")
        raise Invalid(why, fields={"connector": why})
    row = Outlet.objects.filter(connector=connector).first() or Outlet(connector=connector)
    row.circuit, row.organization_id = circuit, circuit.organization_id
    assign(row, values, OUTLET)
    rotation = str(values.get("rotation") or row.rotation).upper()
    if rotation not in ROTATIONS:
        why = _("Choose one of %(choices)s.") % {"choices": ", ".join(ROTATIONS)}
        raise Invalid(why, fields={"rotation": why})
    row.rotation = rotation
    row.save()
    tell_load(circuit.site)
    return row


@action("outlet.remove", role=Role.MANAGER)
def remove_outlet(actor: Actor, *, outlet: Outlet) -> None:
    """Its limit ends with its lease; its fail-safe stays on the station."""
    site = outlet.circuit.site
    outlet.delete()
    tell_load(site)


def push_meter(
    actor: Actor,
    *,
    site: Site,
    circuit: Circuit | None = None,
    load_a: Mapping[str, float] | None = None,
    surplus_w: float | None = None,
    valid_s: int = USUAL_S,
) -> None:
    """Take what a meter says: the current of all others on a circuit (of the main fuse, if none is named), the surplus.

    It is no change of anything by someone, comes every few seconds, and is therefore not audited.

    Args:
        load_a: `load_l1_a` … `load_l3_a` in amperes.
        valid_s: for how long it counts; afterwards the safe value does.

    Raises:
        Forbidden or NotFound: the actor is no manager of the site.
        Invalid: with the fields.
    """
    authorize(actor, Role.MANAGER, site.organization_id, "meter.push")
    if not 1 <= valid_s <= LONGEST_S:
        why = _("This is a number of seconds from 1 to %(most)s.") % {"most": LONGEST_S}
        raise Invalid(why, fields={"valid_s": why})
    if load_a is None and surplus_w is None:
        why = _("Say the current of the others, or the surplus.")
        raise Invalid(why, fields={"load_l1_a": why})
    now = timezone.now()
    until = now + timedelta(seconds=valid_s)
    with transaction.atomic():
        if load_a is not None:
            row = circuit or Circuit.objects.filter(site=site, parent=None).first()
            if row is None:
                why = _("The site has no circuit yet.")
                raise Invalid(why, fields={"circuit": why})
            assign(row, {name: load_a.get(name) for name in LOADS}, LOADS)
            row.load_at, row.load_until = now, until
            row.save(update_fields=[*LOADS, "load_at", "load_until"])
        if surplus_w is not None:
            found = queries.of_site(site)
            found.surplus_w, found.surplus_until = surplus_w, until
            if found._state.adding:
                found.save()
            else:
                found.save(update_fields=["surplus_w", "surplus_until"])
        tell_load(site)
