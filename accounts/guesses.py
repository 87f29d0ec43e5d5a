"""Limits on guessed passwords, on top of django-axes: who keeps guessing is stopped, and stops nobody else.

Failures are counted by (account, source), by account over all sources, and by source over all accounts. The last two
do not concern who comes from a source or with a device from which the person has signed in before: a known source has
a count of its own, and so has a known device, so that nobody's guesses from elsewhere lock the owner out.
"""

from typing import Any

from axes.attempts import get_cool_off_threshold
from axes.handlers.database import AxesDatabaseHandler
from axes.handlers.proxy import AxesProxyHandler
from axes.models import AccessAttempt
from django.db.models import QuerySet, Sum

from accounts.devices import is_known_source, mark_for

#: How many times the limit of (account, source) an account takes from everywhere, and a source for all accounts.
ACCOUNT_FACTOR = 5
SOURCE_FACTOR = 10
#: What stands in place of a browser's name, which whoever guesses chooses.
UNKNOWN = "unknown"


def username(request: Any, credentials: dict[str, Any] | None = None) -> str:
    """The account that is guessed at, however its address is written."""
    given = credentials if credentials else getattr(request, "POST", {})
    return str(given.get("username") or "").strip().lower()


def forgive(request: Any, email: str) -> None:
    """Forget the failures of who has come in after all."""
    handler = AxesProxyHandler.get_implementation()
    if isinstance(handler, Guesses):
        AxesProxyHandler.update_request(request)
        handler.mark(request, {"username": email})
        handler.reset_user_attempts(request, {"username": email})


class Guesses(AxesDatabaseHandler):
    def get_failures(self, request: Any, credentials: dict[str, Any] | None = None) -> int:
        """The failures that count here, as a share of AXES_FAILURE_LIMIT."""
        self.mark(request, credentials)
        return max(
            (attempts.aggregate(n=Sum("failures_since_start"))["n"] or 0) // factor
            for attempts, factor in self.counts(request, credentials)
        )

    def counts(self, request: Any, credentials: dict[str, Any] | None) -> list[tuple["QuerySet[Any]", int]]:
        name, source = username(request, credentials), request.axes_ip_address
        recent = AccessAttempt.objects.filter(attempt_time__gte=get_cool_off_threshold(request))
        of_account = recent.filter(username=name)
        if request.axes_user_agent != UNKNOWN:
            return [(of_account.filter(user_agent=request.axes_user_agent), 1)]
        unknown = recent.filter(user_agent=UNKNOWN)
        found = [(unknown.filter(username=name, ip_address=source), 1)]
        if not is_known_source(name, source or ""):
            found += [
                (unknown.filter(username=name), ACCOUNT_FACTOR),
                (unknown.filter(ip_address=source), SOURCE_FACTOR),
            ]
        return found

    def mark(self, request: Any, credentials: dict[str, Any] | None) -> None:
        """A known device is counted as what it is, all others as one."""
        device = mark_for(request, username(request, credentials))
        request.axes_user_agent = f"device {device}" if device else UNKNOWN

    def user_login_failed(self, sender: Any, credentials: dict[str, Any], request: Any = None, **more: Any) -> None:
        if request is not None:
            self.mark(request, credentials)
        super().user_login_failed(sender, credentials, request, **more)

    def user_logged_in(self, sender: Any, request: Any, user: Any, **more: Any) -> None:
        self.mark(request, {"username": user.get_username()})
        super().user_logged_in(sender, request, user, **more)
