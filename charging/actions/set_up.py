"""The first run, step by step: the first site with its price, the first station, and no more reminders."""

from typing import Any

from django.utils import timezone

from accounts.actions import action
from accounts.actors import Actor, Role
from accounts.models import Organization
from charging.actions.common import assign
from charging.actions.sites import create_site, update_site
from charging.actions.stations import Created, adopt_station, create_station, update_station
from charging.models import SetUp, Site


def row_of(organization: Organization) -> SetUp:
    row, _ = SetUp.objects.select_related("site").get_or_create(organization=organization)
    return row


@action("set_up.site", role=Role.MANAGER)
def set_up_site(
    actor: Actor, *, organization: Organization, name: str, price_per_kwh: Any = None, **values: Any
) -> Site:
    """Make the first site, or change the one this step has made; the price is kept for the first station.

    Raises:
        Invalid: a field is unusable.
        Conflict: the organization has another site of that name.
    """
    row = row_of(organization)
    assign(row, {"price_per_kwh": price_per_kwh}, ("price_per_kwh",))
    if row.site is None:
        row.site = create_site(actor, organization=organization, name=name, **values)
    else:
        update_site(actor, site=row.site, changes={"name": name, **values})
    row.save()
    return row.site


@action("set_up.station", role=Role.MANAGER)
def set_up_station(actor: Actor, *, organization: Organization, identity: str, name: str = "") -> Created:
    """Make the first station, at the first site and with its price; -> with its password.

    Raises:
        Invalid: a field is unusable.
        Conflict: the identity exists already.
    """
    row = row_of(organization)
    made = create_station(
        actor,
        organization=organization,
        identity=identity,
        name=name,
        site=row.site,
        price_per_kwh=row.price_per_kwh,
    )
    row.station = made.station
    row.save()
    return made


@action("set_up.adopt", role=Role.MANAGER)
def set_up_adopted(actor: Actor, *, organization: Organization, identity: str, learn: bool = False) -> Created:
    """Take in a station that knocked as the first one, at the first site and with its price.

    Raises:
        Forbidden: only platform admins adopt.
        NotFound: no such station waits.
    """
    row = row_of(organization)
    made = adopt_station(actor, organization=organization, identity=identity, learn=learn)
    given = {"site": row.site, "price_per_kwh": row.price_per_kwh}
    update_station(actor, station=made.station, changes=given)
    row.station = made.station
    row.save()
    return made


@action("set_up.put_away", role=Role.MANAGER)
def put_away_set_up(actor: Actor, *, organization: Organization) -> None:
    """The dashboard no longer reminds of the set-up."""
    row = row_of(organization)
    row.put_away_at = timezone.now()
    row.save(update_fields=["put_away_at"])
