"""The OpenAPI document, as it is served."""

import functools
import gzip
import json
from typing import Any

from django.http import HttpResponse
from django.utils import translation
from django.utils.cache import patch_vary_headers
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularJSONAPIView
from rest_framework.request import Request


@functools.cache
def document() -> tuple[bytes, bytes]:
    """As it is and packed; made once, since it takes a second, and in English for everyone: developers and generators
    read it, whatever their browser asks for."""
    with translation.override("en"):
        found = json.dumps(SchemaGenerator().get_schema(request=None, public=True), ensure_ascii=False).encode()
    return found, gzip.compress(found, 9, mtime=0)


class SchemaView(SpectacularJSONAPIView):
    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        body, packed = document()
        takes_packed = "gzip" in request.headers.get("Accept-Encoding", "")
        answer = HttpResponse(packed if takes_packed else body, content_type="application/vnd.oai.openapi+json")
        if takes_packed:
            answer.headers["Content-Encoding"] = "gzip"
        patch_vary_headers(answer, ["Accept-Encoding"])
        return answer
