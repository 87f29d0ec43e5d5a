"""Taking in dynamic prices, and saying where they are read from every day."""

from collections.abc import Sequence
from datetime import datetime

from django.utils.translation import gettext as _

from accounts.actions import action
from accounts.actors import Actor, Role
from accounts.models import Organization
from accounts.outbound import check_url
from charging import daily_prices
from charging.actions.common import only_once
from charging.models import PriceSource
from charging.price_keeping import PriceRow, Recorded, checked_currency, checked_zone, keep_prices
from charging.price_readers import names
from mobility.errors import Invalid


@action("price.record", role=Role.MANAGER, creates=True)
def record_prices(
    actor: Actor,
    *,
    zone: str,
    rows: Sequence[PriceRow],
    currency: str = "",
    organization: Organization | None = None,
) -> Recorded:
    """Keep the prices of a zone; the same again changes nothing, and a new price of a time replaces the old one.

    Raises:
        Invalid: naming the row and what is wrong with it; nothing is kept then.
    """
    assert organization is not None
    return keep_prices(organization.pk, zone, rows, currency)


# --- Where they are read from every day -------------------------------------------------------------------------------


@action("price_source.create", role=Role.MANAGER, creates=True)
def create_price_source(
    actor: Actor,
    *,
    zone: str,
    url: str,
    reader: str = "json",
    currency: str = "",
    organization: Organization | None = None,
) -> PriceSource:
    """Read the prices of a zone from an address every day.

    Raises:
        Invalid: the address is none, or leads into the server's own network; there is no such reader.
        Conflict: the zone has a source already.
    """
    assert organization is not None
    if reader not in names():
        why = _("Choose one of %(choices)s.") % {"choices": ", ".join(names())}
        raise Invalid(why, fields={"reader": why})
    source = PriceSource(
        organization=organization,
        zone=checked_zone(zone),
        url=check_url(url),
        reader=reader,
        currency=checked_currency(currency),
    )
    with only_once("zone", _("The prices of this zone are read already. Delete that source first.")):
        source.save()
    return source


@action("price_source.delete", role=Role.MANAGER)
def delete_price_source(actor: Actor, *, source: PriceSource) -> None:
    """Its prices stay."""
    source.delete()


@action("price_source.read", role=Role.MANAGER)
def _may_read(actor: Actor, *, source: PriceSource) -> PriceSource:
    """Who asks, and that it was asked for; the reading itself is no transaction, because it waits for another host."""
    return source


def ask_price_source(actor: Actor, *, source: PriceSource, now: datetime) -> PriceSource:
    """Read a source now; its `error` says what went wrong. Raises Forbidden."""
    daily_prices.read(_may_read(actor, source=source), now)
    return source
