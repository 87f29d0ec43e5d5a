"""Forgotten passwords: the link that sets a new one, by mail or from hand to hand.

The link is Django's own signed token: it works until it has been used, the password or the address changes, or it is a
day old. Nothing that a visitor sees or can time tells whether an address has an account.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from axes.utils import reset as forget_failures
from celery import shared_task
from django.conf import settings
from django.contrib.auth.forms import PasswordResetForm
from django.contrib.auth.tokens import default_token_generator
from django.urls import reverse
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.utils.translation import gettext as _
from kombu.exceptions import OperationalError

from accounts import mails
from accounts.actions import action
from accounts.actors import Actor, Role
from accounts.models import Membership, ResetRequest, User
from accounts.people import check_new_password, replace_password
from mobility.errors import Forbidden, Invalid, TooMany, Unavailable

WITHIN = timedelta(hours=1)
MOST_PER_SOURCE = 10
MOST_PER_ADDRESS = 3


@dataclass(frozen=True, slots=True)
class ResetLink:
    """Whose password it resets, and its address: whoever has that can set the password."""

    user: User
    url: str

    def __str__(self) -> str:
        return str(self.user)


def active_user(email: str) -> User | None:
    return User.objects.filter(email=email.strip().lower(), is_active=True).first()


def link_of(user: User) -> ResetLink:
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    path = reverse("password-new", args=[uid, default_token_generator.make_token(user)])
    return ResetLink(user, mails.absolute(path))


@action("password.issue_link", role=Role.OWNER)
def issue_link(actor: Actor, *, membership: Membership) -> ResetLink:
    """A link with which a member sets a new password, for the owner to hand over.

    Whoever has the link has the account. So it is made only for people who are at home in the actor's own
    organizations: who belongs to another one too, or administers the platform, is out of an owner's reach.

    Raises:
        Forbidden: the account reaches further than the actor.
    """
    user = membership.user
    if not actor.is_platform_admin:
        owned = actor.organization_ids(Role.OWNER) or []
        elsewhere = Membership.objects.filter(user=user).exclude(organization_id__in=owned).exists()
        if elsewhere or user.is_superuser or user.is_staff:
            raise Forbidden(_("This account reaches beyond your organization. Ask a platform admin for the link."))
    if not user.is_active:
        raise Forbidden(_("This account is deactivated."))
    return link_of(user)


@action("password.reset", role=None, target=lambda user: str(user))
def reset_password(actor: Actor, *, user: User, new_password: str) -> User:
    """Set the password of whoever came with a valid link; the edge has checked it. Ends every session and token.

    Raises:
        Invalid: it is not good enough.
    """
    check_new_password(new_password, user, "new_password1")
    replace_password(user, new_password)
    forget_failures(username=user.email)
    return user


def ask_for_mail(email: str, source_ip: str) -> None:
    """Have a reset link mailed, if the address has an account: a worker looks, so that the answer takes no longer.

    Raises:
        Invalid: this is no address at all.
        TooMany: this source has asked too often.
        Unavailable: no worker can be asked.
    """
    email = email.strip().lower()
    if not PasswordResetForm({"email": email}).is_valid() or len(email) > 254:
        why = _("This is no e-mail address.")
        raise Invalid(why, fields={"email": why})
    now = timezone.now()
    ResetRequest.objects.filter(at__lt=now - timedelta(days=1)).delete()
    recent = ResetRequest.objects.filter(at__gt=now - WITHIN)
    if recent.filter(source_ip=source_ip).count() >= MOST_PER_SOURCE:
        raise TooMany(_("Too many attempts. Wait an hour, then try again."))
    address = hashlib.blake2b(force_bytes(email), digest_size=32, key=force_bytes(settings.SECRET_KEY)[:64]).hexdigest()
    often = recent.filter(address=address).count() >= MOST_PER_ADDRESS
    ResetRequest.objects.create(address=address, source_ip=source_ip)
    if often:
        return
    try:
        mail_reset_link.delay(email)
    except OperationalError as error:
        raise Unavailable(_("No mail can be sent for the moment. Try again in a few minutes.")) from error


@shared_task
def mail_reset_link(email: str) -> None:
    """One mail to the active account of that address, where there is one."""
    for user in PasswordResetForm({"email": email}).get_users(email):
        link = link_of(user)
        hours = settings.PASSWORD_RESET_TIMEOUT // 3600
        context = {"user": user, "url": link.url, "hours": hours}
        mails.send(user.email, "mail/password_reset.txt", context, user.language)
