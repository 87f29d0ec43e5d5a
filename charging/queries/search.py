"""Finding things by a few letters, in a handful of rows each: what the actor may see, and nothing else."""

from django.db.models import Case, IntegerField, Q, QuerySet, Value, When

from accounts.actors import Actor, Role
from accounts.models import Membership
from charging.models import ChargingStation, IdTag, Site, Transaction
from charging.models.id_tags import canonical_id_tag
from charging.queries import id_tags, sites, stations, transactions

MOST = 6
#: A primary key has 64 bits.
MOST_DIGITS = 18


def nearest_first(*beginnings: Q) -> Case:
    """An order: rows that begin with what is looked for before those that have it somewhere."""
    whens = [When(beginning, then=Value(0)) for beginning in beginnings]
    return Case(*whens, default=Value(1), output_field=IntegerField())


def stations_like(actor: Actor, words: str) -> "QuerySet[ChargingStation]":
    """By name, identity or serial number."""
    found = Q(name__icontains=words) | Q(identity__icontains=words) | Q(serial_number__icontains=words)
    order = nearest_first(Q(identity__istartswith=words), Q(name__istartswith=words))
    return stations.visible(actor).filter(found).order_by(order, "name", "identity")[:MOST]


def sites_like(actor: Actor, words: str) -> "QuerySet[Site]":
    """By name or address."""
    found = Q(name__icontains=words) | Q(address__icontains=words)
    return sites.visible(actor).filter(found).order_by(nearest_first(Q(name__istartswith=words)), "name", "pk")[:MOST]


def id_tags_like(actor: Actor, words: str) -> "QuerySet[IdTag]":
    """By name, by the tag in any spelling, or by the person it belongs to."""
    found = Q(name__icontains=words) | Q(id_tag__icontains=words) | Q(user__name__icontains=words)
    if canonical_id_tag(words):
        found |= Q(canonical__contains=canonical_id_tag(words))
    order = nearest_first(Q(id_tag__istartswith=words), Q(name__istartswith=words))
    return id_tags.visible(actor).filter(found).order_by(order, "name", "id_tag")[:MOST]


def members_like(actor: Actor, words: str) -> "QuerySet[Membership]":
    """By name or e-mail address: everyone where the actor manages, oneself elsewhere."""
    rows = Membership.objects.select_related("user", "organization")
    managed = actor.organization_ids(Role.MANAGER)
    if managed is not None:
        rows = rows.filter(Q(organization_id__in=managed) | Q(user=actor.user))
    found = rows.filter(Q(user__name__icontains=words) | Q(user__email__icontains=words))
    order = nearest_first(Q(user__name__istartswith=words), Q(user__email__istartswith=words))
    return found.order_by(order, "user__name", "user__email", "pk")[:MOST]


def sessions_like(actor: Actor, words: str) -> "QuerySet[Transaction]":
    """By their number, as pages and receipts show it: `12` or `#12`."""
    digits = words.removeprefix("#").strip()
    rows = transactions.visible(actor)
    if not (digits.isascii() and digits.isdecimal()) or len(digits) > MOST_DIGITS:
        return rows.none()
    return rows.filter(pk=int(digits))
