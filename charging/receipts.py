"""The receipt of a session as a PDF: what was charged where and when, by whom, and what it costs."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.contrib.staticfiles import finders
from django.utils import formats, timezone
from django.utils.translation import gettext as _

from charging.cost_lines import tariff_line
from charging.models import Transaction
from charging.tariff_words import number
from charging.templatetags.figures import NOTHING, as_time, kilo, lasted, money, per_kwh
from mobility.errors import Conflict

MARGIN_MM, LABEL_MM, LINE_MM = 22, 52, 7
INK, QUIET, RULE, ACCENT = (23, 29, 27), (70, 80, 77), (211, 219, 216), (0, 105, 95)
FONTS = {"": "unfold/fonts/inter/Inter-Regular.woff2", "B": "unfold/fonts/inter/Inter-SemiBold.woff2"}
Pairs = Iterator[tuple[str, str]]


def receipt(transaction: Transaction, found: dict[str, Any]) -> bytes:
    """The receipt of an ended transaction; `found` is its JSON.

    Raises:
        Conflict: it still runs.
    """
    if transaction.is_open:
        raise Conflict(_("This session still runs. There is a receipt once it has ended."))
    page = blank_page()
    page.set_title(f"{_('Receipt')} {transaction.pk}")
    page.set_font("Inter", "B", 22)
    page.cell(0, 12, _("Receipt"), new_x="LMARGIN", new_y="NEXT")
    write(page, f"{transaction.organization.name} · {_('No.')} {transaction.pk}", size=11, colour=QUIET)
    page.ln(6)
    table(page, _("Session"), session_pairs(transaction, found))
    table(page, _("Energy and cost"), cost_pairs(found))
    if found["cost_lines"] and not transaction.corrected:
        table(page, _("How the cost comes about"), line_pairs(found))
        table(page, _("Tax"), tax_pairs(found["cost_lines"], found["currency"]))
    total(page, money(found["cost"], found["currency"]))
    if transaction.corrected:
        page.ln(4)
        write(page, _("The values of this session were corrected by hand."), colour=QUIET)
    if not transaction.final:
        page.ln(4)
        write(page, _("This bill is not final: something about the session is still being checked."), colour=QUIET)
    page.ln(8)
    issued = _("Issued on %(day)s.") % {"day": written(timezone.now())}
    write(page, issued, size=8.5, colour=QUIET)
    return bytes(page.output())


def session_pairs(transaction: Transaction, found: dict[str, Any]) -> Pairs:
    station = found["station_name"]
    yield _("Station"), station if station == found["station"] else f"{station} ({found['station']})"
    if site := transaction.station.site:
        yield _("Site"), f"{site.name}, {site.address}" if site.address else site.name
    if found["evse_id"]:
        yield _("Connector"), str(found["evse_id"])
    yield _("Started"), written(found["started"])
    yield _("Ended"), written(found["ended"])
    begin, end = as_time(found["started"]), as_time(found["ended"])
    if begin and end:
        yield _("Duration"), lasted(begin, end)
    for label, name in ((_("Who"), "user_name"), (_("Id tag"), "id_tag"), (_("Car"), "car_name")):
        if found[name]:
            yield label, found[name]
    yield _("Transaction id"), found["transaction_id"]


def cost_pairs(found: dict[str, Any]) -> Pairs:
    if found["meter_start_wh"] is not None and found["meter_stop_wh"] is not None:
        yield _("Meter"), f"{kilo(found['meter_start_wh'], 3)} → {kilo(found['meter_stop_wh'], 3)} kWh"
    yield _("Energy"), f"{kilo(found['energy_wh'], 3)} kWh"
    if found["tariff"]:
        yield _("Tariff"), found["tariff"]
    else:
        yield _("Price"), per_kwh(found["price_per_kwh"], found["currency"]) if found["price_per_kwh"] else NOTHING


def line_pairs(found: dict[str, Any]) -> Pairs:
    """The lines of the bill: what, how much of it at which price, and what that comes to."""
    for line in (tariff_line(line, found["currency"]) for line in found["cost_lines"]):
        yield line.label, f"{line.quantity} × {line.price} = {line.amount}" if line.quantity else line.amount


def tax_pairs(lines: list[dict[str, Any]], currency: str) -> Pairs:
    """Net and tax by the rate, as bills have to say them."""
    rates: dict[Decimal, tuple[Decimal, Decimal]] = {}
    for line in lines:
        rate, zero = Decimal(line["tax_percent"]), (Decimal(0), Decimal(0))
        net, tax = rates.get(rate, zero)
        rates[rate] = net + Decimal(line["net"]), tax + Decimal(line["tax"])
    for rate, (net, tax) in sorted(rates.items()):
        label = f"{number(rate)} %"
        yield label, _("%(net)s net + %(tax)s tax") % {"net": money(net, currency), "tax": money(tax, currency)}


def written(at: str | datetime | None) -> str:
    """A time in the reader's zone, with the zone's name: a receipt is read elsewhere, too."""
    moment = as_time(at)
    if moment is None:
        return NOTHING
    local = timezone.localtime(moment)
    # Translators: a date and time with seconds, in Django's format letters.
    return f"{formats.date_format(local, _('j M Y, H:i:s'))} {local.tzname() or ''}".strip()


# --- On paper --------------------------------------------------------------------------------------------------------


def blank_page() -> Any:
    """An A4 page in the font of the portal's pages."""
    # Here, so that only who wants a receipt pays for it.
    from fpdf import FPDF

    page = FPDF()
    for style, name in FONTS.items():
        page.add_font("Inter", style, finders.find(name))
    page.set_margins(MARGIN_MM, MARGIN_MM)
    page.c_margin = 0
    page.set_auto_page_break(True, MARGIN_MM)
    page.set_creator("Mobility")
    page.add_page()
    page.set_draw_color(*RULE)
    page.set_text_color(*INK)
    return page


def write(page: Any, text: str, *, style: str = "", size: float = 10, colour: tuple[int, int, int] = INK) -> None:
    page.set_font("Inter", style, size)
    page.set_text_color(*colour)
    page.multi_cell(0, LINE_MM - 1, printable(text), new_x="LMARGIN", new_y="NEXT", align="L")
    page.set_text_color(*INK)


def table(page: Any, heading: str, pairs: Pairs) -> None:
    """Labels on the left, what they name on the right, a rule above each section."""
    page.ln(2)
    page.line(MARGIN_MM, page.get_y(), page.w - MARGIN_MM, page.get_y())
    page.ln(4)
    write(page, heading, style="B", size=11, colour=ACCENT)
    page.ln(1)
    for label, text in pairs:
        page.set_font("Inter", "", 10)
        page.set_text_color(*QUIET)
        page.cell(LABEL_MM, LINE_MM, label)
        page.set_text_color(*INK)
        page.multi_cell(0, LINE_MM, printable(text), new_x="LMARGIN", new_y="NEXT", align="L")


def total(page: Any, amount: str) -> None:
    page.ln(2)
    page.line(MARGIN_MM, page.get_y(), page.w - MARGIN_MM, page.get_y())
    page.ln(4)
    page.set_font("Inter", "B", 14)
    page.cell(LABEL_MM, 10, _("Total"))
    page.cell(0, 10, printable(amount), new_x="LMARGIN", new_y="NEXT")


def printable(text: str) -> str:
    """What a page can show: stations send anything."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
