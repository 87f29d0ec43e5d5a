"""Settings from the environment: every variable of the contract is read here, checked, and named when unusable.

An unusable value ends the process with one line and exit status 2, before anything else starts.
"""

import re
import sys
from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path
from typing import Any, NoReturn, TypeVar
from urllib.parse import urlsplit

import environ

T = TypeVar("T")

#: FileAwareEnv: `SECRET_KEY_FILE=/run/secrets/key` is read where `SECRET_KEY` is not set.
env = environ.FileAwareEnv()

TRUTHS = {"1", "true", "yes", "on"}
FALSEHOODS = {"0", "false", "no", "off", ""}


def refuse(name: str, why: str) -> NoReturn:
    """End the process with one line that names the variable, and exit status 2."""
    sys.stderr.write(f"The setting {name} cannot be used: {why}\n")
    raise SystemExit(2)


def _raw(name: str) -> str | None:
    try:
        value = env.str(name, default=None)
    except (environ.ImproperlyConfigured, OSError) as error:
        refuse(f"{name}_FILE", str(error))
    return value.strip() if isinstance(value, str) else None


def _parsed(name: str, default: T, parse: Callable[[str], T], wanted: str) -> T:
    raw = _raw(name)
    if raw is None or raw == "":
        return default
    try:
        return parse(raw)
    except (ValueError, KeyError, TypeError, environ.ImproperlyConfigured):
        shown = raw if "://" not in raw else raw.split("://", 1)[0] + "://…"
        refuse(name, f"{shown!r} is not {wanted}.")


def text(name: str, default: str = "") -> str:
    return _raw(name) or default


def names(name: str, default: list[str]) -> list[str]:
    """A comma-separated list."""
    raw = _raw(name)
    return [part.strip() for part in raw.split(",") if part.strip()] if raw else default


def networks(name: str) -> list[str]:
    """A comma-separated list of networks in CIDR notation, or of single addresses."""

    def parse(raw: str) -> list[str]:
        return [str(ip_network(part.strip(), strict=False)) for part in raw.split(",") if part.strip()]

    return _parsed(name, [], parse, "a list of networks such as 10.0.0.0/8,192.168.1.5")


def flag(name: str, default: bool = False) -> bool:
    def parse(raw: str) -> bool:
        if raw.lower() in TRUTHS:
            return True
        if raw.lower() in FALSEHOODS:
            return False
        raise ValueError(raw)

    return _parsed(name, default, parse, "a yes or no (use 1 or 0)")


def whole(name: str, default: int, *, least: int = 0, most: int = 2**31 - 1) -> int:
    def parse(raw: str) -> int:
        value = int(raw)
        if not least <= value <= most:
            raise ValueError(raw)
        return value

    return _parsed(name, default, parse, f"a whole number from {least} to {most}")


def port(name: str, default: int) -> int:
    return whole(name, default, least=1, most=65535)


def url(name: str, default: str, schemes: tuple[str, ...]) -> str:
    """A URL with one of the given schemes, without its trailing slash."""

    def parse(raw: str) -> str:
        parts = urlsplit(raw)
        if parts.scheme not in schemes or not (parts.netloc or parts.scheme == "memory"):
            raise ValueError(raw)
        _ = parts.port
        return raw.rstrip("/") if parts.scheme != "memory" else raw

    return _parsed(name, default, parse, "a URL that begins with " + " or ".join(f"{s}://" for s in schemes))


def tiles(name: str) -> str:
    """The URL of map tiles, `https://host/{z}/{x}/{y}.png`; empty when unset."""

    def parse(raw: str) -> str:
        parts = urlsplit(raw)
        if parts.scheme not in ("http", "https") or not re.fullmatch(r"[A-Za-z0-9.\-\[\]:]+", parts.netloc):
            raise ValueError(raw)
        _ = parts.port
        if any(place not in parts.path + parts.query for place in ("{z}", "{x}", "{y}")):
            raise ValueError(raw)
        return raw

    return _parsed(name, "", parse, "a URL of map tiles such as https://tiles.example.org/{z}/{x}/{y}.png")


def folder(name: str, default: Path) -> Path:
    """A folder that exists or can be made, and can be written to."""
    path = Path(_raw(name) or default).expanduser().absolute()
    try:
        path.mkdir(parents=True, exist_ok=True)
        if not path.is_dir():
            raise OSError("it is not a folder")
    except OSError as error:
        refuse(name, f"the folder {path} cannot be made: {error.strerror or error}.")
    return path


def readable_file(name: str) -> str:
    raw = _raw(name)
    if raw and not Path(raw).is_file():
        refuse(name, f"there is no file {raw}.")
    return raw or ""


def database(name: str, default: str) -> dict[str, Any]:
    """`sqlite:///path`, `postgres://user:password@host:port/name` or `mssql://…` as Django's dictionary."""

    def parse(raw: str) -> dict[str, Any]:
        scheme = raw.split("://", 1)[0]
        if scheme not in {"sqlite", "postgres", "postgresql", "mssql"} or "://" not in raw:
            raise ValueError(raw)
        config = dict(environ.Env.db_url_config(raw))
        if not config.get("NAME"):
            raise ValueError(raw)
        return config

    return _parsed(name, parse(default), parse, "a database URL (sqlite:///…, postgres://… or mssql://…)")


def email(name: str) -> dict[str, Any]:
    """Django's EMAIL_* settings from a URL such as `smtp+tls://user:password@host:587`; {} when unset."""
    return _parsed(name, {}, lambda raw: dict(environ.Env.email_url_config(raw)), "an e-mail URL (smtp+tls://…)")
