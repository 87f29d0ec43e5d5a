"""REST: statistics, the OCPP log, security events."""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import Endpoint, by_choice, by_moment, by_text, by_truth, failures, moment, parameters
from charging.api import shapes
from charging.models import OcppMessage
from charging.queries import messages, security_events, stations, statistics
from mobility.errors import Invalid

QUESTION = [
    OpenApiParameter("station", str, description="One station's identity; all of yours when left out."),
    OpenApiParameter("from", OpenApiTypes.DATETIME),
    OpenApiParameter("to", OpenApiTypes.DATETIME),
    OpenApiParameter("bucket", str, enum=statistics.BUCKETS, default="day"),
]


class StatisticsView(Endpoint):
    def question(self) -> dict[str, Any]:
        """The station and the period that the query string asks for. Raises Invalid or NotFound."""
        asked = self.request.query_params
        bucket = asked.get("bucket") or "day"
        wrong = (
            {}
            if bucket in statistics.BUCKETS
            else {"bucket": _("Choose one of %(choices)s.") % {"choices": ", ".join(statistics.BUCKETS)}}
        )
        times = {}
        for name in ("from", "to"):
            try:
                times[name] = moment(asked[name]) if asked.get(name) else None
            except ValueError:
                wrong[name] = _("This is a time in ISO 8601.")
        if wrong:
            raise Invalid(_("Some filters are not usable."), fields=wrong)
        station = stations.get(self.actor, asked["station"]) if asked.get("station") else None
        period = statistics.period_of(bucket, times["from"], times["to"], timezone.now())
        return {"period": period, "station": station}


class EnergyView(StatisticsView):
    """Energy over time."""

    serializer_class = shapes.EnergyOut

    @extend_schema(
        parameters=QUESTION, responses={200: shapes.EnergyOut, **failures(400, 401, 404)}, tags=["statistics"]
    )
    def get(self, request: Request) -> Response:
        """Energy per hour, day, week or month, and how it compares with the period before."""
        return Response(statistics.energy(self.actor, **self.question()))


class CostsView(StatisticsView):
    """Costs over time."""

    serializer_class = shapes.CostsOut

    @extend_schema(
        parameters=QUESTION, responses={200: shapes.CostsOut, **failures(400, 401, 404)}, tags=["statistics"]
    )
    def get(self, request: Request) -> Response:
        """Costs per hour, day, week or month, and how they compare with the period before."""
        return Response(statistics.costs(self.actor, **self.question()))


MESSAGE_FILTERS = {
    "station": by_text("station__identity"),
    "action": by_text("action"),
    "sender": by_choice("sender", OcppMessage.Sender.values),
    "outcome": by_text("outcome"),
    "message_id": by_text("message_id"),
    "from": by_moment("at__gte"),
    "to": by_moment("at__lt"),
}
MESSAGE_ORDERS = {"at": "at", "id": "pk"}


class MessagesView(Endpoint):
    """The OCPP log."""

    serializer_class = shapes.MessageOut
    filters, orders, default_order = MESSAGE_FILTERS, MESSAGE_ORDERS, ("-pk",)

    @extend_schema(
        parameters=parameters(MESSAGE_FILTERS, MESSAGE_ORDERS),
        responses={200: shapes.MessageOut(many=True), **failures(400, 401)},
        tags=["messages"],
    )
    def get(self, request: Request) -> Response:
        """What stations and server said to each other, the newest first (not for drivers)."""
        return self.listed(messages.visible(self.actor), messages.as_json)


EVENT_FILTERS = {
    "station": by_text("station__identity"),
    "type": by_text("type"),
    "critical": by_truth("critical"),
    "from": by_moment("at__gte"),
    "to": by_moment("at__lt"),
}
EVENT_ORDERS = {"at": "at"}


class SecurityEventsView(Endpoint):
    """Security events."""

    serializer_class = shapes.SecurityEventOut
    filters, orders, default_order = EVENT_FILTERS, EVENT_ORDERS, ("-at", "-pk")

    @extend_schema(
        parameters=parameters(EVENT_FILTERS, EVENT_ORDERS),
        responses={200: shapes.SecurityEventOut(many=True), **failures(400, 401)},
        tags=["security-events"],
    )
    def get(self, request: Request) -> Response:
        """What stations reported and what was noticed about them, the newest first (not for drivers)."""
        return self.listed(security_events.visible(self.actor), security_events.as_json)
