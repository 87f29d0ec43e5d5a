"""Short secrets that must be kept for a while and given back: encrypted with a key derived from SECRET_KEY."""

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings


def _box(purpose: str) -> Fernet:
    digest = hashlib.blake2b(
        purpose.encode(), key=hashlib.sha512(settings.SECRET_KEY.encode()).digest(), digest_size=32
    )
    return Fernet(base64.urlsafe_b64encode(digest.digest()))


def seal(purpose: str, text: str) -> str:
    """Encrypt and sign; what is sealed for one purpose cannot be opened for another."""
    return _box(purpose).encrypt(text.encode()).decode()


def unseal(purpose: str, sealed: str) -> str | None:
    """The text, or None when it was not sealed here for this purpose (or SECRET_KEY has changed)."""
    try:
        return _box(purpose).decrypt(sealed.encode()).decode()
    except (InvalidToken, ValueError):
        return None
