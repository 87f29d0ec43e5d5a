"""Days as lists are asked for them: in the reader's time zone, and none that no clock can show."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from accounts.listing import day


def test_a_day_begins_and_ends_where_the_reader_is() -> None:
    with timezone.override(ZoneInfo("Europe/Berlin")):
        assert day("2026-03-29") == datetime(2026, 3, 28, 23, tzinfo=UTC)
        assert day("2026-03-29", last=True) == datetime(2026, 3, 29, 21, 59, 59, 999_999, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "text", "last"),
    [
        ("Europe/Berlin", "0001-01-01", False),
        ("America/Los_Angeles", "9999-12-31", True),
        ("UTC", "2026-99-99", False),
        ("UTC", "soon", False),
        ("UTC", None, False),
    ],
)
def test_what_is_no_day_is_none(zone: str, text: str | None, last: bool) -> None:
    with timezone.override(ZoneInfo(zone)):
        assert day(text, last=last) is None
