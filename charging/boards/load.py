"""The page of a site's load, and that of a station's charging profiles."""

from datetime import timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.actors import Role
from charging.boards.base import Board
from charging.composite import Step
from charging.models import ChargingProfile
from charging.queries import feed, profiles, sites, stations
from charging.queries import load as queries
from charging.step_chart import StepChart, chart_of
from mobility.errors import Forbidden

#: What of a station changes its profiles, or what they come to.
STATION_EVENTS = ("profiles.updated", "transaction.started", "transaction.ended", "station.updated")


class SiteLoadBoard(Board):
    """`params["site"]` is the site's id."""

    view = "site-load"
    template = "charging/parts/site_load.html"
    look_every_s = 5.0

    def fill(self) -> None:
        self.site = sites.get(self.actor, self.params.get("site", ""))
        self.picture = queries.picture(self.actor, self.site)
        self.stations = {row.station_id for row in queries.connectors(self.actor, self.site)[:1000]}

    def context(self) -> dict[str, Any]:
        return {
            "site": self.site,
            "picture": self.picture,
            "load": self.picture.load,
            "manages": self.actor.can(Role.MANAGER, self.site.organization_id),
        }

    def take(self, message: feed.Message) -> None:
        if message["event"] == "load.updated":
            self.stale = self.stale or message["data"].get("site") == self.site.pk
        elif message["event"] == "connector.updated" and message["station_id"] in self.stations:
            self.stale = True

    @property
    def bars(self) -> list[dict[str, Any]]:
        """Each circuit with a bar per phase: what flows, what may flow, and the limit, as parts of a hundred."""
        found = []
        for branch in self.picture.branches:
            phases = [
                bar(name, limit, measured, worst, others)
                for name, limit, measured, worst, others in zip(
                    queries.PHASES, branch.row.limit_a, branch.measured_a, branch.worst_a, branch.load_a, strict=True
                )
            ]
            found.append({"branch": branch, "phases": phases, "metered": self.is_metered(branch.row)})
        return found

    def is_metered(self, row: Any) -> bool:
        return row.load_until is not None and row.load_until > timezone.now()

    @property
    def has_surplus(self) -> bool:
        load = self.picture.load
        return load.surplus_until is not None and load.surplus_until > timezone.now()


def bar(name: str, limit: float, measured: float, worst: float, others: float) -> dict[str, Any]:
    def part(amps: float) -> str:
        return f"{min(100.0, 100 * max(0.0, amps) / limit) if limit else 0:.1f}"

    return {
        "name": name,
        "limit": queries.figure(limit),
        "measured": queries.figure(measured),
        "worst": queries.figure(worst),
        "others": queries.figure(others),
        "measured_part": part(measured),
        "worst_part": part(worst),
        "is_over": worst > limit + 1e-6,
    }


class ProfilesBoard(Board):
    """The charging profiles of a station: `params["station"]` is its identity, `evse` the EVSE whose schedule shows."""

    view = "profiles"
    template = "charging/parts/profiles.html"

    def fill(self) -> None:
        self.station = stations.get(self.actor, self.params.get("station", ""))
        if not self.sees(self.station.organization_id):
            raise Forbidden(_("Charging profiles are for managers and viewers."))
        self.rows = [(row, profiles.status_of(row), profiles.answer_of(row)) for row in self.of_station()]
        numbers = [evse.number for evse in self.station.evses.all()]
        asked = self.params.get("evse", "")
        self.evses = numbers or [1]
        self.evse = int(asked) if asked.isdecimal() and int(asked) in self.evses else self.evses[0]
        self.comparison = profiles.comparison(self.station, self.evse)

    def of_station(self) -> list[ChargingProfile]:
        rows = profiles.visible(self.actor).filter(station=self.station)
        kept = rows.exclude(status=ChargingProfile.Status.CLEARED).order_by("-pk")[:100]
        return list(kept)

    def sees(self, organization_id: int) -> bool:
        return self.actor.is_platform_admin or self.actor.memberships.get(organization_id) != Role.DRIVER

    def context(self) -> dict[str, Any]:
        return {
            "station": self.station,
            "rows": self.rows,
            "comparison": self.comparison,
            "manages": self.actor.can(Role.MANAGER, self.station.organization_id),
        }

    def take(self, message: feed.Message) -> None:
        about = message["station_id"] == self.station.pk and message["event"] in STATION_EVENTS
        shared = message["event"] == "load.updated" and message["data"].get("site") == self.station.site_id
        self.stale = self.stale or about or shared

    @property
    def chart(self) -> StepChart:
        found = self.comparison
        curves: dict[str, Any] = {"computed": found.ours}
        if found.theirs is not None:
            curves["reported"] = found.theirs
        return chart_of(curves, found.begins_at, found.duration_s)

    @property
    def table(self) -> list[dict[str, Any]]:
        """The computed schedule, as rows that say from when it holds."""
        return [row_of(self.comparison, step) for step in self.comparison.ours[:200]]

    @property
    def gaps(self) -> list[dict[str, Any]]:
        begin = self.comparison.begins_at
        return [
            {
                "begin": begin + timedelta(seconds=start),
                "end": begin + timedelta(seconds=end),
                "ours": None if ours is None else queries.figure(ours),
                "theirs": None if theirs is None else queries.figure(theirs),
            }
            for start, end, ours, theirs in self.comparison.differences[:50]
        ]


def row_of(found: profiles.Comparison, step: Step) -> dict[str, Any]:
    return {
        "begin": found.begins_at + timedelta(seconds=step.start_s),
        "limit": None if step.limit is None else queries.figure(step.limit),
        "because": step.because,
    }
