"""HTML for open pages: the same partial templates that the pages include, marked to be swapped in by their id.

Everything goes through the template engine, which escapes what stations call themselves.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.template.loader import render_to_string
from django.utils import timezone, translation

from accounts.actors import Actor
from accounts.middleware import known_zone
from charging.cards import Outcome

PARTS = "charging/parts/"


@contextmanager
def speaking(actor: Actor, language: str = "") -> Iterator[None]:
    """In the time zone of whoever looks, and in the language of the page: the user's own, or the browser's."""
    user = actor.user
    if not language or not translation.check_for_language(language):
        language = user.language if user and user.language else translation.get_language() or "en"
    zone = known_zone(user.time_zone if user else "") or timezone.get_default_timezone()
    with translation.override(language), timezone.override(zone):
        yield


def part(name: str, **context: Any) -> str:
    """A partial that replaces the element with its id."""
    return render_to_string(f"{PARTS}{name}.html", {**context, "oob": True})


def toast(outcome: Outcome) -> str:
    level = "success" if outcome.mood == "accepted" else "error"
    return render_to_string("parts/toast.html", {"level": level, "message": outcome.text})


def live() -> str:
    """What tells the page that it is live from here on."""
    return render_to_string("parts/live.html", {"oob": True})


def bell(unread: int) -> str:
    return render_to_string("accounts/parts/bell.html", {"unread": unread, "oob": True})
