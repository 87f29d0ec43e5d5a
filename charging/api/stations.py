"""REST: stations, and the identities that wait to be adopted."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import Endpoint, by_choice, by_number, by_text, by_truth, failures, parameters, search_in
from charging.actions import stations as actions
from charging.api import shapes
from charging.api.common import named_organization, resolve
from charging.labels import labels_of, qr_svg
from charging.models import ChargingStation
from charging.queries import handshakes, stations, tariffs, waiting_stations

FILTERS = {
    "organization": by_number("organization"),
    "site": by_number("site"),
    "online": by_truth("online"),
    "protocol": by_choice("protocol", ChargingStation.Protocol.values),
    "vendor": by_text("vendor"),
    "model": by_text("model"),
    "search": search_in("identity", "name", "serial_number"),
}
ORDERS = {"identity": "identity", "name": "name", "last_seen": "last_seen", "created_at": "created_at"}


class StationsView(Endpoint):
    """Charging stations."""

    serializer_class = shapes.StationOut
    filters, orders, default_order = FILTERS, ORDERS, ("identity",)

    @extend_schema(
        parameters=parameters(FILTERS, ORDERS),
        responses={200: shapes.StationOut(many=True), **failures(400, 401)},
        tags=["stations"],
    )
    def get(self, request: Request) -> Response:
        """The stations of your organizations, with EVSEs, connectors and live values."""
        return self.listed(stations.with_connectors(self.actor), stations.as_json)

    @extend_schema(
        request=shapes.StationIn,
        responses={201: shapes.StationMade, **failures(400, 401, 403, 404, 409)},
        tags=["stations"],
    )
    def post(self, request: Request) -> Response:
        """Add a station. Without a password one is made and shown once."""
        given = resolve(self.actor, self.input(shapes.StationIn))
        organization = named_organization(self.actor, given)
        made = actions.create_station(self.actor, organization=organization, **given)
        shown = None if given.get("password") else made.password
        station = stations.get(self.actor, made.station.identity)
        return Response({**stations.as_json(station), "password": shown}, status=201)


class StationView(Endpoint):
    """One charging station."""

    serializer_class = shapes.StationDetail
    edits = shapes.StationPatch

    @extend_schema(responses={200: shapes.StationDetail, **failures(401, 404)}, tags=["stations"])
    def get(self, request: Request, identity: str) -> Response:
        """One station, with the tariff that holds there."""
        return Response(self.detail(identity))

    def detail(self, identity: str) -> dict[str, Any]:
        station = stations.get(self.actor, identity)
        return {**stations.as_json(station), "tariff": tariffs.at_station(station)}

    @extend_schema(
        request=shapes.StationPatch,
        responses={200: shapes.StationDetail, **failures(400, 401, 403, 404)},
        tags=["stations"],
    )
    def patch(self, request: Request, identity: str) -> Response:
        """Change what may be set. A new password counts from the next connection."""
        station = stations.get(self.actor, identity)
        changes = resolve(self.actor, self.input(shapes.StationPatch))
        actions.update_station(self.actor, station=station, changes=changes)
        return Response(self.detail(identity))

    @extend_schema(responses={204: None, **failures(401, 403, 404, 409)}, tags=["stations"])
    def delete(self, request: Request, identity: str) -> Response:
        """Remove a station that never charged."""
        actions.delete_station(self.actor, station=stations.get(self.actor, identity))
        return Response(status=204)


class LabelsView(Endpoint):
    """What sticks on a station."""

    serializer_class = shapes.LabelsOut

    @extend_schema(responses={200: shapes.LabelsOut, **failures(401, 404)}, tags=["stations"])
    def get(self, request: Request, identity: str) -> Response:
        """The QR codes to print: one for the station and one for each connector. Each opens the drivers' app there."""
        row = stations.get(self.actor, identity)
        made = [
            {
                "evse_id": label.evse_id,
                "connector_id": label.connector_id,
                "place": label.place,
                "url": label.url,
                "qr_svg": qr_svg(label.url),
            }
            for label in labels_of(row)
        ]
        return Response({"station": row.identity, "labels": made})


WAITING_FILTERS = {"search": search_in("identity", "source_ip")}
WAITING_ORDERS = {"identity": "identity", "last_seen": "last_seen", "attempts": "attempts"}


class WaitingStationsView(Endpoint):
    """Identities that knocked and are not known."""

    serializer_class = shapes.WaitingStationOut
    filters, orders, default_order = WAITING_FILTERS, WAITING_ORDERS, ("-last_seen", "pk")

    @extend_schema(
        parameters=parameters(WAITING_FILTERS, WAITING_ORDERS),
        responses={200: shapes.WaitingStationOut(many=True), **failures(400, 401)},
        tags=["waiting-stations"],
    )
    def get(self, request: Request) -> Response:
        """The stations that wait to be adopted (platform admins; empty for everyone else)."""
        return self.listed(waiting_stations.visible(self.actor), waiting_stations.as_json)


class WaitingStationView(Endpoint):
    """One waiting identity."""

    serializer_class = shapes.WaitingStationOut

    @extend_schema(responses={204: None, **failures(401, 404)}, tags=["waiting-stations"])
    def delete(self, request: Request, identity: str) -> Response:
        """Take it off the list; it comes back when it knocks again."""
        actions.forget_waiting_station(self.actor, waiting=waiting_stations.get(self.actor, identity))
        return Response(status=204)


class AdoptView(Endpoint):
    """Adoption of a waiting station."""

    serializer_class = shapes.AdoptIn

    @extend_schema(
        request=shapes.AdoptIn,
        responses={201: shapes.StationMade, **failures(400, 401, 404, 409)},
        tags=["waiting-stations"],
    )
    def post(self, request: Request, identity: str) -> Response:
        """Make it one of your stations: with a new password to enter there, or learning the next one it presents."""
        waiting = waiting_stations.get(self.actor, identity)
        given = self.input(shapes.AdoptIn)
        organization = named_organization(self.actor, given)
        made = actions.adopt_station(
            self.actor, identity=waiting.identity, organization=organization, learn=given["learn"]
        )
        station = stations.get(self.actor, made.station.identity)
        return Response({**stations.as_json(station), "password": made.password}, status=201)


REFUSED_FILTERS = {
    "search": search_in("identity", "source_ip"),
    "station": by_text("station__identity"),
    "status": by_number("status"),
}
REFUSED_ORDERS = {"identity": "identity", "last_seen": "last_seen", "attempts": "attempts"}


class RefusedHandshakesView(Endpoint):
    """Handshakes that were refused, the latest of each identity and status."""

    serializer_class = shapes.RefusedHandshakeOut
    filters, orders, default_order = REFUSED_FILTERS, REFUSED_ORDERS, ("-last_seen", "-pk")

    @extend_schema(
        parameters=parameters(REFUSED_FILTERS, REFUSED_ORDERS),
        responses={200: shapes.RefusedHandshakeOut(many=True), **failures(400, 401)},
        tags=["waiting-stations"],
    )
    def get(self, request: Request) -> Response:
        """Why stations were not let in: those of your stations, and for platform admins those of strangers, too."""
        return self.listed(handshakes.visible(self.actor), handshakes.as_json)
