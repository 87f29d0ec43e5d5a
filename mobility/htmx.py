"""How the portal's pages meet the application: problems become messages, and every page knows its surroundings."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from mobility.errors import NotSignedIn, Problem
from mobility.middleware import request_id

GetResponse = Callable[[HttpRequest], HttpResponse]

TITLES = {
    400: _("This request does not work"),
    401: _("Please sign in"),
    403: _("This is not allowed"),
    404: _("There is nothing here"),
    409: _("Not now"),
    429: _("Too many attempts"),
    500: _("Something broke on our side"),
    503: _("Not available for the moment"),
}


def problems(get_response: GetResponse) -> GetResponse:
    """A Problem that a view lets out becomes a toast for htmx, a page for everyone else."""

    def middleware(request: HttpRequest) -> HttpResponse:
        return get_response(request)

    def process_exception(request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return problem_response(request, exception) if isinstance(exception, Problem) else None

    middleware.process_exception = process_exception  # type: ignore[attr-defined]
    return middleware


def problem_response(request: HttpRequest, problem: Problem) -> HttpResponse:
    if isinstance(problem, NotSignedIn):
        return to_sign_in(request)
    return error_response(request, problem.status, problem.message)


def to_sign_in(request: HttpRequest) -> HttpResponse:
    """Send the browser to the sign-in page, from where it comes back to the page it shows."""
    htmx = getattr(request, "htmx", None)
    shown = urlsplit(htmx.current_url or "") if htmx else urlsplit(request.get_full_path())
    back = shown.path + (f"?{shown.query}" if shown.query else "")
    url = f"{settings.LOGIN_URL}?next={quote(back or '/')}"
    if not htmx:
        return HttpResponseRedirect(url)
    return HttpResponse(status=200, headers={"HX-Redirect": url})


def error_response(request: HttpRequest, status: int, message: Any) -> HttpResponse:
    """The message as a toast for htmx, as a page otherwise, as JSON under /api/."""
    if getattr(request, "htmx", None) and not request.htmx.boosted:  # type: ignore[attr-defined]
        toast = render(request, "parts/toast.html", {"level": "error", "message": message}, status=status)
        toast.headers["HX-Reswap"] = "none"
        return toast
    context = {"status": status, "heading": TITLES.get(status, TITLES[500]), "message": message}
    return render(request, "errors/error.html", {**context, "request_id": request_id.get()}, status=status)


@dataclass(frozen=True, slots=True)
class Destination:
    """An entry of the navigation. `on_phone` ones have a place in the bottom bar."""

    url: str
    icon: str
    label: Any
    current: bool
    on_phone: bool = True


#: (url name, icon, label, shown in the phone's bottom bar, only for platform admins)
DESTINATIONS: list[tuple[str, str, Any, bool, bool]] = [
    ("dashboard", "space_dashboard", _("Dashboard"), True, False),
    ("stations", "ev_station", _("Stations"), True, False),
    ("transactions", "receipt_long", _("Sessions"), True, False),
    ("schedules", "event_repeat", _("Schedules"), False, False),
    ("reservations", "event", _("Reservations"), False, False),
    ("id-tags", "contactless", _("Id tags"), True, False),
    ("cars", "directions_car", _("Cars"), False, False),
    ("waiting", "pending", _("Waiting"), False, True),
]


def navigation(request: HttpRequest) -> list[Destination]:
    path = request.path
    found = []
    for name, icon, label, on_phone, admins in DESTINATIONS:
        if admins and not getattr(request.user, "is_superuser", False):
            continue
        url = reverse(name)
        current = path == url if url == "/" else path.startswith(url)
        found.append(Destination(url, icon, label, current, on_phone))
    return found


def page_context(request: HttpRequest) -> dict[str, Any]:
    """What every template may use. Nothing here asks the database before a template does."""
    user = getattr(request, "user", None)
    known = bool(user and user.is_authenticated)
    return {
        "version": settings.VERSION,
        "currency": settings.CURRENCY,
        "theme": getattr(user, "theme", "") or "system",
        "signed_in": known,
        "navigation": navigation(request) if known else [],
        "accepts_unknown_stations": settings.ACCEPT_UNKNOWN_STATIONS,
    }


# --- What Django calls for errors that are no Problem ----------------------------------------------------------------


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return error_response(request, 400, _("The browser sent something that cannot be understood."))


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return error_response(request, 403, _("You may not see or do this."))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form of a page that is older than the sign-in, or one that came from elsewhere."""
    return error_response(request, 403, _("This page is out of date. Load it again and repeat what you did."))


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return error_response(request, 404, _("There is no such page, or it is not yours."))


def broken(request: HttpRequest) -> HttpResponse:
    """Asks nothing of the database, which may be what is broken."""
    context = {"status": 500, "heading": TITLES[500], "request_id": request_id.get(), "theme": "system"}
    context["message"] = _("It is not your fault. The request's number helps to find out what happened.")
    if getattr(request, "htmx", None):
        return HttpResponse(
            render_to_string("parts/toast.html", {"level": "error", "message": context["message"]}),
            status=500,
            headers={"HX-Reswap": "none"},
        )
    return HttpResponse(render_to_string("errors/error.html", context), status=500)
