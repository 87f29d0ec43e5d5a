"""REST: reservations."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import Endpoint, by_choice, by_moment, by_number, by_text, failures, parameters
from charging.actions import reservations as actions
from charging.api.shapes import Moment, Shape, Text, Whole
from charging.models import Reservation
from charging.queries import reservations, stations


class ReservationIn(Shape):
    station = Text()
    evse_id = Whole(required=False, allow_null=True, min_value=0)
    connector_id = Whole(required=False, allow_null=True, min_value=0)
    id_tag = Text(required=False, allow_null=True, max_length=255, help_text="Yours by default.")
    starts = Moment(required=False, allow_null=True, help_text="Now by default.")
    expires = Moment()


class ReservationOut(Shape):
    id = Whole()
    organization = Whole()
    station = Text()
    station_name = Text()
    evse_id = Whole(allow_null=True)
    connector_id = Whole(allow_null=True)
    reservation_id = Whole(help_text="Its number at the station.")
    id_tag = Text()
    id_tag_name = Text()
    group_tag = Text(allow_null=True)
    user = Whole(allow_null=True)
    user_name = Text(allow_null=True)
    status = serializers.ChoiceField(Reservation.Status.values)
    reason = Text()
    starts = Moment()
    expires = Moment()
    created = Moment()
    answered = Moment(allow_null=True)
    ended = Moment(allow_null=True)
    command = Whole(allow_null=True)
    transaction = Whole(allow_null=True)


FILTERS = {
    "station": by_text("station__identity"),
    "status": by_choice("status", Reservation.Status.values),
    "id_tag": by_text("id_token"),
    "user": by_number("user"),
    "from": by_moment("expires_at__gte"),
    "to": by_moment("starts_at__lte"),
}
ORDERS = {"starts": "starts_at", "expires": "expires_at", "created": "created_at", "id": "pk"}


class ReservationsView(Endpoint):
    """Reservations."""

    serializer_class = ReservationOut
    filters, orders, default_order = FILTERS, ORDERS, ("-pk",)

    @extend_schema(
        parameters=parameters(FILTERS, ORDERS),
        responses={200: ReservationOut(many=True), **failures(400, 401)},
        tags=["reservations"],
    )
    def get(self, request: Request) -> Response:
        """The reservations of your organizations, the newest first; a driver's own."""
        return self.listed(reservations.visible(self.actor), reservations.as_json)

    @extend_schema(
        request=ReservationIn,
        responses={201: ReservationOut, **failures(400, 401, 403, 404, 409)},
        tags=["reservations"],
    )
    def post(self, request: Request) -> Response:
        """Reserve a connector, or any connector of a station. Its status changes with the station's answer.

        One that starts later is sent to the station when its start comes.
        """
        given = self.input(ReservationIn)
        station = stations.get(self.actor, given.pop("station"))
        made = actions.reserve(self.actor, station=station, values=given)
        return Response(reservations.as_json(made), status=201)


class ReservationView(Endpoint):
    """One reservation."""

    serializer_class = ReservationOut

    @extend_schema(responses={200: ReservationOut, **failures(401, 404)}, tags=["reservations"])
    def get(self, request: Request, pk: int) -> Response:
        """A reservation, and what the station answered."""
        return Response(reservations.as_json(reservations.get(self.actor, pk)))

    @extend_schema(responses={202: ReservationOut, **failures(401, 403, 404, 409)}, tags=["reservations"])
    def delete(self, request: Request, pk: int) -> Response:
        """Cancel it: at once while it is planned, else when the station has answered."""
        row = actions.cancel_reservation(self.actor, reservation=reservations.get(self.actor, pk))
        return Response(reservations.as_json(row), status=202)


class ReservationCancelView(Endpoint):
    """The same as a deed of its own."""

    serializer_class = ReservationOut

    @extend_schema(request=None, responses={202: ReservationOut, **failures(401, 403, 404, 409)}, tags=["reservations"])
    def post(self, request: Request, pk: int) -> Response:
        """Cancel it: at once while it is planned, else when the station has answered."""
        row = actions.cancel_reservation(self.actor, reservation=reservations.get(self.actor, pk))
        return Response(reservations.as_json(row), status=202)
