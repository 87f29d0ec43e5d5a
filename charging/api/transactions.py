"""REST: transactions, their meter values, and their export."""

from typing import Any

from django.db.models import Q
from django.http import HttpResponse, StreamingHttpResponse
from django.utils.translation import gettext, gettext_lazy
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import Endpoint, Filter, by_choice, by_moment, by_number, by_text, by_truth, failures, parameters
from charging.api import shapes
from charging.exports import XLSX, download, fits_in_sheet
from charging.models import Transaction
from charging.models.id_tags import canonical_id_tag
from charging.queries import transactions
from charging.receipts import receipt
from charging.tables import api_sheet
from mobility.errors import Invalid

BY_TAG = Filter(
    lambda value: Q(id_tag__canonical=canonical_id_tag(value)) | Q(id_token=value),
    lambda text: text.replace("\x00", ""),
    gettext_lazy("an id tag"),
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


MOST_POINTS = 400
POINTS = OpenApiParameter("points", int, description=f"How many at most, from 2 to {MOST_POINTS}.", default=200)


class CurveView(Endpoint):
    """The curve of a transaction."""

    serializer_class = shapes.CurveOut

    @extend_schema(
        parameters=[POINTS], responses={200: shapes.CurveOut, **failures(400, 401, 404)}, tags=["transactions"]
    )
    def get(self, request: Request, pk: int) -> Response:
        """Power, energy and battery over time, thinned to what a small chart can show."""
        text = request.query_params.get("points") or "200"
        if not text.isascii() or not text.isdecimal() or not 2 <= int(text[:9]) <= MOST_POINTS:
            why = gettext("This is a whole number from 2 to %(most)s.") % {"most": MOST_POINTS}
            raise Invalid(gettext("Some filters are not usable."), fields={"points": why})
        row = transactions.get(self.actor, pk)
        return Response({"points": transactions.curve(self.actor, row, int(text))})


class ReceiptView(Endpoint):
    """The receipt of a transaction."""

    serializer_class = shapes.TransactionOut

    @extend_schema(
        responses={(200, "application/pdf"): OpenApiTypes.BINARY, **failures(401, 404, 409)},
        tags=["transactions"],
    )
    def get(self, request: Request, pk: int) -> HttpResponse:
        """The receipt of an ended transaction as a PDF, in the language asked for."""
        row = transactions.get(self.actor, pk)
        made = receipt(row, transactions.as_json(row))
        name = f'inline; filename="receipt-{row.pk}.pdf"'
        return HttpResponse(made, content_type="application/pdf", headers={"Content-Disposition": name})


FORMATS = ("csv", "xlsx")
EXPORT = [
    OpenApiParameter("format", str, enum=FORMATS, default="csv", description="What file it becomes."),
    *parameters(FILTERS, ORDERS),
]


class TransactionsExportView(Endpoint):
    """Charging sessions as a table."""

    serializer_class = shapes.TransactionOut
    filters, orders, default_order = FILTERS, ORDERS, LATEST

    def perform_content_negotiation(self, request: Request, force: bool = False) -> tuple[Any, str]:
        """`?format=` names a file, not one of the API's own representations: a failure is JSON here too."""
        (json, *_) = self.get_renderers()
        return json, json.media_type

    @extend_schema(
        parameters=EXPORT,
        responses={
            (200, "text/csv"): OpenApiResponse(OpenApiTypes.STR, description="The fields of a transaction as columns."),
            (200, XLSX): OpenApiTypes.BINARY,
            **failures(400, 401),
        },
        tags=["exports"],
        filters=False,
    )
    def get(self, request: Request) -> StreamingHttpResponse:
        """The filtered transactions as a CSV or an XLSX file."""
        form = request.query_params.get("format") or "csv"
        if form not in FORMATS:
            raise Invalid(
                gettext("Some filters are not usable."),
                fields={"format": gettext("Choose one of %(choices)s.") % {"choices": ", ".join(FORMATS)}},
            )
        rows = self.filtered(transactions.visible(self.actor))
        if form == "xlsx":
            fits_in_sheet(rows)
        return download(request._request, [api_sheet(rows, list(shapes.TransactionOut().fields))], form, "transactions")
