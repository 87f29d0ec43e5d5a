"""A forgotten password: asking for the link, and choosing a new one with it."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.forms import SetPasswordForm
from django.contrib.auth.views import PasswordResetConfirmView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts import mails, passwords
from accounts.actors import Actor
from accounts.models import User
from accounts.network import client_ip
from mobility.errors import Problem


@require_http_methods(["GET", "POST"])
def ask(request: HttpRequest) -> HttpResponse:
    """Says the same for an address with an account and for one without; without a mail server, how else it is done."""
    context: dict[str, Any] = {"sends_mail": mails.configured(), "email": request.POST.get("email", "")}
    status = 200
    if request.method == "POST" and context["sends_mail"]:
        try:
            passwords.ask_for_mail(context["email"], client_ip(request))
        except Problem as problem:
            context |= {"problem": problem.message, "problems": problem.fields}
            status = problem.status
        else:
            return redirect("password-asked")
    return render(request, "accounts/password_ask.html", context, status=status)


def asked(request: HttpRequest) -> HttpResponse:
    return render(request, "accounts/password_ask.html", {"sends_mail": mails.configured(), "asked": True})


class NewPassword(PasswordResetConfirmView):
    """Django's own view: it takes the token out of the address into the session, so that no Referer carries it."""

    template_name = "accounts/password_new.html"
    success_url = reverse_lazy("login")
    user: User

    def form_valid(self, form: "SetPasswordForm[User]") -> HttpResponse:
        actor = Actor(name=self.user.email, source_ip=client_ip(self.request))
        try:
            passwords.reset_password(actor, user=self.user, new_password=form.cleaned_data["new_password1"])
        except Problem as problem:
            form.add_error("new_password1", problem.fields.get("new_password1", problem.message))
            return self.form_invalid(form)
        del self.request.session["_password_reset_token"]
        messages.success(self.request, _("Your new password is set. Sign in with it."))
        return redirect("login")
