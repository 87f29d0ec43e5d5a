"""Where stations fetch firmware and bring logs: without signing in, by the one-time token in the address."""

import re
from collections.abc import Iterator

from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from charging.jobs import files, keeping
from charging.models import StationJob
from mobility.errors import Problem

#: A file of someone else's is never shown by a browser as if it were a page of ours.
HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
}
_NAMED = re.compile(r"""filename="?([^";]+)""", re.IGNORECASE)


def attachment(kind: str, path: str, name: str) -> HttpResponseBase:
    """A stored file to save, whatever is in it."""
    try:
        stream = files.where(kind, path).open("rb")
    except FileNotFoundError:
        return plain(404, "The file is no longer kept.")
    answer = FileResponse(stream, as_attachment=True, filename=name, content_type="application/octet-stream")
    for header, value in HEADERS.items():
        answer.headers[header] = value
    return answer


def plain(status: int, text: str) -> HttpResponse:
    return HttpResponse(f"{text}\n", status=status, content_type="text/plain; charset=utf-8", headers=HEADERS)


@csrf_exempt
@require_http_methods(["GET", "HEAD", "PUT", "POST"])
def station_file(request: HttpRequest, token: str, name: str = "") -> HttpResponseBase:
    """GET hands out the firmware of a job, PUT or POST takes its log: the body itself, or the first file of a form."""
    if request.method in ("GET", "HEAD"):
        firmware = keeping.firmware_for(token)
        if firmware is None:
            return plain(404, "This link leads nowhere, or has been used.")
        return attachment(files.FIRMWARE, firmware.path, firmware.name)
    job = keeping.job_of(token, StationJob.Kind.LOG)
    if job is None or job.state not in keeping.TAKES_LOG:
        return plain(404, "This link leads nowhere, or has been used.")
    try:
        parts, said = uploaded(request)
        keeping.take_log(job, parts, said or name)
    except Problem as problem:
        return JsonResponse(problem.as_dict(), status=problem.status, headers=HEADERS)
    return plain(201, "Stored.")


def uploaded(request: HttpRequest) -> tuple[Iterator[bytes], str]:
    """(the parts of the file, the name that the request gives it)."""
    if request.content_type == "multipart/form-data":
        for file in request.FILES.values():
            if not isinstance(file, list):
                return file.chunks(files.CHUNK), file.name or ""
        return iter(()), ""
    named = _NAMED.search(request.headers.get("Content-Disposition", ""))
    return files.read(request), named[1] if named else ""
