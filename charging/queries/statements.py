"""What a month's sessions come to: by person, by id tag or by cost centre."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Sum
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actors import Actor
from charging.models import Transaction
from charging.queries import transactions
from mobility.errors import Invalid

#: by what -> (its name, the field that groups, the fields that name a group)
GROUPS: dict[str, tuple[Any, str, tuple[str, ...]]] = {
    "user": (gettext_lazy("Person"), "user", ("user__name", "user__email")),
    "id_tag": (gettext_lazy("Id tag"), "id_tag", ("id_tag__name", "id_tag__id_tag")),
    "cost_center": (gettext_lazy("Cost centre"), "id_tag__cost_center", ("id_tag__cost_center",)),
}
#: The key of what has no person, tag or cost centre.
NONE = "-"
MOST_GROUPS = 2000


@dataclass(frozen=True, slots=True)
class Group:
    """One line of the overview. `held` bills are in it, and not final."""

    key: str
    name: str
    currency: str
    count: int
    energy_wh: float
    cost: Decimal
    held: int

    def with_(self, other: "Group") -> "Group":
        """Both together: sessions without a tag, and those whose tag has no cost centre."""
        return replace(
            self,
            count=self.count + other.count,
            energy_wh=self.energy_wh + other.energy_wh,
            cost=self.cost + other.cost,
            held=self.held + other.held,
        )


@dataclass(frozen=True, slots=True)
class Month:
    """A calendar month of the reader's zone, half open."""

    first: date

    @property
    def begin(self) -> datetime:
        return timezone.make_aware(datetime.combine(self.first, time.min))

    @property
    def next(self) -> "Month":
        return Month((self.first.replace(day=28) + (date(2000, 1, 5) - date(2000, 1, 1))).replace(day=1))

    @property
    def before(self) -> "Month":
        return Month(date.fromordinal(self.first.toordinal() - 1).replace(day=1))

    @property
    def key(self) -> str:
        return f"{self.first:%Y-%m}"


def month(text: str) -> Month:
    """`2026-11`; the present one for nothing. Raises Invalid."""
    if not text:
        return Month(timezone.localdate().replace(day=1))
    try:
        found = date.fromisoformat(f"{text}-01")
    except ValueError:
        found = date.min
    if not 2000 <= found.year < 2200:
        why = _("This is a month such as 2026-11.")
        raise Invalid(why, fields={"month": why})
    return Month(found)


def sessions(actor: Actor, period: Month) -> QuerySet[Transaction]:
    """The sessions that ended in a month and have a cost, as far as the actor sees them."""
    rows = transactions.visible(actor).exclude(state__in=Transaction.OPEN)
    return rows.filter(ended__gte=period.begin, ended__lt=period.next.begin, cost__isnull=False)


def grouped(actor: Actor, period: Month, by: str) -> "QuerySet[Any, Any]":
    """The sessions with what groups them as `group`."""
    return sessions(actor, period).order_by().annotate(group=F(kind(by)[1]))


def groups(actor: Actor, period: Month, by: str) -> list[Group]:
    """The month by person, id tag or cost centre, and by currency."""
    rows = grouped(actor, period, by).values("group", "currency")
    summed = rows.annotate(
        count=Count("pk"), wh=Sum("energy_wh"), total=Sum("cost"), held=Count("pk", filter=Q(final=False))
    )
    named = _names(actor, period, by)
    found: dict[tuple[str, str], Group] = {}
    for row in summed.order_by("group", "currency")[:MOST_GROUPS]:
        group = Group(
            str(row["group"] or NONE),
            named.get(row["group"]) or _("without"),
            row["currency"],
            row["count"],
            row["wh"] or 0.0,
            row["total"] or Decimal(0),
            row["held"],
        )
        same = found.get((group.key, group.currency))
        found[group.key, group.currency] = group if same is None else same.with_(group)
    return sorted(found.values(), key=lambda group: (group.key == NONE, group.name.casefold(), group.currency))


def _names(actor: Actor, period: Month, by: str) -> dict[Any, str]:
    """What the groups are called: the first of their names that there is."""
    rows = grouped(actor, period, by).values_list("group", *kind(by)[2]).distinct()
    return {row[0]: next((text for text in row[1:] if text), "") for row in rows[:MOST_GROUPS]}


def of_group(actor: Actor, period: Month, by: str, key: str) -> QuerySet[Transaction]:
    """The sessions of one group in the order of their ends."""
    _name, field, _names = kind(by)
    rows = sessions(actor, period).order_by("ended", "pk")
    if key == NONE:
        empty = Q(**{f"{field}__isnull": True})
        return rows.filter(empty | Q(**{field: ""}) if by == "cost_center" else empty)
    if by != "cost_center" and not (key.isascii() and key.isdigit() and len(key) < 18):
        return rows.none()
    return rows.filter(**{field: key})


def kind(by: str) -> tuple[Any, str, tuple[str, ...]]:
    """Raises Invalid."""
    if by not in GROUPS:
        why = _("Choose one of %(choices)s.") % {"choices": ", ".join(GROUPS)}
        raise Invalid(why, fields={"by": why})
    return GROUPS[by]


def taxes(rows: Iterable[Transaction]) -> dict[Decimal, tuple[Decimal, Decimal]]:
    """Net and tax by the rate, of sessions under a tariff; those without say no tax."""
    found: dict[Decimal, tuple[Decimal, Decimal]] = {}
    for row in rows:
        for line in row.cost_lines if not row.corrected else ():
            rate = Decimal(line["tax_percent"])
            net, tax = found.get(rate, (Decimal(0), Decimal(0)))
            found[rate] = net + Decimal(line["net"]), tax + Decimal(line["tax"])
    return dict(sorted(found.items()))
