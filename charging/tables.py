"""Which columns the exported tables of sessions have: for the REST API and for people."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from charging.cards import STATES
from charging.exports import DAY, KILO, MOMENT, MONEY, PRICE, Column, Sheet, in_order
from charging.models import Transaction
from charging.queries import transactions
from charging.queries.statistics import SessionDay

FORMS = {"started": MOMENT, "ended": MOMENT, "cost": MONEY, "price_per_kwh": PRICE}


def api_sheet(rows: QuerySet[Transaction], names: Sequence[str]) -> Sheet:
    """The fields of a transaction by the API's names, in its units and in UTC."""

    def cells() -> Iterator[list[Any]]:
        for row in in_order(lean(rows)):
            found = transactions.as_json(row)
            found.update(started=row.started, ended=row.ended, flags=" ".join(row.flags or []))
            found.update(cost=exact(found["cost"]), price_per_kwh=exact(found["price_per_kwh"]))
            found.update(cost_lines=lines_in_cell(row.cost_lines))
            yield [found[name] for name in names]

    return Sheet("transactions", [Column(name, FORMS.get(name, ""), 20) for name in names], cells())


def session_sheet(rows: QuerySet[Transaction]) -> Sheet:
    """Sessions as people read them: in their language, their time zone, and kWh."""
    zone = timezone.get_current_timezone()
    states = {key: str(label) for key, (_colour, _icon, label) in STATES.items()}
    columns = [
        Column(_("Session")),
        Column(_("Station"), width=28),
        Column(_("Identity"), width=18),
        Column(_("EVSE"), width=8),
        Column(_("Connector"), width=10),
        Column(_("State")),
        Column(f"{_('Started')} ({zone})", MOMENT, 24),
        Column(f"{_('Ended')} ({zone})", MOMENT, 24),
        Column(_("Who"), width=24),
        Column(_("Id tag"), width=18),
        Column(_("Car"), width=18),
        Column(_("Energy (kWh)"), KILO),
        Column(_("Price per kWh"), PRICE),
        Column(_("Tariff"), width=18),
        Column(_("Cost"), MONEY),
        Column(_("Tax in it"), MONEY),
        Column(_("Currency"), width=10),
        Column(_("Meter at the start (kWh)"), KILO, 22),
        Column(_("Meter at the end (kWh)"), KILO, 22),
        Column(_("Stop reason")),
        Column(_("Noticed"), width=20),
        Column(_("Transaction id"), width=20),
    ]
    return Sheet(_("Sessions"), columns, session_cells(rows, zone, states))


def session_cells(rows: QuerySet[Transaction], zone: tzinfo, states: dict[str, str]) -> Iterator[list[Any]]:
    """Runs while the file is sent, when neither the reader's language nor the zone is set any more."""
    for row in in_order(lean(rows)):
        found = transactions.as_json(row)
        yield [
            row.pk,
            found["station_name"],
            found["station"],
            found["evse_id"],
            found["connector_id"],
            states.get(row.state, row.state),
            local(row.started, zone),
            local(row.ended, zone),
            found["user_name"],
            found["id_tag"],
            found["car_name"],
            kwh(row.energy_wh),
            exact(found["price_per_kwh"]),
            found["tariff"],
            row.cost,
            tax_in(row),
            row.currency,
            kwh(row.meter_start_wh),
            kwh(row.meter_stop_wh),
            row.stop_reason,
            " ".join([*(row.flags or []), *(["corrected"] if row.corrected else [])]),
            row.transaction_id,
        ]


def day_sheet(days: Iterable[SessionDay]) -> Sheet:
    """The days of a chart with what began on them."""
    columns = [
        Column(_("Day"), DAY),
        Column(_("Sessions")),
        Column(_("Energy (kWh)"), KILO),
        Column(f"{_('Cost')} ({settings.CURRENCY})", MONEY),
    ]
    rows = [[day.day, day.count, kwh(day.amount.energy_wh), day.amount.cost] for day in days]
    return Sheet(_("Days"), columns, rows)


def lean(rows: QuerySet[Transaction]) -> QuerySet[Transaction]:
    """The same rows, twice as fast where there are many: the few stations, tags, people and cars are read once for
    a slice, and not again with each row."""
    return (
        rows.select_related(None)
        .prefetch_related("station", "id_tag", "user", "car", "tariff_version__tariff")
        .defer("hourly_wh", "hourly_cost", "created_at", "last_event_at")
    )


def lines_in_cell(lines: list[dict[str, Any]]) -> str:
    """The lines of a bill in one cell: `energy 12.5 kwh 5.00; session 1 session 1.00`."""
    return "; ".join(f"{line['part']} {line['quantity']} {line['unit']} {line['gross']}" for line in lines)


def tax_in(row: Transaction) -> Decimal | None:
    """The tax in the cost, where a tariff says it and nobody has corrected the bill."""
    if row.tariff_version_id is None or row.corrected:
        return None
    return sum((Decimal(line["tax"]) for line in row.cost_lines), Decimal(0))


def local(at: datetime | None, zone: tzinfo) -> datetime | None:
    return at.astimezone(zone).replace(tzinfo=None, microsecond=0) if at else None


def exact(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def kwh(energy_wh: float | None) -> float | None:
    return None if energy_wh is None else round(energy_wh / 1000, 3)
