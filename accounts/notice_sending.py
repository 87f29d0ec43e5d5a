"""From a piece of news to the people it concerns: one notification each, and its deliveries by mail and push."""

import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from celery import shared_task
from django.conf import settings
from django.db.models import F, QuerySet
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts import mails, notices, push
from accounts.models import DeliveryStatus, Notification, NotificationDelivery, PushSubscription, User
from accounts.sending import send_due
from mobility.beat import only_if

#: After which attempt how long to wait; after the last one it has failed.
DELAYS = tuple(timedelta(seconds=s) for s in (10, 60, 600, 3600, 6 * 3600))
#: When a row that a worker has claimed and left undone is due again.
LEASE = timedelta(seconds=120)
MOST = 32
#: Held by the run of this process.
_turn = threading.Lock()

#: Makes (title, text) in the language and time zone that are active, of a kind of news.
Say = Callable[[str], tuple[str, str]]


@dataclass(slots=True)
class News:
    """Something that people may want to know.

    `to` is kind -> whom it concerns under that kind. Where it fits several kinds, a person is told under the first, and
    under a later one only over channels that no earlier one took. `key` names it: nobody is told twice.
    """

    key: str
    to: dict[str, set[int]]
    say: Say
    path: str = ""
    organization_id: int | None = None


@dataclass(slots=True)
class Plan:
    """Rows to be written within the transaction that moves the feed's mark."""

    rows: list[tuple[Notification, list[NotificationDelivery]]] = field(default_factory=list)

    def write(self) -> None:
        for row, deliveries in self.rows:
            row.save()
            for delivery in deliveries:
                delivery.notification = row
                delivery.save()


def plan(news: Collection[News], now: datetime) -> Plan:
    """Who is told what, and how: read now, written later."""
    found = Plan()
    if not news:
        return found
    users = {user for one in news for concerned in one.to.values() for user in concerned}
    kinds = {kind for one in news for kind in one.to}
    told = set(Notification.objects.filter(key__in=[one.key for one in news]).values_list("user_id", "key"))
    people = User.objects.in_bulk(users)
    wanted = notices.channels_wanted(users, kinds)
    browsers: dict[int, list[PushSubscription]] = {}
    for row in PushSubscription.objects.filter(user_id__in=users).order_by("pk"):
        browsers.setdefault(row.user_id, []).append(row)
    for one in news:
        taken: dict[int, set[str]] = {}
        for kind, concerned in one.to.items():
            for pk in sorted(concerned):
                user = people.get(pk)
                channels = wanted[pk, kind] - taken.get(pk, set())
                if user is None or not user.is_active or not channels or (pk, one.key) in told:
                    continue
                taken.setdefault(pk, set()).update(channels)
                found.rows.append(notification(one, kind, user, channels, browsers.get(pk, []), now))
        told |= {(pk, one.key) for pk in taken}
    return found


def notification(
    news: News, kind: str, user: User, channels: Collection[str], browsers: list[PushSubscription], now: datetime
) -> tuple[Notification, list[NotificationDelivery]]:
    """The row in the person's own language and time, and a delivery for each way it takes."""
    zone = ZoneInfo(user.time_zone) if user.time_zone else None
    with translation.override(user.language or settings.LANGUAGE_CODE), timezone.override(zone):
        title, text = news.say(kind)
    row = Notification(
        user=user,
        organization_id=news.organization_id,
        kind=kind,
        key=news.key,
        title=" ".join(title.split())[:200],
        text=text,
        path=news.path[:300],
        in_portal=notices.PORTAL in channels,
        created_at=now,
    )
    ways = []
    if notices.EMAIL in channels and notices.sends_mail():
        ways.append(NotificationDelivery(channel=notices.EMAIL, due_at=now))
    if notices.PUSH in channels:
        ways += [
            NotificationDelivery(channel=notices.PUSH, target=one.pk, device=one.device, due_at=now) for one in browsers
        ]
    return row, ways


# --- Delivering ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended. `final` says that another one would end the same, `gone` that the browser has left."""

    error: str = ""
    final: bool = False
    gone: bool = False


def due(now: datetime) -> QuerySet[NotificationDelivery]:
    return NotificationDelivery.objects.filter(status=DeliveryStatus.WAITING, due_at__lte=now)


def has_due() -> bool:
    return due(timezone.now()).exists()


def claim_due(now: datetime) -> list[NotificationDelivery]:
    """What is due, claimed: of all workers that see a row, one takes it."""
    found = []
    for row in due(now).select_related("notification__user").order_by("due_at", "pk")[:MOST]:
        mine = NotificationDelivery.objects.filter(pk=row.pk, status=DeliveryStatus.WAITING, attempts=row.attempts)
        if mine.update(attempts=F("attempts") + 1, due_at=now + LEASE):
            row.attempts += 1
            found.append(row)
    return found


def attempts_of(rows: list[NotificationDelivery]) -> list[Callable[[], Outcome]]:
    """For each row what to do; that asks nothing of the database, and may run in another thread."""
    wanted = [row.target for row in rows if row.channel == notices.PUSH]
    browsers = PushSubscription.objects.in_bulk(wanted) if wanted else {}
    key = push.vapid_key() if wanted else ""
    return [
        partial(by_mail, row.notification)
        if row.channel == notices.EMAIL
        else partial(by_push, row.notification, browsers.get(row.target), key)
        for row in rows
    ]


def by_mail(row: Notification) -> Outcome:
    user = row.user
    if not user.is_active:
        return Outcome(_("The account is deactivated."), final=True)
    context = {
        "notification": row,
        "user": user,
        "url": mails.absolute(row.path) if row.path else "",
        "settings_url": mails.absolute("/profile/notifications/"),
    }
    return Outcome(mails.failure(user.email, "mail/notification.txt", context, user.language or settings.LANGUAGE_CODE))


def by_push(row: Notification, browser: PushSubscription | None, key: str) -> Outcome:
    # Whoever uses the browser by now may be somebody else.
    if browser is None or browser.user_id != row.user_id or not row.user.is_active:
        return Outcome(_("This browser no longer takes messages for you."), final=True)
    answer = push.send(browser, row.title, row.text, row.path, row.key, key)
    if answer.is_good:
        return Outcome()
    if answer.status in push.GONE:
        return Outcome(_("The browser has ended the subscription; it is removed."), final=True, gone=True)
    why = answer.error or f"{answer.status} {answer.text}".strip()
    # A message that the service understands and refuses is refused again.
    return Outcome(why, final=answer.status in (400, 401, 403, 413))


def record(row: NotificationDelivery, outcome: Outcome, now: datetime) -> None:
    """Done, due again, or failed; unless someone else has it by now."""
    mine = NotificationDelivery.objects.filter(pk=row.pk, status=DeliveryStatus.WAITING, attempts=row.attempts)
    error = outcome.error[:300].replace("\x00", "\ufffd")
    if not error:
        mine.update(status=DeliveryStatus.SENT, finished_at=now, error="")
        if row.channel == notices.PUSH:
            PushSubscription.objects.filter(pk=row.target).update(last_used_at=now)
    elif outcome.final or row.attempts > len(DELAYS):
        mine.update(status=DeliveryStatus.FAILED, finished_at=now, error=error)
        if outcome.gone:
            PushSubscription.objects.filter(pk=row.target, user_id=row.notification.user_id).delete()
    else:
        mine.update(due_at=now + DELAYS[row.attempts - 1], error=error)


@shared_task
@only_if(has_due)
def send_notifications() -> None:
    """Send what is due by mail and push."""
    send_due(_turn, claim_due, attempts_of, record)
