"""REST: what the office does: alerts, statements, searching, and deeds at many stations at once."""

from typing import Any

from django.http import HttpResponse, HttpResponseBase
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import Endpoint, failures
from accounts.scopes import Scope
from charging import statements as papers
from charging.actions import fleet as fleet_actions
from charging.alerts import Alert, alerts_of
from charging.api.shapes import Moment, Number, Shape, Text, Whole, reference
from charging.exports import XLSX, download
from charging.queries import alerts, search, sites, stations
from charging.queries import statements as queries
from mobility.errors import Invalid, NotFound

FORMATS = ("csv", "xlsx")


class AlertItem(Shape):
    name = Text()
    path = Text(help_text="Its page, below PUBLIC_URL.")
    detail = Text()
    at = Moment(allow_null=True)


class AlertOut(Shape):
    key = Text(help_text="What kind of trouble it is.")
    mood = serializers.ChoiceField(["notable", "alarm"])
    title = Text()
    advice = Text(help_text="What to do.")
    path = Text(help_text="The page with all of them, below PUBLIC_URL.")
    items = AlertItem(many=True, help_text="At most 21 of them.")


def alert_told(alert: Alert) -> dict[str, Any]:
    items = [{"name": item.name, "path": item.url, "detail": item.detail, "at": item.at} for item in alert.items]
    return {
        "key": alert.key,
        "mood": alert.mood,
        "title": alert.title,
        "advice": alert.advice,
        "path": alert.url,
        "items": items,
    }


class AlertsView(Endpoint):
    """What needs a person now."""

    serializer_class = AlertOut

    @extend_schema(responses={200: AlertOut(many=True), **failures(401)}, tags=["alerts"])
    def get(self, request: Request) -> Response:
        """What needs a person now, the worst first; nothing where all is well, and nothing for drivers."""
        return self.paged([alert_told(alert) for alert in alerts_of(alerts.troubles(self.actor))])


# --- Statements --------------------------------------------------------------------------------------------------


class GroupOut(Shape):
    month = Text()
    by = serializers.ChoiceField(list(queries.GROUPS))
    key = Text(help_text="Names the group in `exports/statements/paper/`; - for what has none.")
    name = Text()
    currency = Text()
    sessions = Whole()
    held = Whole(help_text="Bills among them that are not final.")
    energy_wh = Number()
    cost = Text(help_text="A decimal.")


ASKED = [
    OpenApiParameter("month", str, description="Such as 2026-11; the present one when left out."),
    OpenApiParameter("by", str, enum=list(queries.GROUPS), default="user"),
]


class OfMonth(Endpoint):
    def asked(self) -> tuple[queries.Month, str]:
        """Raises Invalid."""
        return queries.asked(self.request.query_params)


class StatementsView(OfMonth):
    """Monthly statements."""

    serializer_class = GroupOut

    @extend_schema(parameters=ASKED, responses={200: GroupOut(many=True), **failures(400, 401)}, tags=["statements"])
    def get(self, request: Request) -> Response:
        """What a month's sessions come to, by person, id tag or cost centre; a driver's own."""
        period, by = self.asked()
        return self.paged(
            [
                {
                    "month": period.key,
                    "by": by,
                    "key": group.key,
                    "name": group.name,
                    "currency": group.currency,
                    "sessions": group.count,
                    "held": group.held,
                    "energy_wh": group.energy_wh,
                    "cost": str(group.cost),
                }
                for group in queries.groups(self.actor, period, by)
            ]
        )


class FileView(OfMonth):
    """A file: a failure is JSON here too, whatever `?format=` says."""

    serializer_class = GroupOut

    def perform_content_negotiation(self, request: Request, force: bool = False) -> tuple[Any, str]:
        (json, *_others) = self.get_renderers()
        return json, json.media_type


class StatementsExportView(FileView):
    """Monthly statements as a table."""

    @extend_schema(
        parameters=[*ASKED, OpenApiParameter("format", str, enum=FORMATS, default="csv")],
        responses={
            (200, "text/csv"): OpenApiResponse(OpenApiTypes.STR, description="The sessions of the month."),
            (200, XLSX): OpenApiTypes.BINARY,
            **failures(400, 401),
        },
        tags=["exports"],
        filters=False,
    )
    def get(self, request: Request) -> HttpResponseBase:
        """The month as a file: as CSV its sessions; as XLSX the overview, too."""
        form = request.query_params.get("format") or "csv"
        if form not in FORMATS:
            why = _("Choose one of %(choices)s.") % {"choices": ", ".join(FORMATS)}
            raise Invalid(_("Some filters are not usable."), fields={"format": why})
        period, by = self.asked()
        sheets = papers.sheets(self.actor, period, by, form)
        return download(request._request, sheets, form, f"statements-{period.key}")


