"""The end of an account: what is left afterwards says what happened, and no longer who it was."""

from collections.abc import Iterable

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.utils.translation import gettext as _

from accounts.actors import Role
from accounts.locks import held
from accounts.models import Audit, Invitation, Membership, User
from mobility.errors import Conflict, Invalid

GONE = "deleted account"


def check_leaving(user: User, password: str) -> None:
    """Whether it is really this person who asks, and no organization is left without an owner.

    Raises:
        Invalid: the password is wrong.
        Conflict: the last owner of an organization, or the last platform admin.
    """
    if not user.check_password(password):
        raise Invalid(_("The password is wrong."), fields={"password": _("This is not your password.")})
    alone = owned_alone(user)
    if alone:
        raise Conflict(
            _("You are the last owner of %(names)s. Make someone else an owner first, under Members.")
            % {"names": ", ".join(alone)},
            code="last_owner",
        )
    if user.is_superuser and not User.objects.filter(is_superuser=True, is_active=True).exclude(pk=user.pk).exists():
        raise Conflict(_("You are the last platform admin. Make someone else one first."), code="last_admin")


def owned_alone(user: User) -> list[str]:
    """The names of the organizations that would have no owner without this one; holds their owners' rows."""
    mine = Membership.objects.filter(user=user, role=Role.OWNER).values_list("organization_id", flat=True)
    owners = held(Membership.objects.filter(organization_id__in=list(mine), role=Role.OWNER))
    others = {row.organization_id for row in owners if row.user_id != user.pk}
    alone = Membership.objects.filter(user=user, role=Role.OWNER).exclude(organization_id__in=others)
    return list(alone.select_related("organization").values_list("organization__name", flat=True))


def forget(user: User, things: Iterable[str]) -> str:
    """Take the person out of the audit and the sign-in logs, and delete the account; -> what it is called from now on.

    Memberships, keys and tokens go with it. `things` are the names under which the audit knows what was theirs.
    """
    name, email = f"{GONE} {user.pk}", user.email
    where = list(Membership.objects.filter(user=user).values_list("organization_id", flat=True))
    Audit.objects.filter(actor=user).update(actor_name=name, source_ip="", details={})
    Audit.objects.filter(organization_id__in=where, target__in=[*things]).update(target=GONE, details={})
    for row in Audit.objects.filter(target__icontains=email).iterator(chunk_size=500):
        row.target, row.details = row.target.replace(email, name)[:200], {}
        row.save(update_fields=["target", "details"])
    for kept in (AccessAttempt, AccessFailureLog, AccessLog):
        kept.objects.filter(username=email).delete()
    Invitation.objects.filter(email=email).delete()
    user.delete()
    return name
