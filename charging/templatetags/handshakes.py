"""What to do about a refused handshake."""

from django import template

from charging.models import RefusedHandshake
from charging.queries import handshakes

register = template.Library()


@register.filter
def advice(row: RefusedHandshake) -> str:
    return handshakes.advice(row)
