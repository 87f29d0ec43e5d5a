"""REST: what a station reported of its settings, its password, and the frames of a session."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import Endpoint, by_text, by_truth, failures, parameters, search_in
from accounts.scopes import PERSON
from charging.actions import own_account
from charging.actions import stations as actions
from charging.api.shapes import MessageOut, Moment, Shape, StationMade, Text, Truth
from charging.models import ConfigurationValue
from charging.queries import messages, own_data, stations, timeline, transactions


class SettingOut(Shape):
    key = Text(help_text="What `set_configuration` calls it.")
    value = Text()
    attribute = Text(help_text="2.x: empty for Actual.")
    readonly = Truth()
    data_type = Text()
    unit = Text()
    reported_at = Moment()


def setting(row: ConfigurationValue) -> dict[str, Any]:
    return {
        "key": row.path,
        "value": row.value,
        "attribute": row.attribute,
        "readonly": not row.is_settable,
        "data_type": row.data_type,
        "unit": row.unit,
        "reported_at": row.reported_at,
    }


SETTING_FILTERS = {
    "component": by_text("component"),
    "readonly": by_truth("readonly"),
    "search": search_in("key", "value"),
}


class ConfigurationView(Endpoint):
    """Settings of a station."""

    serializer_class = SettingOut
    filters, default_order = SETTING_FILTERS, ("key",)

    @extend_schema(
        parameters=parameters(SETTING_FILTERS, {}),
        responses={200: SettingOut(many=True), **failures(400, 401, 404)},
        tags=["stations"],
    )
    def get(self, request: Request, identity: str) -> Response:
        """What it last reported: configuration keys of 1.6, variables of 2.x (not for drivers)."""
        return self.listed(stations.configuration(self.actor, stations.get(self.actor, identity)), setting)


class StationPasswordView(Endpoint):
    """The password of a station."""

    serializer_class = StationMade

    @extend_schema(request=None, responses={200: StationMade, **failures(401, 403, 404)}, tags=["stations"])
    def post(self, request: Request, identity: str) -> Response:
        """A new password to enter at the station (managers), shown this once; the old one opens no door any more."""
        made = actions.renew_password(self.actor, station=stations.get(self.actor, identity))
        station = stations.get(self.actor, identity)
        return Response({**stations.as_json(station), "password": made.password})


class FramesView(Endpoint):
    """The frames of a session."""

    serializer_class = MessageOut

    @extend_schema(responses={200: MessageOut(many=True), **failures(401, 404)}, tags=["transactions"])
    def get(self, request: Request, pk: int) -> Response:
        """The OCPP frames that belong to it, in their order (not for drivers)."""
        rows = timeline.frames(self.actor, transactions.get(self.actor, pk))
        return self.listed(rows, messages.as_json)


class OwnData(Shape):
    """One JSON object; what is in it grows."""


class OwnDataView(Endpoint):
    """One's data."""

    serializer_class = OwnData
    scopes = {"GET": PERSON}

    @extend_schema(responses={200: dict[str, Any], **failures(401, 403)}, tags=["me"])
    def get(self, request: Request) -> Response:
        """Everything that is kept about you: profile, tags, cars, sessions, keys, notifications."""
        return Response(own_data.export(self.actor))


class LeaveIn(Shape):
    password = Text(max_length=1000, trim_whitespace=False)


class LeaveView(Endpoint):
    """The end of an account."""

    serializer_class = LeaveIn
    keeps_answers = False
    scopes = {"POST": PERSON}

    @extend_schema(request=LeaveIn, responses={204: None, **failures(400, 401, 403, 409)}, tags=["me"])
    def post(self, request: Request) -> Response:
        """Delete your account with its tags and cars. What was charged stays for the bills, and not by whom."""
        own_account.leave(self.actor, password=self.input(LeaveIn)["password"])
        return Response(status=204)
