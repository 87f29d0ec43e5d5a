"""Idempotency keys: a POST that comes again with the same key gets the answer of the first one, and does nothing.

Only what succeeded is kept, for a day, sealed: an answer may show a secret that is shown once. A request that was
refused has done nothing, so it may come again. The row is there before anything is done, so that of two at the same
time one is told to wait.
"""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.response import Response

from accounts.models import KeptAnswer
from accounts.sealing import seal, unseal
from mobility.errors import Conflict, Invalid, Problem

PURPOSE = "kept answer"
KEPT_FOR = timedelta(days=1)
#: No request takes longer; one that has not ended by then died half-way.
LONGEST = timedelta(minutes=2)
REPLAYED = "Idempotency-Replayed"
MOST_CHARACTERS = 200


class KeyReused(Problem):
    """The key belongs to another request."""

    code = "idempotency_key_reused"
    status = 422


class InProgress(Conflict):
    def __init__(self) -> None:
        super().__init__(_("The same request is being served. Ask again in a moment."), code="in_progress")
        self.headers = {"Retry-After": "1"}


def once(who: str, key: str, request: bytes, serve: Callable[[], Response], render: Callable[[Any], bytes]) -> Response:
    """The answer to the first request of `who` with this key.

    Args:
        request: what is asked: method, address and body.
        render: makes JSON of an answer's data.

    Raises:
        Invalid: the key is unusable.
        KeyReused: it came with another request.
        Conflict: the first request is being served, or broke off and nobody knows how far it came.
    """
    if len(key) > MOST_CHARACTERS or not key.isprintable():
        why = _("An Idempotency-Key has at most %(most)s printable characters.") % {"most": MOST_CHARACTERS}
        raise Invalid(why, code="bad_idempotency_key")
    pk = hashed(f"{who}\n{key}".encode(errors="replace"))
    asked = hashed(request)
    if not begun(pk, asked):
        return repeated(pk, asked)
    done = False
    try:
        response = serve()
        if done := 200 <= response.status_code < 300:
            body = render(response.data).decode()
            KeptAnswer.objects.filter(pk=pk).update(status=response.status_code, answer=seal(PURPOSE, body))
        return response
    finally:
        if not done:
            KeptAnswer.objects.filter(pk=pk).delete()


def hashed(text: bytes) -> str:
    return hashlib.blake2b(text, digest_size=32, person=b"idempotency").hexdigest()


def begun(pk: str, asked: str) -> bool:
    """Whether this request is the first with the key."""
    now = timezone.now()
    try:
        with transaction.atomic():
            KeptAnswer.objects.create(pk=pk, request=asked, created_at=now, expires_at=now + KEPT_FOR)
        return True
    except IntegrityError:
        if not KeptAnswer.objects.filter(pk=pk, expires_at__lt=now).delete()[0]:
            return False
    return begun(pk, asked)


def repeated(pk: str, asked: str) -> Response:
    kept = KeptAnswer.objects.filter(pk=pk).first()
    if kept is None:
        raise InProgress
    if kept.request != asked:
        raise KeyReused(_("This Idempotency-Key was used for another request. Take a new one."))
    if kept.status is None:
        if kept.created_at < timezone.now() - LONGEST:
            raise Conflict(
                _("The first request with this key broke off. See what has become of it, then take a new key."),
                code="outcome_unknown",
            )
        raise InProgress
    body = unseal(PURPOSE, kept.answer)
    if body is None:
        raise Conflict(_("The answer can no longer be read. Take a new key."), code="outcome_unknown")
    return Response(orjson.loads(body) if body else None, status=kept.status, headers={REPLAYED: "true"})


def prune() -> int:
    """Remove what has served; -> how many."""
    return KeptAnswer.objects.filter(expires_at__lt=timezone.now()).delete()[0]
