"""Lists: headings that sort, with the order in the address."""

import json
from collections.abc import Mapping
from typing import Any

from django import template

register = template.Library()


@register.inclusion_tag("charging/parts/sort_head.html")
def sort_head(board: Any, key: str, label: str, more: str = "") -> dict[str, Any]:
    """A column's heading that orders the list by it, and the other way round when it is pressed again."""
    now = board.params.get("sort", "") or board.default_sort
    descends = now == f"-{key}"
    wanted = f"-{key}" if now == key else key
    return {
        "label": label,
        "more": more,
        "query": board.query(sort="" if wanted == board.default_sort else wanted, page=""),
        "order": "descending" if descends else "ascending" if now == key else "",
    }


@register.filter
def pretty(value: Any) -> str:
    """JSON, be it a text or parsed already, as people read it; a text that is no JSON stays as it is."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return str(value)
    return json.dumps(value, indent=2, ensure_ascii=False)


@register.filter
def of(found: Mapping[Any, Any], key: Any) -> Any:
    """What a mapping has for a key; an empty text where it has nothing."""
    return found.get(key, "")
