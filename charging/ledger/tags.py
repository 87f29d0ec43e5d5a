"""Who may charge: the CSMS's word on a token, decided inside the ledger's batch.

Nothing here fails open: a token that cannot be looked up is not accepted.
"""

from datetime import datetime

from charging.facts import Authorization, IdToken
from charging.models import ChargingStation, IdTag, IdTagAlias, Transaction
from charging.models.id_tags import canonical_id_tag


def find(organization_id: int, text: str) -> IdTag | None:
    """A tag by its canonical form, else by an alias."""
    canonical = canonical_id_tag(text)
    if not canonical:
        return None
    tag = IdTag.objects.filter(organization_id=organization_id, canonical=canonical).first()
    if tag is None:
        alias = IdTagAlias.objects.select_related("id_tag").filter(organization_id=organization_id, canonical=canonical)
        found = alias.first()
        tag = found.id_tag if found else None
    return tag


def learn(station: ChargingStation, text: str, now: datetime) -> IdTag | None:
    """Learn mode: bind the next unknown tag at this station to the user who asked for it, once."""
    fresh = ChargingStation.objects.filter(
        pk=station.pk, learn_tag_for__isnull=False, learn_tag_until__gt=now
    ).values_list("learn_tag_for", flat=True)
    user_id = fresh.first()
    if user_id is None or not canonical_id_tag(text):
        return None
    ChargingStation.objects.filter(pk=station.pk).update(learn_tag_for=None, learn_tag_until=None)
    return IdTag.objects.create(
        organization_id=station.organization_id, id_tag=text, name=f"Learnt at {station}", user_id=user_id
    )


def status_of(tag: IdTag, now: datetime, *, besides: int | None = None) -> str:
    """accepted, blocked, expired or concurrent. `besides` is a transaction that does not count as active."""
    if tag.blocked:
        return "blocked"
    if tag.expires is not None and tag.expires <= now:
        return "expired"
    if tag.max_active_transactions is not None:
        active = Transaction.objects.filter(id_tag=tag, state__in=Transaction.OPEN).exclude(pk=besides or 0).count()
        if active >= tag.max_active_transactions:
            return "concurrent"
    return "accepted"


def decide(
    station: ChargingStation, token: IdToken | None, now: datetime, *, besides: int | None = None
) -> Authorization:
    """The answer to Authorize, StartTransaction and TransactionEvent (1.6 §4.2, 2.0.1 C01)."""
    if token is None or not canonical_id_tag(token.text):
        return Authorization("unknown")
    tag = find(station.organization_id, token.text) or learn(station, token.text, now)
    if tag is None:
        return Authorization("unknown")
    status = status_of(tag, now, besides=besides)
    return Authorization(status, tag.pk, tag.user_id, tag.expires, tag.parent_id_tag)
