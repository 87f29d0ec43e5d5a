"""What the form of a tariff needs: names, values and problems of a part's fields."""

from typing import Any

from django import template

from charging.tariff_words import LINES, WEEKDAYS
from charging.views.tariff_form import DYNAMIC

register = template.Library()


@register.simple_tag
def part_field(form: Any, part: dict[str, Any], name: str) -> dict[str, Any]:
    """A field of a part's row: its name in the form, what stands in it, and what is wrong with it."""
    path = f"parts.{part['number'] - 1}.{'dynamic.' if name in DYNAMIC else ''}{name}"
    problem = form.problems.get(path) or (
        form.problems.get(f"parts.{part['number'] - 1}.dynamic") if name == "zone" else ""
    )
    return {"name": f"{part['prefix']}{name}", "value": part.get(name, ""), "problem": problem}


@register.simple_tag
def part_kinds() -> list[tuple[str, Any]]:
    return [(kind, LINES[kind]) for kind in ("energy", "time", "idle", "session")]


@register.simple_tag
def week() -> list[tuple[str, Any]]:
    return [(str(number), label) for number, label in enumerate(WEEKDAYS, start=1)]
