"""Who acts: a user in a request, an API key, a station, or the system itself."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from accounts.models import Membership, Organization

if TYPE_CHECKING:
    from accounts.models import User

Role = Membership.Role
RANKS = {Role.VIEWER: 1, Role.DRIVER: 2, Role.MANAGER: 3, Role.OWNER: 4}


@dataclass(frozen=True)
class Actor:
    """One who asks for something, and from where.

    `user` is None for the system and for a station. `roles` limits an API key to one organization and role.
    `family_id` is the sign-in of a phone that the actor speaks through.
    """

    user: "User | None" = None
    name: str = "system"
    is_system: bool = False
    source_ip: str = ""
    roles: dict[int, str] | None = field(default=None, compare=False)
    api_key_id: int | None = None
    family_id: int | None = None

    @cached_property
    def memberships(self) -> dict[int, str]:
        """Organization pk -> role, in the order of joining."""
        if self.roles is not None:
            return self.roles
        if self.user is None:
            return {}
        return dict(Membership.objects.filter(user=self.user).order_by("pk").values_list("organization_id", "role"))

    @property
    def is_platform_admin(self) -> bool:
        return self.is_system or (self.roles is None and bool(self.user and self.user.is_superuser))

    def can(self, role: str, organization_id: int | None) -> bool:
        """Whether the actor has at least `role` in the organization."""
        if self.is_platform_admin:
            return True
        held = self.memberships.get(organization_id) if organization_id is not None else None
        return held is not None and RANKS[Role(held)] >= RANKS[Role(role)]

    @property
    def manages(self) -> bool:
        """Whether the actor is a manager or an owner anywhere: who is shown the ways to other people's records."""
        return self.organization_ids(Role.MANAGER) != []

    def organization_ids(self, role: str = Role.VIEWER) -> list[int] | None:
        """The organizations in which the actor has at least `role`; None means all of them."""
        if self.is_platform_admin:
            return None
        return [pk for pk, held in self.memberships.items() if RANKS[Role(held)] >= RANKS[Role(role)]]

    def first_organization(self) -> Organization | None:
        """The one that new things belong to when none is named: the actor's first."""
        if self.memberships:
            return Organization.objects.filter(pk__in=self.memberships).order_by("memberships__pk").first()
        return Organization.objects.order_by("pk").first() if self.is_platform_admin else None


SYSTEM = Actor(is_system=True)


def actor_of(user: "User", source_ip: str = "", family_id: int | None = None) -> Actor:
    return Actor(user=user, name=user.email, source_ip=source_ip, family_id=family_id)
