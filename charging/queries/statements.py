"""What a month's sessions come to: by person, by id tag or by cost centre."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Sum
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actors import Actor
from charging.models import PersonCostCenter, Transaction
from charging.queries import transactions
from mobility.errors import Invalid

#: by what -> (its name, the field that groups, the fields that name a group)
GROUPS: dict[str, tuple[Any, str, tuple[str, ...]]] = {
    "user": (gettext_lazy("Person"), "user", ("user__name", "user__email")),
    "id_tag": (gettext_lazy("Id tag"), "id_tag", ("id_tag__name", "id_tag__id_tag")),
    "cost_center": (gettext_lazy("Cost centre"), "", ()),
}
#: The most particular one that is set counts: the id tag's, the person's, the station's.
CENTERS = ("id_tag__cost_center", "user_id", "station__cost_center")
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


def asked(params: Mapping[str, str]) -> tuple[Month, str]:
    """The month and by what, as an address names them: `?month=2026-11&by=user`. Raises Invalid."""
    by = params.get("by") or "user"
    kind(by)
    return month(params.get("month", "")), by


def sessions(actor: Actor, period: Month) -> QuerySet[Transaction]:
    """The sessions that ended in a month and have a cost, as far as the actor sees them."""
    rows = transactions.visible(actor).exclude(state__in=Transaction.OPEN)
    return rows.filter(ended__gte=period.begin, ended__lt=period.next.begin, cost__isnull=False)


def grouped(actor: Actor, period: Month, by: str) -> "QuerySet[Any, Any]":
    """The sessions with what groups them as `group`."""
    return sessions(actor, period).order_by().annotate(group=F(kind(by)[1]))


def centers_of(rows: QuerySet[Transaction]) -> dict[tuple[int, int], str]:
    """(organization, person) -> the person's cost centre there, for the people of some sessions."""
    found = PersonCostCenter.objects.filter(user__in=rows.order_by().values("user"))
    return {(org, user): text for org, user, text in found.values_list("organization_id", "user_id", "cost_center")}


def center_of(row: Transaction, people: dict[tuple[int, int], str]) -> str:
    """The cost centre of a session: its id tag's, else its person's, else its station's."""
    own = row.id_tag.cost_center if row.id_tag else ""
    return own or people.get((row.organization_id, row.user_id or 0), "") or row.station.cost_center


def summed_up(rows: "QuerySet[Any, Any]") -> "QuerySet[Any, Any]":
    return rows.annotate(
        count=Count("pk"), wh=Sum("energy_wh"), total=Sum("cost"), held=Count("pk", filter=Q(final=False))
    )


def by_center(actor: Actor, period: Month) -> list[Group]:
    """The month by cost centre and currency."""
    people = centers_of(sessions(actor, period))
    found: dict[tuple[str, str], Group] = {}
    rows = sessions(actor, period).order_by().values("organization_id", *CENTERS, "currency")
    for row in summed_up(rows):
        own, user, of_station = (row[name] for name in CENTERS)
        text = own or people.get((row["organization_id"], user), "") or of_station
        cost, energy_wh = row["total"] or Decimal(0), row["wh"] or 0.0
        key = text or NONE
        group = Group(key, text or _("without"), row["currency"], row["count"], energy_wh, cost, row["held"])
        same = found.get((key, group.currency))
        found[key, group.currency] = group if same is None else same.with_(group)
    return in_order(found.values())


def in_order(groups: Iterable[Group]) -> list[Group]:
    return sorted(groups, key=lambda group: (group.key == NONE, group.name.casefold(), group.currency))


def groups(actor: Actor, period: Month, by: str) -> list[Group]:
    """The month by person, id tag or cost centre, and by currency."""
    kind(by)
    if by == "cost_center":
        return by_center(actor, period)
    summed = summed_up(grouped(actor, period, by).values("group", "currency"))
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
    return in_order(found.values())


def _names(actor: Actor, period: Month, by: str) -> dict[Any, str]:
    """What the groups are called: the first of their names that there is."""
    rows = grouped(actor, period, by).values_list("group", *kind(by)[2]).distinct()
    return {row[0]: next((text for text in row[1:] if text), "") for row in rows[:MOST_GROUPS]}


def of_group(actor: Actor, period: Month, by: str, key: str) -> QuerySet[Transaction]:
    """The sessions of one group in the order of their ends."""
    _name, field, _names = kind(by)
    rows = sessions(actor, period).order_by("ended", "pk")
    if by == "cost_center":
        return of_center(rows, "" if key == NONE else key)
    if key == NONE:
        return rows.filter(**{f"{field}__isnull": True})
    if not (key.isascii() and key.isdigit() and len(key) < 18):
        return rows.none()
    return rows.filter(**{field: key})


def of_center(rows: QuerySet[Transaction], text: str) -> QuerySet[Transaction]:
    """The sessions of a cost centre; of none for an empty text."""
    person = PersonCostCenter.objects.filter(organization=OuterRef("organization"), user=OuterRef("user"))
    tagless = Q(id_tag__isnull=True) | Q(id_tag__cost_center="")
    by_station = tagless & ~Exists(person) & Q(station__cost_center=text)
    if not text:
        return rows.filter(by_station)
    return rows.filter(Q(id_tag__cost_center=text) | (tagless & Exists(person.filter(cost_center=text))) | by_station)


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
