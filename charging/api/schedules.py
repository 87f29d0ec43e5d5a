"""REST: schedules, their runs, and what a schedule would do."""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import people
from accounts.rest import Endpoint, by_choice, by_number, by_text, by_truth, failures, parameters
from accounts.scopes import Scope
from charging.actions import schedules as actions
from charging.api import schedule_shapes as shapes
from charging.models import ChargingStation, Schedule, ScheduleRun
from charging.queries import connectors, prices, schedules, stations
from charging.scheduling import plans, stored, words
from charging.scheduling.scene import Scene
from mobility.errors import Invalid, NotFound

FILTERS = {
    "organization": by_number("organization"),
    "station": by_text("station__identity"),
    "user": by_number("user"),
    "mode": by_choice("mode", Schedule.Mode.values),
    "enabled": by_truth("enabled"),
}
ORDERS = {"name": "name", "created_at": "created_at", "station": "station__identity"}
RUN_FILTERS = {"state": by_choice("state", ScheduleRun.State.values)}
RUN_ORDERS = {"begin": "begin_at"}


def told(schedule: Schedule) -> dict[str, Any]:
    """A schedule with its reason in words."""
    found = schedules.as_json(schedule)
    found["plan"] = {**found["plan"], "sentence": words.reason(schedule.plan)}
    return found


def run_told(run: ScheduleRun) -> dict[str, Any]:
    found = schedules.run_as_json(run)
    found["steps"] = [{**step, "text": words.line(step["code"], step["params"])} for step in found["steps"]]
    return found


class WithThings(Endpoint):
    """Replaces the connector that a body names by its numbers."""

    def named(self, station: ChargingStation, given: dict[str, Any]) -> dict[str, Any]:
        """Raises Invalid: the station has no such connector."""
        if not {"evse_id", "connector_id"} & set(given):
            return given
        evse_id, connector_id = given.pop("evse_id", None), given.pop("connector_id", None)
        rows = connectors.visible(self.actor).filter(station=station)
        if evse_id is None and connector_id is None:
            return {**given, "connector": None}
        if evse_id is None and station.protocol == "1.6":
            evse_id, connector_id = connector_id, None
        if evse_id is not None:
            rows = rows.filter(evse_number=evse_id)
        if connector_id is not None and not (station.protocol == "1.6" and evse_id is not None):
            rows = rows.filter(number=connector_id)
        found = rows.order_by("evse_number", "number").first()
        if found is None:
            why = _("The station has no such connector.")
            raise Invalid(why, fields={"connector_id": why})
        return {**given, "connector": found}

    def station_of(self, given: dict[str, Any]) -> ChargingStation:
        """Take the station out of a body. Raises Invalid: what is not visible cannot be named."""
        try:
            return stations.get(self.actor, given.pop("station"))
        except NotFound:
            why = _("There is no such station, or it is not yours.")
            raise Invalid(why, fields={"station": why}) from None

    def owner_of(self, given: dict[str, Any]) -> dict[str, Any]:
        """Replace the id of `user`. Raises Invalid."""
        if given.get("user") is not None:
            try:
                given["user"] = people.get(self.actor, given["user"])
            except NotFound:
                why = _("There is no such user, or not in your organizations.")
                raise Invalid(why, fields={"user": why}) from None
        return given


class SchedulesView(WithThings):
    """Schedules."""

    serializer_class = shapes.ScheduleOut
    filters, orders = FILTERS, ORDERS
    scopes = {"POST": Scope.OPERATE}

    @extend_schema(
        parameters=parameters(FILTERS, ORDERS),
        responses={200: shapes.ScheduleOut(many=True), **failures(400, 401)},
        tags=["schedules"],
    )
    def get(self, request: Request) -> Response:
        """The schedules of your organizations; a driver's own."""
        return self.listed(schedules.visible(self.actor), told)

    @extend_schema(
        request=shapes.ScheduleIn,
        responses={201: shapes.ScheduleOut, **failures(400, 401, 403, 404, 409)},
        tags=["schedules"],
    )
    def post(self, request: Request) -> Response:
        """Add a schedule. It acts with its owner's rights: a driver's starts and stops, a manager's limits as well."""
        given = self.input(shapes.ScheduleIn)
        station = self.station_of(given)
        given = self.owner_of(self.named(station, given))
        return Response(told(actions.create_schedule(self.actor, station=station, **given)), status=201)


