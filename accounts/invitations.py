"""Invitations: how someone joins an organization, with an account or without one yet."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts import mails
from accounts.actions import action
from accounts.actors import Actor, Role
from accounts.models import Invitation, Membership, Organization, User
from accounts.organizations import usable_role
from accounts.people import check_new_password, person
from mobility.errors import Conflict, Forbidden, Invalid, NotFound, TooMany

LIFETIME = timedelta(days=7)
#: Nobody is mailed the same invitation more often.
AGAIN_AFTER = timedelta(minutes=1)
#: So that an account here is no means to mail the world.
MOST_OPEN = 100
GONE = gettext_noop("This invitation has been used, was taken back, or is too old. Ask for a new one.")


@dataclass(frozen=True, slots=True)
class Invited:
    """An invitation, and the text of its link the one time it is known."""

    invitation: Invitation
    token: str

    def __str__(self) -> str:
        return str(self.invitation)

    @property
    def url(self) -> str:
        return mails.absolute(reverse("invitation", args=[self.token]))


def digest(token: str) -> str:
    return hashlib.blake2b(token.encode(errors="replace"), digest_size=32, person=b"invitation").hexdigest()


def open_ones() -> QuerySet[Invitation]:
    """Neither accepted nor revoked; they may have expired."""
    return Invitation.objects.filter(accepted_at=None, revoked_at=None)


def visible(actor: Actor) -> QuerySet[Invitation]:
    """The open invitations to the organizations that the actor manages."""
    rows = open_ones().select_related("organization", "invited_by").order_by("-pk")
    ids = actor.organization_ids(Role.MANAGER)
    return rows if ids is None else rows.filter(organization_id__in=ids)


def get(actor: Actor, pk: int) -> Invitation:
    """Raises NotFound."""
    found = visible(actor).filter(pk=pk).first()
    if found is None:
        raise NotFound(_("There is no such invitation, or it is not yours."))
    return found


def usable_email(email: object) -> str:
    text = str(email or "").strip().lower()
    try:
        validate_email(text)
        Invitation(email=text).clean_fields(exclude={"organization", "role", "token_hash", "expires_at"})
    except ValidationError:
        why = _("This is no e-mail address.")
        raise Invalid(why, fields={"email": why}) from None
    return text


@action("invitation.create", role=Role.OWNER)
def invite_person(actor: Actor, *, organization: Organization, email: str, role: str) -> Invited:
    """Offer a role to whoever reads the address's mail.

    Raises:
        Invalid: the address or the role is unusable.
        Conflict: already a member, or already invited.
        TooMany: the organization has too many open invitations.
    """
    email, role = usable_email(email), usable_role(role)
    if Membership.objects.filter(organization=organization, user__email=email).exists():
        why = _("This person is a member already.")
        raise Conflict(why, code="already_exists", fields={"email": why})
    now = timezone.now()
    waiting = open_ones().filter(organization=organization, expires_at__gt=now)
    if waiting.filter(email=email).exists():
        why = _("This person is invited already. The list has a button to send it again.")
        raise Conflict(why, code="already_exists", fields={"email": why})
    if waiting.count() >= MOST_OPEN:
        raise TooMany(_("There are too many open invitations. Revoke some, or wait until they are accepted."))
    # What an earlier invitation of this address was is in the audit.
    Invitation.objects.filter(organization=organization, email=email).delete()
    token = secrets.token_urlsafe(32)
    row = Invitation.objects.create(
        organization=organization,
        email=email,
        role=role,
        token_hash=digest(token),
        invited_by=actor.user,
        expires_at=now + LIFETIME,
    )
    return Invited(row, token)


@action("invitation.resend", role=Role.OWNER)
def resend_invitation(actor: Actor, *, invitation: Invitation) -> Invited:
    """A new link, with its whole time again; the old one ends.

    Raises:
        Conflict: accepted or revoked meanwhile.
        TooMany: it was mailed a moment ago.
    """
    now = timezone.now()
    if mails.configured() and invitation.sent_at > now - AGAIN_AFTER:
        raise TooMany(_("This invitation was sent a moment ago. Wait a minute before you send it again."))
    token = secrets.token_urlsafe(32)
    invitation.token_hash, invitation.sent_at, invitation.expires_at = digest(token), now, now + LIFETIME
    changed = (
        open_ones()
        .filter(pk=invitation.pk)
        .update(token_hash=invitation.token_hash, sent_at=now, expires_at=invitation.expires_at)
    )
    if not changed:
        raise Conflict(_("This invitation is no longer open."))
    return Invited(invitation, token)


@action("invitation.revoke", role=Role.OWNER)
def revoke_invitation(actor: Actor, *, invitation: Invitation) -> None:
    """End an invitation: its link stops working at once."""
    open_ones().filter(pk=invitation.pk).update(revoked_at=timezone.now())


def deliver(invited: Invited, inviter: User) -> bool:
    """Mail the link; -> whether the mail server took it. Without a mail server the inviter hands it over."""
    if not mails.configured():
        return False
    row = invited.invitation
    context = {"invitation": row, "inviter": inviter, "url": invited.url, "days": LIFETIME.days}
    known = User.objects.filter(email=row.email).values_list("language", flat=True).first()
    return mails.send(row.email, "mail/invitation.txt", context, known or inviter.language)


# --- The one who is invited ------------------------------------------------------------------------------------------


def invitation_of(token: str) -> Invitation:
    """The invitation that a link belongs to.

    Raises:
        NotFound: there is none, or it was accepted or revoked or has expired: the three are never told apart.
    """
    rows = open_ones().filter(expires_at__gt=timezone.now()).select_related("organization", "invited_by")
    found = rows.filter(token_hash=digest(token)).first()
    if found is None:
        raise NotFound(_(GONE))
    return found


def has_account(invitation: Invitation) -> bool:
    return User.objects.filter(email=invitation.email).exists()


@action("invitation.accept", role=None)
def accept_invitation(actor: Actor, *, invitation: Invitation) -> Membership:
    """Join with the account that one is signed in with, which must be the invited address's.

    Raises:
        Forbidden: it is another's invitation.
        NotFound: it was used up meanwhile.
    """
    user = person(actor)
    if user.email != invitation.email:
        raise Forbidden(_("This invitation is for another address. Sign in with that one."))
    use_up(invitation)
    return join(invitation, user)


@action("invitation.accept_with_new_account", role=None, target=lambda user: str(user))
def open_account(actor: Actor, *, invitation: Invitation, name: str, password: str) -> User:
    """Make the account of the invited address, and join.

    Raises:
        Conflict: the address has an account.
        Invalid: the name or the password is unusable.
        NotFound: the invitation was used up meanwhile.
    """
    if has_account(invitation):
        raise Conflict(_("There is an account with this address already. Sign in with it."), code="already_exists")
    name = name.replace("\x00", "").strip()[:150]
    check_new_password(password, User(email=invitation.email, name=name), "password")
    use_up(invitation)
    user = User.objects.create_user(invitation.email, password, name=name)
    join(invitation, user)
    return user


def use_up(invitation: Invitation) -> None:
    """End the invitation as accepted: of all who come with its link at the same time, for one."""
    now = timezone.now()
    fresh = open_ones().filter(pk=invitation.pk, token_hash=invitation.token_hash, expires_at__gt=now)
    if not fresh.update(accepted_at=now):
        raise NotFound(_(GONE))


def join(invitation: Invitation, user: User) -> Membership:
    """Who is a member already stays what they are."""
    made, _created = Membership.objects.get_or_create(
        organization=invitation.organization, user=user, defaults={"role": invitation.role}
    )
    return made
