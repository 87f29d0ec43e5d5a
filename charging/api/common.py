"""What several REST views look up: the organization, the person or the site that a body names by its id."""

from typing import Any

from django.utils.translation import gettext as _

from accounts import organizations, people
from accounts.actors import Actor
from accounts.models import Organization
from charging.queries import sites
from mobility.errors import Invalid, NotFound


def named_organization(actor: Actor, given: dict[str, Any]) -> Organization | None:
    """Take `organization` out of a body; None when it names none. Raises NotFound or Invalid."""
    pk = given.pop("organization", None)
    if isinstance(pk, str) and not (pk.isascii() and pk.isdecimal() and len(pk) < 19):
        why = _("This is a whole number.")
        raise Invalid(why, fields={"organization": why})
    return organizations.get(actor, int(pk)) if pk else None


def resolve(actor: Actor, given: dict[str, Any]) -> dict[str, Any]:
    """Replace the ids of `user` and `site` by what they name. Raises Invalid: what is not visible cannot be named."""
    for name, get in (("user", people.get), ("site", sites.get)):
        if given.get(name) is not None:
            try:
                given[name] = get(actor, given[name])
            except NotFound:
                why = _("There is no such %(name)s, or not in your organizations.") % {"name": _(name)}
                raise Invalid(why, fields={name: why}) from None
    return given