class StatementPaperView(FileView):
    """The statement of one person, id tag or cost centre."""

    @extend_schema(
        parameters=[
            *ASKED,
            OpenApiParameter("key", str, required=True, description="The group's `key`."),
            OpenApiParameter("currency", str, required=True),
        ],
        responses={(200, "application/pdf"): OpenApiTypes.BINARY, **failures(400, 401, 404)},
        tags=["exports"],
        filters=False,
    )
    def get(self, request: Request) -> HttpResponse:
        """The statement as a PDF."""
        period, by = self.asked()
        named = request.query_params
        return papers.paper(self.actor, period, by, named.get("key", ""), named.get("currency", ""))


# --- Searching ---------------------------------------------------------------------------------------------------


class HitOut(Shape):
    kind = Text(help_text="station, site, id_tag, member or transaction.")
    id = Text(help_text="What its path here is called by; of a station its identity.")
    name = Text()


class SearchView(Endpoint):
    """Searching."""

    serializer_class = HitOut

    @extend_schema(
        parameters=[OpenApiParameter("q", str, required=True, description="A word; # and a number for a transaction.")],
        responses={200: HitOut(many=True), **failures(400, 401)},
        tags=["alerts"],
    )
    def get(self, request: Request) -> Response:
        """Stations, sites, id tags, members and transactions that fit, a handful of each."""
        words = request.query_params.get("q", "").replace("\x00", "").strip()[:100]
        if not words:
            raise Invalid(_("Some filters are not usable."), fields={"q": _("This field is required.")})
        actor = self.actor
        found: list[tuple[str, Any, Any]] = [
            *(("station", row.identity, row) for row in search.stations_like(actor, words)),
            *(("site", row.pk, row) for row in search.sites_like(actor, words)),
            *(("id_tag", row.pk, row) for row in search.id_tags_like(actor, words)),
            *(("member", row.pk, row.user.display_name) for row in search.members_like(actor, words)),
            *(("transaction", row.pk, f"#{row.pk}") for row in search.sessions_like(actor, words)),
        ]
        return self.paged([{"kind": kind, "id": str(pk), "name": str(name)} for kind, pk, name in found])


# --- Many stations at once ---------------------------------------------------------------------------------------

DEEDS = [*fleet_actions.COMMANDS, *fleet_actions.SETTINGS, fleet_actions.DESIRED]


class FleetIn(Shape):
    stations = serializers.ListField(
        child=Text(max_length=48), min_length=1, max_length=fleet_actions.MOST_AT_ONCE, help_text="Their identities."
    )
    deed = serializers.ChoiceField(DEEDS)
    price_per_kwh = serializers.DecimalField(
        max_digits=12, decimal_places=5, min_value=0, required=False, allow_null=True, help_text="price"
    )
    site = reference(required=False, allow_null=True, help_text="site")
    key = Text(required=False, max_length=255, help_text="desired")
    value = Text(required=False, allow_blank=True, max_length=2500, help_text="desired")


class FleetResult(Shape):
    station = Text()
    command = Whole(allow_null=True, help_text="The command that is on its way.")
    problem = Text(help_text="Why nothing was done; empty where it was.")


class FleetOut(Shape):
    results = FleetResult(many=True)


class FleetView(Endpoint):
    """The same at many stations."""

    serializer_class = FleetOut
    scopes = {"POST": Scope.MANAGE}

    @extend_schema(request=FleetIn, responses={200: FleetOut, **failures(400, 401, 403, 404)}, tags=["stations"])
    def post(self, request: Request) -> Response:
        """Do one deed at many stations (managers), each with a result; where one is not yours, none is done."""
        given = self.input(FleetIn)
        wanted = list(dict.fromkeys(given["stations"]))
        rows = {row.identity: row for row in stations.visible(self.actor).filter(identity__in=clean(wanted))}
        if set(wanted) - set(rows):
            raise NotFound(_("One of the stations is not yours; nothing was done."))
        results = fleet_actions.change_fleet(
            self.actor, stations=[rows[name] for name in wanted], deed=given["deed"], value=self.value(given)
        )
        told = [
            {
                "station": result.station.identity,
                "command": result.command.pk if result.command else None,
                "problem": result.problem,
            }
            for result in results
        ]
        return Response({"results": told})

    def value(self, given: dict[str, Any]) -> Any:
        """What the deed sets. Raises Invalid."""
        if given["deed"] == "price":
            return given.get("price_per_kwh")
        if given["deed"] == "site":
            try:
                return sites.get(self.actor, given["site"]) if given.get("site") else None
            except NotFound as problem:
                raise Invalid(problem.message, fields={"site": problem.message}) from None
        if given["deed"] != fleet_actions.DESIRED:
            return None
        missing = {name: _("This field is required.") for name in ("key", "value") if name not in given}
        if missing:
            raise Invalid(_("Some fields are not usable."), fields=missing)
        return {"key": given["key"], "value": given["value"]}


def clean(names: list[str]) -> list[str]:
    return [name.replace("\x00", "") for name in names]
