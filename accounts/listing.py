"""Lists of the portal that are not live: filters and page stand in the address, so that a list can be kept and sent."""

from datetime import UTC, datetime, time
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_date

from accounts.requests import PageRequest

PER_PAGE = 50
#: What a list's address may say beside its filters.
PLUMBING = ("organization", "page")


class Listing:
    """A list's query string, in which `filters` names what narrows it down."""

    def __init__(self, request: PageRequest, *filters: str) -> None:
        self.params = {key: str(value)[:200].replace("\x00", "").strip() for key, value in request.GET.items()}
        self.filters = filters

    def __getitem__(self, name: str) -> str:
        """A filter's text, empty without one; templates say `listing.q`, and find the other attributes, too."""
        if name not in self.filters and name not in PLUMBING:
            raise KeyError(name)
        return self.params.get(name, "")

    @property
    def is_filtered(self) -> bool:
        return any(self.params.get(name) for name in self.filters)

    @property
    def query_without_page(self) -> str:
        return urlencode({key: value for key, value in self.params.items() if value and key != "page"})

    def paginate(self, rows: "QuerySet[Any]") -> "Page[Any]":
        """The page that is asked for, or the nearest there is."""
        return Paginator(rows, PER_PAGE).get_page(self.params.get("page"))

    def between(self, rows: "QuerySet[Any]", field: str) -> "QuerySet[Any]":
        """Those from the day `from` to the day `to`, both included, in the reader's time zone."""
        return between(rows, field, self["from"], self["to"])


def between(rows: "QuerySet[Any]", field: str, first: str | None, last: str | None) -> "QuerySet[Any]":
    """Those from the first day to the last, both included, in the reader's time zone."""
    begin, end = day(first), day(last, last=True)
    if begin:
        rows = rows.filter(**{f"{field}__gte": begin})
    return rows.filter(**{f"{field}__lte": end}) if end else rows


def day(text: str | None, *, last: bool = False) -> datetime | None:
    """The first or the last moment of a day in the reader's time zone, in UTC; None for what is no day there."""
    try:
        found = parse_date(text or "")
        if found is None:
            return None
        return timezone.make_aware(datetime.combine(found, time.max if last else time.min)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
