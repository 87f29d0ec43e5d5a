"""REST: oneself."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import organizations, people
from accounts.actors import Actor, Role
from accounts.models import User
from accounts.rest import Endpoint, failures
from accounts.scopes import PERSON
from charging.actions.preferences import set_preferences
from charging.api.shapes import Shape, Text, Truth, Whole, reference
from charging.queries import cars, id_tags, preferences
from mobility.errors import Invalid, NotFound


class MyOrganization(Shape):
    id = Whole()
    name = Text()
    role = serializers.ChoiceField(Role.choices, allow_null=True)


class MeOut(Shape):
    id = Whole()
    email = Text()
    name = Text()
    language = Text()
    time_zone = Text()
    theme = serializers.ChoiceField(User.Theme.choices)
    is_platform_admin = Truth()
    organizations = MyOrganization(many=True)
    default_car = Whole(allow_null=True)
    default_id_tag = Whole(allow_null=True)


class MePatch(Shape):
    name = Text(required=False, allow_blank=True, max_length=150)
    language = Text(required=False, allow_blank=True, max_length=10)
    time_zone = Text(required=False, allow_blank=True, max_length=64)
    theme = serializers.ChoiceField(User.Theme.choices, required=False)
    default_car = reference(required=False, allow_null=True)
    default_id_tag = reference(required=False, allow_null=True)


def as_json(actor: Actor) -> dict[str, Any]:
    user = actor.user
    assert user is not None
    chosen = preferences.get(actor)
    mine = organizations.visible(actor).filter(pk__in=actor.memberships)
    return {
        "id": user.pk,
        "email": user.email,
        "name": user.name,
        "language": user.language,
        "time_zone": user.time_zone,
        "theme": str(user.theme),
        "is_platform_admin": actor.is_platform_admin,
        "organizations": [{"id": row.pk, "name": row.name, "role": actor.memberships[row.pk]} for row in mine],
        "default_car": chosen.default_car.pk if chosen.default_car else None,
        "default_id_tag": chosen.default_id_tag.pk if chosen.default_id_tag else None,
    }


class MeView(Endpoint):
    """Oneself."""

    serializer_class = MeOut
    scopes = {"PATCH": PERSON}
    edits = MePatch

    @extend_schema(responses={200: MeOut, **failures(401)}, tags=["me"])
    def get(self, request: Request) -> Response:
        """Who you are, what you belong to, what you prefer."""
        return Response(as_json(self.actor))

    @extend_schema(request=MePatch, responses={200: MeOut, **failures(400, 401, 403)}, tags=["me"])
    def patch(self, request: Request) -> Response:
        """Change your name, language, time zone, theme, default car or default tag."""
        given = self.input(MePatch)
        defaults: dict[str, Any] = {}
        for name, rows in (("default_car", cars), ("default_id_tag", id_tags)):
            if name in given:
                pk = given.pop(name)
                try:
                    defaults[name] = rows.get(self.actor, pk) if pk else None
                except NotFound as error:
                    raise Invalid(error.message, fields={name: error.message}) from None
        if given:
            people.update_profile(self.actor, changes=given)
        if defaults:
            set_preferences(self.actor, **defaults)
        return Response(as_json(self.actor))
