"""Webhooks: which other systems are told, and what came of it."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts import organizations, webhooks
from accounts.forms import Form
from accounts.listing import Listing
from accounts.models import DeliveryStatus, Webhook
from accounts.requests import PageRequest, signed_in
from accounts.webhook_sending import hurry
from mobility.errors import NotFound, Problem


def choices() -> list[tuple[str, Any]]:
    return [("*", _("Everything")), *webhooks.EVENTS.items()]


@require_http_methods(["GET", "POST"])
@signed_in
def webhook_list(request: PageRequest) -> HttpResponse:
    """Those of an organization; a new one's secret is shown on the page that answers its form."""
    wanted = request.POST.get("organization", "") or request.GET.get("organization", "")
    organization = organizations.managed_one(request.actor, wanted)
    form, made = Form(), None
    if request.method == "POST":
        try:
            made = webhooks.create_webhook(
                request.actor,
                organization=organization,
                url=request.POST.get("url", ""),
                events=request.POST.getlist("events"),
                description=request.POST.get("description", ""),
            )
        except NotFound:
            raise
        except Problem as problem:
            form = Form.refused(request, problem)
    listing = Listing(request)
    context = {
        "form": form,
        "made": made,
        "page": listing.paginate(webhooks.visible(request.actor).filter(organization=organization).order_by("pk")),
        "board": listing,
        "organization": organization,
        "organizations": organizations.managed(request.actor)[:200],
        "events": choices(),
        "chosen": request.POST.getlist("events") if form.problem else [],
    }
    return render(request, "accounts/webhooks.html", context, status=form.status)


@require_http_methods(["GET", "POST"])
@signed_in
def webhook(request: PageRequest, pk: int) -> HttpResponse:
    """One of them: its settings, its secret anew, a test, its deliveries."""
    row = webhooks.get(request.actor, pk)
    form, made = Form({"url": row.url, "description": row.description}), None
    if request.method == "POST":
        try:
            made = act(request, row)
        except NotFound:
            raise
        except Problem as problem:
            form = Form.refused(request, problem)
        else:
            if made is None:
                return redirect("webhook", pk) if request.POST.get("deed") != "delete" else redirect("webhooks")
    return page(request, row, form, made)


def act(request: PageRequest, row: Webhook) -> webhooks.WithSecret | None:
    """Do what the pressed button says; -> what is to be shown once. Raises Problem."""
    deed = request.POST.get("deed", "")
    if deed == "rotate":
        return webhooks.rotate_secret(request.actor, webhook=row)
    if deed in ("pause", "resume"):
        webhooks.update_webhook(request.actor, webhook=row, changes={"active": deed == "resume"})
    elif deed == "test":
        webhooks.send_test(request.actor, webhook=row)
        hurry()
        messages.success(request, _("The test is on its way."))
    elif deed == "delete":
        webhooks.delete_webhook(request.actor, webhook=row)
        messages.success(request, _("The webhook is deleted."))
    else:
        changes = {
            "url": request.POST.get("url", ""),
            "description": request.POST.get("description", ""),
            "events": request.POST.getlist("events"),
        }
        webhooks.update_webhook(request.actor, webhook=row, changes=changes)
        messages.success(request, _("The webhook is saved."))
    return None


def page(request: PageRequest, row: Webhook, form: Form, made: webhooks.WithSecret | None) -> HttpResponse:
    row = webhooks.get(request.actor, row.pk)
    listing = Listing(request, "status")
    rows = webhooks.deliveries(request.actor, row)
    if listing["status"] in DeliveryStatus.values:
        rows = rows.filter(status=listing["status"])
    refused = bool(form.problem) and "url" in request.POST
    context = {
        "webhook": row,
        "form": form,
        "made": made,
        "events": choices(),
        "patterns": [name for name in row.events if name not in webhooks.EVENTS and name != "*"],
        "chosen": request.POST.getlist("events") if refused else row.events,
        "page": listing.paginate(rows),
        "listing": listing,
        "board": listing,
        "statuses": DeliveryStatus.choices,
    }
    return render(request, "accounts/webhook.html", context, status=form.status)


@require_POST
@signed_in
def webhook_replay(request: PageRequest, pk: int, delivery_pk: int) -> HttpResponse:
    row = webhooks.get(request.actor, pk)
    webhooks.replay(request.actor, webhook=row, delivery=webhooks.delivery(request.actor, row, delivery_pk))
    hurry()
    messages.success(request, _("The event is on its way again, with the same id."))
    return redirect("webhook", pk)
