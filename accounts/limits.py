"""How many requests one actor may send: counted per minute in Django's cache, which with Redis all processes share."""

import logging
import math
import time
from dataclasses import dataclass

from django.conf import settings
from django.core.cache import cache
from django.utils.translation import gettext as _
from redis.exceptions import RedisError

from mobility.errors import TooMany

log = logging.getLogger(__name__)

WINDOW_S = 60
#: A cache that is away is left alone this long: a request does not wait for it each time.
LEFT_ALONE_S = 5
_away_until = 0.0


@dataclass(frozen=True, slots=True)
class Rate:
    """What is left of a minute's requests."""

    limit: int
    remaining: int
    reset_s: int

    def headers(self) -> dict[str, str]:
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(max(0, self.remaining)),
            "RateLimit-Reset": str(self.reset_s),
            "RateLimit-Policy": f"{self.limit};w={WINDOW_S}",
        }


class RateExceeded(TooMany):
    def __init__(self, rate: Rate) -> None:
        super().__init__(
            _("More than %(limit)s requests in a minute. Wait %(seconds)s seconds.")
            % {"limit": rate.limit, "seconds": rate.reset_s},
            code="rate_limited",
        )
        self.headers = {"Retry-After": str(rate.reset_s)}


def take(who: str, now: float | None = None) -> Rate | None:
    """Count one request of `who`; None where nothing is limited, or nothing can be counted for the moment.

    `remaining` is -1 for a request that is one too many.
    """
    limit = settings.API_RATE_LIMIT
    now = time.time() if now is None else now
    used = count(f"rate:{who}:{int(now // WINDOW_S)}", now) if limit else None
    if used is None:
        return None
    return Rate(limit, max(-1, limit - used), max(1, math.ceil(WINDOW_S - now % WINDOW_S)))


def count(key: str, now: float) -> int | None:
    global _away_until
    if now < _away_until:
        return None
    try:
        try:
            return int(cache.incr(key))
        except ValueError:
            # The first of this minute, or one of several that came first at once.
            return 1 if cache.add(key, 1, WINDOW_S * 2) else int(cache.incr(key))
    except (RedisError, OSError) as error:
        _away_until = now + LEFT_ALONE_S
        log.warning("Requests are not counted for the moment: %s", error)
        return None
