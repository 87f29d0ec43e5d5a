"""How a session's cost comes about, as lines that add up to it."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from charging.energy import MOST_WH, cost_of
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


def plain(amount: Decimal) -> str:
    """All its decimals, at least two."""
    whole, _dot, rest = f"{amount.normalize():f}".partition(".")
    return f"{whole}.{rest.ljust(2, '0')}"
