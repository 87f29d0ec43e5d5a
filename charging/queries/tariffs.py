"""Reading tariffs: which version holds for whom and what, and what is needed to compute with it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db.models import Prefetch, QuerySet
from django.utils import timezone

from accounts.actors import Actor
from charging import tariff_words, tariffs
from charging.models import (
    ChargingStation,
    Holiday,
    IdTag,
    PriceSlot,
    Site,
    Tariff,
    TariffAssignment,
    TariffVersion,
)
from charging.models.id_tags import canonical_id_tag
from charging.queries.scope import everything, iso, never_for_drivers, one
from charging.tariff_terms import Terms, parse_parts

Scope = TariffAssignment.Scope
#: The more particular one wins.
PRECEDENCE = (Scope.USER, Scope.ID_TAG, Scope.TAG_GROUP, Scope.STATION, Scope.SITE, Scope.ORGANIZATION)
#: Slots are an hour long at most, those of a few sources longer.
LONGEST_SLOT = timedelta(days=1)


def visible(actor: Actor) -> QuerySet[Tariff]:
    """The organization's tariffs with their versions, the newest first; nothing where the actor is a driver."""
    versions = Prefetch("versions", queryset=TariffVersion.objects.order_by("-valid_from", "-number"))
    return never_for_drivers(actor, Tariff.objects.all()).prefetch_related(versions)


def get(actor: Actor, pk: object) -> Tariff:
    """Raises NotFound."""
    return one(visible(actor), "tariff", pk=pk)


def version(tariff: Tariff, number: object = None, *, at: datetime | None = None) -> TariffVersion:
    """The version of that number, else the one in force at a moment, else the first to come. Raises NotFound."""
    rows = TariffVersion.objects.select_related("tariff").filter(tariff=tariff)
    if number is not None:
        return one(rows, "version of this tariff", number=number)
    in_force = rows.filter(valid_from__lte=at or timezone.now()).order_by("-valid_from", "-number").first()
    return in_force or one(rows.order_by("valid_from", "number"), "version of this tariff")


def assignments(actor: Actor) -> QuerySet[TariffAssignment]:
    rows = TariffAssignment.objects.select_related("tariff", "user", "id_tag", "station", "site")
    return never_for_drivers(actor, rows).order_by("key")


def get_assignment(actor: Actor, pk: object) -> TariffAssignment:
    """Raises NotFound."""
    return one(assignments(actor), "assignment", pk=pk)


def holidays(actor: Actor) -> QuerySet[Holiday]:
    return everything(actor, Holiday.objects.all()).order_by("day")


def get_holiday(actor: Actor, pk: object) -> Holiday:
    """Raises NotFound."""
    return one(holidays(actor), "holiday", pk=pk)


# --- Which one holds --------------------------------------------------------------------------------------------------


def key_of(scope: str, target: object = "") -> str:
    """What an assignment is found by: `station:7`, `tag_group:FLEET`, `organization:`."""
    return f"{scope}:{target}"


def keys_for(
    *, user_id: int | None = None, tag: IdTag | None = None, station_id: int | None = None, site_id: int | None = None
) -> list[str]:
    """The keys under which a session's tariff may be assigned, the most particular first."""
    targets: dict[str, object] = {
        Scope.USER: user_id,
        Scope.ID_TAG: tag.pk if tag else None,
        Scope.TAG_GROUP: (canonical_id_tag(tag.parent_id_tag) or None) if tag else None,
        Scope.STATION: station_id,
        Scope.SITE: site_id,
        Scope.ORGANIZATION: "",
    }
    return [key_of(scope, targets[scope]) for scope in PRECEDENCE if targets[scope] is not None]


def effective(organization_id: int, keys: list[str], at: datetime) -> TariffVersion | None:
    """The version that holds at a moment under the first of the keys that has one; None without any."""
    found = TariffAssignment.objects.filter(organization_id=organization_id, key__in=keys)
    tariff_of = dict(found.values_list("key", "tariff_id"))
    if not tariff_of:
        return None
    rows = TariffVersion.objects.select_related("tariff").filter(tariff__in=set(tariff_of.values()), valid_from__lte=at)
    newest = {row.tariff_id: row for row in rows.order_by("valid_from", "number")}
    wanted = (tariff_of[key] for key in keys if key in tariff_of)
    return next((newest[pk] for pk in wanted if pk in newest), None)


def of_stations(stations: Iterable[ChargingStation], at: datetime | None = None) -> dict[int, TariffVersion]:
    """The version that holds at each station for everybody: two queries for any number of stations, none where it is
    known of them that nothing is assigned."""
    stations = [station for station in stations if getattr(station, "has_tariffs", True)]
    if not stations:
        return {}
    found = TariffAssignment.objects.filter(
        organization__in={station.organization_id for station in stations},
        scope__in=(Scope.STATION, Scope.SITE, Scope.ORGANIZATION),
    )
    tariff_of = {(org, key): tariff for org, key, tariff in found.values_list("organization_id", "key", "tariff_id")}
    if not tariff_of:
        return {}
    rows = TariffVersion.objects.select_related("tariff").filter(
        tariff__in=set(tariff_of.values()), valid_from__lte=at or timezone.now()
    )
    newest = {row.tariff_id: row for row in rows.order_by("valid_from", "number")}
    holding: dict[int, TariffVersion] = {}
    for station in stations:
        for key in keys_for(station_id=station.pk, site_id=station.site_id):
            version = newest.get(tariff_of.get((station.organization_id, key), 0))
            if version is not None:
                holding[station.pk] = version
                break
    return holding


