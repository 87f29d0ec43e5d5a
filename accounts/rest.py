"""What REST views share: who acts, and lists that are filtered, ordered and paged in one way.

A view is a thin thing: it checks the shape of what comes in, calls a query or an action, and gives the query's JSON.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actors import Actor
from accounts.authentication import actor_of_request
from accounts.conduct import Conduct
from accounts.middleware import known_zone
from mobility.errors import Invalid

M = TypeVar("M", bound=Model)


class ErrorSerializer(serializers.Serializer[Any]):
    """How every failure is told."""

    code = serializers.CharField(help_text="Stable and machine-readable.")
    message = serializers.CharField(help_text="One or two sentences for a person.")
    fields_ = serializers.DictField(child=serializers.CharField(), help_text="Per field, what is wrong with it.")

    def get_fields(self) -> dict[str, Any]:
        declared = super().get_fields()
        declared["fields"] = declared.pop("fields_")
        return declared


def failures(*statuses: int) -> dict[int, OpenApiResponse]:
    """The error answers of an operation, for its documentation."""
    said = {
        400: "A field is unusable.",
        401: "Not signed in, or no longer.",
        403: "Your role is not enough.",
        404: "There is no such thing, or it is not yours.",
        409: "The state of things does not allow it now.",
        412: "It was changed since the ETag in If-Match was given.",
        422: "The Idempotency-Key was used for another request.",
        429: "Too many attempts; see Retry-After.",
    }
    return {status: OpenApiResponse(ErrorSerializer, description=said[status]) for status in statuses}


@dataclass(frozen=True, slots=True)
class Filter:
    """A query parameter of a list: parses its text, and makes the condition."""

    condition: Callable[[Any], Q]
    parse: Callable[[str], Any]
    wanted: object
    kind: Any = OpenApiTypes.STR
    enum: tuple[str, ...] = ()


def moment(text: str) -> datetime:
    """ISO 8601; without a zone UTC, a day alone is its midnight. A `+` that became a blank is forgiven."""
    text = text.strip().replace(" ", "+") if text.count(" ") == 1 and "T" in text else text.strip()
    found: datetime | date | None = parse_datetime(text) or parse_date(text)
    if found is None:
        raise ValueError(text)
    if not isinstance(found, datetime):
        found = datetime(found.year, found.month, found.day)  # noqa: DTZ001 (the zone comes next)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def truth(text: str) -> bool:
    known = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    return known[text.strip().lower()]


def whole(text: str) -> int:
    number = int(text)
    if not 0 <= number < 2**63:
        raise ValueError(text)
    return number


def clean(text: str) -> str:
    if "\x00" in text:
        raise ValueError(text)
    return text


def by_text(lookup: str) -> Filter:
    return Filter(lambda value: Q(**{lookup: value}), clean, "a text")


def by_number(lookup: str) -> Filter:
    return Filter(lambda value: Q(**{lookup: value}), whole, gettext_lazy("a whole number"), OpenApiTypes.INT)


def by_moment(lookup: str) -> Filter:
    return Filter(lambda value: Q(**{lookup: value}), moment, gettext_lazy("a time in ISO 8601"), OpenApiTypes.DATETIME)


def by_truth(lookup: str | Callable[[bool], Q]) -> Filter:
    make = lookup if callable(lookup) else lambda value: Q(**{lookup: value})
    return Filter(make, truth, gettext_lazy("true or false"), OpenApiTypes.BOOL)


def by_choice(lookup: str, choices: Iterable[str]) -> Filter:
    allowed = tuple(str(choice) for choice in choices)

    def parse(text: str) -> list[str]:
        wanted = [part.strip() for part in text.split(",") if part.strip()]
        if not wanted or not set(wanted) <= set(allowed):
            raise ValueError(text)
        return wanted

    return Filter(lambda value: Q(**{f"{lookup}__in": value}), parse, f"of {', '.join(allowed)}", enum=allowed)


def search_in(*lookups: str) -> Filter:
    def condition(value: str) -> Q:
        found = Q()
        for lookup in lookups:
            found |= Q(**{f"{lookup}__icontains": value})
        return found

    return Filter(condition, clean, "a text")


def parameters(filters: Mapping[str, Filter], orders: Mapping[str, str]) -> list[OpenApiParameter]:
    """What a list's query string may hold, for its documentation."""
    found = [
        OpenApiParameter(name, entry.kind, enum=entry.enum or None, description=f"Only those that fit: {entry.wanted}.")
        for name, entry in filters.items()
    ]
    if orders:
        choices = [choice for name in orders for choice in (name, f"-{name}")]
        found.append(OpenApiParameter("ordering", OpenApiTypes.STR, enum=choices))
    return found


class Endpoint(Conduct):
    """A REST view on behalf of an actor.

    Attributes:
        filters: query parameter -> Filter; a value that does not parse is a 400 that names it.
        orders: public name -> field; `?ordering=-name` turns it round. `default_order` ends in something unique.
    """

    permission_classes = [IsAuthenticated]
    filters: dict[str, Filter] = {}
    orders: dict[str, str] = {}
    default_order: tuple[str, ...] = ("pk",)

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        with timezone.override(None):
            return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Sentences name times in the zone that the request names in `Time-Zone`, else in the caller's own."""
        super().initial(request, *args, **kwargs)
        own = getattr(request.user, "time_zone", "")
        zone = known_zone(request.headers.get("Time-Zone", "")) or known_zone(own)
        if zone is not None:
            timezone.activate(zone)

    @cached_property
    def actor(self) -> Actor:
        return actor_of_request(self.request)

    def input(self, kind: type[serializers.Serializer[Any]], *, partial: bool = False) -> dict[str, Any]:
        """The request's body as the serializer understands it: only known fields, of the right types. Raises a 400."""
        checked = kind(data=self.request.data, partial=partial)
        checked.is_valid(raise_exception=True)
        return dict(checked.validated_data)

    def filtered(self, rows: QuerySet[M]) -> QuerySet[M]:
        wrong: dict[str, str] = {}
        for name, entry in self.filters.items():
            text = self.request.query_params.get(name)
            if text is None or text == "":
                continue
            try:
                rows = rows.filter(entry.condition(entry.parse(text)))
            except (ValueError, KeyError, OverflowError):
                wrong[name] = _("This is %(wanted)s.") % {"wanted": entry.wanted}
        if wrong:
            raise Invalid(_("Some filters are not usable."), fields=wrong)
        return rows.order_by(*self.order())

    def order(self) -> tuple[str, ...]:
        wanted = self.request.query_params.get("ordering", "")
        if not wanted:
            return self.default_order
        found = []
        for name in wanted.split(","):
            field = self.orders.get(name.strip().lstrip("-"))
            if field is None:
                why = _("Order by %(choices)s, with a - in front for the other way round.") % {
                    "choices": ", ".join(self.orders)
                }
                raise Invalid(why, fields={"ordering": why})
            found.append(f"-{field}" if name.strip().startswith("-") else field)
        return (*found, "-pk" if found[-1].startswith("-") else "pk")

    def paged(self, rows: list[dict[str, Any]]) -> Response:
        """A page of what was made at once and in its order."""
        page = self.paginate_queryset(rows)
        assert page is not None
        return self.get_paginated_response(page)

    def listed(self, rows: QuerySet[M], as_json: Callable[[M], dict[str, Any]]) -> Response:
        """A page of the filtered and ordered rows."""
        page = self.paginate_queryset(self.filtered(rows))
        assert page is not None
        return self.get_paginated_response([as_json(row) for row in page])
