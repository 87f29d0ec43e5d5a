"""OCPP-J frames: parse, mend, validate, answer. Everything the `ocpp` package does per frame that is wrong or slow for
a server on the open internet is done here instead (its schemas, enums and call classes stay in use).

A bad frame never closes the socket and never stops the loop; no request is echoed in an error.
"""

import json
import math
import re
from dataclasses import dataclass, field
from typing import Any

import orjson

from ocpp_gateway import directions, quirks, schemas
from ocpp_gateway.log import excerpt

CALL, CALLRESULT, CALLERROR, CALLRESULTERROR, SEND = 2, 3, 4, 5, 6
MOST_DEPTH = 32
MOST_ITEMS = 10_000
LONGEST_ID = 36
LONGEST_TOLERATED = 128 * 1024
TRANSACTION_ACTIONS = ("StartTransaction", "StopTransaction", "MeterValues", "TransactionEvent")

#: What went wrong -> error code, 1.6 and 2.x (1.6J §4.2.3, 2.0.1 part 4 §4.3).
CODES: dict[str, tuple[str, str]] = {
    "format": ("FormationViolation", "FormatViolation"),
    "required": ("OccurenceConstraintViolation", "OccurrenceConstraintViolation"),
    "type": ("TypeConstraintViolation", "TypeConstraintViolation"),
    "enum": ("PropertyConstraintViolation", "PropertyConstraintViolation"),
    "unknown": ("NotImplemented", "NotImplemented"),
    "direction": ("NotSupported", "NotSupported"),
    "security": ("SecurityError", "SecurityError"),
    "internal": ("InternalError", "InternalError"),
}
DESCRIPTIONS = {
    "format": "The payload is not a JSON object.",
    "required": "A required field is missing",
    "type": "A field has a wrong type or is too long",
    "enum": "A field has a value that is not allowed",
    "unknown": "This action is not known.",
    "direction": "This action is not for this side.",
    "security": "The station is not accepted yet.",
    "internal": "",
}


@dataclass(slots=True)
class Call:
    message_id: str
    action: str
    payload: dict[str, Any]
    violations: list[tuple[str, str]] = field(default_factory=list)


@dataclass(slots=True)
class Refused:
    """A CALL that is answered with a CALLERROR; `payload` is kept where it is a transaction message's."""

    message_id: str
    kind: str
    action: str = ""
    where: str = ""
    payload: Any = None
    violations: list[tuple[str, str]] = field(default_factory=list)


@dataclass(slots=True)
class Answer:
    """A CALLRESULT or CALLERROR to one of our calls. `payload` is None in an error or where it could not be read."""

    message_id: str
    payload: dict[str, Any] | None
    error_code: str = ""
    error_text: str = ""


@dataclass(slots=True)
class Sent:
    """A SEND (2.1): acted on, never answered."""

    action: str
    payload: dict[str, Any]


@dataclass(slots=True)
class Unreadable:
    """No message at all; `violation` is counted."""

    violation: str
    answer: bool = True


Frame = Call | Refused | Answer | Sent | Unreadable


def parse(text: str, protocol: str) -> Frame:
    """What a frame is. Never raises, whatever the text."""
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError:
        return _tolerant(text, protocol)
    return _message(message, text, protocol, [])


def _message(message: Any, text: str, protocol: str, violations: list[tuple[str, str]]) -> Frame:
    if not isinstance(message, list) or not message:
        return Unreadable("not_a_message")
    if not within_limits(message, text):
        return Unreadable("too_deep_or_long")
    kind = message[0]
    if isinstance(kind, str) and kind in ("2", "3", "4"):
        violations.append(("string_for_number", "messageTypeId"))
        kind = int(kind)
    if kind == CALL and not isinstance(kind, bool):
        return _call(message, text, protocol, violations)
    if kind in (CALLRESULT, CALLERROR, CALLRESULTERROR) and not isinstance(kind, bool):
        return _answer(kind, message)
    if kind == SEND:
        # Never answered, also where the version does not know it (2.1 part 4 §4.1.6).
        return _send(message) if protocol == "2.1" else Unreadable("unknown_message_type", answer=False)
    return Unreadable("unknown_message_type")


