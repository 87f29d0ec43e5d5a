"""REST: jobs of stations (firmware updates, uploads of logs), their groups, and firmware files."""

from typing import Any

from django.http import HttpResponseBase
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import Endpoint, by_choice, by_moment, by_number, by_text, failures, parameters
from charging.actions import jobs as actions
from charging.api.common import named_organization
from charging.api.shapes import Moment, Shape, Text, Whole
from charging.jobs import files
from charging.models import StationJob
from charging.queries import jobs, stations
from charging.views.station_files import attachment
from mobility.errors import Invalid, NotFound

KINDS = f"One of {', '.join(StationJob.Kind.values)}."


class JobIn(Shape):
    station = Text(required=False, allow_null=True)
    stations = serializers.ListField(child=Text(), required=False, allow_null=True, max_length=actions.MOST_STATIONS)
    kind = Text(help_text=KINDS)
    location = Text(required=False, allow_blank=True, allow_null=True, help_text="Where the station gets or puts it.")
    firmware_file = Whole(required=False, allow_null=True, min_value=1)
    version = Text(required=False, allow_blank=True, allow_null=True, max_length=100)
    retrieve = Moment(required=False, allow_null=True)
    install = Moment(required=False, allow_null=True)
    retries = Whole(required=False, allow_null=True, min_value=0)
    retry_interval_s = Whole(required=False, allow_null=True, min_value=0)
    signing_certificate = Text(required=False, allow_blank=True, allow_null=True)
    signature = Text(required=False, allow_blank=True, allow_null=True)
    log_type = serializers.ChoiceField(StationJob.LogType.values, required=False, allow_null=True)
    oldest = Moment(required=False, allow_null=True)
    latest = Moment(required=False, allow_null=True)
    parallel = Whole(required=False, min_value=1, max_value=actions.MOST_PARALLEL)
    spread_s = Whole(required=False, min_value=0, max_value=actions.LONGEST_SPREAD_S)


class JobStepOut(Shape):
    at = Moment()
    code = Text()
    params = serializers.JSONField()


class JobFileOut(Shape):
    name = Text()
    size = Whole()
    sha256 = Text()
    at = Moment()


class JobOut(Shape):
    id = Whole()
    organization = Whole()
    group = Whole(allow_null=True)
    station = Text()
    station_name = Text()
    kind = Text(help_text=KINDS)
    log_type = Text(allow_null=True)
    state = Text(help_text=f"One of {', '.join(StationJob.State.values)}.")
    progress = Whole(help_text="0 to 100.")
    error = Text()
    location = Text(allow_null=True, help_text="As the station is told, secrets masked; null: the portal itself.")
    own_place = serializers.BooleanField()
    firmware_file = Whole(allow_null=True)
    version = Text(allow_null=True)
    version_before = Text(allow_null=True)
    version_after = Text(allow_null=True)
    retrieve = Moment(allow_null=True)
    install = Moment(allow_null=True)
    retries = Whole(allow_null=True)
    retry_interval_s = Whole(allow_null=True)
    signed = serializers.BooleanField()
    oldest = Moment(allow_null=True)
    latest = Moment(allow_null=True)
    file = JobFileOut(allow_null=True)
    attempts = Whole()
    request_id = Whole(allow_null=True)
    user = Whole(allow_null=True)
    user_name = Text(allow_null=True)
    command = Whole(allow_null=True)
    created = Moment()
    started = Moment(allow_null=True)
    ended = Moment(allow_null=True)
    steps = JobStepOut(many=True)


class CountsOut(Shape):
    all = Whole()
    waiting = Whole()
    running = Whole()
    done = Whole()
    failed = Whole()
    cancelled = Whole()


class JobGroupOut(Shape):
    id = Whole()
    organization = Whole()
    kind = Text()
    parallel = Whole()
    spread_s = Whole()
    user = Whole(allow_null=True)
    created = Moment()
    counts = CountsOut()


