"""How a session's cost comes about, as lines that add up to it."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.utils import formats
from django.utils.translation import gettext as _

from charging.energy import MOST_WH, cost_of
from charging.tariff_words import LINES, UNITS, number
from charging.templatetags.figures import kilo, money, per_kwh, symbol


@dataclass(frozen=True, slots=True)
class CostLine:
    """One line; its texts are ready to be shown."""

    label: str
    quantity: str = ""
    price: str = ""
    amount: str = ""
    note: str = ""


def cost_lines(json: dict[str, Any]) -> list[CostLine]:
    """The lines of a transaction's JSON; none where no price is known."""
    energy_wh, currency = json["energy_wh"], json["currency"]
    if json["cost"] is None:
        return []
    quantity, cost = f"{kilo(energy_wh, 3)} kWh", Decimal(json["cost"])
    if json["corrected"]:
        return [CostLine(_("As corrected"), quantity, amount=money(cost, currency))]
    if json.get("cost_lines"):
        return [tariff_line(line, currency) for line in json["cost_lines"]]
    if json["price_per_kwh"] is None:
        return []
    price = Decimal(json["price_per_kwh"])
    exact = price * round(min(energy_wh, MOST_WH) * 1000) / 1_000_000
    lines = [CostLine(_("Energy"), quantity, per_kwh(price, currency), f"{plain(exact)} {symbol(currency)}")]
    rounding = cost - exact
    if rounding and cost == cost_of(energy_wh, price):
        sign = "+" if rounding > 0 else "−"
        text = f"{sign}{plain(abs(rounding))} {symbol(currency)}"
        lines.append(CostLine(_("Rounding"), amount=text, note=_("half up to the cent, once for the whole session")))
    return lines


def tariff_line(line: dict[str, Any], currency: str) -> CostLine:
    """A line of a tariff's bill."""
    notes = [_("the price varied: this is its average")] if line["average"] else []
    if Decimal(line["tax"]):
        tax = {"tax": money(line["tax"], currency), "percent": number(Decimal(line["tax_percent"]))}
        notes.append(_("of this %(tax)s tax (%(percent)s %%)") % tax)
    label, amount = str(LINES.get(line["part"], line["part"])), money(line["gross"], currency)
    if line["part"] in ("session", "minimum", "maximum"):
        return CostLine(label, amount=amount, note="; ".join(notes))
    unit = str(UNITS[line["unit"]])
    quantity = f"{number(rounded(Decimal(line['quantity'])))} {unit}"
    return CostLine(label, quantity, f"{price_in(line['price'], currency)}/{unit}", amount, "; ".join(notes))


def rounded(quantity: Decimal) -> Decimal:
    return quantity.quantize(Decimal("0.001"), ROUND_HALF_UP)


def price_in(price: str, currency: str) -> str:
    return f"{number(Decimal(price), 2)} {symbol(currency)}"


def plain(amount: Decimal) -> str:
    """All its decimals, at least two."""
    places = len(f"{amount.normalize():f}".partition(".")[2])
    return str(formats.number_format(amount, max(places, 2), force_grouping=True))
