"""The OpenAPI document, as it is served."""

from typing import Any

from django.utils import translation
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularJSONAPIView
from rest_framework.request import Request
from rest_framework.response import Response


class SchemaView(SpectacularJSONAPIView):
    """English for everyone: developers and generators read it, whatever their browser asks for."""

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        with translation.override("en"):
            answer: Response = super().get(request, *args, **kwargs)
            return answer
