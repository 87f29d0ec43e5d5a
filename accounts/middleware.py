"""What a signed-in user chose, applied to each request: language, time zone; and who acts."""

import zoneinfo
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.utils.functional import SimpleLazyObject

from accounts import devices
from accounts.actors import Actor, actor_of
from accounts.models import User
from accounts.network import client_ip

GetResponse = Callable[[HttpRequest], HttpResponse]


def preferences(get_response: GetResponse) -> GetResponse:
    """Activate the user's language and time zone; `request.actor` is who acts, looked up when first used."""

    def middleware(request: HttpRequest) -> HttpResponse:
        request.actor = SimpleLazyObject(lambda: actor_for(request))  # type: ignore[attr-defined]
        user = request.user
        if not isinstance(user, User) and not getattr(user, "is_authenticated", False):
            return get_response(request)
        devices.seen(request)
        language, zone = getattr(user, "language", ""), known_zone(getattr(user, "time_zone", ""))
        if language and translation.check_for_language(language):
            translation.activate(language)
            request.LANGUAGE_CODE = translation.get_language()
        if zone is None:
            return get_response(request)
        with timezone.override(zone):
            return get_response(request)

    return middleware


def actor_for(request: HttpRequest) -> Actor:
    """The signed-in user as an actor; one that may do nothing when nobody is signed in."""
    source = client_ip(request)
    if not request.user.is_authenticated:
        return Actor(name="nobody", source_ip=source)
    return actor_of(request.user, source)


def known_zone(name: str) -> zoneinfo.ZoneInfo | None:
    if not name:
        return None
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return None
