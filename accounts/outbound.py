"""Requests to addresses that people name: only to the public internet, without redirects, within a limited time.

A name is resolved once and the connection goes to the address that was checked, so that a name which answers
differently the second time leads nowhere else. OUTBOUND_ALLOWED_NETWORKS names networks of one's own that are allowed.
"""

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from mobility.errors import Invalid

IP = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

CONNECT_S = 5
TOTAL_S = 10
MOST_KEPT = 2000
#: Prefixes under which an IPv6 address carries an IPv4 one that a gateway would go to.
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class Refused(Exception):
    """The address is not one that may be asked; the text says why."""


@dataclass(slots=True)
class Answer:
    """What came back: the status and the beginning of the body, or the `error` that there was none."""

    status: int | None = None
    text: str = ""
    error: str = ""
    duration_ms: int = 0

    @property
    def is_good(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


@lru_cache(maxsize=8)
def networks(names: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(name, strict=False) for name in names)


def is_named(address: IP) -> bool:
    """Whether the address is in a network that the installation allows by name."""
    allowed = networks(tuple(settings.OUTBOUND_ALLOWED_NETWORKS))
    return any(address.version == one.version and address in one for one in allowed)


def meant(address: IP) -> IP:
    """The IPv4 address inside an IPv6 one that only wraps it."""
    if isinstance(address, ipaddress.IPv6Address):
        if address in NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        return address.ipv4_mapped or address.sixtofour or address
    return address


def is_allowed(address: IP) -> bool:
    """Public addresses, and those of OUTBOUND_ALLOWED_NETWORKS."""
    real = meant(address)
    if is_named(real) or is_named(address):
        return True
    site_local = isinstance(real, ipaddress.IPv6Address) and real.is_site_local
    return real.is_global and not (real.is_multicast or real.is_reserved or site_local)


def literal(host: str) -> IP | None:
    """The address that a host is written as; None for a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def parts_of(url: str) -> SplitResult:
    """Raises Refused for what is no plain http or https address."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Refused(_("This is no web address.")) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise Refused(_("This is no web address: it begins with https:// and names a host."))
    if parts.username is not None or parts.password is not None:
        raise Refused(_("An address with a user name or password in it is not taken."))
    if any(ord(letter) <= 32 or ord(letter) > 126 for letter in url):
        raise Refused(_("The address has blanks or letters that an address cannot have."))
    return parts


def check_url(url: object, field: str = "url", *, encrypted: bool = False) -> str:
    """A usable address as it may be kept; where it leads is checked again with every request.

    Args:
        encrypted: take https only, except to a host in OUTBOUND_ALLOWED_NETWORKS.

    Raises:
        Invalid: it is no web address, too long, or written as one of the server's own network.
    """
    text = str(url or "").strip()
    try:
        if len(text) > 500:
            raise Refused(_("The address is longer than 500 characters."))
        parts = parts_of(text)
        address = literal(str(parts.hostname))
        host = str(parts.hostname).rstrip(".").lower()
        if address is not None and not is_allowed(address):
            raise Refused(_("This address is in the server's own network. Only public addresses are asked."))
        if host == "localhost" and not is_named(ipaddress.IPv4Address("127.0.0.1")):
            raise Refused(_("This address is in the server's own network. Only public addresses are asked."))
        if encrypted and parts.scheme != "https" and not (address is not None and is_named(address)):
            raise Refused(_("The address begins with https://."))
    except Refused as why:
        raise Invalid(str(why), fields={field: str(why)}) from None
    return text


def resolve(host: str, port: int) -> list[tuple[int, tuple[str, int]]]:
    """The (family, socket address) pairs of a host that may be asked.

    Raises:
        Refused: one of its addresses is in the server's own network.
        OSError: it has none.
    """
    found = []
    for family, _kind, _protocol, _name, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        where = ipaddress.ip_address(str(address[0]).split("%", 1)[0])
        if not is_allowed(where):
            raise Refused(_("The host leads into the server's own network. Only public addresses are asked."))
        found.append((int(family), (str(where), port)))
    return found


@lru_cache(maxsize=1)
def encryption() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def connected(parts: SplitResult) -> socket.socket:
    port = parts.port or (443 if parts.scheme == "https" else 80)
    failure: OSError | None = None
    for family, address in resolve(str(parts.hostname), port):
        line = socket.socket(family, socket.SOCK_STREAM)
        line.settimeout(CONNECT_S)
        try:
            line.connect(address)
            if parts.scheme == "https":
                return encryption().wrap_socket(line, server_hostname=parts.hostname)
            return line
        except OSError as error:
            failure = error
            line.close()
    raise failure or OSError("the host has no address")


def cut(line: socket.socket, late: threading.Event) -> None:
    """End a connection that takes too long, whatever it is doing."""
    late.set()
    try:
        # Not the encrypted socket's own way, which would also forget the encryption while it is in use.
        socket.socket.shutdown(line, socket.SHUT_RDWR)
    except OSError:
        line.close()


@contextmanager
def exchange(
    method: str, url: str, headers: Mapping[str, str], body: bytes | None = None, *, total_s: float
) -> Iterator[http.client.HTTPResponse]:
    """Ask once, without redirects; what the answer says is read within the block, and all of it within `total_s`.

    Raises:
        Refused, OSError (TimeoutError where it took too long), http.client.HTTPException.
    """
    parts = parts_of(url)
    line = connected(parts)
    late = threading.Event()
    watch = threading.Timer(total_s, cut, (line, late))
    watch.daemon = True
    watch.start()
    try:
        link = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=total_s)
        link.sock = line
        line.settimeout(total_s)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        told = {"Host": parts.netloc, "User-Agent": f"Mobility/{settings.VERSION}", "Connection": "close", **headers}
        link.request(method, path, body, told)
        response = link.getresponse()
        if late.is_set():
            raise TimeoutError(_("No answer in time."))
        yield response
    finally:
        watch.cancel()
        line.close()


def readable(body: bytes) -> str:
    """A body's beginning as text that every database stores."""
    text = body.decode("utf-8", "replace")
    return "".join(letter if letter.isprintable() or letter in "\n\t" else "\ufffd" for letter in text)


def post(url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Send a body; -> what came of it. Nothing that the other side does raises."""
    begun = time.monotonic()
    try:
        with exchange("POST", url, headers, body, total_s=TOTAL_S) as response:
            answer = Answer(response.status, readable(response.read(MOST_KEPT)))
    except Refused as why:
        answer = Answer(error=str(why))
    except ssl.SSLError as error:
        answer = Answer(error=_("No encrypted connection: %(why)s") % {"why": error.reason or error})
    except TimeoutError:
        answer = Answer(error=_("No answer in time."))
    except socket.gaierror:
        answer = Answer(error=_("The host's name leads nowhere."))
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        answer = Answer(error=_("No answer: %(why)s") % {"why": getattr(error, "strerror", None) or str(error)})
    answer.duration_ms = int((time.monotonic() - begun) * 1000)
    answer.error = readable(answer.error.encode(errors="replace"))[:300]
    return answer
