"""ETags: what a client holds is compared with what there is, so that nothing is sent twice and nothing overwritten.

The tag of a thing that can be edited has two parts: what can be edited, and everything. `If-None-Match` compares the
whole tag; `If-Match` compares the first part only, so that a station that has just sent a meter value may still be
renamed (RFC 9110 §13.1: the server says which states of a thing are the same).
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import orjson
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import KeptAnswer
from mobility.documents import within_64_bits
from mobility.errors import Problem

EACH = re.compile(r'(?:W/)?"([^"]*)"')


class Changed(Problem):
    """The thing is no longer as the client last saw it."""

    code = "changed_meanwhile"
    status = 412


def digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=12).hexdigest()


def edited_part(data: Any, names: Iterable[str] | None) -> str:
    """The tag of what can be edited: the fields called `names`, or all of them."""
    wanted = None if names is None else frozenset(names)
    kept = data
    if wanted is not None and isinstance(data, dict):
        kept = {name: value for name, value in data.items() if name in wanted}
    option = orjson.OPT_NON_STR_KEYS | orjson.OPT_SORT_KEYS
    try:
        return digest(orjson.dumps(kept, default=str, option=option))
    except TypeError:
        return digest(orjson.dumps(within_64_bits(kept), default=str, option=option))


def matches(header: str, edited: str) -> bool:
    """Whether one of the tags in an `If-Match` has this first part."""
    if header.strip() == "*":
        return True
    return any(tag.partition(".")[0] == edited for tag in EACH.findall(header))


@contextmanager
def alone(path: str) -> Iterator[None]:
    """A transaction in which no other guarded change of the same thing runs: each waits for the other's row."""
    now = timezone.now()
    key = hashlib.blake2b(path.encode(errors="replace"), digest_size=32, person=b"if-match").hexdigest()
    with transaction.atomic():
        try:
            with transaction.atomic():
                KeptAnswer.objects.create(key=key, request="", expires_at=now + timedelta(minutes=5))
        except IntegrityError:
            raise changed() from None
        yield
        KeptAnswer.objects.filter(pk=key).delete()


def changed() -> Changed:
    return Changed(_("This was changed meanwhile. Load it again, and decide anew."))
