"""REST: id tags, cars and sites."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import Endpoint, by_number, by_text, by_truth, failures, parameters, search_in
from accounts.scopes import Scope
from charging.actions import cars as car_actions
from charging.actions import id_tags as tag_actions
from charging.actions import sites as site_actions
from charging.api import shapes
from charging.api.common import named_organization, resolve
from charging.queries import cars, id_tags, sites

TAG_FILTERS = {
    "organization": by_number("organization"),
    "id_tag": by_text("id_tag"),
    "user": by_number("user"),
    "blocked": by_truth("blocked"),
    "search": search_in("id_tag", "name"),
}
TAG_ORDERS = {"id_tag": "id_tag", "name": "name", "created_at": "created_at"}


class IdTagsView(Endpoint):
    """Id tags (2.x: IdTokens)."""

    serializer_class = shapes.IdTagOut
    filters, orders = TAG_FILTERS, TAG_ORDERS

    @extend_schema(
        parameters=parameters(TAG_FILTERS, TAG_ORDERS),
        responses={200: shapes.IdTagOut(many=True), **failures(400, 401)},
        tags=["id-tags"],
    )
    def get(self, request: Request) -> Response:
        """The tags of your organizations; a driver's own."""
        return self.listed(id_tags.visible(self.actor), id_tags.as_json)

    @extend_schema(
        request=shapes.IdTagIn,
        responses={201: shapes.IdTagOut, **failures(400, 401, 403, 404, 409)},
        tags=["id-tags"],
    )
    def post(self, request: Request) -> Response:
        """Add a tag (managers)."""
        given = resolve(self.actor, self.input(shapes.IdTagIn))
        organization = named_organization(self.actor, given)
        made = tag_actions.create_id_tag(self.actor, organization=organization, **given)
        return Response(id_tags.as_json(made), status=201)


class IdTagView(Endpoint):
    """One id tag."""

    serializer_class = shapes.IdTagOut

    @extend_schema(responses={200: shapes.IdTagOut, **failures(401, 404)}, tags=["id-tags"])
    def get(self, request: Request, pk: int) -> Response:
        """One tag."""
        return Response(id_tags.as_json(id_tags.get(self.actor, pk)))

    @extend_schema(
        request=shapes.IdTagPatch,
        responses={200: shapes.IdTagOut, **failures(400, 401, 403, 404, 409)},
        tags=["id-tags"],
    )
    def patch(self, request: Request, pk: int) -> Response:
        """Change a tag (managers)."""
        changes = resolve(self.actor, self.input(shapes.IdTagPatch))
        tag = tag_actions.update_id_tag(self.actor, id_tag=id_tags.get(self.actor, pk), changes=changes)
        return Response(id_tags.as_json(tag))

    @extend_schema(responses={204: None, **failures(401, 403, 404)}, tags=["id-tags"])
    def delete(self, request: Request, pk: int) -> Response:
        """Remove a tag (managers). Its transactions stay."""
        tag_actions.delete_id_tag(self.actor, id_tag=id_tags.get(self.actor, pk))
        return Response(status=204)


CAR_FILTERS = {
    "organization": by_number("organization"),
    "user": by_number("user"),
    "search": search_in("name", "license_plate"),
}
CAR_ORDERS = {"name": "name", "created_at": "created_at"}


class CarsView(Endpoint):
    """Cars."""

    serializer_class = shapes.CarOut
    filters, orders = CAR_FILTERS, CAR_ORDERS
    scopes = {"POST": Scope.OPERATE}

    @extend_schema(
        parameters=parameters(CAR_FILTERS, CAR_ORDERS),
        responses={200: shapes.CarOut(many=True), **failures(400, 401)},
        tags=["cars"],
    )
    def get(self, request: Request) -> Response:
        """The cars of your organizations; a driver's own."""
        return self.listed(cars.visible(self.actor), cars.as_json)

    @extend_schema(request=shapes.CarIn, responses={201: shapes.CarOut, **failures(400, 401, 403, 404)}, tags=["cars"])
    def post(self, request: Request) -> Response:
        """Add a car; your own when no user is named."""
        given = resolve(self.actor, self.input(shapes.CarIn))
        organization = named_organization(self.actor, given)
        return Response(
            cars.as_json(car_actions.create_car(self.actor, organization=organization, **given)), status=201
        )


