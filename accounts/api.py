"""REST: signing in and out, organizations, members, API keys."""

import math
from typing import Any

from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.models import update_last_login
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework_simplejwt.tokens import RefreshToken

from accounts import api_keys, devices, guesses, organizations, people, tickets, tokens
from accounts.actors import Role
from accounts.models import ApiKey, User
from accounts.network import client_ip
from accounts.rest import Endpoint, failures
from accounts.scopes import PERSON, Scope
from mobility.errors import NotSignedIn, TooMany

Text = serializers.CharField


class Credentials(serializers.Serializer[Any]):
    email = Text(max_length=254)
    password = Text(max_length=1000, trim_whitespace=False)


class Refresh(serializers.Serializer[Any]):
    refresh = Text(max_length=4000)


class TokenPair(serializers.Serializer[Any]):
    access = Text(help_text="For `Authorization: Bearer`; lives 15 minutes.")
    refresh = Text(help_text="Works once, for the next pair.")


class LockedOut(TooMany):
    def __init__(self) -> None:
        super().__init__("Too many failed sign-ins. Wait a while, then try again.", code="too_many_failures")
        self.headers = {"Retry-After": str(math.ceil(settings.AXES_COOLOFF_TIME.total_seconds()))}


def sign_in(request: Request, email: str, password: str) -> User:
    """The person with these credentials; failures are counted per address and source.

    Raises:
        NotSignedIn: they are wrong, or the person is inactive.
        LockedOut: too many failures for this address from this source.
    """
    plain = request._request
    user = authenticate(plain, username=email.strip().lower(), password=password)
    locked = getattr(plain, "axes_locked_out", False)
    # The middleware would replace our answer with a page of its own.
    plain.axes_locked_out = False  # type: ignore[attr-defined]
    if locked:
        raise LockedOut
    if not isinstance(user, User):
        raise NotSignedIn(_("The e-mail address or the password is wrong."), code="wrong_credentials")
    guesses.forgive(plain, user.email)
    update_last_login(User, user)
    return user


class TokenView(Endpoint):
    """Sign in."""

    authentication_classes = []
    permission_classes = [AllowAny]
    serializer_class = Credentials

    @extend_schema(request=Credentials, responses={200: TokenPair, **failures(400, 401, 429)}, tags=["auth"])
    def post(self, request: Request) -> Response:
        """Sign in: an access token and a refresh token."""
        given = self.input(Credentials)
        user = sign_in(request, given["email"], given["password"])
        pair = tokens.start_family(
            user,
            device=request.headers.get("User-Agent", ""),
            source_ip=client_ip(request._request),
        )
        response = Response(pair.as_dict())
        devices.remember(response, request._request, user)
        return response


class RefreshView(Endpoint):
    """Exchange a refresh token."""

    authentication_classes = []
    permission_classes = [AllowAny]
    serializer_class = Refresh

    def initialize_request(self, request: Any, *args: Any, **kwargs: Any) -> Request:
        # As early as it can be known: by the server, before the request waits for a thread.
        self.arrived_at = getattr(request, "scope", {}).get("arrived_at") or timezone.now()
        return super().initialize_request(request, *args, **kwargs)

    @extend_schema(
        request=Refresh,
        responses={200: TokenPair, **failures(400, 401)},
        parameters=[
            OpenApiParameter(
                "Idempotency-Key", str, "header", description="The same key gets the same pair for 60 seconds."
            )
        ],
        tags=["auth"],
    )
    def post(self, request: Request) -> Response:
        """Exchange a refresh token for the next pair. It works once; a second use ends the whole sign-in."""
        given = self.input(Refresh)
        pair = tokens.refresh(
            given["refresh"],
            arrived_at=self.arrived_at,
            idempotency_key=request.headers.get("Idempotency-Key", "")[:200],
        )
        return Response(pair.as_dict())


class LogoutView(Endpoint):
    """Sign out."""

    authentication_classes = []
    permission_classes = [AllowAny]
    serializer_class = Refresh

    @extend_schema(request=Refresh, responses={204: None, **failures(400, 401)}, tags=["auth"])
    def post(self, request: Request) -> Response:
        """End the sign-in that the refresh token belongs to, its access tokens included."""
        token = tokens.read(RefreshToken, self.input(Refresh)["refresh"])
        tokens.revoke(tokens.family_of(token))
        return Response(status=204)


class PasswordChange(serializers.Serializer[Any]):
    old_password = Text(max_length=1000, trim_whitespace=False)
    new_password = Text(max_length=1000, trim_whitespace=False)


