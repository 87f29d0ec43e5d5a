"""The doors: signing in and out, the first admin, and the theme of whoever looks."""

from typing import Any

from django.contrib.auth import login
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts import devices, people
from accounts.requests import PageRequest, signed_in
from accounts.tickets import is_set_up_token
from mobility.errors import NotFound, Problem


class SignIn(LoginView):
    """E-mail and password; django-axes counts the failures."""

    template_name = "accounts/login.html"
    redirect_authenticated_user = True

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        response = super().form_valid(form)
        devices.remember(response, self.request, form.get_user())
        return response


def locked_out(request: HttpRequest, response: HttpResponse | None = None, credentials: Any = None) -> HttpResponse:
    """What someone sees who has failed too often; django-axes asks for it."""
    page = render(request, "accounts/login.html", {"locked": True}, status=429)
    page.headers["Retry-After"] = "900"
    return page


@require_http_methods(["GET", "POST"])
def set_up(request: HttpRequest, token: str) -> HttpResponse:
    """The one-time page that makes the first admin and its organization."""
    if people.has_admin() or not is_set_up_token(token):
        raise NotFound(_("This link has been used, or is too old. Start the server again for a new one."))
    context: dict[str, Any] = {"values": request.POST, "problems": {}}
    if request.method == "POST":
        try:
            user = people.set_up_first_admin(
                email=request.POST.get("email", ""),
                password=request.POST.get("password", ""),
                name=request.POST.get("name", ""),
                organization_name=request.POST.get("organization", ""),
            )
        except Problem as problem:
            context |= {"problem": problem.message, "problems": problem.fields}
        else:
            login(request, user, backend="django.contrib.auth.backends.ModelBackend")
            return redirect("welcome")
    return render(request, "accounts/set_up.html", context, status=400 if "problem" in context else 200)


@require_POST
@signed_in
def theme(request: PageRequest) -> HttpResponse:
    people.update_profile(request.actor, changes={"theme": request.POST.get("theme", "")})
    return HttpResponse(status=204)
