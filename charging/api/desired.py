"""REST: what settings of a station should be, and where it has drifted."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import Endpoint, Filter, failures, parameters, truth
from charging.actions import desired as actions
from charging.api import shapes
from charging.queries import desired, stations

FILTERS = {"drifted": Filter(desired.by_drift, truth, "true or false", bool)}


class DesiredValuesView(Endpoint):
    """The desired settings of a station."""

    serializer_class = shapes.DesiredOut
    filters, default_order = FILTERS, ("key",)

    @extend_schema(
        parameters=parameters(FILTERS, {}),
        responses={200: shapes.DesiredOut(many=True), **failures(400, 401, 404)},
        tags=["stations"],
    )
    def get(self, request: Request, identity: str) -> Response:
        """What its settings should be, what it reports of them, and since when that differs."""
        station = stations.get(self.actor, identity)
        return self.listed(desired.of_station(self.actor, station), desired.as_json)

    @extend_schema(
        request=shapes.DesiredIn,
        responses={200: shapes.DesiredOut, **failures(400, 401, 403, 404, 409)},
        tags=["stations"],
    )
    def post(self, request: Request, identity: str) -> Response:
        """Say what a setting should be; a value that is desired already is replaced."""
        station = stations.get(self.actor, identity)
        made = actions.set_desired(self.actor, station=station, **self.input(shapes.DesiredIn))
        return Response(desired.as_json(made))


class DesiredValueView(Endpoint):
    """One desired setting."""

    @extend_schema(responses={204: None, **failures(401, 403, 404)}, tags=["stations"])
    def delete(self, request: Request, identity: str, pk: int) -> Response:
        """No longer compare it; the station keeps what it has."""
        station = stations.get(self.actor, identity)
        actions.clear_desired(self.actor, desired=desired.get(self.actor, pk, station))
        return Response(status=204)