class FirmwareFileOut(Shape):
    id = Whole()
    organization = Whole()
    name = Text()
    version = Text(allow_null=True)
    size = Whole()
    sha256 = Text()
    user = Whole(allow_null=True)
    created = Moment()


FILTERS = {
    "station": by_text("station__identity"),
    "kind": by_choice("kind", StationJob.Kind.values),
    "state": by_choice("state", StationJob.State.values),
    "group": by_number("group"),
    "from": by_moment("created_at__gte"),
    "to": by_moment("created_at__lte"),
}
ORDERS = {"created": "created_at", "started": "started_at", "ended": "ended_at", "id": "pk"}
BULK = ("parallel", "spread_s")


class JobsView(Endpoint):
    """Firmware updates and uploads of logs."""

    serializer_class = JobOut
    filters, orders, default_order = FILTERS, ORDERS, ("-pk",)

    @extend_schema(
        parameters=parameters(FILTERS, ORDERS),
        responses={200: JobOut(many=True), **failures(400, 401)},
        tags=["jobs"],
    )
    def get(self, request: Request) -> Response:
        """The jobs of your organizations, the newest first (not for drivers)."""
        return self.listed(jobs.visible(self.actor), jobs.as_json)

    @extend_schema(
        request=JobIn,
        responses={201: JobOut, 202: JobGroupOut, **failures(400, 401, 403, 404, 409)},
        tags=["jobs"],
    )
    def post(self, request: Request) -> Response:
        """Begin a job at one `station` (201 with the job), or at many `stations` (202 with their group); managers."""
        given: dict[str, Any] = self.input(JobIn)
        one, many = given.pop("station", None), given.pop("stations", None)
        kind = given.pop("kind")
        if bool(one) == bool(many):
            why = _("Name one station, or a list of stations.")
            raise Invalid(why, fields={"station": why})
        bulk = {name: given.pop(name) for name in BULK if name in given}
        if one:
            station = stations.get(self.actor, one)
            made = actions.create_job(self.actor, station=station, kind=kind, values=given)
            return Response(jobs.as_json(made), status=201)
        chosen = [stations.get(self.actor, identity) for identity in dict.fromkeys(many)]
        group = actions.create_jobs(self.actor, stations=chosen, kind=kind, values=given, **bulk)
        counted = jobs.counts(jobs.of_group(self.actor, group))
        return Response(jobs.group_as_json(group, counted), status=202)


class JobView(Endpoint):
    """One job."""

    serializer_class = JobOut

    @extend_schema(responses={200: JobOut, **failures(401, 404)}, tags=["jobs"])
    def get(self, request: Request, pk: int) -> Response:
        """A job with its log."""
        return Response(jobs.as_json(jobs.get(self.actor, pk)))

    @extend_schema(responses={200: JobOut, **failures(401, 403, 404, 409)}, tags=["jobs"])
    def delete(self, request: Request, pk: int) -> Response:
        """Give up a job that has not begun at its station (managers)."""
        return Response(jobs.as_json(actions.cancel_job(self.actor, job=jobs.get(self.actor, pk))))


class JobCancelView(Endpoint):
    """The same as a deed of its own."""

    serializer_class = JobOut

    @extend_schema(request=None, responses={200: JobOut, **failures(401, 403, 404, 409)}, tags=["jobs"])
    def post(self, request: Request, pk: int) -> Response:
        """Give up a job that has not begun at its station (managers)."""
        return Response(jobs.as_json(actions.cancel_job(self.actor, job=jobs.get(self.actor, pk))))


class JobRetryView(Endpoint):
    """Another attempt."""

    serializer_class = JobOut

    @extend_schema(request=None, responses={200: JobOut, **failures(401, 403, 404, 409)}, tags=["jobs"])
    def post(self, request: Request, pk: int) -> Response:
        """Try once more what failed, timed out or was cancelled (managers)."""
        return Response(jobs.as_json(actions.retry_job(self.actor, job=jobs.get(self.actor, pk))))


