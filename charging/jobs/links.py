"""The addresses that stations are told: links of one job each, and what of an address may be shown."""

import hashlib
import re
import secrets
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from mobility.errors import Invalid

PREFIX = "/station-files/"
SCHEMES = ("http", "https", "ftp", "ftps", "sftp")
#: 2.x takes 512 characters; 1.6 says none, and stations keep about as many.
LONGEST = 512
MASK = "•••"
_TOKEN = re.compile(re.escape(PREFIX) + r"[A-Za-z0-9_-]+")
_PASSWORD = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://[^/?#@\s:]*):[^/?#@\s]*@")


def digest(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_token() -> str:
    return secrets.token_urlsafe(24)


def link(token: str, name: str = "") -> str:
    """The address of a job's file. A station that is told a folder appends a name to it, which is fine too."""
    base = f"{settings.STATION_FILES_URL}{PREFIX}{token}"
    return f"{base}/{quote(name)}" if name else base


def shown(text: str) -> str:
    """A text without the token of a link and without the password of an address in it."""
    if "://" not in text:
        return text
    return _PASSWORD.sub(rf"\1:{MASK}@", _TOKEN.sub(PREFIX + MASK, text))


def check_location(text: str, field: str = "location") -> str:
    """An address that a station may be told; it is never asked by us.

    Raises:
        Invalid: it is no http, https, ftp, ftps or sftp address, or one that a station cannot keep.
    """
    url = text.strip()
    try:
        parts = urlsplit(url)
        fits = parts.scheme in SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    if not fits or any(ord(letter) <= 32 or ord(letter) > 126 for letter in url):
        why = _("This is an address that begins with %(schemes)s and names a host.") % {
            "schemes": ", ".join(f"{scheme}://" for scheme in SCHEMES)
        }
        raise Invalid(why, fields={field: why})
    if len(url) > LONGEST:
        why = _("This has at most %(most)s characters.") % {"most": LONGEST}
        raise Invalid(why, fields={field: why})
    return url
