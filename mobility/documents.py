"""JSON documents as a database gives them back."""

from typing import Any


def within_64_bits(value: Any) -> Any:
    """A copy of a document whose whole numbers beyond 64 bits are floating ones: PostgreSQL gives 1e30 back as a whole
    number, which orjson does not write."""
    if isinstance(value, dict):
        return {key: within_64_bits(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [within_64_bits(item) for item in value]
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        return float(value)
    return value
