"""The page of a site's load: its circuits, who gets how much, and the forms that change both."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.requests import PageRequest, signed_in
from charging.actions import load as actions
from charging.boards.load import SiteLoadBoard
from charging.models import Site
from charging.queries import load as queries
from charging.queries import sites
from charging.views.common import Form, decimal_text, number, query, show, texts
from mobility.errors import Forbidden, NotFound, Problem

AMPS = ("minimum_a", "failsafe_a", "voltage_v", "safe_surplus_w")
SWITCHES = ("enabled", "follows_surplus")
LIMITS = (*actions.LIMITS, "reserve_a")


def rules(request: PageRequest, site: Site) -> str:
    values: dict[str, Any] = {name: decimal_text(text) for name, text in texts(request, AMPS).items()}
    for name in ("rotation_s", "lease_s"):
        minutes = number(request.POST.get(name, "").strip(), name)
        values[name] = None if minutes is None else minutes * 60
    values |= {name: name in request.POST for name in SWITCHES}
    actions.update_load(request.actor, site=site, changes=values)
    return _("Saved.")


def circuit_values(request: PageRequest, site: Site) -> dict[str, Any]:
    """The fields of a circuit's form. Raises NotFound for a foreign parent."""
    values: dict[str, Any] = texts(request, ("name", *LIMITS))
    for name in LIMITS:
        if name in values:
            values[name] = decimal_text(values[name]) or 0
    if "parent" in request.POST:
        parent = request.POST["parent"]
        values["parent"] = queries.circuit(request.actor, site, parent) if parent else None
    return values


def circuit_add(request: PageRequest, site: Site) -> str:
    made = actions.create_circuit(request.actor, site=site, values=circuit_values(request, site))
    return _("%(circuit)s is added.") % {"circuit": made}


def circuit_edit(request: PageRequest, site: Site) -> str:
    row = queries.circuit(request.actor, site, request.POST.get("circuit"))
    actions.update_circuit(request.actor, circuit=row, changes=circuit_values(request, site))
    return _("Saved.")


def circuit_delete(request: PageRequest, site: Site) -> str:
    row = queries.circuit(request.actor, site, request.POST.get("circuit"))
    name = str(row)
    actions.delete_circuit(request.actor, circuit=row)
    return _("%(circuit)s is deleted.") % {"circuit": name}


def outlet_place(request: PageRequest, site: Site) -> str:
    circuit = queries.circuit(request.actor, site, request.POST.get("circuit"))
    rows = queries.connectors(request.actor, site)
    wanted = request.POST.get("connector", "")
    connector = rows.filter(pk=int(wanted)).first() if wanted.isascii() and wanted.isdecimal() else None
    if connector is None:
        raise NotFound(_("The site has no such connector."))
    values: dict[str, Any] = texts(request, ("rotation",))
    values["phases"] = number(request.POST.get("phases", ""), "phases")
    values["weight"] = number(request.POST.get("weight", ""), "weight")
    values["rated_a"] = decimal_text(request.POST.get("rated_a", "").strip())
    values["guest"] = "guest" in request.POST
    actions.place_outlet(request.actor, circuit=circuit, connector=connector, values=values)
    return _("Saved.")


def outlet_remove(request: PageRequest, site: Site) -> str:
    actions.remove_outlet(request.actor, outlet=queries.outlet(request.actor, site, request.POST.get("outlet")))
    return _("It is no longer balanced.")


DEEDS: dict[str, Callable[[PageRequest, Site], str]] = {
    "rules": rules,
    "circuit-add": circuit_add,
    "circuit-edit": circuit_edit,
    "circuit-delete": circuit_delete,
    "outlet-place": outlet_place,
    "outlet-remove": outlet_remove,
}


def present(site: Site) -> dict[str, Any]:
    load = queries.of_site(site)
    values: dict[str, Any] = {name: queries.figure(getattr(load, name)) for name in AMPS}
    values |= {name: getattr(load, name) for name in SWITCHES}
    return values | {"rotation_s": load.rotation_s // 60, "lease_s": load.lease_s // 60}


@require_http_methods(["GET", "POST"])
@signed_in
def site_load(request: PageRequest, pk: int) -> HttpResponse:
    """What flows, who gets how much and why; a POST changes what its `do` says."""
    site = sites.get(request.actor, pk)
    form, deed = Form(present(site)), request.POST.get("do", "")
    if request.method == "POST":
        run = DEEDS.get(deed)
        if run is None:
            raise NotFound(_("There is no such form."))
        try:
            done = run(request, site)
        except (Forbidden, NotFound):
            raise
        except Problem as problem:
            form = Form.refused(request, problem)
        else:
            messages.success(request, done)
            return redirect("site-load", pk=pk)
    board = SiteLoadBoard(request.actor, query(request, site=str(pk)))
    answer = show(
        request,
        board,
        "charging/site_load.html",
        form=form,
        deed=deed,
        rules=form.values if deed == "rules" else present(site),
        rotations=actions.ROTATIONS,
    )
    answer.status_code = form.status
    return answer
