"""Jobs of stations: their list, the page of one, and that of a group."""

from typing import Any

from django.db.models import Q, QuerySet
from django.utils.dateparse import parse_datetime

from accounts.actors import Role
from accounts.listing import between
from charging.boards.base import Board
from charging.cards import Chip
from charging.jobs import words
from charging.models import StationJob
from charging.queries import feed, jobs

Json = dict[str, Any]
OPEN = ("waiting", *words.ACTIVE)


class Row:
    """A job as pages show it, from its JSON."""

    def __init__(self, json: Json) -> None:
        self.json = json

    @property
    def chip(self) -> Chip:
        return words.chip(self.json["state"])

    @property
    def icon(self) -> str:
        return words.KINDS[self.json["kind"]][0]

    @property
    def name(self) -> str:
        return words.name_of(self.json)

    @property
    def outcome(self) -> str:
        return words.outcome(self.json)

    @property
    def is_open(self) -> bool:
        return self.json["state"] in OPEN

    @property
    def may_be_called_back(self) -> bool:
        """Whether it may not have begun: the command of one that is asked may still wait for its station."""
        return self.json["state"] in ("waiting", "asked")

    @property
    def is_lost(self) -> bool:
        return self.json["state"] in words.LOST


class JobsBoard(Board):
    """Query: `q` (station), `station`, `kind`, `state` (open, lost, or one of them), `from`, `to`, `page`."""

    view = "jobs"
    template = "charging/parts/jobs.html"

    def fill(self) -> None:
        self.page = self.paginate(self.found())
        self.rows = {row.pk: Row(jobs.as_json(row)) for row in self.page.object_list}

    def found(self) -> "QuerySet[StationJob]":
        rows = jobs.visible(self.actor)
        text = self.params.get("q", "").replace("\x00", "").strip()
        if text:
            rows = rows.filter(Q(station__name__icontains=text) | Q(station__identity__icontains=text))
        if self.params.get("station"):
            rows = rows.filter(station__identity=self.params["station"].replace("\x00", ""))
        if self.params.get("kind") in words.KINDS:
            rows = rows.filter(kind=self.params["kind"])
        state = self.params.get("state", "")
        if state in ("open", "lost"):
            rows = rows.filter(state__in=OPEN if state == "open" else words.LOST)
        elif state in words.STATES:
            rows = rows.filter(state=state)
        rows = between(rows, "created_at", self.params.get("from"), self.params.get("to"))
        return rows.order_by("-created_at", "-pk")

    def context(self) -> Json:
        return {"rows": self.rows.values(), "page": self.page}

    @property
    def is_filtered(self) -> bool:
        return any(self.params.get(name) for name in ("q", "station", "kind", "state", "from", "to"))

    def take(self, message: feed.Message) -> None:
        if message["event"] != "job.updated":
            return
        row = self.rows.get(message["data"]["id"])
        if row is None:
            self.stale = True
            return
        row.json = message["data"]
        self.mark("job_row", row.json["id"], row=row)


class JobBoard(Board):
    """One job: `params["job"]` is its id."""

    view = "job"
    template = "charging/parts/job.html"

    def fill(self) -> None:
        self.row = Row(jobs.as_json(jobs.get(self.actor, self.params.get("job", ""))))

    def context(self) -> Json:
        return {"row": self.row, "json": self.row.json, "manages": self.manages}

    @property
    def manages(self) -> bool:
        return self.actor.can(Role.MANAGER, self.row.json["organization"])

    @property
    def entries(self) -> list[Json]:
        """The log, the newest first."""
        found = []
        for step in reversed(self.row.json["steps"]):
            icon, mood, text = words.line(step)
            found.append({"at": parse_datetime(step["at"]), "icon": icon, "mood": mood, "title": text})
        return found

    def take(self, message: feed.Message) -> None:
        if message["event"] == "job.updated" and message["data"]["id"] == self.row.json["id"]:
            self.stale = True


class JobGroupBoard(Board):
    """One job at many stations: `params["group"]` is the group's id."""

    view = "job-group"
    template = "charging/parts/job_group.html"
    per_page = 100

    def fill(self) -> None:
        self.group = jobs.get_group(self.actor, self.params.get("group", ""))
        rows = jobs.of_group(self.actor, self.group)
        self.states: dict[int, str] = dict(rows.values_list("pk", "state"))
        self.page = self.paginate(rows)
        self.rows = {row.pk: Row(jobs.as_json(row)) for row in self.page.object_list}

    def context(self) -> Json:
        return {"rows": self.rows.values(), "page": self.page, "group": self.group, "manages": self.manages}

    @property
    def manages(self) -> bool:
        return self.actor.can(Role.MANAGER, self.group.organization_id)

    @property
    def name(self) -> str:
        first = next(iter(self.rows.values()), None)
        return first.name if first else str(words.KINDS[self.group.kind][1])

    @property
    def counts(self) -> Json:
        states = list(self.states.values())
        found = {
            "all": len(states),
            "waiting": states.count("waiting"),
            "running": sum(state in words.ACTIVE for state in states),
            "done": states.count("done"),
            "lost": sum(state in words.LOST for state in states),
        }
        return {**found, "over": found["done"] + found["lost"]}

    def take(self, message: feed.Message) -> None:
        data = message["data"]
        if message["event"] != "job.updated" or data["id"] not in self.states:
            return
        self.states[data["id"]] = data["state"]
        self.mark("job_counts", 0)
        row = self.rows.get(data["id"])
        if row is not None:
            row.json = data
            self.mark("job_row", data["id"], row=row)
