"""The list of id tags, and what learn mode is doing."""

from typing import Any

from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Coalesce, NullIf
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.actors import Role
from charging.boards.base import Board
from charging.models import ChargingStation, IdTag
from charging.models.id_tags import canonical_id_tag
from charging.queries import feed, id_tags, stations

#: state -> what it is called
STATES: dict[str, Any] = {"valid": _("Valid"), "blocked": _("Blocked"), "expired": _("Expired")}
NAMED = Coalesce(NullIf(F("name"), Value("")), F("id_tag"))
#: what the URL says -> (label, what the list is ordered by)
ORDERS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "name": (_("Name"), (NAMED.asc(), "pk")),
    "-name": (_("Name, Z to A"), (NAMED.desc(), "pk")),
    "user": (_("Person"), (F("user__email").asc(nulls_last=True), "pk")),
    "-user": (_("Person, Z to A"), (F("user__email").desc(nulls_last=True), "pk")),
    "group": (_("Group"), ("parent_id_tag", "pk")),
    "-group": (_("Group, Z to A"), ("-parent_id_tag", "pk")),
    "expires": (_("Expiry"), (F("expires").asc(nulls_last=True), "pk")),
    "-expires": (_("Expiry, latest first"), (F("expires").desc(nulls_last=True), "pk")),
    "-newest": (_("Newest"), ("-created_at", "-pk")),
}


class IdTagsBoard(Board):
    """Query: `q` (name, tag, person, alias), `state`, `group` (a parent tag), `user` (an id), `sort`, `page`."""

    view = "id-tags"
    template = "charging/parts/id_tags.html"
    per_page = 50
    default_sort = "name"

    def fill(self) -> None:
        rows = id_tags.visible(self.actor)
        self.total = rows.count()
        self.page = self.paginate(self._sorted(self._filtered(rows)))
        self.rows: list[IdTag] = list(self.page.object_list)
        self.groups = id_tags.groups(self.actor)
        self.learning = self._learning()
        #: What was learnt while this page is open, the newest first.
        self.learnt: list[dict[str, Any]] = getattr(self, "learnt", [])

    def _learning(self) -> list[ChargingStation]:
        return list(stations.learning(self.actor)[:20])

    def _filtered(self, rows: "QuerySet[IdTag]") -> "QuerySet[IdTag]":
        words = self.params.get("q", "").replace("\x00", "").strip()
        if words:
            found = Q(name__icontains=words) | Q(id_tag__icontains=words)
            found |= Q(user__name__icontains=words) | Q(user__email__icontains=words)
            if canonical := canonical_id_tag(words):
                found |= Q(canonical__contains=canonical) | Q(pk__in=id_tags.with_alias(self.actor, canonical))
            rows = rows.filter(found)
        now, state = timezone.now(), self.params.get("state", "")
        if state == "blocked":
            rows = rows.filter(blocked=True)
        elif state == "expired":
            rows = rows.filter(expires__lte=now)
        elif state == "valid":
            rows = rows.filter(Q(expires=None) | Q(expires__gt=now), blocked=False)
        if self.params.get("group"):
            rows = rows.filter(parent_id_tag=self.params["group"].replace("\x00", ""))
        user = self.params.get("user", "")
        return rows.filter(user=int(user)) if user.isascii() and user.isdecimal() and len(user) < 10 else rows

    def _sorted(self, rows: "QuerySet[IdTag]") -> "QuerySet[IdTag]":
        return rows.order_by(*ORDERS.get(self.params.get("sort", ""), ORDERS[self.default_sort])[1])

    def context(self) -> dict[str, Any]:
        return {
            "page": self.page,
            "rows": self.rows,
            "total": self.total,
            "groups": self.groups,
            "learning": self.learning,
            "learnt": self.learnt,
            "manages": self.actor.organization_ids(Role.MANAGER) != [],
            "now": timezone.now(),
        }

    @property
    def is_filtered(self) -> bool:
        return any(self.params.get(name) for name in ("q", "state", "group", "user"))

    def poll(self) -> None:
        """Learn mode ends by itself, or is begun on another page."""
        before = [row.pk for row in self.learning]
        self.stale = self.stale or [row.pk for row in self._learning()] != before

    def take(self, message: feed.Message) -> None:
        if message["event"] == "id_tag.learnt":
            self.learnt = [message["data"], *self.learnt][:5]
            self.stale = True
