"""The one way in which anything is changed on someone's behalf.

An action is a function `verb_noun(actor, *, ...)`. The decorator runs it as: authorize -> transaction -> the body,
which validates and writes -> an audit row -> what others are told, in the same commit -> publishing after it.
Actions may call actions: the outermost one owns the transaction.
"""

import functools
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Concatenate, ParamSpec, TypeVar

from django.db import models, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actors import Actor
from accounts.models import Audit, Organization
from mobility.errors import Forbidden, NotFound

P = ParamSpec("P")
R = TypeVar("R")

SECRET_NAMES = ("password", "secret", "token", "hash", "sealed", "authorizationkey")
MASK = "•••"


class Deed:
    """What an outermost action collects until just before its commit."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self.before_commit: list[Callable[[], None]] = []


_known: set[str] = set()
_deed: ContextVar[Deed | None] = ContextVar("deed", default=None)


def known_actions() -> frozenset[str]:
    """The name of every action that there is."""
    return frozenset(_known)


def before_commit(call: Callable[[], None]) -> None:
    """Run `call` last in the current action's transaction; at once when there is no action."""
    deed = _deed.get()
    if deed is None:
        call()
    else:
        deed.before_commit.append(call)


def organization_of(arguments: dict[str, Any]) -> int | None:
    """The organization that the arguments are about: named, or that of the first thing that has one."""
    for value in arguments.values():
        if isinstance(value, Organization):
            return value.pk
    for value in arguments.values():
        if isinstance(value, models.Model) and hasattr(value, "organization_id"):
            return int(value.organization_id) if value.organization_id is not None else None
    return None


def described(value: Any) -> Any:
    if isinstance(value, models.Model):
        return f"{value._meta.model_name} {value.pk}"
    if isinstance(value, dict):
        return masked(value)
    if isinstance(value, (list, tuple, set)):
        return [described(item) for item in value][:50]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return str(value)[:500]


def masked(arguments: dict[str, Any]) -> dict[str, Any]:
    """Arguments as an audit row keeps them: short, and without secrets."""
    return {
        name: MASK if value and any(secret in name.lower() for secret in SECRET_NAMES) else described(value)
        for name, value in arguments.items()
    }


def action(
    name: str, *, role: str | None, target: Callable[[Any], str] = str, creates: bool = False
) -> Callable[[Callable[Concatenate[Actor, P], R]], Callable[Concatenate[Actor, P], R]]:
    """Make a function an action.

    Args:
        name: what the audit calls it, `noun.verb`.
        role: the least role in the organization concerned; None where the body decides.
        target: names the result for the audit.
        creates: it makes something in an `organization`; None there means the actor's first one.

    Raises:
        NotFound: the actor is no member of the organization at all.
        Forbidden: a member whose role is not enough.
    """

    def decorate(body: Callable[Concatenate[Actor, P], R]) -> Callable[Concatenate[Actor, P], R]:
        _known.add(name)

        @functools.wraps(body)
        def run(actor: Actor, *args: P.args, **kwargs: P.kwargs) -> R:
            if creates and kwargs.get("organization") is None:
                kwargs["organization"] = actor.first_organization()
            organization_id = organization_of(kwargs)
            if role is not None:
                authorize(actor, role, organization_id, name)
            outer = _deed.get()
            deed = outer or Deed(actor)
            token = _deed.set(deed)
            try:
                with transaction.atomic():
                    result = body(actor, *args, **kwargs)
                    if organization_id is None and isinstance(result, models.Model):
                        organization_id = organization_of({"result": result})
                    Audit.objects.create(
                        organization_id=organization_id,
                        actor=actor.user,
                        actor_name=actor.name[:254],
                        action=name,
                        target=audit_target(result, kwargs, target)[:200],
                        details=masked(kwargs),
                        source_ip=actor.source_ip[:64],
                    )
                    if outer is None:
                        for call in deed.before_commit:
                            call()
                    return result
            finally:
                _deed.reset(token)

        return run

    return decorate


def audit_target(result: Any, arguments: dict[str, Any], target: Callable[[Any], str]) -> str:
    if result is not None:
        return target(result)
    return next((str(value) for value in arguments.values() if isinstance(value, models.Model)), "")


#: The roles within a sentence.
ROLE_WORDS = {
    "owner": gettext_lazy("owner"),
    "manager": gettext_lazy("manager"),
    "driver": gettext_lazy("driver"),
    "viewer": gettext_lazy("viewer"),
}


def authorize(actor: Actor, role: str, organization_id: int | None, name: str = "this") -> None:
    """Raise NotFound for a stranger and Forbidden for a member whose role is less than `role`."""
    if actor.can(role, organization_id):
        return
    if organization_id is None or organization_id not in actor.memberships:
        raise NotFound(_("There is no such thing, or it is not yours."))
    held = actor.memberships[organization_id]
    raise Forbidden(
        _("Your role here is %(held)s; %(name)s needs %(role)s.")
        % {"held": ROLE_WORDS[held], "name": name.replace(".", " ").replace("_", " "), "role": ROLE_WORDS[role]}
    )
