"""What of its role an API key may use: look, operate, or everything.

Reading needs `read`, everything else `manage`, unless the view names another scope for it or says that only a person
does it.
"""

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from accounts.models import ApiKey
from mobility.errors import Forbidden

if TYPE_CHECKING:
    from accounts.conduct import Conduct

Scope = ApiKey.Scope
RANKS = {Scope.READ: 1, Scope.OPERATE: 2, Scope.MANAGE: 3}
#: In place of a scope: no key does this.
PERSON = None


def needed(view: "Conduct | type[Conduct]", method: str) -> Scope | None:
    """The least scope for a method of a view; PERSON where no key is enough."""
    if method in view.scopes:
        return view.scopes[method]
    return Scope.READ if method in ("GET", "HEAD", "OPTIONS") else Scope.MANAGE


def check(key: ApiKey, least: Scope | None) -> None:
    """Raises Forbidden."""
    if least is PERSON:
        raise Forbidden(_("Only a signed-in person can do this."), code="person_needed")
    if not reaches(key, least):
        raise Forbidden(
            _("The scope of this API key is %(held)s; this needs %(needed)s.")
            % {"held": key.scope, "needed": least.value},
            code="scope_too_small",
        )


def reaches(key: ApiKey, least: Scope) -> bool:
    return RANKS[Scope(key.scope)] >= RANKS[least]


def usual(role: str) -> Scope:
    """The scope of a key for which none is named."""
    return {"viewer": Scope.READ, "driver": Scope.OPERATE}.get(role, Scope.MANAGE)
