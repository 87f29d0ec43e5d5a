"""Log lines: for people, or as JSON for machines, with what they are about and without secrets.

`LOG_FORMAT=json` writes one object per line: `at, level, logger, message`, and where known `request_id, user_id,
station`, the `error` with its traceback, and what the call gave as `extra`. Both forms go through `without_secrets`,
whoever made the line.
"""

import base64
import binascii
import logging
import re
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

import orjson

#: The identity of the station whose connection this is about, and the HTTP request that is being served.
station: ContextVar[str] = ContextVar("station", default="")
request_id: ContextVar[str] = ContextVar("request_id", default="")
request: ContextVar[Any] = ContextVar("request", default=None)

HIDDEN = "…"
#: The end of a name whose value is a secret: form fields, JSON keys, query parameters, headers, environment variables.
HUSHED = (
    r"[\w-]*(?:password|passwd|secret(?:_key)?|token|ticket|api[_-]?key|authorizationkey|auth_key|sessionid|"
    r"csrftoken|cookie|client-cert)"
)
PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    # Authorization: Basic …, also as a header tuple or a dictionary.
    (
        re.compile(
            r"(?i)(\bauthorization['\"]?\s*[:=,]\s*(?:b(?=['\"]))?['\"]?)(?:(?:basic|bearer|token)\s+)?[^\s'\",;)]+"
        ),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"(?i)\b(bearer\s+)[\w.~+/=-]{12,}"), rf"\1{HIDDEN}"),
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*"), HIDDEN),
    # {"key": "AuthorizationKey", "value": "…"}, and 2.x: {"variable": {"name": "BasicAuthPassword"}, …}
    (
        re.compile(
            r"(?i)((?:authorizationkey|basicauthpassword)\\?['\"][^{\[]{0,40}?value\\?['\"]\s*:\s*\\?['\"])[^'\"\\]*"
        ),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"(?i)(attributevalue\\?['\"]\s*:\s*\\?['\"])[^'\"\\]*(?=.{0,200}basicauthpassword)"), rf"\1{HIDDEN}"),
    # name=value, name: value, "name": "value"
    (
        re.compile(rf"(?i)(\b{HUSHED}\\?['\"]?\s*[:=]\s*b?)(\\?\"[^\"]*\"|\\?'[^']*'|[^\s&,;}}\])'\"]+)"),
        rf"\1{HIDDEN}",
    ),
    # Links that let in whoever has them.
    (re.compile(r"(/(?:setup|invitation|password)/(?:[^/\s]+/)?)[\w:.-]{16,}"), rf"\1{HIDDEN}"),
    # scheme://user:password@host, scheme://token@host
    (re.compile(r"(\b[a-zA-Z][a-zA-Z0-9+.-]*://)([^\s/@:'\"]*):(?!\d+/)[^\s@'\"]*@"), rf"\1\2:{HIDDEN}@"),
    (re.compile(r"(\b[a-zA-Z][a-zA-Z0-9+.-]*://)[^\s/@:'\"]+@"), rf"\1{HIDDEN}@"),
)
BASIC = re.compile(r"(?i)\b(basic\s+)([A-Za-z0-9+/]{4,}={0,2})")
#: A cheap look: a line without any of these has no secret that a pattern would find.
HINT = re.compile(
    r"(?i)auth|basic|bearer|eyJ|password|passwd|secret|token|ticket|api[_-]?key|cookie|client-cert|session|://|/setup|/invit"
)
CONTROLS = {**{code: f"\\x{code:02x}" for code in range(32)}, 127: "\\x7f", 10: "\\n", 13: "\\r", 9: "\t"}


def without_secrets(text: str) -> str:
    """The text with the values of what looks like a secret replaced."""
    if not HINT.search(text):
        return text
    for pattern, instead in PATTERNS:
        text = pattern.sub(instead, text)
    return BASIC.sub(_hidden_basic, text)


def _hidden_basic(found: re.Match[str]) -> str:
    """`Basic dXNlcjpwdw==` is a secret, `Basic authentication` is not."""
    try:
        is_pair = b":" in base64.b64decode(found[2] + "=" * (-len(found[2]) % 4), validate=True)
    except (binascii.Error, ValueError):
        is_pair = False
    return f"{found[1]}{HIDDEN}" if is_pair else found[0]


def context(record: logging.LogRecord) -> dict[str, str]:
    """What the line is about, as far as it is known where the line is written."""
    found = {"request_id": request_id.get(), "user_id": _user_id(), "station": station.get()}
    for name in found:
        found[name] = str(getattr(record, name, "") or found[name])
    return {name: value for name, value in found.items() if value}


def _user_id() -> str:
    """Of whoever is known to have made the request; nobody is looked up for a log line."""
    attributes = getattr(request.get(), "__dict__", {})
    for user in (attributes.get("user"), attributes.get("_cached_user")):
        known = getattr(user, "__dict__", {}).get("id")
        if known:
            return str(known)
    return ""


#: What every record has; all else came as `extra`.
_USUAL = set(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class Line(logging.Formatter):
    """`2026-01-31 12:00:00,000 INFO    charging: message [request=… user=… station=…]`, secrets masked.

    Line breaks and control characters within the message are shown, not obeyed: what a station says forges no line.
    """

    def __init__(self) -> None:
        super().__init__("{asctime} {levelname:7} {name}: {message}", style="{")

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.message = record.message.translate(CONTROLS)
        about = " ".join(f"{name.removesuffix('_id')}={value}" for name, value in context(record).items())
        return super().formatMessage(record) + (f" [{about.translate(CONTROLS)}]" if about else "")

    def format(self, record: logging.LogRecord) -> str:
        return without_secrets(super().format(record))


class Json(logging.Formatter):
    """One JSON object per line, secrets masked."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": without_secrets(record.getMessage()),
            **context(record),
        }
        if record.exc_info:
            line["error"] = without_secrets(self.formatException(record.exc_info))
        for name, value in record.__dict__.items():
            if name not in _USUAL and name not in line:
                plain = isinstance(value, (int, float, bool)) or value is None
                secret = re.fullmatch(f"(?i){HUSHED}", name)
                line[name] = HIDDEN if secret else value if plain else without_secrets(str(value))
        return orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


class NoFalseAlarm(logging.Filter):
    """Drops uvicorn's error line about a WebSocket upgrade that was answered with an HTTP status on purpose."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "without completing handshake" not in record.getMessage()