def usable_id(raw: Any) -> str | None:
    """A message id that can be answered: a text of at most 36 characters (1.6J §4.1.4, 2.0.1 part 4 §4.1.4), or a
    number that stands for it; not null, not a structure."""
    if isinstance(raw, bool) or not isinstance(raw, (str, int)):
        return None
    text = str(raw)
    return text if 0 < len(text) <= LONGEST_ID and text.isprintable() else None


def _call(message: list[Any], text: str, protocol: str, violations: list[tuple[str, str]]) -> Frame:
    message_id = usable_id(message[1]) if len(message) > 1 else None
    if message_id is None:
        return Unreadable("no_usable_message_id")
    action = message[2] if len(message) > 2 else None
    if not isinstance(action, str) or not action:
        return Refused(message_id, "format", where="action", violations=violations)
    known = schemas.of(protocol).requests
    if action not in known:
        return Refused(message_id, "unknown", action=action[:64], violations=violations)
    if not directions.may_station_call(protocol, action):
        return Refused(message_id, "direction", action=action, violations=violations)
    payload = message[3] if len(message) > 3 else None
    if payload is None:
        violations.append(("null_payload", action))
        payload = {}
    if not isinstance(payload, dict):
        return Refused(message_id, "format", action=action, violations=violations)
    if "\\u" in text and ("\\u0000" in text or "\\ud" in text.lower()):
        payload = cleaned(payload)
    if known[action].is_valid(payload):
        return Call(message_id, action, payload, violations)
    mended = quirks.mend(action, payload, known[action].document)
    violations.extend(mended.violations)
    if mended.faults:
        kind, where = mended.faults[0]
        return Refused(message_id, kind, action, where, payload, violations)
    return Call(message_id, action, mended.payload, violations)


def _answer(kind: int, message: list[Any]) -> Frame:
    message_id = usable_id(message[1]) if len(message) > 1 else None
    if message_id is None:
        return Unreadable("no_usable_message_id", answer=False)
    body = message[2] if len(message) > 2 else None
    if kind == CALLRESULT:
        payload = body if isinstance(body, dict) else ({} if body is None else None)
        return Answer(message_id, payload, "" if payload is not None else "FormatViolation")
    text = message[3] if len(message) > 3 and isinstance(message[3], str) else ""
    code = body if isinstance(body, str) and body else "GenericError"
    return Answer(message_id, None, code[:50], " ".join(text.split())[:255])


def _send(message: list[Any]) -> Frame:
    action = message[2] if len(message) > 2 else None
    payload = message[3] if len(message) > 3 else None
    if not isinstance(action, str) or not isinstance(payload, dict):
        return Unreadable("unreadable_send", answer=False)
    return Sent(action[:64], payload)


# --- Limits ---------------------------------------------------------------------------------------------------------


def within_limits(message: Any, text: str) -> bool:
    """Depth, length of arrays and size of integers. Short frames cannot break them and are not walked."""
    if text.count("{") + text.count("[") <= MOST_DEPTH and text.count(",") < MOST_ITEMS:
        return True
    return _within(message, MOST_DEPTH)


def _within(value: Any, depth: int) -> bool:
    if depth < 0:
        return False
    if isinstance(value, list):
        return len(value) <= MOST_ITEMS and all(_within(item, depth - 1) for item in value)
    if isinstance(value, dict):
        return len(value) <= MOST_ITEMS and all(_within(item, depth - 1) for item in value.values())
    return True


def cleaned(value: Any) -> Any:
    """Without NUL and lone surrogates, which no database text takes."""
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [cleaned(item) for item in value]
    if isinstance(value, dict):
        return {cleaned(key): cleaned(item) for key, item in value.items()}
    return value


# --- A second try for what strict JSON refuses ----------------------------------------------------------------------

_NO_VALUE = re.compile(r":\s*(?=[,}\]])")
_NO_ITEM = re.compile(r"([\[{,])\s*,")
_TRAILING = re.compile(r",\s*(?=[}\]])")
_HEAD = re.compile(r'^\s*\[\s*2\s*,\s*(?:"([^"\\]{1,36})"|(\d{1,36}))\s*(?:,\s*"(\w{1,64})")?')
_ANSWER_HEAD = re.compile(r'^\s*\[\s*[345]\s*,\s*(?:"([^"\\]{1,36})"|(\d{1,36}))\s*(?:,|$)')
_ANSWERS = re.compile(r"^\s*\[\s*[345]\s*,")


