"""What one is told, and over which channels; the browsers that take push."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts import notices, push
from accounts.listing import Listing
from accounts.requests import PageRequest, is_partial, signed_in
from mobility.errors import Problem


@require_GET
@signed_in
def notification_list(request: PageRequest) -> HttpResponse:
    """The latest first, with how each was delivered; beside it what is wanted."""
    listing = Listing(request, "kind")
    rows = notices.visible(request.actor)
    kinds = notices.kinds_for(request.actor)
    if listing["kind"] in notices.KINDS:
        rows = rows.filter(kind=listing["kind"])
    page = listing.paginate(rows)
    for row in page.object_list:
        row.icon = notices.KINDS[row.kind].icon if row.kind in notices.KINDS else "notifications"
    context: dict[str, Any] = {
        "page": page,
        "listing": listing,
        "board": listing,
        "kinds": [(kind.key, kind.label) for kind in kinds],
        "channels": notices.CHANNELS.items(),
        "groups": list(notices.cells(request.actor)),
        "sends_mail": notices.sends_mail(),
        "unread": notices.unread(request.actor).count(),
        "browsers": push.visible(request.actor),
        "push_key": push.application_key(),
    }
    return render(request, "accounts/notifications.html", context)


@require_POST
@signed_in
def choose(request: PageRequest) -> HttpResponse:
    """The whole table as its boxes are ticked: what differs from before is kept."""
    before = notices.preferences(request.actor)
    changes: dict[str, dict[str, bool]] = {}
    for kind, channels in before.items():
        for channel, wanted in channels.items():
            ticked = f"{kind}.{channel}" in request.POST
            if ticked != wanted:
                changes.setdefault(kind, {})[channel] = ticked
    if changes:
        notices.choose(request.actor, changes=changes)
    if is_partial(request):
        return render(request, "parts/toast.html", {"level": "success", "message": _("Saved.")})
    messages.success(request, _("Saved."))
    return redirect("notifications")


@require_POST
@signed_in
def read(request: PageRequest) -> HttpResponse:
    notices.mark_read(request.actor)
    return redirect("notifications")


@require_GET
@signed_in
def unread(request: PageRequest) -> HttpResponse:
    """What the bell shows."""
    return render(request, "accounts/parts/unread.html", {"unread": notices.unread(request.actor).count()})


@require_POST
@signed_in
def subscribe(request: PageRequest) -> HttpResponse:
    """This browser takes push from now on. The page's script asks, and reads the answer's text where it is refused."""
    secrets = {name: request.POST.get(name, "") for name in ("endpoint", "p256dh", "auth")}
    try:
        push.subscribe(request.actor, secrets=secrets, device=push.device_of(request.headers.get("User-Agent", "")))
    except Problem as problem:
        detail = " ".join(problem.fields.values()) or problem.message
        return HttpResponse(detail, status=problem.status, content_type="text/plain; charset=utf-8")
    return HttpResponse(status=204)


@require_POST
@signed_in
def unsubscribe(request: PageRequest, pk: int) -> HttpResponse:
    push.unsubscribe(request.actor, subscription=push.get(request.actor, pk))
    messages.success(request, _("That browser gets nothing any more."))
    return redirect("notifications")