class ScheduleView(WithThings):
    """One schedule."""

    serializer_class = shapes.ScheduleOut
    scopes = {"PATCH": Scope.OPERATE, "DELETE": Scope.OPERATE}
    edits = shapes.ScheduleChange

    @extend_schema(responses={200: shapes.ScheduleOut, **failures(401, 404)}, tags=["schedules"])
    def get(self, request: Request, pk: int) -> Response:
        """One schedule, what it does next, and why."""
        return Response(told(schedules.get(self.actor, pk)))

    @extend_schema(
        request=shapes.ScheduleChange,
        responses={200: shapes.ScheduleOut, **failures(400, 401, 403, 404, 409)},
        tags=["schedules"],
    )
    def patch(self, request: Request, pk: int) -> Response:
        """Change a schedule, charge at once for this plug-in, skip what comes next, or pause."""
        schedule = schedules.get(self.actor, pk)
        given = self.named(schedule.station, self.input(shapes.ScheduleChange))
        once = {name: given.pop(name) for name in ("charge_now", "skip_next", "paused_until") if name in given}
        if given:
            schedule = actions.update_schedule(self.actor, schedule=schedule, changes=given)
        if "paused_until" in once:
            schedule = actions.pause_schedule(self.actor, schedule=schedule, until=once["paused_until"])
        if "skip_next" in once:
            schedule = actions.skip_next(self.actor, schedule=schedule, on=once["skip_next"])
        if "charge_now" in once:
            schedule = actions.charge_now(self.actor, schedule=schedule, on=once["charge_now"])
        return Response(told(schedule))

    @extend_schema(responses={204: None, **failures(401, 403, 404, 409)}, tags=["schedules"])
    def delete(self, request: Request, pk: int) -> Response:
        """Remove a schedule with its log. A session that runs goes on."""
        actions.delete_schedule(self.actor, schedule=schedules.get(self.actor, pk))
        return Response(status=204)


class RunsView(Endpoint):
    """The runs of a schedule."""

    serializer_class = shapes.RunOut
    filters, orders = RUN_FILTERS, RUN_ORDERS
    default_order = ("-begin_at", "-pk")

    @extend_schema(
        parameters=parameters(RUN_FILTERS, RUN_ORDERS),
        responses={200: shapes.RunOut(many=True), **failures(400, 401, 404)},
        tags=["schedules"],
    )
    def get(self, request: Request, pk: int) -> Response:
        """What was planned, sent and answered, and what came of it; the newest first."""
        schedule = schedules.get(self.actor, pk)
        return self.listed(schedules.runs(self.actor, schedule), run_told)


class StoredView(Endpoint):
    """What the station stores of a schedule."""

    serializer_class = shapes.StoredOut

    @extend_schema(responses={200: shapes.StoredOut, **failures(401, 404)}, tags=["schedules"])
    def get(self, request: Request, pk: int) -> Response:
        """Whether the station has the plan itself and keeps to it while the server is away; what it refused, and where
        it says another limit than the plan."""
        return Response(stored.of(schedules.get(self.actor, pk)).as_json())


class PreviewView(WithThings):
    """What a schedule would do."""

    serializer_class = shapes.PreviewOut
    scopes = {"POST": Scope.READ}

    @extend_schema(
        request=shapes.ScheduleIn,
        responses={200: shapes.PreviewOut, **failures(400, 401, 403, 404)},
        tags=["schedules"],
    )
    def post(self, request: Request) -> Response:
        """The slots, the cost and the reason of a schedule that is not kept, as if a car was plugged in now."""
        given = self.input(shapes.ScheduleIn)
        station = self.station_of(given)
        given = self.owner_of(self.named(station, given))
        scene = Scene(actions.draft(self.actor, station=station, **given), timezone.now())
        shown = plans.preview(scene).shown
        slots = [prices.slot_as_json(slot) for slot in scene.prices]
        return Response({"plan": {**shown, "sentence": words.reason(shown)}, "prices": slots})
