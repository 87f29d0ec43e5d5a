"""Who may charge: the CSMS's word on a token, decided inside the ledger's batch.

Nothing here fails open: a token that cannot be looked up is not accepted.
"""

from datetime import datetime

from accounts.models import Membership
from charging.facts import Authorization, IdToken
from charging.ledger.batch import Batch
from charging.live import Event
from charging.models import ChargingStation, IdTag, IdTagAlias, Transaction
from charging.models.id_tags import canonical_id_tag
from charging.queries import id_tags as id_tag_queries


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


def learn(batch: Batch, station: ChargingStation, text: str) -> IdTag | None:
    """Learn mode: bind the next unknown tag at this station to the user who was chosen for it, once, and tell it.

    A tag is learnt for members only: who has left the organization meanwhile gets none.
    """
    waiting = ChargingStation.objects.filter(
        pk=station.pk, learn_tag_for__isnull=False, learn_tag_until__gt=batch.now
    ).values_list("learn_tag_for", flat=True)
    user_id = waiting.first()
    if user_id is None or not canonical_id_tag(text):
        return None
    taken = ChargingStation.objects.filter(pk=station.pk, learn_tag_for=user_id)
    if not taken.update(learn_tag_for=None, learn_tag_until=None):
        return None
    if not Membership.objects.filter(user=user_id, organization=station.organization_id).exists():
        return None
    tag = IdTag.objects.create(
        organization_id=station.organization_id,
        id_tag="".join(ch for ch in text if ch.isprintable())[:255],
        name=f"Learnt at {station}"[:150],
        user_id=user_id,
    )
    data = {**id_tag_queries.as_json(tag), "station_name": str(station)}
    batch.tell(Event("id_tag.learnt", tag.organization_id, station.pk, station.identity, data, user_id=user_id))
    return tag


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
    batch: Batch, station: ChargingStation, token: IdToken | None, *, besides: int | None = None
) -> Authorization:
    """The answer to Authorize, StartTransaction and TransactionEvent (1.6 §4.2, 2.0.1 C01)."""
    if token is None or not canonical_id_tag(token.text):
        return Authorization("unknown")
    tag = find(station.organization_id, token.text) or learn(batch, station, token.text)
    if tag is None:
        return Authorization("unknown")
    status = status_of(tag, batch.now, besides=besides)
    return Authorization(status, tag.pk, tag.user_id, tag.expires, tag.parent_id_tag)
