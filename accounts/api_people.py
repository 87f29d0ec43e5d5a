"""REST: devices that are signed in, forgotten passwords, invitations, and the audit."""

from typing import Any

from django.contrib.auth.tokens import default_token_generator
from django.urls import path
from django.utils.encoding import force_str
from django.utils.http import urlsafe_base64_decode
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import audit, devices, invitations, mails, organizations, passwords
from accounts.actors import Actor, Role
from accounts.api import MemberOut
from accounts.models import Audit, Invitation, User
from accounts.network import client_ip
from accounts.rest import Endpoint, by_moment, by_number, by_text, failures, parameters, search_in
from accounts.scopes import PERSON
from mobility.errors import Conflict, Invalid

Shape = serializers.Serializer[Any]
Text = serializers.CharField
Moment = serializers.DateTimeField


class DeviceOut(Shape):
    id = Text()
    kind = Text(help_text="app for phones and other clients with tokens, browser for the portal.")
    name = Text(help_text="From what it calls itself.")
    source_ip = Text()
    created_at = Moment()
    last_used_at = Moment(help_text="The last refresh of an app; for a browser within ten minutes.")
    current = serializers.BooleanField(help_text="The one that asks.")


class DevicesView(Endpoint):
    """Where one is signed in."""

    serializer_class = DeviceOut
    scopes = {"GET": PERSON, "DELETE": PERSON}

    @extend_schema(responses={200: DeviceOut(many=True), **failures(401, 403)}, tags=["me"])
    def get(self, request: Request) -> Response:
        """The phones, clients and browsers that are signed in as you, the last used first."""
        return self.paged([device.as_json() for device in devices.listed(self.actor)])

    @extend_schema(operation_id="me_devices_sign_out_others", responses={204: None, **failures(401, 403)}, tags=["me"])
    def delete(self, request: Request) -> Response:
        """Sign out everywhere else. What they hold ends at once, their live sockets within seconds."""
        devices.sign_out_others(self.actor)
        return Response(status=204)


class DeviceView(Endpoint):
    """One device."""

    serializer_class = DeviceOut
    scopes = {"GET": PERSON, "DELETE": PERSON}

    @extend_schema(responses={200: DeviceOut, **failures(401, 403, 404)}, tags=["me"])
    def get(self, request: Request, pk: str) -> Response:
        """One device that is signed in as you."""
        return Response(devices.get(self.actor, pk).as_json())

    @extend_schema(responses={204: None, **failures(401, 403, 404)}, tags=["me"])
    def delete(self, request: Request, pk: str) -> Response:
        """Sign it out."""
        devices.sign_out(self.actor, device=devices.get(self.actor, pk))
        return Response(status=204)


# --- Forgotten passwords -----------------------------------------------------------------------------------------


class ResetIn(Shape):
    email = Text(max_length=254)


class ResetConfirmIn(Shape):
    uid = Text(max_length=100, help_text="The first part of the link.")
    token = Text(max_length=200, help_text="The second part of the link.")
    new_password = Text(max_length=1000, trim_whitespace=False)


class ForEveryone(Endpoint):
    """Asks for no sign-in: who comes with a link has what it takes."""

    authentication_classes = []
    permission_classes = [AllowAny]
    keeps_answers = False


class ResetView(ForEveryone):
    """Forgotten passwords."""

    serializer_class = ResetIn

    @extend_schema(request=ResetIn, responses={202: None, **failures(400, 409, 429)}, tags=["auth"])
    def post(self, request: Request) -> Response:
        """Have a link mailed that sets a new password. Nothing tells whether the address has an account."""
        if not mails.configured():
            why = _("This installation sends no mail. Ask an owner of your organization for a link.")
            raise Conflict(why, code="sends_no_mail")
        passwords.ask_for_mail(self.input(ResetIn)["email"], client_ip(request._request))
        return Response(status=202)


class ResetConfirmView(ForEveryone):
    """The new password."""

    serializer_class = ResetConfirmIn

    @extend_schema(request=ResetConfirmIn, responses={204: None, **failures(400)}, tags=["auth"])
    def post(self, request: Request) -> Response:
        """Set the password with the two parts of a link's address. Ends every sign-in."""
        given = self.input(ResetConfirmIn)
        user = user_of_link(given["uid"], given["token"])
        actor = Actor(name=user.email, source_ip=client_ip(request._request))
        try:
            passwords.reset_password(actor, user=user, new_password=given["new_password"])
        except Invalid as problem:
            raise Invalid(problem.message, fields={"new_password": " ".join(problem.fields.values())}) from None
        return Response(status=204)


