"""Organizations and their members."""

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from accounts.actions import action, authorize
from accounts.actors import Actor, Role
from accounts.locks import held
from accounts.models import ApiKey, Membership, Organization, User
from mobility.errors import Conflict, Forbidden, Invalid, NotFound


def visible(actor: Actor) -> QuerySet[Organization]:
    ids = actor.organization_ids()
    rows = Organization.objects.order_by("pk")
    return rows if ids is None else rows.filter(pk__in=ids)


def get(actor: Actor, pk: int) -> Organization:
    """Raises NotFound."""
    found = visible(actor).filter(pk=pk).first()
    if found is None:
        raise NotFound(_("There is no such organization, or it is not yours."))
    return found


def managed(actor: Actor) -> QuerySet[Organization]:
    """Those in which the actor is a manager or an owner; for a platform admin all."""
    ids = actor.organization_ids(Role.MANAGER)
    rows = Organization.objects.order_by("pk")
    return rows if ids is None else rows.filter(pk__in=ids)


def managed_one(actor: Actor, wanted: str = "") -> Organization:
    """The named organization, or the first that the actor manages.

    Raises:
        NotFound: the actor is no member of the named one.
        Forbidden: only a driver or a viewer of it, or of every one.
    """
    if wanted:
        if not (wanted.isascii() and wanted.isdecimal()) or len(wanted) > 18:
            raise NotFound(_("There is no such organization, or it is not yours."))
        found = get(actor, int(wanted))
        authorize(actor, Role.MANAGER, found.pk, "this page")
        return found
    if not actor.manages:
        raise Forbidden(_("This page is for owners and managers."))
    own = actor.first_organization()
    first = own if own and actor.can(Role.MANAGER, own.pk) else managed(actor).first()
    if first is None:
        raise NotFound(_("There is no organization yet."))
    return first


def own_memberships(actor: Actor) -> QuerySet[Membership]:
    """Where the actor belongs, in the order of joining."""
    return Membership.objects.filter(user=actor.user).select_related("organization").order_by("pk")


def membership(actor: Actor, pk: int) -> Membership:
    """A membership of an organization that the actor manages, or the actor's own. Raises NotFound."""
    rows = Membership.objects.select_related("user", "organization")
    if not actor.is_platform_admin:
        rows = rows.filter(Q(organization_id__in=actor.organization_ids(Role.MANAGER) or []) | Q(user=actor.user))
    found = rows.filter(pk=pk).first()
    if found is None:
        raise NotFound(_("There is no such member, or you may not see it."))
    return found


def members(actor: Actor, organization: Organization) -> QuerySet[Membership]:
    """Everyone for a manager or owner; oneself for the others."""
    rows = Membership.objects.filter(organization=organization).select_related("user").order_by("pk")
    return rows if actor.can(Role.MANAGER, organization.pk) else rows.filter(user=actor.user)


def member(actor: Actor, organization: Organization, pk: int) -> Membership:
    """Raises NotFound."""
    found = members(actor, organization).filter(pk=pk).first()
    if found is None:
        raise NotFound(_("There is no such member, or you may not see it."))
    return found


def as_json(actor: Actor, organization: Organization) -> dict[str, Any]:
    return {
        "id": organization.pk,
        "name": organization.name,
        "role": actor.memberships.get(organization.pk),
        "created_at": organization.created_at,
    }


def member_as_json(membership: Membership) -> dict[str, Any]:
    return {
        "id": membership.pk,
        "user": membership.user_id,
        "email": membership.user.email,
        "name": membership.user.name,
        "role": str(membership.role),
        "created_at": membership.created_at,
    }


def usable_name(name: object) -> str:
    text = str(name or "").replace("\x00", "").strip()
    if not text or len(text) > 150:
        why = _("This field has 1 to 150 characters.")
        raise Invalid(why, fields={"name": why})
    return text


@action("organization.create", role=None)
def create_organization(actor: Actor, *, name: str) -> Organization:
    """Add an organization, owned by the admin who makes it. Raises Forbidden for everyone else."""
    if not actor.is_platform_admin:
        raise Forbidden(_("Only a platform admin adds organizations."))
    organization = Organization.objects.create(name=usable_name(name))
    if actor.user is not None:
        Membership.objects.create(organization=organization, user=actor.user, role=Role.OWNER)
    return organization


@action("organization.rename", role=Role.OWNER)
def rename_organization(actor: Actor, *, organization: Organization, name: str) -> Organization:
    organization.name = usable_name(name)
    organization.save(update_fields=["name"])
    return organization


def usable_role(role: object) -> str:
    if role not in Role.values:
        why = _("Choose one of %(choices)s.") % {"choices": ", ".join(Role.values)}
        raise Invalid(why, fields={"role": why})
    return str(role)


@action("member.add", role=Role.OWNER)
def add_member(actor: Actor, *, organization: Organization, email: str, role: str) -> Membership:
    """Make someone who has an account a member.

    Raises:
        Invalid: nobody has this address, or the role is unknown.
        Conflict: already a member.
    """
    user = User.objects.filter(email=str(email).strip().lower().replace("\x00", ""), is_active=True).first()
    if user is None:
        why = _("Nobody with this address has an account here.")
        raise Invalid(why, fields={"email": why})
    role = usable_role(role)
    try:
        with transaction.atomic():
            return Membership.objects.create(organization=organization, user=user, role=role)
    except IntegrityError:
        why = _("This person is a member already.")
        raise Conflict(why, code="already_exists", fields={"email": why}) from None


@action("member.change_role", role=Role.OWNER)
def change_role(actor: Actor, *, membership: Membership, role: str) -> Membership:
    """Raises Conflict when nobody would own the organization any more."""
    role = usable_role(role)
    if membership.role == Role.OWNER and role != Role.OWNER:
        keep_an_owner(membership)
    membership.role = role
    membership.save(update_fields=["role"])
    return membership


@action("member.remove", role=None)
def remove_member(actor: Actor, *, membership: Membership) -> None:
    """End a membership: an owner anyone's, everyone the own. The person's API keys for the organization end with it.

    Raises:
        Conflict: the last owner stays.
    """
    oneself = actor.user is not None and actor.user.pk == membership.user_id
    if not oneself and not actor.can(Role.OWNER, membership.organization_id):
        raise Forbidden(_("Only an owner removes members."))
    if membership.role == Role.OWNER:
        keep_an_owner(membership)
    ApiKey.objects.filter(organization=membership.organization_id, user=membership.user_id).delete()
    membership.delete()


def keep_an_owner(membership: Membership) -> None:
    """Lock the organization's owners, and refuse when this is the only one."""
    owners = held(Membership.objects.filter(organization=membership.organization_id, role=Role.OWNER))
    if list(owners.values_list("pk", flat=True)) == [membership.pk]:
        raise Conflict(_("An organization keeps at least one owner."), code="last_owner")
