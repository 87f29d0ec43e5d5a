"""What explains: a "?" beside a term, and a QR code."""

from typing import Any

from django import template
from django.utils.safestring import SafeString, mark_safe

from charging.glossary import TERMS

register = template.Library()


@register.inclusion_tag("charging/parts/term.html")
def term(key: str, place: Any = "") -> dict[str, Any]:
    """A button that opens a short explanation, by the browser's own popover.

    `place` tells apart the same term at several places of a page.
    """
    return {"term": TERMS[key], "id": f"term-{key}-{place}" if place != "" else f"term-{key}"}


@register.simple_tag
def qr_code(text: str) -> SafeString:
    """The text as an SVG, dark on light in either theme, as cameras want it."""
    # Loaded with the first code that is drawn: its writers cost every start of a process more than a drawing does.
    import segno

    made = segno.make(text, error="m", micro=False)
    # Nothing of the text is in the picture but its squares.
    svg = made.svg_inline(border=4, omitsize=True, dark="#000", light="#fff", svgclass="qr", lineclass=None)
    return mark_safe(svg)  # noqa: S308
