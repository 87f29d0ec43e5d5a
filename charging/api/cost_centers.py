"""The cost centres of people."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import Endpoint, failures
from charging.actions import cost_centers as actions
from charging.api.shapes import Shape, Text, Whole, reference
from charging.queries import cost_centers as queries


class CostCenterOut(Shape):
    organization = Whole()
    user = Whole()
    name = Text()
    cost_center = Text()


class CostCenterIn(Shape):
    organization = reference(required=False, help_text="Your first one when left out.")
    cost_center = Text(allow_blank=True, max_length=100, help_text="Empty takes it away.")


class CostCentersView(Endpoint):
    """Which people have one."""

    serializer_class = CostCenterOut

    @extend_schema(responses={200: CostCenterOut(many=True), **failures(401)}, tags=["tariffs"])
    def get(self, request: Request) -> Response:
        """The cost centres of people. Of a session its id tag's counts, then its person's, then its station's."""
        return self.listed(queries.visible(self.actor), queries.as_json)


class CostCenterView(Endpoint):
    """One person's."""

    serializer_class = CostCenterOut

    @extend_schema(request=CostCenterIn, responses={204: None, **failures(400, 401, 403, 404)}, tags=["tariffs"])
    def put(self, request: Request, pk: int) -> Response:
        """Set a member's cost centre (managers)."""
        given = self.input(CostCenterIn)
        first = self.actor.first_organization()
        organization, user = queries.member(self.actor, given.get("organization") or (first.pk if first else ""), pk)
        actions.set_person_cost_center(
            self.actor, organization=organization, user=user, cost_center=given["cost_center"]
        )
        return Response(status=204)
