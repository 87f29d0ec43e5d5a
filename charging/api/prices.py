"""REST: dynamic prices, and where they are read from."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import Endpoint, by_moment, by_number, by_text, failures, moment, parameters
from charging.actions import prices as actions
from charging.api import tariff_shapes as shapes
from charging.api.common import named_organization
from charging.api.schedule_shapes import SlotPriceOut
from charging.price_keeping import PriceRow
from charging.queries import prices as queries
from charging.queries import stations
from mobility.errors import Invalid

FILTERS = {
    "organization": by_number("organization"),
    "zone": by_text("zone"),
    "from": by_moment("end__gt"),
    "to": by_moment("begin__lt"),
}
ORDERS = {"begin": "begin"}


class PricesView(Endpoint):
    """Dynamic prices by zone."""

    serializer_class = shapes.PriceOut
    filters, orders, default_order = FILTERS, ORDERS, ("zone", "begin", "pk")

    @extend_schema(
        parameters=parameters(FILTERS, ORDERS),
        responses={200: shapes.PriceOut(many=True), **failures(400, 401)},
        tags=["prices"],
    )
    def get(self, request: Request) -> Response:
        """The prices of your organizations."""
        return self.listed(queries.visible(self.actor), queries.as_json)

    @extend_schema(
        operation_id="prices_replace",
        request=shapes.PricesIn,
        responses={200: shapes.RecordedOut, **failures(400, 401, 403, 404, 409)},
        tags=["prices"],
    )
    def put(self, request: Request) -> Response:
        """Keep many prices of a zone (managers): all of them or none. The same again changes nothing."""
        return Response(self.keep())

    @extend_schema(
        request=shapes.PricesIn,
        responses={200: shapes.RecordedOut, **failures(400, 401, 403, 404, 409)},
        tags=["prices"],
    )
    def post(self, request: Request) -> Response:
        """The same as PUT."""
        return Response(self.keep())

    def keep(self) -> dict[str, Any]:
        given = self.input(shapes.PricesIn)
        organization = named_organization(self.actor, given)
        rows = [PriceRow(**slot) for slot in given.pop("slots")]
        kept = actions.record_prices(self.actor, rows=rows, organization=organization, **given)
        return {"zone": kept.zone, "added": kept.added, "changed": kept.changed, "unchanged": kept.unchanged}


MOST_AHEAD = timedelta(days=7)


class StationPricesView(Endpoint):
    """What a kilowatt-hour costs at a station."""

    serializer_class = SlotPriceOut

    @extend_schema(
        operation_id="stations_prices_list",
        parameters=[
            OpenApiParameter("from", OpenApiTypes.DATETIME, description="Now when left out."),
            OpenApiParameter("to", OpenApiTypes.DATETIME, description="A day later when left out; seven at most."),
        ],
        responses={200: SlotPriceOut(many=True), **failures(400, 401, 404)},
        tags=["prices"],
        filters=False,
    )
    def get(self, request: Request, identity: str) -> Response:
        """What the next kilowatt-hour costs here and when, tax included, without gaps; empty where no price is set.
        Not `known`: a dynamic price is missing, and this is the tariff's fallback."""
        station = stations.get(self.actor, identity)
        begin = self.time("from") or timezone.now()
        end = self.time("to") or begin + timedelta(days=1)
        if end - begin > MOST_AHEAD:
            why = _("This is at most %(days)s days later.") % {"days": MOST_AHEAD.days}
            raise Invalid(why, fields={"to": why})
        rows = [queries.slot_as_json(slot) for slot in queries.price_slots(station, begin, end)]
        return Response({"count": len(rows), "next": None, "previous": None, "results": rows})

    def time(self, name: str) -> datetime | None:
        """A time of the query string. Raises Invalid."""
        try:
            return moment(text) if (text := self.request.query_params.get(name)) else None
        except (ValueError, OverflowError):
            why = _("This is a time in ISO 8601.")
            raise Invalid(_("Some filters are not usable."), fields={name: why}) from None


SOURCE_FILTERS = {"organization": by_number("organization"), "zone": by_text("zone")}


class PriceSourcesView(Endpoint):
    """Where prices are read from every day."""

    serializer_class = shapes.PriceSourceOut
    filters, default_order = SOURCE_FILTERS, ("zone", "pk")

    @extend_schema(
        parameters=parameters(SOURCE_FILTERS, {}),
        responses={200: shapes.PriceSourceOut(many=True), **failures(400, 401)},
        tags=["prices"],
    )
    def get(self, request: Request) -> Response:
        """The sources of your organizations, with what went wrong the last time; none for drivers."""
        return self.listed(queries.sources(self.actor), queries.source_as_json)

    @extend_schema(
        request=shapes.PriceSourceIn,
        responses={201: shapes.PriceSourceOut, **failures(400, 401, 403, 404, 409)},
        tags=["prices"],
    )
    def post(self, request: Request) -> Response:
        """Read the prices of a zone from a public address every day (managers)."""
        given = self.input(shapes.PriceSourceIn)
        organization = named_organization(self.actor, given)
        made = actions.create_price_source(self.actor, organization=organization, **given)
        return Response(queries.source_as_json(made), status=201)


class PriceSourceView(Endpoint):
    """One source of prices."""

    serializer_class = shapes.PriceSourceOut

    @extend_schema(responses={204: None, **failures(401, 403, 404)}, tags=["prices"])
    def delete(self, request: Request, pk: int) -> Response:
        """Read it no more (managers). Its prices stay."""
        actions.delete_price_source(self.actor, source=queries.get_source(self.actor, pk))
        return Response(status=204)


class PriceSourceReadView(Endpoint):
    """Reading a source now."""

    serializer_class = shapes.PriceSourceOut

    @extend_schema(request=None, responses={200: shapes.PriceSourceOut, **failures(401, 403, 404)}, tags=["prices"])
    def post(self, request: Request, pk: int) -> Response:
        """Read it now (managers); `error` says what went wrong."""
        source = actions.ask_price_source(self.actor, source=queries.get_source(self.actor, pk), now=timezone.now())
        return Response(queries.source_as_json(source))
