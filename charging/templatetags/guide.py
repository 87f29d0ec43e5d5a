"""What explains: a "?" beside a term, and a QR code."""

from typing import Any

from django import template
from django.utils.safestring import SafeString

from charging.glossary import TERMS
from charging.labels import qr_svg

register = template.Library()


@register.inclusion_tag("charging/parts/term.html")
def term(key: str, place: Any = "") -> dict[str, Any]:
    """A button that opens a short explanation, by the browser's own popover.

    `place` tells apart the same term at several places of a page.
    """
    return {"term": TERMS[key], "id": f"term-{key}-{place}" if place != "" else f"term-{key}"}


@register.simple_tag
def qr_code(text: str) -> SafeString:
    """A QR code of the text."""
    return qr_svg(text)