def user_of_link(uid: str, token: str) -> User:
    """Raises Invalid for a link that works no more, or never did."""
    try:
        pk = force_str(urlsafe_base64_decode(uid))
        user = User.objects.filter(pk=int(pk), is_active=True).first() if pk.isdecimal() and len(pk) < 19 else None
    except ValueError:
        user = None
    if user is None or not default_token_generator.check_token(user, token):
        why = _("This link has been used, or is too old. Ask for a new one.")
        raise Invalid(why, fields={"token": why})
    return user


class ResetLinkOut(Shape):
    url = Text(help_text="Whoever has it can set the password. Shown this once.")


class MemberResetLinkView(Endpoint):
    """A link for a member who has forgotten the password."""

    serializer_class = ResetLinkOut
    scopes = {"POST": PERSON}

    @extend_schema(request=None, responses={201: ResetLinkOut, **failures(401, 403, 404)}, tags=["organizations"])
    def post(self, request: Request, pk: int, member_pk: int) -> Response:
        """A link that sets a member's password, to be handed over (owners)."""
        member = organizations.member(self.actor, organizations.get(self.actor, pk), member_pk)
        return Response({"url": passwords.issue_link(self.actor, membership=member).url}, status=201)


# --- Invitations -------------------------------------------------------------------------------------------------


class InvitationOut(Shape):
    id = serializers.IntegerField()
    organization = serializers.IntegerField()
    email = Text()
    role = serializers.ChoiceField(Role.choices)
    invited_by = serializers.IntegerField(allow_null=True)
    created_at = Moment()
    sent_at = Moment()
    expires_at = Moment()


class InvitationMade(InvitationOut):
    mailed = serializers.BooleanField()
    url = Text(allow_null=True, help_text="The link, this once, where it could not be mailed.")


class InvitationIn(Shape):
    email = Text(max_length=254)
    role = serializers.ChoiceField(Role.choices)


def told(row: Invitation) -> dict[str, Any]:
    return {
        "id": row.pk,
        "organization": row.organization_id,
        "email": row.email,
        "role": str(row.role),
        "invited_by": row.invited_by_id,
        "created_at": row.created_at,
        "sent_at": row.sent_at,
        "expires_at": row.expires_at,
    }


class OfInvitations(Endpoint):
    def sent(self, invited: invitations.Invited) -> dict[str, Any]:
        """The answer: with the link only where no mail carries it."""
        user = self.actor.user
        mailed = user is not None and invitations.deliver(invited, user)
        return {**told(invited.invitation), "mailed": mailed, "url": None if mailed else invited.url}

    def one(self, pk: int, invitation_pk: int) -> Invitation:
        """Raises NotFound."""
        organization = organizations.get(self.actor, pk)
        found = invitations.get(self.actor, invitation_pk)
        return found if found.organization_id == organization.pk else invitations.get(self.actor, 0)


class InvitationsView(OfInvitations):
    """Invitations to an organization."""

    serializer_class = InvitationOut
    default_order = ("-pk",)
    scopes = {"POST": PERSON}

    @extend_schema(responses={200: InvitationOut(many=True), **failures(401, 404)}, tags=["organizations"])
    def get(self, request: Request, pk: int) -> Response:
        """The open ones, for owners and managers."""
        organization = organizations.get(self.actor, pk)
        return self.listed(invitations.visible(self.actor).filter(organization=organization), told)

    @extend_schema(
        request=InvitationIn,
        responses={201: InvitationMade, **failures(400, 401, 403, 404, 409, 429)},
        tags=["organizations"],
    )
    def post(self, request: Request, pk: int) -> Response:
        """Offer someone a role (owners): a mail with a link that works once, within a week."""
        organization, given = organizations.get(self.actor, pk), self.input(InvitationIn)
        return Response(
            self.sent(invitations.invite_person(self.actor, organization=organization, **given)), status=201
        )


class InvitationView(OfInvitations):
    """One invitation."""

    serializer_class = InvitationOut

    @extend_schema(responses={200: InvitationOut, **failures(401, 404)}, tags=["organizations"])
    def get(self, request: Request, pk: int, invitation_pk: int) -> Response:
        """One open invitation."""
        return Response(told(self.one(pk, invitation_pk)))

    @extend_schema(responses={204: None, **failures(401, 403, 404)}, tags=["organizations"])
    def delete(self, request: Request, pk: int, invitation_pk: int) -> Response:
        """Take it back (owners): its link works no more."""
        invitations.revoke_invitation(self.actor, invitation=self.one(pk, invitation_pk))
        return Response(status=204)


