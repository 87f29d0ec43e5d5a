"""The drivers' app under `/app/`: its shell, manifest and service worker, and its files, by version.

The app is plain files in `static/app/`. They are served as `/app/<version>/…`, the version being a hash of all of them,
so that a browser may keep each for good, modules import each other by relative paths, and a page never mixes two
versions. Everything it knows it asks of the REST API.
"""

import functools
import gzip
import hashlib
import json
import mimetypes
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.urls import path
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from mobility import driver_app_texts

FOLDER = settings.BASE_DIR / "static" / "app"
#: Files of the portal that the app shares, by the name they have there.
SHARED = {"tokens.css": "css/tokens.css", "theme.js": "js/theme.js"}
#: Served at addresses of their own, which never change.
APART = {"worker.js"}
FOR_GOOD = "public, max-age=31536000, immutable"
#: The portal's fonts are five times the size of the app: it takes those of the phone.
FONT_FACES = re.compile(r"@font-face\s*{[^}]*}\s*")
COLOURS = {"theme_color": "#00695f", "background_color": "#f5faf8"}
PACKED = (".js", ".css", ".json", ".svg")


@dataclass(frozen=True, slots=True)
class File:
    """A file of the app as it is served."""

    body: bytes
    packed: bytes
    kind: str


@dataclass(frozen=True, slots=True)
class Build:
    """All files of the app by name, and the version that they make together."""

    version: str
    files: dict[str, File]

    @property
    def base(self) -> str:
        return f"/app/{self.version}/"

    @property
    def urls(self) -> list[str]:
        """What an installed app needs without a network."""
        return [self.base + name for name in self.files if not name.endswith(".png")]

    @property
    def modules(self) -> list[str]:
        return [self.base + name for name in self.files if name.startswith("js/")]


def build() -> Build:
    """The app as it stands in the folder; read once, but for each request while developing."""
    return read(FOLDER) if settings.DEBUG else kept()


@functools.cache
def kept() -> Build:
    return read(FOLDER)


def read(folder: Path) -> Build:
    bodies = {name: (settings.BASE_DIR / "static" / shared).read_bytes() for name, shared in SHARED.items()}
    for found in sorted(folder.rglob("*")):
        name = found.relative_to(folder).as_posix()
        if found.is_file() and name not in APART:
            bodies[name] = found.read_bytes()
    bodies["tokens.css"] = FONT_FACES.sub("", bodies["tokens.css"].decode()).encode()
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            spoken = driver_app_texts.texts()
        bodies[f"texts.{language}.json"] = json.dumps(spoken, ensure_ascii=False, sort_keys=True).encode()
    mark = hashlib.blake2b(settings.VERSION.encode() + (folder / "worker.js").read_bytes(), digest_size=6)
    for name, body in sorted(bodies.items()):
        mark.update(name.encode() + body)
    return Build(mark.hexdigest(), {name: made(name, body) for name, body in sorted(bodies.items())})


def made(name: str, body: bytes) -> File:
    packed = gzip.compress(body, 9, mtime=0) if name.endswith(PACKED) else b""
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return File(body, packed, "text/javascript" if name.endswith(".js") else kind)


def served(request: HttpRequest, file: File, keep: str) -> HttpResponse:
    """The file, packed for those who can open it."""
    packed = bool(file.packed) and "gzip" in request.headers.get("Accept-Encoding", "")
    kind = file.kind if file.kind.startswith("image/") else f"{file.kind}; charset=utf-8"
    response = HttpResponse(file.packed if packed else file.body, content_type=kind)
    response.headers["Cache-Control"] = keep
    if file.packed:
        patch_vary_headers(response, ["Accept-Encoding"])
    if packed:
        response.headers["Content-Encoding"] = "gzip"
    return response


@require_safe
def shell(request: HttpRequest) -> HttpResponse:
    """The one page of the app: the same for everyone, so that a browser can keep it."""
    now = build()
    page = render_to_string("app/shell.html", {"base": now.base, "modules": now.modules, "version": now.version})
    return HttpResponse(page, headers={"Cache-Control": "no-cache"})


@require_safe
def asset(request: HttpRequest, version: str, name: str) -> HttpResponse:
    now = build()
    if version != now.version or name not in now.files:
        raise Http404
    return served(request, now.files[name], FOR_GOOD)


@require_safe
def worker(request: HttpRequest) -> HttpResponse:
    """The service worker: another one whenever a file of the app is."""
    now = build()
    told = json.dumps({"version": now.version, "base": now.base, "files": ["/app/", *now.urls]})
    body = f"const BUILD = {told};\n".encode() + (FOLDER / "worker.js").read_bytes()
    return served(request, made("worker.js", body), "no-cache")


@require_safe
def manifest(request: HttpRequest) -> JsonResponse:
    """What a browser installs (https://www.w3.org/TR/appmanifest/)."""
    base = build().base
    found: dict[str, Any] = {
        "id": "/app/",
        "name": _("Mobility – charge your car"),
        "short_name": "Mobility",
        "description": _("Start and stop charging, watch it, and plan it."),
        "lang": translation.get_language(),
        "start_url": "/app/",
        "scope": "/app/",
        "display": "standalone",
        "categories": ["utilities", "travel"],
        **COLOURS,
        "icons": [
            {"src": f"{base}icons/icon-192.png", "sizes": "192x192", "type": "image/png", "purpose": "any"},
            {"src": f"{base}icons/icon-512.png", "sizes": "512x512", "type": "image/png", "purpose": "any"},
            {"src": f"{base}icons/maskable-512.png", "sizes": "512x512", "type": "image/png", "purpose": "maskable"},
        ],
        "shortcuts": [
            {"name": _("Sessions"), "url": "/app/#/sessions"},
            {"name": _("Schedule"), "url": "/app/#/schedule"},
        ],
    }
    answer = JsonResponse(found, content_type="application/manifest+json", json_dumps_params={"ensure_ascii": False})
    answer.headers["Cache-Control"] = "no-cache"
    return answer


urlpatterns = [
    path("", shell, name="app"),
    path("manifest.webmanifest", manifest, name="app-manifest"),
    path("worker.js", worker, name="app-worker"),
    path("<slug:version>/<path:name>", asset, name="app-asset"),
]