class JobFileView(Endpoint):
    """The log that a station has uploaded."""

    @extend_schema(
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY, **failures(401, 404)}, tags=["jobs"]
    )
    def get(self, request: Request, pk: int) -> HttpResponseBase:
        """The file as the station sent it."""
        job = jobs.get(self.actor, pk)
        if not job.file_path:
            raise NotFound(_("This job has no file."))
        return attachment(files.LOGS, job.file_path, job.file_name)


class JobGroupView(Endpoint):
    """One job at many stations."""

    serializer_class = JobGroupOut

    @extend_schema(responses={200: JobGroupOut, **failures(401, 404)}, tags=["jobs"])
    def get(self, request: Request, pk: int) -> Response:
        """How far it is; `jobs/?group=` lists the jobs."""
        group = jobs.get_group(self.actor, pk)
        return Response(jobs.group_as_json(group, jobs.counts(jobs.of_group(self.actor, group))))


class JobGroupDeedView(Endpoint):
    """What is done to all of a group."""

    serializer_class = JobGroupOut

    @extend_schema(request=None, responses={200: JobGroupOut, **failures(401, 403, 404)}, tags=["jobs"])
    def post(self, request: Request, pk: int, deed: str) -> Response:
        """`cancel` gives up what has not begun, `retry` begins anew what failed, timed out or was cancelled."""
        group = jobs.get_group(self.actor, pk)
        act = actions.cancel_group if deed == "cancel" else actions.retry_group
        act(self.actor, group=group)
        return Response(jobs.group_as_json(group, jobs.counts(jobs.of_group(self.actor, group))))


class FirmwareFilesView(Endpoint):
    """Firmware that the portal hands to stations."""

    serializer_class = FirmwareFileOut
    parser_classes = [MultiPartParser]
    # To compare it with what came before, the whole file would be held in memory.
    keeps_answers = False
    default_order = ("-pk",)

    @extend_schema(responses={200: FirmwareFileOut(many=True), **failures(400, 401)}, tags=["jobs"])
    def get(self, request: Request) -> Response:
        """The uploaded firmware, the newest first (not for drivers)."""
        return self.listed(jobs.firmware_files(self.actor), jobs.firmware_as_json)

    @extend_schema(
        request={
            "multipart/form-data": {
                "type": "object",
                "properties": {
                    "file": {"type": "string", "format": "binary"},
                    "version": {"type": "string"},
                    "organization": {"type": "integer"},
                },
                "required": ["file"],
            }
        },
        responses={
            201: FirmwareFileOut,
            413: OpenApiResponse(description="The file is too large."),
            **failures(400, 401, 403, 404),
        },
        tags=["jobs"],
    )
    def post(self, request: Request) -> Response:
        """Upload a firmware file (managers)."""
        # A form sends texts, and its empty fields too.
        given: dict[str, Any] = {name: text for name, text in request.POST.items() if text}
        made = actions.keep_firmware(
            self.actor,
            organization=named_organization(self.actor, given),
            file=request.FILES.get("file"),
            version=str(given.get("version") or ""),
        )
        return Response(jobs.firmware_as_json(made), status=201)


class FirmwareFileView(Endpoint):
    """One firmware file."""

    serializer_class = FirmwareFileOut

    @extend_schema(responses={200: FirmwareFileOut, **failures(401, 404)}, tags=["jobs"])
    def get(self, request: Request, pk: int) -> Response:
        """Its name, size and SHA-256."""
        return Response(jobs.firmware_as_json(jobs.get_firmware_file(self.actor, pk)))

    @extend_schema(responses={204: None, **failures(401, 403, 404, 409)}, tags=["jobs"])
    def delete(self, request: Request, pk: int) -> Response:
        """Remove it (managers); one that jobs name is kept."""
        actions.delete_firmware(self.actor, firmware=jobs.get_firmware_file(self.actor, pk))
        return Response(status=204)
