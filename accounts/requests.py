"""The door of every page: who is not signed in is sent to the sign-in page and comes back afterwards."""

import functools
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec

from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext as _
from django_htmx.middleware import HtmxDetails

from accounts.actors import Actor
from accounts.models import User
from mobility.errors import NotSignedIn

P = ParamSpec("P")


class PageRequest(HttpRequest):
    """A request of someone signed in, as the middleware leaves it."""

    user: User
    actor: Actor
    htmx: HtmxDetails


View = Callable[Concatenate[PageRequest, P], HttpResponseBase]


def signed_in(view: View[P]) -> Callable[..., HttpResponseBase]:
    """Make a view one for people who are signed in; `mobility.htmx.problems` shows others the way."""

    @functools.wraps(view)
    def run(request: Any, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not request.user.is_authenticated:
            raise NotSignedIn(_("Please sign in."))
        response = view(request, *args, **kwargs)
        # Pages show what only this person may see: no cache keeps them, and "back" after signing out shows nothing.
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    return run


def is_partial(request: PageRequest) -> bool:
    """Whether htmx asks for a part of a page and not for a page."""
    return bool(request.htmx) and not request.htmx.boosted
