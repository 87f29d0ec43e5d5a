"""A month's statement of a person, an id tag or a cost centre as a PDF, and all of them as a table."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils import formats, timezone
from django.utils.translation import gettext as _

from accounts.actors import Actor
from charging.exports import KILO, MOMENT, MONEY, Column, Sheet, in_order
from charging.models import Transaction
from charging.queries import statements as queries
from charging.queries import transactions
from charging.queries.statements import GROUPS, Group, Month, center_of, centers_of, taxes
from charging.receipts import LINE_MM, MARGIN_MM, QUIET, RULE, blank_page, printable, table, total, write, written
from charging.tables import kwh, lean, local, tax_in
from charging.tariff_words import number
from charging.templatetags.figures import kilo, money, short
from mobility.errors import NotFound

#: So many sessions stand on paper; the table has them all.
MOST_ON_PAPER = 1000


def sheets(actor: Actor, period: Month, by: str, form: str) -> list[Sheet]:
    """A month as a file: as CSV its sessions; as XLSX the overview, too."""
    found = [session_sheet(queries.sessions(actor, period).order_by("ended", "pk"))]
    return [group_sheet(queries.groups(actor, period, by), by), *found] if form == "xlsx" else found


def paper(actor: Actor, period: Month, by: str, key: str, currency: str) -> HttpResponse:
    """The statement of one person, id tag or cost centre as a PDF. Raises NotFound when it has no sessions."""
    found = queries.groups(actor, period, by)
    group = next((group for group in found if (group.key, group.currency) == (key, currency)), None)
    if group is None:
        raise NotFound(_("There are no sessions of this in the month."))
    rows = queries.of_group(actor, period, by, key).filter(currency=currency)
    listed = list(rows.select_related("station", "organization")[:MOST_ON_PAPER])
    body = statement(group, period, by, listed, listed[0].organization.name if listed else "")
    name = f'inline; filename="statement-{period.key}.pdf"'
    return HttpResponse(body, content_type="application/pdf", headers={"Content-Disposition": name})


def group_sheet(groups: Sequence[Group], by: str) -> Sheet:
    """The overview of a month."""
    columns = [
        Column(str(GROUPS[by][0]), width=32),
        Column(_("Sessions")),
        Column(_("Energy (kWh)"), KILO),
        Column(_("Cost"), MONEY),
        Column(_("Currency"), width=10),
        Column(_("Not final")),
    ]
    rows = [[g.name, g.count, kwh(g.energy_wh), g.cost, g.currency, g.held] for g in groups]
    return Sheet(_("Statements"), columns, rows)


def session_sheet(rows: QuerySet[Transaction]) -> Sheet:
    """The sessions of the month, with what a book-keeper sorts by."""
    people = centers_of(rows)
    zone = timezone.get_current_timezone()
    columns = [
        Column(_("Session")),
        Column(f"{_('Started')} ({zone})", MOMENT, 24),
        Column(f"{_('Ended')} ({zone})", MOMENT, 24),
        Column(_("Station"), width=28),
        Column(_("Who"), width=24),
        Column(_("Id tag"), width=18),
        Column(_("Cost centre"), width=18),
        Column(_("Energy (kWh)"), KILO),
        Column(_("Tariff"), width=18),
        Column(_("Cost"), MONEY),
        Column(_("Tax in it"), MONEY),
        Column(_("Currency"), width=10),
        Column(_("Final")),
    ]

    def cells() -> Iterator[list[Any]]:
        for row in in_order(lean(rows)):
            found = transactions.as_json(row)
            yield [
                row.pk,
                local(row.started, zone),
                local(row.ended, zone),
                found["station_name"],
                found["user_name"],
                found["id_tag"],
                center_of(row, people),
                kwh(row.energy_wh),
                found["tariff"],
                row.cost,
                tax_in(row),
                row.currency,
                row.final,
            ]

    return Sheet(_("Sessions"), columns, cells())


def statement(group: Group, period: Month, by: str, rows: Sequence[Transaction], issuer: str) -> bytes:
    """The statement of one group on paper: its sessions, the tax in them, and the sum."""
    page = blank_page()
    name = formats.date_format(period.first, "YEAR_MONTH_FORMAT")
    page.set_title(f"{_('Statement')} {name}")
    page.set_font("Inter", "B", 22)
    page.cell(0, 12, _("Statement"), new_x="LMARGIN", new_y="NEXT")
    write(page, f"{issuer} · {name}", size=11, colour=QUIET)
    page.ln(6)
    table(page, str(GROUPS[by][0]), _facts(group))
    _sessions(page, rows)
    found = taxes(rows)
    if found:
        table(page, _("Tax"), _tax_pairs(found, group.currency))
    total(page, money(group.cost, group.currency))
    if group.held:
        page.ln(4)
        write(page, _("%(count)s of these bills are not final.") % {"count": group.held}, colour=QUIET)
    if group.count > len(rows):
        page.ln(4)
        write(page, _("Only the first %(count)s sessions are listed.") % {"count": len(rows)}, colour=QUIET)
    page.ln(8)
    write(page, _("Issued on %(day)s.") % {"day": written(timezone.now())}, size=8.5, colour=QUIET)
    return bytes(page.output())


def _facts(group: Group) -> Iterator[tuple[str, str]]:
    yield _("Name"), group.name
    yield _("Sessions"), str(group.count)
    yield _("Energy"), f"{kilo(group.energy_wh, 3)} kWh"


def _tax_pairs(found: dict[Decimal, tuple[Decimal, Decimal]], currency: str) -> Iterator[tuple[str, str]]:
    for rate, (net, tax) in found.items():
        told = {"net": money(net, currency), "tax": money(tax, currency)}
        yield f"{number(rate)} %", _("%(net)s net + %(tax)s tax") % told


def _sessions(page: Any, rows: Sequence[Transaction]) -> None:
    """One line per session: when, where, how much, what it costs."""
    page.ln(2)
    page.set_draw_color(*RULE)
    page.line(MARGIN_MM, page.get_y(), page.w - MARGIN_MM, page.get_y())
    page.ln(3)
    widths = (36, page.w - 2 * MARGIN_MM - 36 - 28 - 28, 28, 28)
    page.set_font("Inter", "", 9)
    for row in rows:
        texts = (
            short(row.ended) if row.ended else "",
            str(row.station),
            f"{kilo(row.energy_wh, 2)} kWh",
            money(row.cost, row.currency),
        )
        for index, (width, text) in enumerate(zip(widths, texts, strict=True)):
            page.cell(width, LINE_MM - 1, _fitting(page, printable(text), width), align="R" if index > 1 else "L")
        page.ln(LINE_MM - 1)
    page.ln(2)


def _fitting(page: Any, text: str, width: float) -> str:
    """What of a text fits into a width."""
    if page.get_string_width(text) <= width - 2:
        return text
    while text and page.get_string_width(text + "…") > width - 2:
        text = text[:-1]
    return text + "…"
