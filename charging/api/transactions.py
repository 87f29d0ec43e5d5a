"""REST: transactions, their meter values, and their export."""

import csv
from collections.abc import Iterator
from typing import Any

from django.db.models import Q
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import Endpoint, Filter, by_choice, by_moment, by_number, by_text, by_truth, failures, parameters
from charging.api import shapes
from charging.models import Transaction
from charging.models.id_tags import canonical_id_tag
from charging.queries import transactions

BY_TAG = Filter(
    lambda value: Q(id_tag__canonical=canonical_id_tag(value)) | Q(id_token=value),
    lambda text: text.replace("\x00", ""),
    "an id tag",
)
BY_OPEN = by_truth(lambda value: Q(state__in=Transaction.OPEN) if value else ~Q(state__in=Transaction.OPEN))
FILTERS = {
    "organization": by_number("organization"),
    "station": by_text("station__identity"),
    "site": by_number("station__site"),
    "state": by_choice("state", Transaction.State.values),
    "open": BY_OPEN,
    "user": by_number("user"),
    "car": by_number("car"),
    "id_tag": BY_TAG,
    "transaction_id": by_text("transaction_id"),
    "from": by_moment("started__gte"),
    "to": by_moment("started__lt"),
}
ORDERS = {"started": "started", "ended": "ended", "energy_wh": "energy_wh", "cost": "cost", "id": "pk"}
LATEST = ("-started", "-pk")


class TransactionsView(Endpoint):
    """Charging sessions."""

    serializer_class = shapes.TransactionOut
    filters, orders, default_order = FILTERS, ORDERS, LATEST

    @extend_schema(
        parameters=parameters(FILTERS, ORDERS),
        responses={200: shapes.TransactionOut(many=True), **failures(400, 401)},
        tags=["transactions"],
    )
    def get(self, request: Request) -> Response:
        """The transactions of your organizations, the latest first; a driver's own."""
        return self.listed(transactions.visible(self.actor), transactions.as_json)


class TransactionView(Endpoint):
    """One charging session."""

    serializer_class = shapes.TransactionOut

    @extend_schema(responses={200: shapes.TransactionOut, **failures(401, 404)}, tags=["transactions"])
    def get(self, request: Request, pk: int) -> Response:
        """One transaction."""
        return Response(transactions.as_json(transactions.get(self.actor, pk)))


READING_FILTERS = {"from": by_moment("measured_at__gte"), "to": by_moment("measured_at__lt")}
READING_ORDERS = {"measured_at": "measured_at"}


class MeterValuesView(Endpoint):
    """The meter values of a transaction."""

    serializer_class = shapes.ReadingOut
    filters, orders, default_order = READING_FILTERS, READING_ORDERS, ("measured_at", "pk")

    @extend_schema(
        parameters=parameters(READING_FILTERS, READING_ORDERS),
        responses={200: shapes.ReadingOut(many=True), **failures(400, 401, 404)},
        tags=["transactions"],
    )
    def get(self, request: Request, pk: int) -> Response:
        """What the meter said, in its order."""
        row = transactions.get(self.actor, pk)
        return self.listed(transactions.meter_values(self.actor, row), transactions.reading_as_json)


class CSVRenderer(BaseRenderer):
    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"


def neutral(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


class Line:
    """A file whose writes come back as its lines."""

    def write(self, text: str) -> str:
        return text


class TransactionsCsvView(Endpoint):
    """Charging sessions as a table."""

    serializer_class = shapes.TransactionOut
    filters, orders, default_order = FILTERS, ORDERS, LATEST

    def get_renderers(self) -> list[Any]:
        return [CSVRenderer(), *super().get_renderers()]

    def handle_exception(self, exc: Exception) -> Response:
        """A failure is JSON here too."""
        (json, *_) = super().get_renderers()
        self.request.accepted_renderer, self.request.accepted_media_type = json, json.media_type
        return super().handle_exception(exc)

    def lines(self) -> Iterator[str]:
        writer = csv.writer(Line())
        columns = list(shapes.TransactionOut().fields)
        yield str(writer.writerow(columns))
        for row in self.filtered(transactions.visible(self.actor)).iterator(chunk_size=500):
            found = {**transactions.as_json(row), "flags": " ".join(row.flags or [])}
            yield str(writer.writerow([neutral(found[name]) for name in columns]))

    @extend_schema(
        parameters=parameters(FILTERS, ORDERS),
        responses={(200, "text/csv"): OpenApiResponse(OpenApiTypes.STR), **failures(400, 401)},
        tags=["exports"],
        filters=False,
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        """The filtered transactions as CSV."""
        self.filtered(transactions.visible(self.actor))
        return StreamingHttpResponse(
            self.lines(),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="transactions.csv"'},
        )
