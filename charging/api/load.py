"""REST: how the load of a site is shared, and what its meters say."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import Endpoint, by_number, failures, parameters
from accounts.scopes import Scope
from charging.actions import load as actions
from charging.api.shapes import Moment, Number, Shape, Text, Truth, Whole, reference
from charging.queries import load as queries
from charging.queries import sites
from mobility.errors import Invalid, NotFound

Amps = serializers.FloatField


class CircuitIn(Shape):
    name = Text(max_length=100)
    parent = reference(required=False, allow_null=True)  # type: ignore[assignment]
    limit_l1_a = Amps(min_value=0)
    limit_l2_a = Amps(min_value=0)
    limit_l3_a = Amps(min_value=0)
    reserve_a = Amps(required=False, min_value=0)


class CircuitPatch(Shape):
    name = Text(max_length=100, required=False)
    parent = reference(required=False, allow_null=True)  # type: ignore[assignment]
    limit_l1_a = Amps(min_value=0, required=False)
    limit_l2_a = Amps(min_value=0, required=False)
    limit_l3_a = Amps(min_value=0, required=False)
    reserve_a = Amps(min_value=0, required=False)


class CircuitOut(Shape):
    id = Whole()
    site = Whole()
    parent = Whole(allow_null=True)  # type: ignore[assignment]
    name = Text()
    limit_l1_a = Number()
    limit_l2_a = Number()
    limit_l3_a = Number()
    reserve_a = Number(help_text="What others are taken to draw on each phase while no meter says.")
    load_l1_a = Number(allow_null=True)
    load_l2_a = Number(allow_null=True)
    load_l3_a = Number(allow_null=True)
    load_at = Moment(allow_null=True)
    load_until = Moment(allow_null=True)


class OutletIn(Shape):
    circuit = reference()
    station = Text(help_text="Its identity.")
    evse_id = Whole(min_value=1, max_value=9999)
    connector_id = Whole(min_value=1, max_value=9999, required=False)
    phases = Whole(min_value=1, max_value=3, required=False)
    rotation = serializers.ChoiceField(actions.ROTATIONS, required=False)
    rated_a = Amps(min_value=6, required=False)
    weight = Whole(min_value=1, max_value=10, required=False)
    guest = Truth(required=False)


class OutletOut(Shape):
    id = Whole()
    circuit = Whole()
    station = Text()
    evse_id = Whole()
    connector_id = Whole()
    phases = Whole()
    rotation = Text()
    rated_a = Number()
    weight = Whole()
    guest = Truth()
    target_a = Number(allow_null=True)
    why = Text(help_text="wanted, circuit, surplus, waiting, bound, or empty.")
    confirmed_a = Number(allow_null=True)
    lease_until = Moment(allow_null=True)
    asked_a = Number(allow_null=True)
    failsafe_a = Number(allow_null=True)
    effect = Text(help_text="kept or exceeded by the measured current, or empty.")


class PlacedOut(OutletOut):
    measured_a = Number()
    worst_a = Number(help_text="The most that it may draw now.")
    words = Text()
    limit_words = Text()


class PhasesOut(Shape):
    l1_a = Number()
    l2_a = Number()
    l3_a = Number()


class BranchOut(Shape):
    id = Whole()
    parent = Whole(allow_null=True)  # type: ignore[assignment]
    name = Text()
    limit = PhasesOut()
    others = PhasesOut()
    measured = PhasesOut()
    worst = PhasesOut()
    outlets = PlacedOut(many=True)


class LoadPatch(Shape):
    enabled = Truth(required=False)
    minimum_a = Amps(required=False)
    failsafe_a = Amps(required=False)
    rotation_s = Whole(required=False)
    lease_s = Whole(required=False)
    voltage_v = Amps(required=False)
    follows_surplus = Truth(required=False)
    safe_surplus_w = Amps(required=False)


class LoadOut(Shape):
    site = Whole()
    enabled = Truth()
    minimum_a = Number()
    failsafe_a = Number()
    highest_failsafe_a = Number()
    rotation_s = Whole()
    lease_s = Whole()
    voltage_v = Number()
    follows_surplus = Truth()
    safe_surplus_w = Number()
    surplus_w = Number(allow_null=True)
    surplus_until = Moment(allow_null=True)
    balanced_at = Moment(allow_null=True)
    circuits = BranchOut(many=True)


class MeterIn(Shape):
    circuit = reference(required=False, allow_null=True)
    load_l1_a = Amps(min_value=0, required=False)
    load_l2_a = Amps(min_value=0, required=False)
    load_l3_a = Amps(min_value=0, required=False)
    surplus_w = serializers.FloatField(required=False)
    valid_s = Whole(min_value=1, max_value=actions.LONGEST_S, required=False)


CIRCUIT_FILTERS = {"parent": by_number("parent")}
CIRCUIT_ORDERS = {"name": "name", "id": "pk"}
OUTLET_FILTERS = {"circuit": by_number("circuit")}
OUTLET_ORDERS = {"id": "pk"}


class OfSite(Endpoint):
    def site(self, pk: int) -> Any:
        return sites.get(self.actor, pk)

    def named_circuit(self, site: Any, pk: object, field: str) -> Any:
        """The circuit that a body names. Raises Invalid."""
        try:
            return queries.circuit(self.actor, site, pk)
        except NotFound as error:
            raise Invalid(error.message, fields={field: error.message}) from None

    def values(self, shape: Any, site: Any) -> dict[str, Any]:
        given = dict(self.input(shape))
        if given.get("parent") is not None:
            given["parent"] = self.named_circuit(site, given["parent"], "parent")
        return given


class CircuitsView(OfSite):
    """The circuits of a site."""

    serializer_class = CircuitOut
    filters, orders = CIRCUIT_FILTERS, CIRCUIT_ORDERS

    @extend_schema(
        parameters=parameters(CIRCUIT_FILTERS, CIRCUIT_ORDERS),
        responses={200: CircuitOut(many=True), **failures(400, 401, 404)},
        tags=["load"],
    )
    def get(self, request: Request, pk: int) -> Response:
        """The main fuse and the circuits below it."""
        return self.listed(queries.circuits(self.actor, self.site(pk)), queries.circuit_json)

    @extend_schema(request=CircuitIn, responses={201: CircuitOut, **failures(400, 401, 403, 404, 409)}, tags=["load"])
    def post(self, request: Request, pk: int) -> Response:
        """Add a circuit (managers); the first is the main fuse."""
        site = self.site(pk)
        made = actions.create_circuit(self.actor, site=site, values=self.values(CircuitIn, site))
        return Response(queries.circuit_json(made), status=201)


class CircuitView(OfSite):
    """One circuit."""

    serializer_class = CircuitOut

    @extend_schema(responses={200: CircuitOut, **failures(401, 404)}, tags=["load"])
    def get(self, request: Request, pk: int, circuit: int) -> Response:
        """A circuit with its limits."""
        return Response(queries.circuit_json(queries.circuit(self.actor, self.site(pk), circuit)))

    @extend_schema(
        request=CircuitPatch, responses={200: CircuitOut, **failures(400, 401, 403, 404, 409)}, tags=["load"]
    )
    def patch(self, request: Request, pk: int, circuit: int) -> Response:
        """Change a circuit (managers)."""
        site = self.site(pk)
        row = queries.circuit(self.actor, site, circuit)
        changed = actions.update_circuit(self.actor, circuit=row, changes=self.values(CircuitPatch, site))
        return Response(queries.circuit_json(changed))

    @extend_schema(responses={204: None, **failures(401, 403, 404, 409)}, tags=["load"])
    def delete(self, request: Request, pk: int, circuit: int) -> Response:
        """Remove a circuit that none is below (managers). Its outlets are no longer balanced."""
        actions.delete_circuit(self.actor, circuit=queries.circuit(self.actor, self.site(pk), circuit))
        return Response(status=204)


class OutletsView(OfSite):
    """Connectors behind circuits."""

    serializer_class = OutletOut
    filters, orders = OUTLET_FILTERS, OUTLET_ORDERS

    @extend_schema(
        parameters=parameters(OUTLET_FILTERS, OUTLET_ORDERS),
        responses={200: OutletOut(many=True), **failures(400, 401, 404)},
        tags=["load"],
    )
    def get(self, request: Request, pk: int) -> Response:
        """The connectors whose load is shared."""
        return self.listed(queries.outlets(self.actor, self.site(pk)), queries.outlet_json)

    @extend_schema(request=OutletIn, responses={201: OutletOut, **failures(400, 401, 403, 404)}, tags=["load"])
    def post(self, request: Request, pk: int) -> Response:
        """Put a connector behind a circuit, or change how it is (managers)."""
        site, given = self.site(pk), dict(self.input(OutletIn))
        circuit = self.named_circuit(site, given.pop("circuit"), "circuit")
        rows = queries.connectors(self.actor, site).filter(
            station__identity=given.pop("station").replace("\x00", ""), evse_number=given.pop("evse_id")
        )
        number = given.pop("connector_id", None)
        connector = (rows.filter(number=number) if number else rows).first()
        if connector is None:
            why = _("The site has no such connector.")
            raise Invalid(why, fields={"evse_id": why})
        made = actions.place_outlet(self.actor, circuit=circuit, connector=connector, values=given)
        return Response(queries.outlet_json(made), status=201)


class OutletView(OfSite):
    """One connector behind a circuit."""

    serializer_class = OutletOut

    @extend_schema(responses={204: None, **failures(401, 403, 404)}, tags=["load"])
    def delete(self, request: Request, pk: int, outlet: int) -> Response:
        """Balance a connector no longer (managers)."""
        actions.remove_outlet(self.actor, outlet=queries.outlet(self.actor, self.site(pk), outlet))
        return Response(status=204)


class LoadView(OfSite):
    """The load of a site."""

    serializer_class = LoadOut
    edits = LoadPatch

    @extend_schema(responses={200: LoadOut, **failures(401, 404)}, tags=["load"])
    def get(self, request: Request, pk: int) -> Response:
        """What flows and may flow through each circuit, who gets how much, and why."""
        return Response(queries.load_json(self.actor, self.site(pk)))

    @extend_schema(request=LoadPatch, responses={200: LoadOut, **failures(400, 401, 403, 404)}, tags=["load"])
    def patch(self, request: Request, pk: int) -> Response:
        """Change how the load is shared (managers)."""
        site = self.site(pk)
        actions.update_load(self.actor, site=site, changes=self.input(LoadPatch))
        return Response(queries.load_json(self.actor, site))


class MeterView(OfSite):
    """What meters say."""

    serializer_class = MeterIn
    scopes = {"POST": Scope.OPERATE}

    @extend_schema(request=MeterIn, responses={204: None, **failures(400, 401, 403, 404)}, tags=["load"])
    def post(self, request: Request, pk: int) -> Response:
        """Push the current of all others on a circuit, or the surplus of power; it counts for `valid_s` seconds."""
        site, given = self.site(pk), dict(self.input(MeterIn))
        circuit = given.get("circuit")
        loads = {name: given[name] for name in actions.LOADS if name in given}
        actions.push_meter(
            self.actor,
            site=site,
            circuit=self.named_circuit(site, circuit, "circuit") if circuit else None,
            load_a=loads or None,
            surplus_w=given.get("surplus_w"),
            valid_s=given.get("valid_s", actions.USUAL_S),
        )
        return Response(status=204)
