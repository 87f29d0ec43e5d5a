"""Reading how far the first run has come: what is done, and what is still to do."""

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Exists, OuterRef
from django.utils.text import slugify
from django.utils.translation import gettext as _

from accounts.actors import Actor, Role
from accounts.models import Organization
from charging.models import ChargingStation, SetUp, Site
from mobility.errors import Forbidden, NotFound

#: An identity has at most 48 characters; the number that follows the name needs some of them.
MOST_NAME = 40


@dataclass(frozen=True, slots=True)
class Progress:
    """The steps of an organization. `station` is the one that is waited for, or the first that ever came."""

    organization: Organization
    site: Site | None
    station: ChargingStation | None
    price_per_kwh: Decimal | None

    @property
    def has_charger(self) -> bool:
        return self.station is not None and self.station.booted_at is not None

    @property
    def next_step(self) -> str:
        """`site` or `charger`; empty when nothing is left to do."""
        return "site" if self.site is None else "" if self.has_charger else "charger"


def get(actor: Actor) -> Progress:
    """The set-up of the actor's first organization.

    Raises:
        NotFound: the actor belongs to no organization.
        Forbidden: the actor does not manage it.
    """
    organization = actor.first_organization()
    if organization is None:
        raise NotFound(_("There is no organization to set up."))
    if not actor.can(Role.MANAGER, organization.pk):
        raise Forbidden(_("Only a manager sets up an organization."))
    row = SetUp.objects.select_related("site", "station__site").filter(organization=organization).first()
    station = row.station if row else None
    if station is None or station.booted_at is None:
        came = ChargingStation.objects.filter(organization=organization, booted_at__isnull=False)
        station = came.order_by("booted_at", "pk").first() or station
    site = (row.site if row else None) or Site.objects.filter(organization=organization).order_by("pk").first()
    return Progress(organization, site, station, row.price_per_kwh if row else None)


@dataclass(frozen=True, slots=True)
class Reminder:
    """What the dashboard says is still to do; `station` is the one that has not come yet, if it is chosen."""

    next_step: str
    station: ChargingStation | None


def reminder(actor: Actor) -> Reminder | None:
    """None for who manages nothing, and where all is done or nobody wants to hear of it. One query, or two.

    An organization that runs already and never saw the steps is not bothered with them.
    """
    first = next(iter(actor.memberships), None)
    if first is None or not actor.can(Role.MANAGER, first):
        return None
    own = {"organization": OuterRef("pk")}
    found = (
        Organization.objects.filter(pk=first)
        .annotate(
            has_site=Exists(Site.objects.filter(**own)),
            has_charger=Exists(ChargingStation.objects.filter(**own, booted_at__isnull=False)),
            is_begun=Exists(SetUp.objects.filter(**own)),
        )
        .first()
    )
    if found is None or (found.has_charger and (found.has_site or not found.is_begun)):
        return None
    row = SetUp.objects.select_related("station").get(organization=found) if found.is_begun else SetUp()
    if row.put_away_at is not None:
        return None
    return Reminder("charger" if found.has_site else "site", row.station)


def suggested_identity(progress: Progress) -> str:
    """A free identity after the name of the site, such as `HOME-1`."""
    named = progress.site.name if progress.site else progress.organization.name
    base = slugify(named).upper()[:MOST_NAME].strip("-") or "STATION"
    taken = {
        identity.casefold()
        for identity in ChargingStation.objects.filter(identity_folded__startswith=f"{base.casefold()}-").values_list(
            "identity", flat=True
        )
    }
    number = 1
    while f"{base}-{number}".casefold() in taken:
        number += 1
    return f"{base}-{number}"
