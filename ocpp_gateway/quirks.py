"""Tolerant in what is taken: mend a payload that breaks its schema, and count what was mended.

A payload that is valid never comes here. The others are walked beside their schema: numbers as strings, strings as
numbers, an object where an array belongs, nulls, extra keys, other spellings of enumerations and over-long texts are
put right; what cannot be is a fault, which decides the error code.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ocpp_gateway import aliases

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_WHOLE = re.compile(r"[+-]?[0-9]{1,40}")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]{1,40}(?:[.,][0-9]{0,40})?|[.,][0-9]{1,40})(?:[eE][+-]?[0-9]{1,3})?")
MOST_NUMBER = 2**63
_MISSING = object()


@dataclass(slots=True)
class Mended:
    """The payload as it should have been, what was wrong with it, and what stayed wrong.

    Attributes:
        violations: (kind, where) of each repair, for the station's counters.
        faults: (kind, where) of what no repair mends; kind is `required`, `type` or `enum`.
    """

    action: str
    payload: Any = None
    violations: list[tuple[str, str]] = field(default_factory=list)
    faults: list[tuple[str, str]] = field(default_factory=list)


def mend(action: str, payload: Any, schema: dict[str, Any]) -> Mended:
    """Walk a request payload beside its schema (quirk rows 6, 7, 13, 20, 22)."""
    mended = Mended(action)
    walker = _Walker(mended, schema.get("definitions", {}))
    mended.payload = walker.value(payload, schema, "", "", required=True)
    return mended


def as_number(text: str) -> int | float | None:
    """The number that a text says, with a decimal point or comma; None when it says none."""
    stripped = text.strip()
    if _WHOLE.fullmatch(stripped):
        return int(stripped)
    return float(stripped.replace(",", ".")) if _DECIMAL.fullmatch(stripped) else None


class _Walker:
    def __init__(self, mended: Mended, definitions: dict[str, Any]) -> None:
        self.mended = mended
        self.definitions = definitions

    def note(self, kind: str, path: str, value: Any = "") -> None:
        self.mended.violations.append((kind, f"{self.mended.action}.{path}: {str(value)[:120]}"))

    def fault(self, kind: str, path: str) -> Any:
        self.mended.faults.append((kind, path))
        return _MISSING

    def resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        reference = schema.get("$ref")
        return self.definitions[reference.rsplit("/", 1)[1]] if reference else schema

    def value(self, value: Any, schema: dict[str, Any], name: str, path: str, *, required: bool) -> Any:
        schema = self.resolved(schema)
        kind = schema.get("type")
        if kind == "object" or "properties" in schema:
            return self.object(value, schema, path)
        if kind == "array":
            return self.array(value, schema, name, path)
        if kind == "string" or "enum" in schema:
            return self.string(value, schema, name, path, required=required)
        if kind in ("integer", "number"):
            return self.number(value, schema, name, path)
        if kind == "boolean":
            return self.boolean(value, path)
        return value

    def object(self, value: Any, schema: dict[str, Any], path: str) -> Any:
        if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
            self.note("array_for_object", path)
            value = value[0]
        if not isinstance(value, dict):
            return self.fault("type", path)
        properties = schema.get("properties", {})
        needed = set(schema.get("required", ()))
        mended: dict[str, Any] = {}
        for name, item in self.known_fields(value, schema, path):
            inner = f"{path}.{name}".strip(".")
            if name not in properties:
                mended[name] = item
                continue
            if item is None:
                self.note("null_value", inner)
                continue
            faults = len(self.mended.faults)
            done = self.value(item, properties[name], name, inner, required=name in needed)
            if done is not _MISSING:
                mended[name] = done
            elif name not in needed or self.is_spared(name):
                # What is optional and wrong is left out; it does not condemn the message.
                del self.mended.faults[faults:]
                self.note("unusable_value", inner, item)
        self.require(needed - mended.keys(), value, path)
        return mended

    def known_fields(self, value: dict[str, Any], schema: dict[str, Any], path: str) -> Iterator[tuple[str, Any]]:
        """The fields under the names that the schema has for them; what it has no name for is dropped and counted."""
        properties = schema.get("properties", {})
        folded = {known.lower(): known for known in properties} if value.keys() - properties.keys() else {}
        for key, item in value.items():
            if key in properties:
                yield key, item
                continue
            name = folded.get(key.lower(), "")
            if name and name not in value:
                self.note("field_spelling", f"{path}.{key}".strip("."))
                yield name, item
            elif schema.get("additionalProperties", True) is False:
                self.note("unknown_field", f"{path}.{key}".strip("."))
            else:
                yield key, item

    def require(self, missing: set[str], value: dict[str, Any], path: str) -> None:
        for name in sorted(missing):
            if self.is_spared(name):
                self.note("missing_field", f"{path}.{name}".strip("."))
            elif value.get(name) is None:
                self.fault("required", f"{path}.{name}".strip("."))

    def is_spared(self, name: str) -> bool:
        return ("", name) in aliases.SPARED or (self.mended.action, name) in aliases.SPARED

    def array(self, value: Any, schema: dict[str, Any], name: str, path: str) -> Any:
        if isinstance(value, dict):
            self.note("object_for_array", path)
            value = [value]
        if not isinstance(value, list):
            return self.fault("type", path)
        items = schema.get("items", {})
        mended = []
        for index, item in enumerate(value):
            faults = len(self.mended.faults)
            done = self.value(item, items, name, f"{path}[{index}]", required=True)
            if name in ("sampledValue", "meterValue") and len(self.mended.faults) > faults:
                # A bad sample is not a bad message.
                del self.mended.faults[faults:]
                self.note("bad_sample", f"{path}[{index}]", item)
            elif done is not _MISSING:
                mended.append(done)
        return mended

    def string(self, value: Any, schema: dict[str, Any], name: str, path: str, *, required: bool) -> Any:
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            return self.fault("type", path)
        if not isinstance(value, str):
            self.note("number_for_string", path, value)
            value = str(value)
        if _CONTROL.search(value) and name in aliases.NEVER_CUT:
            self.note("control_characters", path)
            value = _CONTROL.sub("", value)
        if "enum" in schema:
            return self.enumeration(value, schema["enum"], name, path, required=required)
        most = schema.get("maxLength")
        if most is not None and len(value) > most:
            if name in aliases.LONG_TOKENS and len(value) <= aliases.LONGEST_TOKEN:
                self.note("too_long", path, value)
            elif name in aliases.NEVER_CUT:
                return self.fault("type", path)
            else:
                self.note("too_long", path, value)
                value = value[:most]
        return value

    def enumeration(self, value: str, allowed: list[str], name: str, path: str, *, required: bool) -> Any:
        if value in allowed:
            return value
        if name in aliases.SAMPLE_FIELDS:
            self.note("unknown_value", path, value)
            return value
        folded = value.strip().lower()
        known = next((item for item in allowed if item.lower() == folded), None)
        known = known or aliases.ENUM_VALUES.get(name, {}).get(folded)
        if known is None and required:
            known = aliases.ENUM_FALLBACKS.get(name)
        if known is None or known not in allowed:
            return self.fault("enum", path)
        self.note("unknown_value", path, value)
        return known

    def number(self, value: Any, schema: dict[str, Any], name: str, path: str) -> Any:
        if isinstance(value, bool):
            return self.fault("type", path)
        if isinstance(value, str):
            number = as_number(value)
            if number is None:
                return self.fault("type", path)
            self.note("string_for_number", path, value)
            value = number
        if not isinstance(value, (int, float)) or (isinstance(value, float) and not math.isfinite(value)):
            return self.fault("type", path)
        if schema.get("type") == "integer" and isinstance(value, float):
            if not value.is_integer() and name in aliases.NEVER_ROUNDED:
                return self.fault("type", path)
            self.note("fraction_for_integer", path, value)
            value = round(value)
        if not schema.get("minimum", -MOST_NUMBER) <= value <= schema.get("maximum", MOST_NUMBER):
            return self.fault("enum", path)
        return value

    def boolean(self, value: Any, path: str) -> Any:
        if isinstance(value, bool):
            return value
        folded = str(value).strip().lower()
        if folded in ("true", "1", "false", "0"):
            self.note("text_for_boolean", path, value)
            return folded in ("true", "1")
        return self.fault("type", path)
