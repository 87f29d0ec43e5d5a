"""Sessions by a few letters of a station, a tag, a car or a person, among a million of them.

What is named is looked for first, in small tables; the sessions follow by their keys. Asked in one go with joins, the
database reads every session and what belongs to it.
"""

from django.db.models import Q, QuerySet

from accounts.actors import Actor
from accounts.models import User
from charging.models import Car, ChargingStation, IdTag, Transaction
from charging.models.id_tags import canonical_id_tag
from charging.queries import cars, id_tags, stations

#: As many of a kind are found by their keys; more are left to a subquery, which every session is then held against.
MOST_KEYS = 500


def found(actor: Actor, rows: "QuerySet[Transaction]", words: str) -> "QuerySet[Transaction]":
    """Those of `rows` (which the actor may see) whose station, tag, car or person has `words` in it.

    A person is found only where the actor sees whose session it is: among `rows`.
    """
    kinds = {
        "station": stations_named(actor, words),
        "id_tag": tags_named(actor, words),
        "car": cars_named(actor, words),
        "user": people_named(words),
    }
    #: A token that nobody has entered stands in the session alone.
    foreign = Q(id_tag__isnull=True, id_token__icontains=words)
    keys = {kind: list(named.values_list("pk", flat=True)[: MOST_KEYS + 1]) for kind, named in kinds.items()}
    if all(len(some) <= MOST_KEYS for some in keys.values()):
        # Only keys here: with the organization beside them, SQLite would walk all of its sessions.
        parts = [Q(**{f"{kind}__in": some}) for kind, some in keys.items() if some]
        bare = Transaction.objects.order_by().values("pk")
        return rows.filter(pk__in=bare.filter(foreign).union(*(bare.filter(part) for part in parts)))
    wanted = foreign
    for kind, named in kinds.items():
        wanted |= Q(**{f"{kind}__in": keys[kind] if len(keys[kind]) <= MOST_KEYS else named.values("pk")})
    return rows.filter(wanted)


def stations_named(actor: Actor, words: str) -> "QuerySet[ChargingStation]":
    named = Q(name__icontains=words) | Q(identity__icontains=words)
    return stations.visible(actor).filter(named).select_related(None).order_by()


def tags_named(actor: Actor, words: str) -> "QuerySet[IdTag]":
    named = Q(name__icontains=words) | Q(id_tag__icontains=words)
    if canonical_id_tag(words):
        named |= Q(canonical__contains=canonical_id_tag(words))
    return id_tags.visible(actor).filter(named).select_related(None).order_by()


def cars_named(actor: Actor, words: str) -> "QuerySet[Car]":
    return cars.visible(actor).filter(name__icontains=words).select_related(None).order_by()


def people_named(words: str) -> "QuerySet[User]":
    return User.objects.filter(Q(name__icontains=words) | Q(email__icontains=words)).order_by()
