"""Reading the change feed for those who are not connected: notifications and webhook deliveries, each made once.

A row of the feed stands in the same commit as what it tells. The mark of how far the feed is read moves in the same
transaction that writes what was made of it, and only from where this reader found it: of two workers one does the work,
and what a crash undoes is read again.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from asgiref.sync import async_to_sync
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import webhooks
from accounts.actors import RANKS, Role
from accounts.models import Mark, Membership, User, WebhookDelivery
from accounts.notice_sending import News, Plan, plan
from charging import live
from charging.models import Change, Command, WaitingStation
from charging.news import FEED, LIMITED_FOR, LIMITING, READERS, Marks, Reader, fault_names, is_paused
from charging.queries import feed

#: How far back the first look of an installation reads: beyond its own start.
FIRST_LOOK = timedelta(minutes=5)
MOST = 500
#: How many pages one run reads; the next one continues.
PAGES = 20
WAITING = "waiting_stations"
#: Unknown stations are told of together, at most this often.
WAITING_EVERY = timedelta(minutes=10)
WAITING_TOLD = "waiting_stations_told"


def read(now: datetime) -> tuple[bool, bool]:
    """Read on; -> whether there are notifications, and whether there are webhook deliveries to send."""
    told = read_waiting(now)
    delivered = False
    for _page in range(PAGES):
        step = read_page(now)
        if step is None:
            break
        told, delivered = told or step[0], delivered or step[1]
    return told, delivered


def has_news() -> bool:
    """Whether the feed or the waiting stations have gone on, as far as one look tells."""
    seen = dict(Mark.objects.filter(pk__in=(FEED, WAITING)).values_list("pk", "value"))
    if len(seen) < 2 or seen[FEED] != feed.head():
        return True
    newest = WaitingStation.objects.order_by("-pk").values_list("pk", flat=True).first()
    return newest is not None and newest > seen[WAITING]


def mark(name: str, begin: Callable[[], int]) -> int:
    """Where a mark stands; one that there was not is made where it begins."""
    found = Mark.objects.filter(pk=name).values_list("value", flat=True).first()
    if found is None:
        found = Mark.objects.get_or_create(pk=name, defaults={"value": begin()})[0].value
    return found


def beginning(now: datetime) -> int:
    """Where the first look at the feed begins: what happened long before it is no news."""
    return feed.last_before(now - FIRST_LOOK)


def move(name: str, before: int, after: int) -> bool:
    return bool(Mark.objects.filter(pk=name, value=before).update(value=after))


def read_page(now: datetime) -> tuple[bool, bool] | None:
    """Read the next rows; None when there are none, or another worker reads them."""
    head = feed.head()
    before = mark(FEED, lambda: beginning(now))
    if before == head:
        return None
    rows = feed.after(before, head, MOST)
    reached = rows[-1].cursor if rows else head
    marks = Marks(set(Mark.objects.filter(pk__in=fault_names(rows)).values_list("pk", flat=True)))
    deliveries, planned = webhook_deliveries(rows), notifications(rows, marks, now)
    with transaction.atomic():
        if not move(FEED, before, reached):
            return None
        WebhookDelivery.objects.bulk_create(deliveries, batch_size=100)
        planned.write()
        ring(planned)
        Mark.objects.bulk_create(Mark(name=name, value=1) for name in sorted(marks.begun))
        Mark.objects.filter(pk__in=marks.over).delete()
    return bool(planned.rows), bool(deliveries)


def ring(planned: Plan) -> None:
    """Tell the open pages and phones of those who are told something by the bell, after the commit."""
    events = [
        live.Event(
            "notification.created",
            row.organization_id or live.NO_ORGANIZATION,
            user_id=row.user_id,
            data={"id": row.pk, "kind": row.kind, "title": row.title, "text": row.text, "path": row.path},
        )
        for row, _ways in planned.rows
        if row.in_portal
    ]
    if events:
        transaction.on_commit(lambda: async_to_sync(live.send)(events), robust=True)


def webhook_deliveries(rows: list[Change]) -> list[WebhookDelivery]:
    """For each row and each webhook that wants it, a delivery that is due."""
    hooks = webhooks.listening() if rows else {}
    found = []
    for row in rows:
        listening = [hook for hook in hooks.get(row.organization_id, []) if webhooks.wants(hook, row.event)]
        if not listening:
            continue
        event_id = f"evt_{row.cursor}"
        identity = row.station.identity if row.station else str(row.data.get("identity", ""))
        body = webhooks.body_of(event_id, row.event, row.at, row.organization_id, row.cursor, identity, row.data)
        found += [
            WebhookDelivery(webhook=hook, event_id=event_id, event=row.event, cursor=row.cursor, body=body)
            for hook in listening
        ]
    return found


def notifications(rows: list[Change], marks: Marks, now: datetime) -> Plan:
    told = [row for row in rows if row.event in READERS]
    paused = {row.station_id for row in told if is_paused(row)}
    limits = Command.objects.filter(station__in=paused, kind__in=LIMITING, status=Command.Status.ACCEPTED)
    lately = limits.filter(answered_at__gte=now - LIMITED_FOR).values_list("station", flat=True) if paused else ()
    reader = Reader({}, {}, marks, set(lately), now)
    organizations = {row.organization_id for row in told}
    for membership in Membership.objects.filter(organization_id__in=organizations):
        reader.members.setdefault(membership.organization_id, set()).add(membership.user_id)
        if RANKS[Role(membership.role)] >= RANKS[Role.MANAGER]:
            reader.managers.setdefault(membership.organization_id, set()).add(membership.user_id)
    return plan([news for row in told for news in reader.read(row)], now)


# --- Unknown stations, which belong to no organization and are in no feed --------------------------------------------


def read_waiting(now: datetime) -> bool:
    """Tell platform admins of stations that knock and were not there before."""
    newest = WaitingStation.objects.order_by("-pk").values_list("pk", "identity").first()
    before = mark(WAITING, lambda: known_before(now))
    if newest is None or newest[0] <= before:
        return False
    last = mark(WAITING_TOLD, lambda: 0)
    if now.timestamp() < last + WAITING_EVERY.total_seconds():
        return False
    identities = list(WaitingStation.objects.filter(pk__gt=before).order_by("pk").values_list("identity", flat=True))
    admins = set(User.objects.filter(is_superuser=True, is_active=True).values_list("pk", flat=True))
    news = News(
        f"waiting.{newest[0]}", {"station_waiting": admins}, lambda _kind: say_waiting(identities), reverse("waiting")
    )
    planned = plan([news], now)
    with transaction.atomic():
        if not move(WAITING, before, newest[0]):
            return False
        Mark.objects.filter(pk=WAITING_TOLD).update(value=int(now.timestamp()))
        planned.write()
        ring(planned)
    return bool(planned.rows)


def known_before(now: datetime) -> int:
    """The last of the stations that knocked long before the first look."""
    rows = WaitingStation.objects.filter(first_seen__lt=now - FIRST_LOOK).order_by("-pk")
    return rows.values_list("pk", flat=True).first() or 0


def say_waiting(identities: list[str]) -> tuple[str, str]:
    count = len(identities)
    title = ngettext("An unknown station knocks: %(first)s", "%(count)s unknown stations knock", count)
    names = ", ".join(identities[:10]) + (" …" if count > 10 else "")
    text = _("Take it in under Waiting stations, if it is yours: %(names)s") % {"names": names}
    return title % {"first": identities[0], "count": count}, text
