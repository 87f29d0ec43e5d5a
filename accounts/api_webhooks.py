"""REST: webhooks and their deliveries."""

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import organizations, webhooks
from accounts.models import DeliveryStatus
from accounts.rest import Endpoint, by_choice, by_number, by_text, failures, parameters
from accounts.webhook_sending import hurry

Text = serializers.CharField
FILTERS = {"organization": by_number("organization")}
DELIVERY_FILTERS = {
    "status": by_choice("status", DeliveryStatus.values),
    "event": by_text("event"),
    "event_id": by_text("event_id"),
}


class WebhookOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    organization = serializers.IntegerField()
    url = Text()
    description = Text()
    events = serializers.ListField(child=Text())
    active = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    last_status = serializers.ChoiceField(
        DeliveryStatus.choices, allow_null=True, help_text="How the last delivery that is over went."
    )
    last_at = serializers.DateTimeField(allow_null=True)


class WebhookMade(WebhookOut):
    secret = Text(help_text="Signs what is sent. Shown this once.")


class WebhookIn(serializers.Serializer[Any]):
    url = Text(max_length=500)
    events = serializers.ListField(
        child=Text(max_length=40),
        max_length=50,
        help_text=f"Of {', '.join((*webhooks.EVENTS, *webhooks.PATTERNS))}.",
    )
    description = Text(max_length=150, required=False, allow_blank=True)
    organization = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1)


class WebhookPatch(serializers.Serializer[Any]):
    url = Text(max_length=500, required=False)
    events = serializers.ListField(child=Text(max_length=40), max_length=50, required=False)
    description = Text(max_length=150, required=False, allow_blank=True)
    active = serializers.BooleanField(required=False, help_text="A paused webhook is told nothing, later neither.")


class WebhookDeliveryOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    event_id = Text(help_text="The same for every attempt and every replay of an event.")
    event = Text()
    cursor = serializers.IntegerField(help_text="The event's place in the change feed; 0 for a test.")
    replay = serializers.IntegerField(help_text="0 for the first delivery of the event, 1 for its first replay, …")
    status = serializers.ChoiceField(DeliveryStatus.choices)
    attempts = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    next_attempt_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    duration_ms = serializers.IntegerField(allow_null=True)
    request = Text(help_text="The body that is sent.")
    response_status = serializers.IntegerField(allow_null=True)
    response = Text(help_text="How the last answer's body begins.")
    error = Text()


class WebhooksView(Endpoint):
    """Webhooks."""

    serializer_class = WebhookOut
    filters = FILTERS

    @extend_schema(
        parameters=parameters(FILTERS, {}),
        responses={200: WebhookOut(many=True), **failures(400, 401)},
        tags=["webhooks"],
    )
    def get(self, request: Request) -> Response:
        """The webhooks of the organizations that you manage."""
        return self.listed(webhooks.visible(self.actor), webhooks.as_json)

    @extend_schema(
        request=WebhookIn, responses={201: WebhookMade, **failures(400, 401, 403, 404, 429)}, tags=["webhooks"]
    )
    def post(self, request: Request) -> Response:
        """Have an address told what happens (managers)."""
        given = self.input(WebhookIn)
        pk = given.pop("organization", None)
        organization = organizations.get(self.actor, pk) if pk else None
        made = webhooks.create_webhook(self.actor, organization=organization, **given)
        return Response({**webhooks.as_json(made.webhook), "secret": made.secret}, status=201)


class WebhookView(Endpoint):
    """One webhook."""

    serializer_class = WebhookOut
    edits = WebhookPatch

    @extend_schema(responses={200: WebhookOut, **failures(401, 404)}, tags=["webhooks"])
    def get(self, request: Request, pk: int) -> Response:
        """One webhook, without its secret."""
        return Response(webhooks.as_json(webhooks.get(self.actor, pk)))

    @extend_schema(request=WebhookPatch, responses={200: WebhookOut, **failures(400, 401, 403, 404)}, tags=["webhooks"])
    def patch(self, request: Request, pk: int) -> Response:
        """Change its address, its events, its description; pause it, or let it run again."""
        row = webhooks.get(self.actor, pk)
        return Response(
            webhooks.as_json(webhooks.update_webhook(self.actor, webhook=row, changes=self.input(WebhookPatch)))
        )

    @extend_schema(responses={204: None, **failures(401, 403, 404)}, tags=["webhooks"])
    def delete(self, request: Request, pk: int) -> Response:
        """End it. Its deliveries go with it."""
        webhooks.delete_webhook(self.actor, webhook=webhooks.get(self.actor, pk))
        return Response(status=204)


class WebhookSecretView(Endpoint):
    """A webhook's secret."""

    serializer_class = WebhookMade

    @extend_schema(request=None, responses={200: WebhookMade, **failures(401, 403, 404)}, tags=["webhooks"])
    def post(self, request: Request, pk: int) -> Response:
        """A new secret, shown this once. From the next attempt on the old one signs nothing any more."""
        made = webhooks.rotate_secret(self.actor, webhook=webhooks.get(self.actor, pk))
        return Response({**webhooks.as_json(made.webhook), "secret": made.secret})


class WebhookTestView(Endpoint):
    """A try."""

    serializer_class = WebhookDeliveryOut

    @extend_schema(
        request=None, responses={202: WebhookDeliveryOut, **failures(401, 403, 404, 409, 429)}, tags=["webhooks"]
    )
    def post(self, request: Request, pk: int) -> Response:
        """Send a `webhook.test` event."""
        row = webhooks.send_test(self.actor, webhook=webhooks.get(self.actor, pk))
        hurry()
        return Response(webhooks.delivery_as_json(row), status=202)


class WebhookDeliveriesView(Endpoint):
    """What was sent."""

    serializer_class = WebhookDeliveryOut
    filters, default_order = DELIVERY_FILTERS, ("-pk",)

    @extend_schema(
        parameters=parameters(DELIVERY_FILTERS, {}),
        responses={200: WebhookDeliveryOut(many=True), **failures(400, 401, 404)},
        tags=["webhooks"],
    )
    def get(self, request: Request, pk: int) -> Response:
        """Its deliveries, the latest first, with what was sent and what was answered."""
        rows = webhooks.deliveries(self.actor, webhooks.get(self.actor, pk))
        return self.listed(rows, webhooks.delivery_as_json)


class WebhookReplayView(Endpoint):
    """Once more."""

    serializer_class = WebhookDeliveryOut

    @extend_schema(request=None, responses={202: WebhookDeliveryOut, **failures(401, 403, 404, 409)}, tags=["webhooks"])
    def post(self, request: Request, pk: int, delivery_pk: int) -> Response:
        """Send the same event again, with the same id."""
        webhook = webhooks.get(self.actor, pk)
        row = webhooks.delivery(self.actor, webhook, delivery_pk)
        made = webhooks.replay(self.actor, webhook=webhook, delivery=row)
        hurry()
        return Response(webhooks.delivery_as_json(made), status=202)


urlpatterns = [
    path("webhooks/", WebhooksView.as_view()),
    path("webhooks/<int:pk>/", WebhookView.as_view()),
    path("webhooks/<int:pk>/secret/", WebhookSecretView.as_view()),
    path("webhooks/<int:pk>/test/", WebhookTestView.as_view()),
    path("webhooks/<int:pk>/deliveries/", WebhookDeliveriesView.as_view()),
    path("webhooks/<int:pk>/deliveries/<int:delivery_pk>/replay/", WebhookReplayView.as_view()),
]
