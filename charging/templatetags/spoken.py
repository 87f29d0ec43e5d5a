"""Stored words in the reader's language."""

from typing import Any

from django import template

from charging.said import said as in_their_language

register = template.Library()


@register.filter
def said(text: Any) -> str:
    return in_their_language(str(text or ""))
