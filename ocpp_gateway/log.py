"""What of a frame is kept in the message log: everything but secrets."""

import re

import orjson

from charging.actions.commands import without_secrets

_SECRET = re.compile(r"authorizationkey|password", re.IGNORECASE)


def masked(text: str) -> str:
    """A frame as it is stored: without NUL, and with the values of secret settings masked."""
    if "\x00" in text:
        text = text.replace("\x00", "")
    folded = text.lower()
    if "authorizationkey" not in folded and "password" not in folded:
        return text
    try:
        return orjson.dumps(without_secrets(orjson.loads(text))).decode()
    except (orjson.JSONDecodeError, RecursionError):
        return _SECRET.sub("…", text)[:200] + " … (unreadable, with a secret in it: not kept)"


def excerpt(text: str) -> str:
    """The beginning of a frame as an example of what is wrong with it."""
    return masked(text[:65536])[:200]
