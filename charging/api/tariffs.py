"""REST: tariffs with their versions, whom they hold for, and holidays."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import people
from accounts.rest import Endpoint, by_choice, by_number, failures, parameters, search_in
from accounts.scopes import Scope
from charging.actions import tariffs as actions
from charging.api import tariff_shapes as shapes
from charging.api.common import named_organization
from charging.models import TariffAssignment
from charging.queries import id_tags, sites, stations
from charging.queries import tariffs as queries
from charging.queries.calculation import calculate
from mobility.errors import NotFound

FILTERS = {"organization": by_number("organization"), "search": search_in("name")}
ORDERS = {"name": "name", "created_at": "created_at"}


class TariffsView(Endpoint):
    """Tariffs."""

    serializer_class = shapes.TariffOut
    filters, orders, default_order = FILTERS, ORDERS, ("name", "pk")

    @extend_schema(
        parameters=parameters(FILTERS, ORDERS),
        responses={200: shapes.TariffOut(many=True), **failures(400, 401)},
        tags=["tariffs"],
    )
    def get(self, request: Request) -> Response:
        """The tariffs of your organizations with all their versions, the newest first; none for drivers."""
        return self.listed(queries.visible(self.actor), queries.as_json)

    @extend_schema(
        request=shapes.TariffIn,
        responses={201: shapes.TariffOut, **failures(400, 401, 403, 404, 409)},
        tags=["tariffs"],
    )
    def post(self, request: Request) -> Response:
        """Add a tariff with its first version (managers)."""
        given = self.input(shapes.TariffIn)
        organization = named_organization(self.actor, given)
        made = actions.create_tariff(self.actor, organization=organization, **given)
        return Response(queries.as_json(queries.get(self.actor, made.pk)), status=201)


class TariffView(Endpoint):
    """One tariff."""

    serializer_class = shapes.TariffOut

    @extend_schema(responses={200: shapes.TariffOut, **failures(401, 404)}, tags=["tariffs"])
    def get(self, request: Request, pk: int) -> Response:
        """One tariff with all its versions."""
        return Response(queries.as_json(queries.get(self.actor, pk)))

    @extend_schema(
        request=shapes.TariffPatch,
        responses={200: shapes.TariffOut, **failures(400, 401, 403, 404, 409)},
        tags=["tariffs"],
    )
    def patch(self, request: Request, pk: int) -> Response:
        """Rename a tariff (managers). Its prices change with a new version."""
        changes = self.input(shapes.TariffPatch)
        actions.update_tariff(self.actor, tariff=queries.get(self.actor, pk), changes=changes)
        return Response(queries.as_json(queries.get(self.actor, pk)))

    @extend_schema(responses={204: None, **failures(401, 403, 404, 409)}, tags=["tariffs"])
    def delete(self, request: Request, pk: int) -> Response:
        """Remove a tariff that no session was charged by (managers)."""
        actions.delete_tariff(self.actor, tariff=queries.get(self.actor, pk))
        return Response(status=204)


class VersionsView(Endpoint):
    """The versions of a tariff."""

    serializer_class = shapes.VersionOut

    @extend_schema(
        request=shapes.VersionIn,
        responses={201: shapes.VersionOut, **failures(400, 401, 403, 404, 409)},
        tags=["tariffs"],
    )
    def post(self, request: Request, pk: int) -> Response:
        """Say what the tariff is from a moment on (managers). A version is never changed."""
        tariff = queries.get(self.actor, pk)
        made = actions.add_version(self.actor, tariff=tariff, version=self.input(shapes.VersionIn))
        return Response(queries.version_as_json(made), status=201)


class VersionView(Endpoint):
    """One version of a tariff."""

    serializer_class = shapes.VersionOut

    @extend_schema(responses={204: None, **failures(401, 403, 404, 409)}, tags=["tariffs"])
    def delete(self, request: Request, pk: int, number: int) -> Response:
        """Take back a version that no session was charged by (managers)."""
        tariff = queries.get(self.actor, pk)
        actions.delete_version(self.actor, tariff=tariff, version=queries.version(tariff, number))
        return Response(status=204)


class CalculateView(Endpoint):
    """What a session would cost."""

    serializer_class = shapes.CalculationOut
    scopes = {"POST": Scope.READ}

    @extend_schema(
        request=shapes.CalculationIn,
        responses={200: shapes.CalculationOut, **failures(400, 401, 404)},
        tags=["tariffs"],
    )
    def post(self, request: Request, pk: int) -> Response:
        """The lines and the total of a session as it is described. Nothing is kept."""
        tariff, given = queries.get(self.actor, pk), self.input(shapes.CalculationIn)
        site = sites.get(self.actor, given.pop("site")) if given.get("site") else None
        return Response(calculate(tariff, site=site, number=given.pop("version", None), **given))


ASSIGNMENT_FILTERS = {
    "organization": by_number("organization"),
    "tariff": by_number("tariff"),
    "scope": by_choice("scope", TariffAssignment.Scope.values),
}


class AssignmentsView(Endpoint):
    """Whom and what tariffs hold for."""

    serializer_class = shapes.AssignmentOut
    filters, default_order = ASSIGNMENT_FILTERS, ("key", "pk")

    @extend_schema(
        parameters=parameters(ASSIGNMENT_FILTERS, {}),
        responses={200: shapes.AssignmentOut(many=True), **failures(400, 401)},
        tags=["tariffs"],
    )
    def get(self, request: Request) -> Response:
        """Of several that fit a session, user goes before id tag, tag group, station, site and organization."""
        return self.listed(queries.assignments(self.actor), queries.assignment_as_json)

    @extend_schema(
        request=shapes.AssignmentIn,
        responses={201: shapes.AssignmentOut, **failures(400, 401, 403, 404)},
        tags=["tariffs"],
    )
    def post(self, request: Request) -> Response:
        """Let a tariff hold for something (managers), in place of what held before. Running sessions keep theirs."""
        given = self.input(shapes.AssignmentIn)
        tariff = queries.get(self.actor, given["tariff"])
        target = self.target(given["scope"], given.get("target"))
        made = actions.assign_tariff(self.actor, tariff=tariff, scope=given["scope"], target=target)
        return Response(queries.assignment_as_json(made), status=201)

    def target(self, scope: str, text: str | None) -> Any:
        """What is named, as far as the actor sees it. Raises NotFound."""
        if not text or scope == "organization":
            return None
        if scope == "tag_group":
            return text
        if scope == "station":
            return stations.get(self.actor, text)
        get = {"user": people.get, "id_tag": id_tags.get, "site": sites.get}.get(scope)
        if get is None or not text.isdigit() or len(text) > 18:
            raise NotFound(_("There is no such thing, or it is not yours."))
        return get(self.actor, int(text))


class AssignmentView(Endpoint):
    """One assignment."""

    serializer_class = shapes.AssignmentOut

    @extend_schema(responses={204: None, **failures(401, 403, 404)}, tags=["tariffs"])
    def delete(self, request: Request, pk: int) -> Response:
        """Take it back (managers)."""
        actions.unassign_tariff(self.actor, assignment=queries.get_assignment(self.actor, pk))
        return Response(status=204)


HOLIDAY_FILTERS = {"organization": by_number("organization")}


class HolidaysView(Endpoint):
    """The holidays of organizations."""

    serializer_class = shapes.HolidayOut
    filters, default_order = HOLIDAY_FILTERS, ("day", "pk")

    @extend_schema(
        parameters=parameters(HOLIDAY_FILTERS, {}),
        responses={200: shapes.HolidayOut(many=True), **failures(400, 401)},
        tags=["tariffs"],
    )
    def get(self, request: Request) -> Response:
        """Days on which tariffs may have other prices."""
        return self.listed(queries.holidays(self.actor), queries.holiday_as_json)

    @extend_schema(
        request=shapes.HolidayIn,
        responses={201: shapes.HolidayOut, **failures(400, 401, 403, 404)},
        tags=["tariffs"],
    )
    def post(self, request: Request) -> Response:
        """Add a day, or rename the one that is there (managers)."""
        given = self.input(shapes.HolidayIn)
        organization = named_organization(self.actor, given)
        (made,) = actions.add_holidays(
            self.actor, days=[(given["day"], given.get("name", ""))], organization=organization
        )
        return Response(queries.holiday_as_json(made), status=201)


class HolidayView(Endpoint):
    """One holiday."""

    serializer_class = shapes.HolidayOut

    @extend_schema(responses={204: None, **failures(401, 403, 404)}, tags=["tariffs"])
    def delete(self, request: Request, pk: int) -> Response:
        """Remove it (managers)."""
        actions.delete_holiday(self.actor, holiday=queries.get_holiday(self.actor, pk))
        return Response(status=204)
