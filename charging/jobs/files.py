"""Files below DATA_DIR: the firmware that is handed to stations, and the logs that come from them.

What a station calls its file is a label and never a path: files are named here, at random. What came is never looked
into and never shown, only given back as an attachment.
"""

import hashlib
import os
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from mobility.errors import Invalid, Problem

CHUNK = 64 * 1024
FIRMWARE, LOGS = "firmware", "station-logs"


class TooLarge(Problem):
    code = "too_large"
    status = 413


@dataclass(frozen=True, slots=True)
class Stored:
    path: str
    size: int
    sha256: str


def folder(kind: str) -> Path:
    found = Path(settings.DATA_DIR) / kind
    found.mkdir(mode=0o700, parents=True, exist_ok=True)
    return found


def where(kind: str, path: str) -> Path:
    """The file of a stored path, which is a bare name of our own making."""
    return folder(kind) / Path(path).name


def store(kind: str, parts: Iterable[bytes], most: int) -> Stored:
    """Write a file under a new name, on the disk for good when this returns.

    Raises:
        TooLarge: it has more than `most` bytes; nothing of it is kept.
        Invalid: it is empty.
    """
    name = secrets.token_hex(16)
    half = where(kind, f"{name}.part")
    size, digest = 0, hashlib.sha256()
    try:
        with half.open("xb") as file:
            for part in parts:
                size += len(part)
                if size > most:
                    raise TooLarge(_("The file has more than %(most)s MB.") % {"most": most // 1_000_000})
                digest.update(part)
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        if not size:
            raise Invalid(_("The file is empty."), fields={"file": _("The file is empty.")})
        half.rename(where(kind, name))
    except BaseException:
        half.unlink(missing_ok=True)
        raise
    return Stored(name, size, digest.hexdigest())


def remove(kind: str, path: str) -> None:
    if path:
        where(kind, path).unlink(missing_ok=True)


def sweep(kind: str, before: datetime, pattern: str = "*") -> int:
    """Remove the files of a folder that were written before a moment; -> how many."""
    removed = 0
    for path in folder(kind).glob(pattern):
        if path.stat().st_mtime < before.timestamp():
            path.unlink(missing_ok=True)
            removed += 1
    return removed


def read(stream: object) -> Iterator[bytes]:
    """A file-like object in parts."""
    while part := stream.read(CHUNK):  # type: ignore[attr-defined]
        yield part