class CarView(Endpoint):
    """One car."""

    serializer_class = shapes.CarOut
    scopes = {"PATCH": Scope.OPERATE, "DELETE": Scope.OPERATE}

    @extend_schema(responses={200: shapes.CarOut, **failures(401, 404)}, tags=["cars"])
    def get(self, request: Request, pk: int) -> Response:
        """One car."""
        return Response(cars.as_json(cars.get(self.actor, pk)))

    @extend_schema(
        request=shapes.CarPatch, responses={200: shapes.CarOut, **failures(400, 401, 403, 404)}, tags=["cars"]
    )
    def patch(self, request: Request, pk: int) -> Response:
        """Change a car: a driver an own one, a manager any."""
        changes = resolve(self.actor, self.input(shapes.CarPatch))
        return Response(cars.as_json(car_actions.update_car(self.actor, car=cars.get(self.actor, pk), changes=changes)))

    @extend_schema(responses={204: None, **failures(401, 403, 404)}, tags=["cars"])
    def delete(self, request: Request, pk: int) -> Response:
        """Remove a car: a driver an own one, a manager any."""
        car_actions.delete_car(self.actor, car=cars.get(self.actor, pk))
        return Response(status=204)


SITE_FILTERS = {"organization": by_number("organization"), "search": search_in("name", "address")}
SITE_ORDERS = {"name": "name", "created_at": "created_at"}


class SitesView(Endpoint):
    """Places with stations."""

    serializer_class = shapes.SiteOut
    filters, orders = SITE_FILTERS, SITE_ORDERS

    @extend_schema(
        parameters=parameters(SITE_FILTERS, SITE_ORDERS),
        responses={200: shapes.SiteOut(many=True), **failures(400, 401)},
        tags=["sites"],
    )
    def get(self, request: Request) -> Response:
        """The sites of your organizations."""
        return self.listed(sites.visible(self.actor), sites.as_json)

    @extend_schema(
        request=shapes.SiteIn, responses={201: shapes.SiteOut, **failures(400, 401, 403, 404, 409)}, tags=["sites"]
    )
    def post(self, request: Request) -> Response:
        """Add a site (managers)."""
        given = self.input(shapes.SiteIn)
        organization = named_organization(self.actor, given)
        return Response(
            sites.as_json(site_actions.create_site(self.actor, organization=organization, **given)), status=201
        )


class SiteView(Endpoint):
    """One site."""

    serializer_class = shapes.SiteOut

    @extend_schema(responses={200: shapes.SiteOut, **failures(401, 404)}, tags=["sites"])
    def get(self, request: Request, pk: int) -> Response:
        """One site."""
        return Response(sites.as_json(sites.get(self.actor, pk)))

    @extend_schema(
        request=shapes.SitePatch,
        responses={200: shapes.SiteOut, **failures(400, 401, 403, 404, 409)},
        tags=["sites"],
    )
    def patch(self, request: Request, pk: int) -> Response:
        """Change a site (managers)."""
        changes = self.input(shapes.SitePatch)
        return Response(
            sites.as_json(site_actions.update_site(self.actor, site=sites.get(self.actor, pk), changes=changes))
        )

    @extend_schema(responses={204: None, **failures(401, 403, 404)}, tags=["sites"])
    def delete(self, request: Request, pk: int) -> Response:
        """Remove a site (managers). Its stations stay, without a site."""
        site_actions.delete_site(self.actor, site=sites.get(self.actor, pk))
        return Response(status=204)
