"""Basic passwords of stations: random, shown once, stored as salted fast hashes.

A slow hash defends passwords that people choose. These are 16 to 40 characters of our own making (or as long, where
the operator types them in), so a keyed fast hash is enough, and ten thousand stations that reconnect at once do not
cost a hundred minutes of CPU (OCPP security white paper A00.FR.204; 2.0.1 A00.FR.205).
"""

import contextlib
import hashlib
import hmac
import secrets

from django.utils.translation import gettext

ALPHABET = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
MIN_LENGTH, MAX_LENGTH = 16, 40


def new_password() -> str:
    """20 characters that are easy to type: what 1.6 (16-20 bytes) and 2.x (16-40 characters) both take."""
    return "".join(secrets.choice(ALPHABET) for _ in range(20))


def hash_password(password: str) -> str:
    salt = secrets.token_hex(16)
    return f"b2${salt}${_digest(salt, password.encode())}"


def _digest(salt: str, password: bytes) -> str:
    return hashlib.blake2b(password, key=salt.encode(), digest_size=32, person=b"ocpp-basic").hexdigest()


def matches(presented: bytes, stored: str) -> bool:
    """Whether the bytes of a Basic header open the door.

    A 1.6 AuthorizationKey is written in hex; most stacks present the bytes it stands for, some the hex text itself.
    Both are accepted, in either case of the hex digits.
    """
    if not stored or not presented:
        return False
    try:
        _, salt, digest = stored.split("$")
    except ValueError:
        return False
    candidates = [presented, presented.hex().encode(), presented.hex().upper().encode()]
    with contextlib.suppress(ValueError):
        candidates += [bytes.fromhex(presented.decode("ascii")), presented.lower(), presented.upper()]
    found = [hmac.compare_digest(_digest(salt, candidate), digest) for candidate in candidates]
    return any(found)


def problem_with(password: str) -> str:
    """Why a password that an operator typed is unusable; empty when it is fine."""
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        return gettext("A station's password has %(least)s to %(most)s characters; this one has %(count)s.") % {
            "least": MIN_LENGTH,
            "most": MAX_LENGTH,
            "count": len(password),
        }
    if not password.isascii() or not password.isprintable():
        return gettext("A station's password consists of printable ASCII characters.")
    return ""
