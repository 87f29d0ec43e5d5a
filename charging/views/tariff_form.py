"""The form of a tariff's version: rows of parts as they are typed, and what they mean."""

from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from charging.models import TariffVersion
from charging.tariff_terms import MOST_PARTS
from charging.views.common import decimal_text, moment

#: Fields of a part that are one text; `days` and the dynamic ones are put together from several.
TEXTS = ("kind", "per", "from_time", "to_time", "from_day", "to_day", "holidays")
NUMBERS = ("price", "from_kwh", "to_kwh", "from_minutes", "to_minutes", "tax_percent")
DYNAMIC = ("zone", "factor", "markup")
DAYS = tuple(str(day) for day in range(1, 8))
CONDITIONS = ("from_time", "to_time", "days", "from_day", "to_day", "holidays", *NUMBERS[1:])
AMOUNTS = ("tax_percent", "minimum", "maximum")


def blank_version() -> dict[str, Any]:
    """A form with one price per kWh."""
    return {
        "prices_include_tax": "yes",
        "tax_percent": "",
        "minimum": "",
        "maximum": "",
        "note": "",
        "valid_from": "",
        "p0-kind": "energy",
        "p0-per": "kwh",
    }


def values_of(version: TariffVersion) -> dict[str, Any]:
    """A version as the form shows it, to make the next one of."""
    found: dict[str, Any] = {
        "prices_include_tax": "yes" if version.prices_include_tax else "no",
        "note": "",
        "valid_from": "",
        **{name: "" if getattr(version, name) is None else str(getattr(version, name)) for name in AMOUNTS},
    }
    for index, part in enumerate(version.parts):
        for name in (*TEXTS, *NUMBERS):
            found[f"p{index}-{name}"] = part.get(name, "")
        for day in part.get("weekdays", ()):
            found[f"p{index}-day{day}"] = "on"
        for name in DYNAMIC:
            found[f"p{index}-{name}"] = part.get("dynamic", {}).get(name, "")
    return found


def rows_of(values: Mapping[str, Any], *, more: bool = False) -> list[dict[str, Any]]:
    """The rows of parts that the form shows: those that are filled in, and an empty one where `more` are wanted."""
    rows = []
    for index in range(MOST_PARTS):
        at = f"p{index}-"
        if not values.get(f"{at}kind"):
            continue
        row = {name: values.get(at + name, "") for name in (*TEXTS, *NUMBERS, *DYNAMIC)}
        row["days"] = [day for day in DAYS if values.get(f"{at}day{day}")]
        row["open"] = any(row[name] for name in (*CONDITIONS, "zone"))
        rows.append(row)
    if more and len(rows) < MOST_PARTS:
        rows.append({"kind": "", "days": []})
    for index, row in enumerate(rows):
        row["prefix"] = f"p{index}-"
        row["number"] = index + 1
    return rows


def typed_version(values: Mapping[str, Any]) -> dict[str, Any]:
    """The version as the actions take it. A part whose price is empty and not needed is left out."""
    found: dict[str, Any] = {
        "parts": [typed_part(row) for row in rows_of(values)],
        "prices_include_tax": values.get("prices_include_tax") != "no",
        "note": values.get("note", ""),
        "tax_percent": decimal_text(str(values.get("tax_percent", "")).strip()) or "0",
        "valid_from": moment(str(values.get("valid_from", "")), "valid_from") or timezone.now(),
    }
    for name in ("minimum", "maximum"):
        found[name] = decimal_text(str(values.get(name, "")).strip())
    return found


def typed_part(row: Mapping[str, Any]) -> dict[str, Any]:
    part: dict[str, Any] = {name: row[name].strip() for name in TEXTS if row[name].strip()}
    for name in NUMBERS:
        if text := decimal_text(row[name].strip()):
            part[name] = text
    if row["days"]:
        part["weekdays"] = [int(day) for day in row["days"]]
    if row["zone"].strip():
        part["dynamic"] = {
            "zone": row["zone"].strip(),
            **{name: text for name in ("factor", "markup") if (text := decimal_text(row[name].strip()))},
        }
    return part
