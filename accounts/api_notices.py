"""REST: what one is told, over which channels, and the browsers that take push."""

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import notices, push
from accounts.models import DeliveryStatus
from accounts.rest import Endpoint, failures
from accounts.scopes import PERSON

Text = serializers.CharField


class Channels(serializers.Serializer[Any]):
    email = serializers.BooleanField(required=False)
    push = serializers.BooleanField(required=False)
    portal = serializers.BooleanField(required=False)


class ChoicesOut(serializers.Serializer[Any]):
    events = serializers.DictField(child=Channels(), help_text="Per kind of news, the channels over which it comes.")
    sends_mail = serializers.BooleanField(help_text="Whether this installation has a mail server.")
    push_key = Text(help_text="`applicationServerKey` for the browser's `pushManager.subscribe()`.")
    unread = serializers.IntegerField()


class ChoicesIn(serializers.Serializer[Any]):
    events = serializers.DictField(child=serializers.DictField(child=serializers.BooleanField()))


class MyNotificationsView(Endpoint):
    """What one is told."""

    serializer_class = ChoicesOut
    scopes = {"GET": PERSON, "PATCH": PERSON}

    @extend_schema(responses={200: ChoicesOut, **failures(401, 403)}, tags=["me"])
    def get(self, request: Request) -> Response:
        """What you are told, and over which channels: of what can concern you, every kind and every channel."""
        return Response(self.table(notices.preferences(self.actor)))

    @extend_schema(request=ChoicesIn, responses={200: ChoicesOut, **failures(400, 401, 403)}, tags=["me"])
    def patch(self, request: Request) -> Response:
        """Change some of it: `{"events": {"session_finished": {"email": true}}}`."""
        changes = self.input(ChoicesIn)["events"]
        return Response(self.table(notices.choose(self.actor, changes=changes)))

    def table(self, events: dict[str, dict[str, bool]]) -> dict[str, Any]:
        return {
            "events": events,
            "sends_mail": notices.sends_mail(),
            "push_key": push.application_key(),
            "unread": notices.unread(self.actor).count(),
        }


class DeliveryOut(serializers.Serializer[Any]):
    channel = serializers.ChoiceField(["email", "push"])
    device = Text()
    status = serializers.ChoiceField(DeliveryStatus.choices)
    error = Text()


class NotificationOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    kind = Text()
    title = Text()
    text = Text()
    path = Text(help_text="The page it is about, below PUBLIC_URL.")
    organization = serializers.IntegerField(allow_null=True)
    created_at = serializers.DateTimeField()
    read = serializers.BooleanField()
    deliveries = DeliveryOut(many=True)


class NotificationsView(Endpoint):
    """What one was told."""

    serializer_class = NotificationOut
    scopes = {"GET": PERSON}
    default_order = ("-created_at", "-pk")

    @extend_schema(responses={200: NotificationOut(many=True), **failures(401, 403)}, tags=["me"])
    def get(self, request: Request) -> Response:
        """What you were told, the latest first, with how each was delivered."""
        return self.listed(notices.visible(self.actor), notices.as_json)


class NotificationsReadView(Endpoint):
    """The bell."""

    serializer_class = NotificationOut
    scopes = {"POST": PERSON}

    @extend_schema(request=None, responses={204: None, **failures(401, 403)}, tags=["me"])
    def post(self, request: Request) -> Response:
        """You have seen all of it."""
        notices.mark_read(self.actor)
        return Response(status=204)


class SubscriptionOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    endpoint = Text()
    device = Text()
    created_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(allow_null=True)


class SubscriptionKeys(serializers.Serializer[Any]):
    p256dh = Text(max_length=100)
    auth = Text(max_length=50)


class SubscriptionIn(serializers.Serializer[Any]):
    endpoint = Text(max_length=500)
    keys = SubscriptionKeys()
    device = Text(max_length=200, required=False, allow_blank=True)


class PushSubscriptionsView(Endpoint):
    """Browsers that take push."""

    serializer_class = SubscriptionOut
    scopes = {"GET": PERSON, "POST": PERSON}
    default_order = ("-pk",)

    @extend_schema(responses={200: SubscriptionOut(many=True), **failures(401, 403)}, tags=["push-subscriptions"])
    def get(self, request: Request) -> Response:
        """Your browsers that take push."""
        return self.listed(push.visible(self.actor), push.as_json)

    @extend_schema(
        request=SubscriptionIn,
        responses={201: SubscriptionOut, **failures(400, 401, 403, 429)},
        tags=["push-subscriptions"],
    )
    def post(self, request: Request) -> Response:
        """Add a browser: what `JSON.stringify()` makes of its `PushSubscription`."""
        given = self.input(SubscriptionIn)
        device = given.get("device") or push.device_of(request.headers.get("User-Agent", ""))
        secrets = {"endpoint": given["endpoint"], **given["keys"]}
        return Response(push.as_json(push.subscribe(self.actor, secrets=secrets, device=device)), status=201)


class PushSubscriptionView(Endpoint):
    """One browser."""

    serializer_class = SubscriptionOut
    scopes = {"DELETE": PERSON}

    @extend_schema(responses={204: None, **failures(401, 403, 404)}, tags=["push-subscriptions"])
    def delete(self, request: Request, pk: int) -> Response:
        """Send nothing to this browser any more."""
        push.unsubscribe(self.actor, subscription=push.get(self.actor, pk))
        return Response(status=204)


urlpatterns = [
    path("me/notifications/", MyNotificationsView.as_view()),
    path("notifications/", NotificationsView.as_view()),
    path("notifications/read/", NotificationsReadView.as_view()),
    path("push-subscriptions/", PushSubscriptionsView.as_view()),
    path("push-subscriptions/<int:pk>/", PushSubscriptionView.as_view()),
]
