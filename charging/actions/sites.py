"""Changing sites."""

from typing import Any
from zoneinfo import available_timezones

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actions import action
from accounts.actors import Actor, Role
from accounts.models import Organization
from charging.actions.common import assign, only_once
from charging.models import Site
from mobility.errors import Invalid

SETTABLE = ("name", "address", "latitude", "longitude", "time_zone")
NAME_TAKEN = gettext_lazy("A site with this name exists already.")


def check(site: Site) -> None:
    wrong = {}
    if site.latitude is not None and not -90 <= site.latitude <= 90:
        wrong["latitude"] = _("A latitude is between -90 and 90 degrees.")
    if site.longitude is not None and not -180 <= site.longitude <= 180:
        wrong["longitude"] = _("A longitude is between -180 and 180 degrees.")
    if site.time_zone not in available_timezones():
        wrong["time_zone"] = _("This is a name such as Europe/Berlin.")
    if wrong:
        raise Invalid(_("Some fields are not usable."), fields=wrong)


@action("site.create", role=Role.MANAGER, creates=True)
def create_site(actor: Actor, *, name: str, organization: Organization | None = None, **values: Any) -> Site:
    """Raises Invalid, or Conflict when the organization has a site of that name."""
    assert organization is not None
    site = Site(organization=organization)
    assign(site, {**values, "name": name}, SETTABLE)
    check(site)
    with only_once("name", NAME_TAKEN):
        site.save()
    return site


@action("site.update", role=Role.MANAGER)
def update_site(actor: Actor, *, site: Site, changes: dict[str, Any]) -> Site:
    """Raises Invalid, or Conflict when the organization has a site of that name."""
    changed = assign(site, changes, SETTABLE)
    check(site)
    if changed:
        with only_once("name", NAME_TAKEN):
            site.save(update_fields=changed)
    return site


@action("site.delete", role=Role.MANAGER)
def delete_site(actor: Actor, *, site: Site) -> None:
    """Its stations stay, without a site."""
    site.delete()
