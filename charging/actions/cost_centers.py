"""Changing the cost centres of people."""

from django.utils.translation import gettext as _

from accounts.actions import action
from accounts.actors import Actor, Role
from accounts.models import Organization, User
from charging.actions.common import member_or_invalid
from charging.models import PersonCostCenter
from mobility.errors import Invalid

MOST = 100


@action("cost_center.set", role=Role.MANAGER)
def set_person_cost_center(
    actor: Actor, *, organization: Organization, user: User, cost_center: str
) -> PersonCostCenter | None:
    """Set the cost centre of a member's sessions; an empty one takes it away.

    Raises:
        Invalid: the text is unusable, or the person is no member.
    """
    member_or_invalid(user, organization.pk)
    text = " ".join(cost_center.replace("\x00", "").split())
    if len(text) > MOST:
        why = _("This has at most %(most)s characters.") % {"most": MOST}
        raise Invalid(why, fields={"cost_center": why})
    rows = PersonCostCenter.objects.filter(organization=organization, user=user)
    if not text:
        rows.delete()
        return None
    return PersonCostCenter.objects.update_or_create(
        organization=organization, user=user, defaults={"cost_center": text}
    )[0]
