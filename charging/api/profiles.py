"""REST: charging profiles, and what they come to."""

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import Endpoint, by_choice, by_text, failures, parameters
from charging.actions import profiles as actions
from charging.actions.targets import connector_of
from charging.api.shapes import CommandOut, Moment, Number, Shape, Text, Whole
from charging.commands import KINDS
from charging.composite import KINDS as PROFILE_KINDS
from charging.composite import PURPOSES
from charging.models import ChargingProfile
from charging.profile_params import UNITS
from charging.queries import commands, profiles, stations
from mobility.errors import Invalid

KIND_WORDS = f"One of {', '.join(PROFILE_KINDS)}."


class PeriodShape(Shape):
    start_s = Whole(min_value=0)
    limit = Number(min_value=0)
    phases = Whole(required=False, allow_null=True, min_value=1, max_value=3)


class ProfileIn(Shape):
    station = Text()
    evse_id = Whole(required=False, allow_null=True, min_value=0)
    connector_id = Whole(required=False, allow_null=True, min_value=0)
    name = Text(required=False, allow_blank=True, max_length=100)
    purpose = serializers.ChoiceField(PURPOSES, required=False)
    kind = Text(required=False, help_text=KIND_WORDS)
    recurrency = serializers.ChoiceField(["", "daily", "weekly"], required=False)
    stack_level = Whole(required=False, min_value=0)
    unit = serializers.ChoiceField(UNITS, required=False)
    starts_at = Moment(required=False, allow_null=True)
    duration_s = Whole(required=False, allow_null=True, min_value=1)
    valid_from = Moment(required=False, allow_null=True)
    valid_to = Moment(required=False, allow_null=True)
    periods = PeriodShape(many=True)


class ProfileOut(Shape):
    id = Whole()
    organization = Whole()
    station = Text()
    evse_id = Whole(allow_null=True)
    connector_id = Whole(allow_null=True)
    transaction = Whole(allow_null=True)
    schedule = Whole(allow_null=True, help_text="The schedule whose plan it stores.")
    number = Whole(help_text="Its id on the wire.")
    name = Text()
    purpose = serializers.ChoiceField(PURPOSES)
    kind = Text(help_text=KIND_WORDS)
    recurrency = Text()
    stack_level = Whole()
    unit = serializers.ChoiceField(UNITS)
    starts_at = Moment(allow_null=True)
    duration_s = Whole(allow_null=True)
    valid_from = Moment(allow_null=True)
    valid_to = Moment(allow_null=True)
    periods = PeriodShape(many=True)
    status = Text(help_text=f"One of {', '.join(ChargingProfile.Status.values)}.")
    answer = Text()
    answered_at = Moment(allow_null=True)
    reported_at = Moment(allow_null=True)
    command = Whole(allow_null=True)
    created_at = Moment()


class CompositeStepOut(Shape):
    start_s = Whole()
    limit = Number(allow_null=True)
    because = Text()


class GapOut(Shape):
    from_s = Whole()
    to_s = Whole()
    computed_a = Number(allow_null=True)
    reported_a = Number(allow_null=True)


class CompositeOut(Shape):
    evse_id = Whole()
    unit = Text()
    begins_at = Moment()
    duration_s = Whole()
    computed = CompositeStepOut(many=True)
    reported = CompositeStepOut(many=True, allow_null=True)
    reported_at = Moment(allow_null=True)
    differences = GapOut(many=True)
    limit_a = Number(allow_null=True)
    measured_a = Number(allow_null=True)
    effect = Text(help_text="kept or exceeded by the measured current, or empty.")


FILTERS = {
    "station": by_text("station__identity"),
    "purpose": by_choice("purpose", PURPOSES),
    "status": by_choice("status", ChargingProfile.Status.values),
}
ORDERS = {"created_at": "created_at", "id": "pk"}


class ProfilesView(Endpoint):
    """Charging profiles."""

    serializer_class = ProfileOut
    filters, orders, default_order = FILTERS, ORDERS, ("-pk",)

    @extend_schema(
        parameters=parameters(FILTERS, ORDERS),
        responses={200: ProfileOut(many=True), **failures(400, 401)},
        tags=["charging-profiles"],
    )
    def get(self, request: Request) -> Response:
        """The profiles that were sent, the newest first (not for drivers)."""
        return self.listed(profiles.visible(self.actor), profiles.as_json)

    @extend_schema(
        request=ProfileIn,
        responses={201: ProfileOut, **failures(400, 401, 403, 404, 409)},
        tags=["charging-profiles"],
    )
    def post(self, request: Request) -> Response:
        """Send a profile to a station (managers). Its status changes with the station's answer."""
        given = dict(self.input(ProfileIn))
        station = stations.get(self.actor, given.pop("station"))
        connector = connector_of(station, given, KINDS["set_profile"])
        given["periods"] = [dict(period) for period in given["periods"]]
        made = actions.set_profile(
            self.actor, station=station, connector=connector, values=given, name=given.pop("name", "")
        )
        return Response(profiles.as_json(made), status=201)


class ProfileView(Endpoint):
    """One charging profile."""

    serializer_class = ProfileOut

    @extend_schema(responses={200: ProfileOut, **failures(401, 404)}, tags=["charging-profiles"])
    def get(self, request: Request, pk: int) -> Response:
        """A profile, and what the station answered."""
        return Response(profiles.as_json(profiles.get(self.actor, pk)))

    @extend_schema(responses={202: CommandOut, **failures(401, 403, 404, 409)}, tags=["charging-profiles"])
    def delete(self, request: Request, pk: int) -> Response:
        """Ask the station to clear it (managers); 202 with the command."""
        command = actions.clear_profile(self.actor, profile=profiles.get(self.actor, pk))
        return Response(commands.as_json(command), status=202)


class CompositeView(Endpoint):
    """Composite schedules."""

    serializer_class = CompositeOut

    @extend_schema(
        parameters=[OpenApiParameter("evse_id", int, description="The EVSE, from 1; 1 when left out.")],
        responses={200: CompositeOut, **failures(400, 401, 404)},
        tags=["charging-profiles"],
    )
    def get(self, request: Request, identity: str) -> Response:
        """The composite schedule as computed from the profiles, as the station last said it, and where they differ.

        The command `get_composite_schedule` asks the station.
        """
        station = stations.get(self.actor, identity)
        text = request.query_params.get("evse_id", "1")
        if not (text.isascii() and text.isdecimal() and len(text) < 5):
            raise Invalid(_("This is the number of an EVSE."), fields={"evse_id": _("This is the number of an EVSE.")})
        return Response(profiles.comparison_json(profiles.comparison(station, int(text))))
