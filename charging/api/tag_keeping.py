"""REST: other spellings of id tags, learning them at a station, importing many."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import people
from accounts.actions import authorize
from accounts.actors import Role
from accounts.rest import Endpoint, failures
from charging.actions import id_tag_import
from charging.actions import id_tags as actions
from charging.api.common import named_organization
from charging.api.shapes import Moment, Shape, Text, Truth, Whole, reference
from charging.models import ChargingStation, IdTagAlias
from charging.queries import id_tags, stations
from mobility.errors import Invalid, NotFound


class AliasOut(Shape):
    id = Whole()
    alias = Text()


class AliasIn(Shape):
    alias = Text(max_length=255)


def told(row: IdTagAlias) -> dict[str, Any]:
    return {"id": row.pk, "alias": row.canonical}


class AliasesView(Endpoint):
    """Other texts that mean a tag."""

    serializer_class = AliasOut

    @extend_schema(responses={200: AliasOut(many=True), **failures(401, 404)}, tags=["id-tags"])
    def get(self, request: Request, pk: int) -> Response:
        """What some readers make of the card."""
        return self.listed(id_tags.aliases(self.actor, id_tags.get(self.actor, pk)), told)

    @extend_schema(request=AliasIn, responses={201: AliasOut, **failures(400, 401, 403, 404, 409)}, tags=["id-tags"])
    def post(self, request: Request, pk: int) -> Response:
        """Let another text mean the same tag (managers)."""
        tag = id_tags.get(self.actor, pk)
        return Response(told(actions.create_alias(self.actor, id_tag=tag, **self.input(AliasIn))), status=201)


class AliasView(Endpoint):
    """One of them."""

    serializer_class = AliasOut

    @extend_schema(responses={200: AliasOut, **failures(401, 404)}, tags=["id-tags"])
    def get(self, request: Request, pk: int, alias_pk: int) -> Response:
        """One alias."""
        return Response(told(id_tags.get_alias(self.actor, id_tags.get(self.actor, pk), alias_pk)))

    @extend_schema(responses={204: None, **failures(401, 403, 404)}, tags=["id-tags"])
    def delete(self, request: Request, pk: int, alias_pk: int) -> Response:
        """It means the tag no more (managers)."""
        row = id_tags.get_alias(self.actor, id_tags.get(self.actor, pk), alias_pk)
        actions.delete_alias(self.actor, alias=row)
        return Response(status=204)


class LearnIn(Shape):
    user = reference(help_text="Whose the next unknown tag becomes.")


class LearnOut(Shape):
    station = Text()
    user = Whole(allow_null=True)
    until = Moment(allow_null=True)


def learning(station: ChargingStation) -> dict[str, Any]:
    return {"station": station.identity, "user": station.learn_tag_for_id, "until": station.learn_tag_until}


class LearnView(Endpoint):
    """Learn mode."""

    serializer_class = LearnOut

    @extend_schema(responses={200: LearnOut, **failures(401, 404)}, tags=["id-tags"])
    def get(self, request: Request, identity: str) -> Response:
        """Whose the next unknown tag at this station becomes, and until when."""
        return Response(learning(stations.get(self.actor, identity)))

    @extend_schema(request=LearnIn, responses={200: LearnOut, **failures(400, 401, 403, 404, 409)}, tags=["id-tags"])
    def post(self, request: Request, identity: str) -> Response:
        """For a few minutes, the next tag at this station that nobody knows becomes someone's (managers)."""
        station, given = stations.get(self.actor, identity), self.input(LearnIn)
        try:
            user = people.get(self.actor, given["user"])
        except NotFound as problem:
            raise Invalid(problem.message, fields={"user": problem.message}) from None
        return Response(learning(actions.start_learning(self.actor, station=station, user=user)))

    @extend_schema(responses={204: None, **failures(401, 403, 404)}, tags=["id-tags"])
    def delete(self, request: Request, identity: str) -> Response:
        """Learn no more (managers)."""
        actions.stop_learning(self.actor, station=stations.get(self.actor, identity))
        return Response(status=204)


class ImportIn(Shape):
    text = Text(
        max_length=id_tag_import.MOST_CHARACTERS,
        trim_whitespace=False,
        help_text=f"CSV with a heading, of {', '.join(id_tag_import.COLUMNS)}.",
    )
    dry_run = Truth(default=False, help_text="Say what would become of it, and change nothing.")
    organization = reference(required=False)


class ImportLine(Shape):
    line = Whole()
    id_tag = Text()
    deed = serializers.ChoiceField(
        [id_tag_import.CREATE, id_tag_import.CHANGE, id_tag_import.SAME, id_tag_import.REFUSE]
    )
    problems = serializers.ListField(child=Text())


class ImportOut(Shape):
    created = Whole()
    changed = Whole()
    same = Whole()
    refused = Whole()
    lines = ImportLine(many=True)


class ImportView(Endpoint):
    """Many tags at once."""

    serializer_class = ImportOut

    @extend_schema(request=ImportIn, responses={200: ImportOut, **failures(400, 401, 403, 404)}, tags=["id-tags"])
    def post(self, request: Request) -> Response:
        """Add and change tags from a table (managers); the lines that are refused are left out."""
        given = self.input(ImportIn)
        organization = named_organization(self.actor, given) or self.actor.first_organization()
        if organization is None:
            raise NotFound(_("There is no organization yet."))
        if given["dry_run"]:
            authorize(self.actor, Role.MANAGER, organization.pk, "id_tag.import")
            plan = id_tag_import.plan_import(self.actor, organization=organization, text=given["text"])
        else:
            file = id_tag_import.File(given["text"])
            plan = id_tag_import.import_id_tags(self.actor, file=file, organization=organization)
        counts = plan.counts
        lines = [
            {"line": row.line, "id_tag": row.tag.id_tag, "deed": row.deed, "problems": row.problems}
            for row in plan.rows
        ]
        return Response(
            {
                "created": counts[id_tag_import.CREATE],
                "changed": counts[id_tag_import.CHANGE],
                "same": counts[id_tag_import.SAME],
                "refused": counts[id_tag_import.REFUSE],
                "lines": lines,
            }
        )
