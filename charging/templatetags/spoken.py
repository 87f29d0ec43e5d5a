"""Stored words in the reader's language."""

from typing import Any

from django import template

from charging.said import said as in_their_language
from charging.violations import in_words

register = template.Library()


@register.filter
def said(text: Any) -> str:
    return in_their_language(str(text or ""))


@register.filter
def violation_words(kind: Any) -> str:
    return in_words(str(kind))
