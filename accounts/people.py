"""People: their profile, their password, and the first one."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import available_timezones

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.actions import action
from accounts.actors import SYSTEM, Actor, Role
from accounts.models import BrowserSession, Membership, Organization, User
from accounts.tokens import revoke_all
from mobility.errors import Conflict, Forbidden, Invalid, NotFound

PROFILE = ("name", "language", "time_zone", "theme")


def visible(actor: Actor) -> QuerySet[User]:
    """Everyone in the actor's organizations, and the actor."""
    if actor.is_platform_admin:
        return User.objects.order_by("email")
    ids = actor.organization_ids() or []
    rows = User.objects.filter(memberships__organization__in=ids)
    if actor.user is not None:
        rows = rows | User.objects.filter(pk=actor.user.pk)
    return rows.distinct().order_by("email")


def get(actor: Actor, pk: int) -> User:
    """Raises NotFound."""
    found = visible(actor).filter(pk=pk).first()
    if found is None:
        raise NotFound(_("There is no such person, or not in your organizations."))
    return found


def person(actor: Actor) -> User:
    """The person who acts; raises Forbidden for a key, a station or the system."""
    if actor.user is None or actor.roles is not None:
        raise Forbidden(_("Only a signed-in person can do this."))
    return actor.user


@action("profile.update", role=None)
def update_profile(actor: Actor, *, changes: Mapping[str, Any]) -> User:
    """Change one's own name, language, time zone or theme.

    Raises:
        Invalid: a field is unusable.
    """
    user = person(actor)
    wrong: dict[str, str] = {}
    changed = [name for name in PROFILE if name in changes]
    for name in changed:
        value = changes[name] or ""
        field: Any = User._meta.get_field(name)
        try:
            if not isinstance(value, str) or "\x00" in value:
                raise ValidationError(_("This must be a text."))
            if name == "time_zone" and value and value not in available_timezones():
                raise ValidationError(_("This is a name such as Europe/Berlin."))
            setattr(user, name, field.clean(value.strip() or field.get_default(), user))
        except ValidationError as error:
            wrong[name] = " ".join(error.messages)
    if wrong:
        raise Invalid(_("Some fields are not usable."), fields=wrong)
    if changed:
        user.save(update_fields=changed)
    return user


def check_new_password(password: str, user: User, field: str) -> None:
    """Raise Invalid with all that is wrong with a password someone chose."""
    try:
        if "\x00" in password or len(password) > 1000:
            raise ValidationError(_("This must be a text of at most 1000 characters."))
        validate_password(password, user)
    except ValidationError as error:
        raise Invalid(_("This password is not good enough."), fields={field: " ".join(error.messages)}) from None


@action("password.change", role=None)
def change_password(actor: Actor, *, old_password: str, new_password: str) -> User:
    """Change one's own password. It ends every session and token; the caller keeps its own session if it has one.

    Raises:
        Invalid: the old password is wrong, or the new one not good enough.
    """
    user = person(actor)
    if not user.check_password(old_password):
        raise Invalid(_("The old password is wrong."), fields={"old_password": _("This is not your password.")})
    check_new_password(new_password, user, "new_password")
    return replace_password(user, new_password)


def replace_password(user: User, password: str) -> User:
    user.set_password(password)
    user.save(update_fields=["password", "auth_version"])
    revoke_all(user)
    BrowserSession.objects.filter(user=user).delete()
    return user


def has_admin() -> bool:
    return User.objects.filter(is_superuser=True, is_active=True).exists()


@action("person.set_up_first_admin", role=None)
def _set_up(actor: Actor, *, email: str, password: str, name: str, organization_name: str) -> User:
    if has_admin():
        raise Conflict(_("There is an admin already; sign in."), code="already_set_up")
    user = User.objects.create_superuser(email, password, name=name[:150])
    organization = Organization.objects.order_by("pk").first() or Organization.objects.create(name=organization_name)
    Membership.objects.create(organization=organization, user=user, role=Role.OWNER)
    return user


def set_up_first_admin(
    *, email: str, password: str, name: str = "", organization_name: str = "", check_password: bool = True
) -> User:
    """Create the platform admin and a first organization that it owns, while there is no admin.

    Args:
        check_password: hold the password to the rules for those that people choose.

    Raises:
        Invalid: a field is unusable.
        Conflict: there is an admin already.
    """
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise Invalid(_("This is no e-mail address."), fields={"email": _("This is no e-mail address.")}) from None
    if User.objects.filter(email=email).exists():
        raise Conflict(
            _("This address is taken."), code="already_exists", fields={"email": _("This address is taken.")}
        )
    if check_password:
        check_new_password(password, User(email=email, name=name), "password")
    return _set_up(
        SYSTEM, email=email, password=password, name=name.strip(), organization_name=organization_name or "Home"
    )
