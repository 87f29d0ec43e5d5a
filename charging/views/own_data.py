"""One's own data: taking it along, and deleting the account."""

from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from accounts.forms import Form
from accounts.requests import PageRequest, signed_in
from charging.actions import own_account
from charging.queries import own_data
from mobility.errors import Forbidden, Problem


@require_GET
@signed_in
def export(request: PageRequest) -> HttpResponse:
    """Everything about the person who asks, as a file to keep."""
    answer = JsonResponse(own_data.export(request.actor), json_dumps_params={"indent": 1, "ensure_ascii": False})
    answer.headers["Content-Disposition"] = f'attachment; filename="mobility-{timezone.localdate()}.json"'
    return answer


@require_http_methods(["GET", "POST"])
@signed_in
def delete(request: PageRequest) -> HttpResponse:
    """Says what is lost and what stays, and asks for the password."""
    form = Form()
    if request.method == "POST":
        try:
            own_account.leave(request.actor, password=request.POST.get("password", ""))
        except Forbidden:
            raise
        except Problem as problem:
            form = Form({}, problem.message, problem.fields)
        else:
            logout(request)
            messages.success(request, _("Your account is deleted."))
            return redirect("login")
    return render(request, "charging/account_delete.html", {"form": form}, status=form.status)