def _tolerant(text: str, protocol: str) -> Frame:
    """Empty frames, raw control characters, `"a":,`, `[,{`, NaN, text that breaks off: what can be read is read where
    it is a transaction message, since one that stays unanswered is sent again for ever (quirk row 6)."""
    stripped = text.replace("\x00", "").lstrip("\ufeff").strip()
    if not stripped:
        return Unreadable("empty_frame", answer=False)
    head = _HEAD.match(stripped)
    message = _loads(stripped)
    if message is None and head and head[3] in TRANSACTION_ACTIONS and len(stripped) <= LONGEST_TOLERATED:
        for candidate in _repaired(stripped):
            message = _loads(candidate)
            if message is not None:
                break
    if isinstance(message, list):
        if not within_limits(message, stripped):
            return Unreadable("too_deep_or_long")
        return _message(cleaned(message), stripped, protocol, [("broken_json", excerpt(stripped))])
    if _ANSWERS.match(stripped):
        # Whoever waits for it learns at once that nothing readable comes (quirk row 6).
        answer = _ANSWER_HEAD.match(stripped)
        if answer is None:
            return Unreadable("broken_json", answer=False)
        return Answer(answer[1] or answer[2], None, "FormatViolation", "The answer is no JSON.")
    if head and protocol == "1.6":
        message_id = head[1] or head[2]
        return Refused(message_id, "format", action=head[3] or "", violations=[("broken_json", excerpt(stripped))])
    return Unreadable("broken_json")


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None


def _loads(text: str) -> Any:
    def whole(digits: str) -> float | None:
        return int(digits) if len(digits) < 19 else _finite(digits)

    try:
        return json.loads(text, strict=False, parse_constant=lambda _: None, parse_int=whole, parse_float=_finite)
    except (ValueError, RecursionError):
        return None


def _repaired(text: str) -> list[str]:
    """Likelier repairs first: missing values and items, then the end cut back to its last whole value."""
    filled = _NO_VALUE.sub(":null", text)
    for _ in range(3):
        filled = _NO_ITEM.sub(r"\1", filled)
    filled = _TRAILING.sub("", filled)
    return [filled, closed(filled)]


def closed(text: str) -> str:
    """A text that breaks off, cut back to its last whole value and closed. A value that may be half is dropped."""
    stack: list[str] = []
    in_string = escaped = False
    whole, whole_stack = 0, [""]
    for index, char in enumerate(text):
        if in_string:
            if escaped:
                escaped = False
            elif char == "\\":
                escaped = True
            elif char == '"':
                in_string = False
            continue
        if char == '"':
            in_string = True
        elif char in "[{":
            stack.append("]" if char == "[" else "}")
            whole, whole_stack = index + 1, list(stack)
        elif char in "]}":
            if not stack or stack[-1] != char:
                break
            stack.pop()
            whole, whole_stack = index + 1, list(stack)
        elif char == ",":
            whole, whole_stack = index, list(stack)
    return text[:whole] + "".join(reversed(whole_stack))


# --- Writing --------------------------------------------------------------------------------------------------------


def result(message_id: str, payload: dict[str, Any]) -> str:
    return orjson.dumps([CALLRESULT, message_id, payload]).decode()


def call(message_id: str, action: str, payload: dict[str, Any]) -> str:
    return orjson.dumps([CALL, message_id, action, payload]).decode()


def error_code(kind: str, protocol: str) -> str:
    return CODES[kind][0 if protocol == "1.6" else 1]


def error(message_id: str, kind: str, protocol: str, where: str = "") -> str:
    """A CALLERROR. It names the field, never a value; its details stay empty."""
    description = DESCRIPTIONS[kind]
    if where and not description.endswith("."):
        description += f": {where}."
    return orjson.dumps([CALLERROR, message_id, error_code(kind, protocol), description[:255], {}]).decode()


def unreadable(protocol: str) -> str | None:
    """What a frame without a usable id is answered with: nothing in 1.6, RpcFrameworkError in 2.x (part 4 §4.2.3)."""
    if protocol == "1.6":
        return None
    return orjson.dumps([CALLERROR, "-1", "RpcFrameworkError", "The message could not be read.", {}]).decode()