class PasswordView(Endpoint):
    """One's own password."""

    serializer_class = PasswordChange
    scopes = {"POST": PERSON}

    @extend_schema(request=PasswordChange, responses={204: None, **failures(400, 401, 403)}, tags=["me"])
    def post(self, request: Request) -> Response:
        """Change one's password. It ends every token and session."""
        given = self.input(PasswordChange)
        people.change_password(self.actor, old_password=given["old_password"], new_password=given["new_password"])
        return Response(status=204)


class Named(serializers.Serializer[Any]):
    name = Text(max_length=150)


class OrganizationOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = Text()
    role = serializers.ChoiceField(Role.choices, allow_null=True, help_text="The caller's role.")
    created_at = serializers.DateTimeField()


class OrganizationsView(Endpoint):
    """Organizations."""

    serializer_class = OrganizationOut

    @extend_schema(responses={200: OrganizationOut(many=True), **failures(401)}, tags=["organizations"])
    def get(self, request: Request) -> Response:
        """The organizations you belong to; all of them for a platform admin."""
        rows = organizations.visible(self.actor)
        return self.listed(rows, lambda row: organizations.as_json(self.actor, row))

    @extend_schema(request=Named, responses={201: OrganizationOut, **failures(400, 401, 403)}, tags=["organizations"])
    def post(self, request: Request) -> Response:
        """Add an organization (platform admins)."""
        made = organizations.create_organization(self.actor, name=self.input(Named)["name"])
        return Response(organizations.as_json(self.actor, made), status=201)


class OrganizationView(Endpoint):
    """One organization."""

    serializer_class = OrganizationOut

    @extend_schema(responses={200: OrganizationOut, **failures(401, 404)}, tags=["organizations"])
    def get(self, request: Request, pk: int) -> Response:
        """One organization."""
        return Response(organizations.as_json(self.actor, organizations.get(self.actor, pk)))

    @extend_schema(
        request=Named, responses={200: OrganizationOut, **failures(400, 401, 403, 404)}, tags=["organizations"]
    )
    def patch(self, request: Request, pk: int) -> Response:
        """Rename an organization (owners)."""
        row = organizations.get(self.actor, pk)
        row = organizations.rename_organization(self.actor, organization=row, name=self.input(Named)["name"])
        return Response(organizations.as_json(self.actor, row))


class MemberOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    user = serializers.IntegerField()
    email = Text()
    name = Text()
    role = serializers.ChoiceField(Role.choices)
    created_at = serializers.DateTimeField()


class MemberIn(serializers.Serializer[Any]):
    email = serializers.EmailField()
    role = serializers.ChoiceField(Role.choices)


class RoleIn(serializers.Serializer[Any]):
    role = serializers.ChoiceField(Role.choices)


class MembersView(Endpoint):
    """The members of an organization."""

    serializer_class = MemberOut

    @extend_schema(responses={200: MemberOut(many=True), **failures(401, 404)}, tags=["organizations"])
    def get(self, request: Request, pk: int) -> Response:
        """The members; oneself only, for drivers and viewers."""
        organization = organizations.get(self.actor, pk)
        return self.listed(organizations.members(self.actor, organization), organizations.member_as_json)

    @extend_schema(
        request=MemberIn, responses={201: MemberOut, **failures(400, 401, 403, 404, 409)}, tags=["organizations"]
    )
    def post(self, request: Request, pk: int) -> Response:
        """Make someone who has an account a member (owners)."""
        organization = organizations.get(self.actor, pk)
        given = self.input(MemberIn)
        made = organizations.add_member(self.actor, organization=organization, email=given["email"], role=given["role"])
        return Response(organizations.member_as_json(made), status=201)


class MemberView(Endpoint):
    """One member of an organization."""

    serializer_class = MemberOut

    @extend_schema(responses={200: MemberOut, **failures(401, 404)}, tags=["organizations"])
    def get(self, request: Request, pk: int, member_pk: int) -> Response:
        """One member; drivers and viewers see oneself only."""
        row = organizations.member(self.actor, organizations.get(self.actor, pk), member_pk)
        return Response(organizations.member_as_json(row))

    @extend_schema(
        request=RoleIn, responses={200: MemberOut, **failures(400, 401, 403, 404, 409)}, tags=["organizations"]
    )
    def patch(self, request: Request, pk: int, member_pk: int) -> Response:
        """Change a member's role (owners). The last owner stays one."""
        row = organizations.member(self.actor, organizations.get(self.actor, pk), member_pk)
        row = organizations.change_role(self.actor, membership=row, role=self.input(RoleIn)["role"])
        return Response(organizations.member_as_json(row))

    @extend_schema(responses={204: None, **failures(401, 403, 404, 409)}, tags=["organizations"])
    def delete(self, request: Request, pk: int, member_pk: int) -> Response:
        """End a membership: owners anyone's, everyone the own."""
        row = organizations.member(self.actor, organizations.get(self.actor, pk), member_pk)
        organizations.remove_member(self.actor, membership=row)
        return Response(status=204)


class ApiKeyOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    organization = serializers.IntegerField()
    name = Text()
    prefix = Text(help_text="How the key begins.")
    role = serializers.ChoiceField(Role.choices)
    scope = serializers.ChoiceField(ApiKey.Scope.choices)
    user = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True)


class ApiKeyMade(ApiKeyOut):
    key = Text(help_text="For `Authorization: Api-Key`. Shown this once.")


class ApiKeyIn(serializers.Serializer[Any]):
    name = Text(max_length=100)
    organization = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    role = serializers.ChoiceField(Role.choices, default=Role.VIEWER)
    scope = serializers.ChoiceField(
        ApiKey.Scope.choices,
        required=False,
        help_text="What of its role it uses. Without one: read for viewers, operate for drivers, manage above.",
    )
    expires_at = serializers.DateTimeField(required=False, allow_null=True)


class ApiKeysView(Endpoint):
    """API keys."""

    serializer_class = ApiKeyOut
    scopes = {"POST": PERSON}

    @extend_schema(responses={200: ApiKeyOut(many=True), **failures(401)}, tags=["api-keys"])
    def get(self, request: Request) -> Response:
        """Your keys; an owner sees all of the organization's."""
        return self.listed(api_keys.visible(self.actor), api_keys.as_json)

    @extend_schema(request=ApiKeyIn, responses={201: ApiKeyMade, **failures(400, 401, 403, 404)}, tags=["api-keys"])
    def post(self, request: Request) -> Response:
        """Make a key that acts for you within one organization, with at most your role."""
        given = self.input(ApiKeyIn)
        pk = given.pop("organization", None)
        organization = organizations.get(self.actor, pk) if pk else None
        made = api_keys.create_api_key(self.actor, organization=organization, **given)
        return Response({**api_keys.as_json(made.api_key), "key": made.key}, status=201)


class ApiKeyView(Endpoint):
    """One API key."""

    serializer_class = ApiKeyOut

    @extend_schema(responses={200: ApiKeyOut, **failures(401, 404)}, tags=["api-keys"])
    def get(self, request: Request, pk: int) -> Response:
        """One key, without its text."""
        return Response(api_keys.as_json(api_keys.get(self.actor, pk)))

    @extend_schema(responses={204: None, **failures(401, 403, 404)}, tags=["api-keys"])
    def delete(self, request: Request, pk: int) -> Response:
        """End a key at once."""
        api_keys.revoke_api_key(self.actor, api_key=api_keys.get(self.actor, pk))
        return Response(status=204)


class TicketOut(serializers.Serializer[Any]):
    ticket = Text(help_text="For `/ws/live/?ticket=`; works once.")
    expires_in_s = serializers.IntegerField()


class LiveTicketView(Endpoint):
    """Tickets for the live socket."""

    serializer_class = TicketOut
    scopes = {"POST": Scope.READ}
    # A ticket works once: the same again would be worth nothing.
    keeps_answers = False

    @extend_schema(request=None, responses={201: TicketOut, **failures(401)}, tags=["live"])
    def post(self, request: Request) -> Response:
        """A one-time ticket with which a client opens `/ws/live/` within a minute."""
        key = request.auth if isinstance(request.auth, ApiKey) else None
        ticket = tickets.issue_ticket(self.actor, api_key=key)
        return Response({"ticket": ticket, "expires_in_s": tickets.LIFETIME_S}, status=201)


urlpatterns = [
    path("auth/token/", TokenView.as_view()),
    path("auth/token/refresh/", RefreshView.as_view()),
    path("auth/logout/", LogoutView.as_view()),
    path("me/password/", PasswordView.as_view()),
    path("organizations/", OrganizationsView.as_view()),
    path("organizations/<int:pk>/", OrganizationView.as_view()),
    path("organizations/<int:pk>/members/", MembersView.as_view()),
    path("organizations/<int:pk>/members/<int:member_pk>/", MemberView.as_view()),
    path("api-keys/", ApiKeysView.as_view()),
    path("api-keys/<int:pk>/", ApiKeyView.as_view()),
    path("live-ticket/", LiveTicketView.as_view()),
]
