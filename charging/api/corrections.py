"""REST: what a person says a session comes to, in place of what its messages say."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.rest import Endpoint, failures
from charging.actions import corrections as actions
from charging.api import shapes
from charging.queries import corrections, transactions


class CorrectionsView(Endpoint):
    """The corrections of a transaction; at most one of them stands."""

    serializer_class = shapes.CorrectionOut
    default_order = ("-made_at", "-pk")

    @extend_schema(
        responses={200: shapes.CorrectionOut(many=True), **failures(401, 404)}, tags=["transactions"], filters=False
    )
    def get(self, request: Request, pk: int) -> Response:
        """All of them, the newest first, those included that were undone."""
        row = transactions.get(self.actor, pk)
        return self.listed(corrections.of_transaction(self.actor, row), corrections.as_json)

    @extend_schema(
        request=shapes.CorrectionIn,
        responses={201: shapes.CorrectionOut, **failures(400, 401, 403, 404, 409)},
        tags=["transactions"],
    )
    def post(self, request: Request, pk: int) -> Response:
        """Correct a bill that is held back: it is final then. With a reason alone it is confirmed as it stands."""
        row = transactions.get(self.actor, pk)
        made = actions.correct_transaction(self.actor, transaction=row, **self.input(shapes.CorrectionIn))
        return Response(corrections.as_json(made), status=201)

    @extend_schema(responses={204: None, **failures(401, 403, 404, 409)}, tags=["transactions"])
    def delete(self, request: Request, pk: int) -> Response:
        """Undo the correction that stands: the transaction is what its messages say again."""
        row = transactions.get(self.actor, pk)
        actions.undo_correction(self.actor, transaction=row)
        return Response(status=204)