class InvitationResendView(OfInvitations):
    """An invitation once more."""

    serializer_class = InvitationMade
    scopes = {"POST": PERSON}

    @extend_schema(
        request=None, responses={200: InvitationMade, **failures(401, 403, 404, 409, 429)}, tags=["organizations"]
    )
    def post(self, request: Request, pk: int, invitation_pk: int) -> Response:
        """Send it again with a new link (owners); the old one ends."""
        row = self.one(pk, invitation_pk)
        return Response(self.sent(invitations.resend_invitation(self.actor, invitation=row)))


class AcceptIn(Shape):
    token = Text(max_length=200, help_text="The last part of the link.")


class OpenAccountIn(AcceptIn):
    name = Text(max_length=150, required=False, allow_blank=True)
    password = Text(max_length=1000, trim_whitespace=False)


class AcceptView(Endpoint):
    """Joining."""

    serializer_class = AcceptIn
    scopes = {"POST": PERSON}

    @extend_schema(request=AcceptIn, responses={201: MemberOut, **failures(400, 401, 403, 404)}, tags=["organizations"])
    def post(self, request: Request) -> Response:
        """Join with the account that you are signed in with, which must be the invited address's."""
        found = invitations.invitation_of(self.input(AcceptIn)["token"])
        made = invitations.accept_invitation(self.actor, invitation=found)
        return Response(organizations.member_as_json(made), status=201)


class OpenAccountView(ForEveryone):
    """Joining without an account yet."""

    serializer_class = OpenAccountIn

    @extend_schema(request=OpenAccountIn, responses={201: None, **failures(400, 404, 409)}, tags=["organizations"])
    def post(self, request: Request) -> Response:
        """Make the account of the invited address, and join; then sign in."""
        given = self.input(OpenAccountIn)
        found = invitations.invitation_of(given["token"])
        actor = Actor(name=found.email, source_ip=client_ip(request._request))
        invitations.open_account(actor, invitation=found, name=given.get("name", ""), password=given["password"])
        return Response(status=201)


# --- The audit ---------------------------------------------------------------------------------------------------


class AuditOut(Shape):
    id = serializers.IntegerField()
    organization = serializers.IntegerField(allow_null=True)
    user = serializers.IntegerField(allow_null=True)
    actor = Text()
    action = Text(help_text="noun.verb")
    target = Text()
    details = serializers.DictField(help_text="What was given, secrets masked.")
    source_ip = Text()
    at = Moment()


AUDIT_FILTERS = {
    "organization": by_number("organization"),
    "action": by_text("action"),
    "user": by_number("actor"),
    "search": search_in("actor_name", "target", "source_ip"),
    "from": by_moment("at__gte"),
    "to": by_moment("at__lt"),
}
AUDIT_ORDERS = {"at": "at"}


def deed(row: Audit) -> dict[str, Any]:
    return {
        "id": row.pk,
        "organization": row.organization_id,
        "user": row.actor_id,
        "actor": row.actor_name,
        "action": row.action,
        "target": row.target,
        "details": row.details,
        "source_ip": row.source_ip,
        "at": row.at,
    }


class AuditView(Endpoint):
    """What was done on whose behalf."""

    serializer_class = AuditOut
    filters, orders, default_order = AUDIT_FILTERS, AUDIT_ORDERS, ("-at", "-pk")

    @extend_schema(
        parameters=parameters(AUDIT_FILTERS, AUDIT_ORDERS),
        responses={200: AuditOut(many=True), **failures(400, 401)},
        tags=["organizations"],
    )
    def get(self, request: Request) -> Response:
        """What was done in the organizations that you manage, the latest first."""
        return self.listed(audit.visible(self.actor), deed)


urlpatterns = [
    path("me/devices/", DevicesView.as_view()),
    path("me/devices/<str:pk>/", DeviceView.as_view()),
    path("auth/password/reset/", ResetView.as_view()),
    path("auth/password/reset/confirm/", ResetConfirmView.as_view()),
    path("organizations/<int:pk>/members/<int:member_pk>/reset-link/", MemberResetLinkView.as_view()),
    path("organizations/<int:pk>/invitations/", InvitationsView.as_view()),
    path("organizations/<int:pk>/invitations/<int:invitation_pk>/", InvitationView.as_view()),
    path("organizations/<int:pk>/invitations/<int:invitation_pk>/resend/", InvitationResendView.as_view()),
    path("invitations/accept/", AcceptView.as_view()),
    path("invitations/open-account/", OpenAccountView.as_view()),
    path("audit/", AuditView.as_view()),
]
