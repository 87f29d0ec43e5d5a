"""What stations said whose handshake was refused, and why: kept for whoever looks for the reason.

Noting one costs no database work; every few seconds what has come together is stored by one thread. Both the memory
and the table are bounded, so that a flood of refusals leaves no more behind than a handful does.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F

from accounts.network import scope_ip
from charging.live import tell_of_waiting
from charging.models import RefusedHandshake
from charging.queries.handshakes import KEPT_FOR
from ocpp_gateway import auth

MOST_KEPT = 200
#: How many of them are stored at a time; what comes beyond is not kept.
MOST_AT_ONCE = 50


@dataclass(slots=True)
class Noted:
    """The latest refusal of one (identity, status), and how many there were."""

    values: dict[str, Any]
    attempts: int = 1


class Refusals:
    """The refusals of a process that are not stored yet."""

    def __init__(self) -> None:
        self._noted: dict[tuple[str, int], Noted] = {}
        #: status -> how many since the start
        self.counted: dict[int, int] = {}

    def note(self, scope: dict[str, Any], refusal: auth.Refused) -> None:
        """Remember a handshake and its answer; a 503 says nothing about the station."""
        self.counted[refusal.status] = self.counted.get(refusal.status, 0) + 1
        if refusal.status == 503:
            return
        raw_path = (scope.get("raw_path") or scope["path"].encode()).split(b"?", 1)[0]
        path = printable(raw_path.decode("latin-1"))
        try:
            identity = auth.identity_of(raw_path)
        except auth.Refused:
            identity = path
        key = identity[:200], refusal.status
        before = self._noted.get(key)
        if before is None and len(self._noted) >= MOST_AT_ONCE:
            return
        request = auth.request_of(scope, identity, scope_ip(scope))
        values = {
            "reason": printable(refusal.reason)[:300],
            "last_seen": datetime.now(UTC),
            "source_ip": request.source[:64],
            "path": path[:300],
            "secure": request.secure,
            "subprotocols": printable(", ".join(request.offered))[:200],
            "user_agent": printable(request.user_agent)[:200],
            "username": printable(request.username or "")[:200],
            "had_credentials": request.password is not None,
        }
        self._noted[key] = Noted(values, before.attempts + 1 if before else 1)

    def take(self) -> dict[tuple[str, int], Noted]:
        taken, self._noted = self._noted, {}
        return taken


def printable(text: str) -> str:
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in text)


def store(noted: dict[tuple[str, int], Noted]) -> None:
    """Write what was noted, drop what is old or too much, and tell the pages that show it."""
    for (identity, status), one in noted.items():
        rows = RefusedHandshake.objects.filter(identity=identity, status=status)
        values = {**one.values, "station": auth.find(identity[: auth.MOST_IDENTITY])}
        if rows.update(attempts=F("attempts") + one.attempts, **values):
            continue
        try:
            with transaction.atomic():
                RefusedHandshake.objects.create(
                    identity=identity, status=status, attempts=one.attempts, first_seen=values["last_seen"], **values
                )
        except IntegrityError:
            rows.update(attempts=F("attempts") + one.attempts, **values)
    RefusedHandshake.objects.filter(last_seen__lt=datetime.now(UTC) - KEPT_FOR).delete()
    beyond = list(RefusedHandshake.objects.order_by("-last_seen", "-pk").values_list("pk", flat=True)[MOST_KEPT:])
    if beyond:
        RefusedHandshake.objects.filter(pk__in=beyond).delete()
    tell_of_waiting()