# --- What is needed to compute ----------------------------------------------------------------------------------------


def terms_of(version: TariffVersion) -> Terms:
    return Terms(
        parts=parse_parts(version.parts),
        currency=version.tariff.currency,
        prices_include_tax=version.prices_include_tax,
        tax_percent=Decimal(version.tax_percent),
        minimum=version.minimum,
        maximum=version.maximum,
    )


@dataclass(slots=True)
class Pricing:
    """A version with all that decides what it costs somewhere: the site's clock, holidays, dynamic prices."""

    terms: Terms
    zone: tzinfo
    organization_id: int
    holidays: frozenset[date] = frozenset()
    slots: dict[str, list[tuple[datetime, datetime, Decimal]]] = field(default_factory=dict)

    def bill(self, session: tariffs.Session) -> tariffs.Bill:
        """What a session costs, with the dynamic prices known by now."""
        self.learn_slots(session.started, session.ended)
        return tariffs.bill(session, self.terms, zone=self.zone, holidays=self.holidays, slots=self.slots)

    def learn_slots(self, begin: datetime, end: datetime) -> None:
        """Read the prices of a time, where a part is dynamic at all."""
        if self.terms.zones:
            self.slots = slots_by_zone(self.organization_id, self.terms.zones, begin, end, self.terms.currency)


def pricing(version: TariffVersion, organization_id: int, zone: tzinfo) -> Pricing:
    terms = terms_of(version)
    days: frozenset[date] = frozenset()
    if terms.by_holiday:
        days = frozenset(Holiday.objects.filter(organization=organization_id).values_list("day", flat=True))
    return Pricing(terms, zone, organization_id, days)


def slots_by_zone(
    organization_id: int, zones: set[str], begin: datetime, end: datetime, currency: str
) -> dict[str, list[tuple[datetime, datetime, Decimal]]]:
    rows = PriceSlot.objects.filter(
        organization=organization_id,
        zone__in=zones,
        begin__gte=begin - LONGEST_SLOT,
        begin__lte=end,
        end__gt=begin,
        currency=currency,
    )
    found: dict[str, list[tuple[datetime, datetime, Decimal]]] = {zone: [] for zone in zones}
    for zone, first, last, price in rows.order_by("begin").values_list("zone", "begin", "end", "price_per_kwh"):
        earlier = found[zone]
        if earlier and earlier[-1][1] > first:
            # Quarters that replace an hour: the later beginning holds from then on.
            earlier[-1] = (earlier[-1][0], first, earlier[-1][2])
        earlier.append((first, last, price))
    return found


def zone_of_site(site: Site | None) -> tzinfo:
    try:
        return ZoneInfo(site.time_zone) if site else UTC
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


# --- As REST gives it -------------------------------------------------------------------------------------------------


def as_json(tariff: Tariff) -> dict[str, Any]:
    """A tariff with all its versions, for one of `visible`."""
    return {
        "id": tariff.pk,
        "organization": tariff.organization_id,
        "name": tariff.name,
        "currency": tariff.currency,
        "created_at": iso(tariff.created_at),
        "versions": [version_as_json(version) for version in tariff.versions.all()],
    }


def version_as_json(version: TariffVersion) -> dict[str, Any]:
    def amount(value: Decimal | None) -> str | None:
        return None if value is None else f"{value:.2f}"

    return {
        "number": version.number,
        "valid_from": iso(version.valid_from),
        "parts": version.parts,
        "prices_include_tax": version.prices_include_tax,
        "tax_percent": amount(version.tax_percent),
        "minimum": amount(version.minimum),
        "maximum": amount(version.maximum),
        "note": version.note,
        "description": tariff_words.sentences(terms_of(version)),
        "created_at": iso(version.created_at),
    }


def assignment_as_json(assignment: TariffAssignment) -> dict[str, Any]:
    target = target_of(assignment)
    name = {Scope.STATION: "identity"}.get(Scope(assignment.scope), "pk")
    return {
        "id": assignment.pk,
        "organization": assignment.organization_id,
        "scope": str(assignment.scope),
        "tariff": assignment.tariff_id,
        "tariff_name": assignment.tariff.name,
        "target": target if isinstance(target, str) else str(getattr(target, name)) if target else None,
        "target_name": shown(target),
    }


def target_of(assignment: TariffAssignment) -> Any:
    """The user, tag, station or site, the name of the tag group, or None for the organization."""
    if assignment.scope == Scope.ORGANIZATION:
        return None
    return getattr(assignment, str(assignment.scope))


def shown(target: Any) -> str:
    return str(getattr(target, "display_name", target)) if target else ""


def holiday_as_json(holiday: Holiday) -> dict[str, Any]:
    return {
        "id": holiday.pk,
        "organization": holiday.organization_id,
        "day": holiday.day.isoformat(),
        "name": holiday.name,
    }


def summary(version: TariffVersion | None) -> dict[str, Any] | None:
    """What a station's page and JSON say of its tariff."""
    if version is None:
        return None
    return {
        "id": version.tariff_id,
        "name": version.tariff.name,
        "version": version.number,
        "currency": version.tariff.currency,
        "description": tariff_words.one_line(terms_of(version)),
    }


def at_station(station: ChargingStation) -> dict[str, Any] | None:
    """The tariff that holds at a station for everybody, in short; None where its price per kWh holds."""
    return summary(of_stations([station]).get(station.pk))
