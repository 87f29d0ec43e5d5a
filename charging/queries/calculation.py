"""What a session would cost: the calculator's question to a tariff."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from charging.models import Site, Tariff
from charging.queries import tariffs as queries
from charging.queries.scope import iso
from charging.tariffs import Bill, Session
from mobility.errors import Invalid


def calculated(
    tariff: Tariff,
    *,
    started: datetime,
    minutes: float,
    energy_wh: float,
    idle_minutes: float = 0,
    site: Site | None = None,
    number: int | None = None,
) -> tuple[int, Bill]:
    """(the version's number, the bill) of a session whose energy flows evenly until it stands idle.

    Raises:
        Invalid: it stands idle for longer than it takes.
        NotFound: there is no version of that number.
    """
    if idle_minutes > minutes:
        why = _("A car cannot stand idle for longer than the session takes.")
        raise Invalid(why, fields={"idle_minutes": why})
    version = queries.version(tariff, number, at=started)
    pricing = queries.pricing(version, tariff.organization_id, queries.zone_of_site(site))
    try:
        ended = started + timedelta(minutes=minutes)
        full = ended - timedelta(minutes=idle_minutes)
    except OverflowError:
        why = _("This is no usable time.")
        raise Invalid(why, fields={"started": why}) from None
    curve = [(full, energy_wh)] if idle_minutes else []
    return version.number, pricing.bill(Session(started, ended, energy_wh, curve, idle_from=full))


def calculate(tariff: Tariff, **session: Any) -> dict[str, Any]:
    """The same as REST gives it."""
    number, bill = calculated(tariff, **session)
    zero = Decimal("0.00")
    return {
        "version": number,
        "currency": tariff.currency,
        "lines": [line.as_json() for line in bill.lines],
        "net": f"{sum((line.net for line in bill.lines), zero):.2f}",
        "tax": f"{sum((line.tax for line in bill.lines), zero):.2f}",
        "total": f"{bill.total:.2f}",
        "idle_from": iso(bill.idle_from),
        "without_price_kwh": f"{bill.without_price_kwh:f}",
    }
