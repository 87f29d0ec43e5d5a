from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.actors import Role
from accounts.requests import PageRequest, signed_in
from charging.actions import cars as actions
from charging.boards import Board
from charging.queries import cars, preferences
from charging.views.common import Form, decimal_text, number, texts
from mobility.errors import Forbidden, Invalid, NotFound, Problem

#: What is kept -> the field in which it is typed.
TYPED = {"battery_wh": "battery_kwh", "max_power_w": "max_power_kw"}


def typed(request: PageRequest) -> dict[str, Any]:
    """The form's fields as the action takes them: kWh and kW as they are typed, Wh and W as they are kept."""
    values: dict[str, Any] = texts(request, ("license_plate",))
    for field, name in TYPED.items():
        text = decimal_text(request.POST.get(name, "").strip())
        try:
            values[field] = round(float(text) * 1000) if text else None
        except (ValueError, OverflowError):
            raise Invalid(_("Some fields are not usable."), fields={name: _("This is not a number.")}) from None
    values["phases"] = number(request.POST.get("phases", ""), "phases")
    return values


@require_http_methods(["GET", "POST"])
@signed_in
def car_list(request: PageRequest) -> HttpResponse:
    form = Form()
    if request.method == "POST":
        try:
            made = actions.create_car(request.actor, name=request.POST.get("name", "").strip(), **typed(request))
        except Problem as problem:
            form = Form.refused(request, problem)
            form.problems = {TYPED.get(name, name): why for name, why in problem.fields.items()}
        else:
            messages.success(request, _("%(car)s is added.") % {"car": made})
            return redirect("cars")
    context = {
        "form": form,
        "rows": cars.visible(request.actor).order_by("name")[:500],
        "may_add": request.actor.organization_ids(Role.DRIVER) != [],
        "preferences": preferences.get(request.actor),
        "board": Board(request.actor, {}),
    }
    return render(request, "charging/cars.html", context, status=form.status)


@require_POST
@signed_in
def car_delete(request: PageRequest, pk: int) -> HttpResponse:
    car = cars.get(request.actor, pk)
    try:
        actions.delete_car(request.actor, car=car)
    except (Forbidden, NotFound):
        raise
    except Problem as problem:
        messages.error(request, problem.message)
    else:
        messages.success(request, _("%(car)s is deleted.") % {"car": car})
    return redirect("cars")
