"""Deleting one's own account: what was charged stays for the bills, and no longer says by whom.

The log of OCPP frames is left as it is: it forgets by itself after OCPP_LOG_DAYS.
"""

from django.db.models import Q
from django.utils.translation import gettext as _

from accounts import farewell, people
from accounts.actions import action
from accounts.actors import Actor
from accounts.models import User
from charging.models import Car, Command, IdTag, Transaction
from mobility.errors import Conflict, Forbidden

#: Stands where a session named its tag. Not empty: a late message of the station would fill in the tag again.
WITHOUT_TAG = "(deleted)"


def leave(actor: Actor, *, password: str) -> None:
    """Delete the account of the person who acts, with its tags and cars.

    Raises:
        Forbidden: the actor is no person.
        Invalid: the password is wrong.
        Conflict: a session is running, or nobody else owns an organization of this person.
    """
    # The audit row of the deed must not name who is gone by its end: the system does it.
    delete_account(Actor(name=farewell.GONE, is_system=True), user=people.person(actor), password=password)


@action("account.delete", role=None, target=str)
def delete_account(actor: Actor, *, user: User, password: str) -> str:
    if not actor.is_system:
        raise Forbidden(_("Only the system deletes accounts."))
    farewell.check_leaving(user, password)
    theirs = Transaction.objects.filter(Q(user=user) | Q(id_tag__user=user))
    if theirs.filter(state__in=Transaction.OPEN).exists():
        raise Conflict(_("A charging session of yours is running. End it first."), code="session_running")
    theirs.update(id_token=WITHOUT_TAG)
    theirs.update(user=None)
    past = Command.objects.filter(Q(actor=user) | Q(id_tag__user=user)).exclude(status__in=Command.WAITING)
    past.update(params={}, request=None)
    tags, cars = IdTag.objects.filter(user=user), Car.objects.filter(user=user)
    things = {text for tag in tags for text in (str(tag), tag.id_tag)} | {str(car) for car in cars}
    tags.delete()
    cars.delete()
    return farewell.forget(user, things)
